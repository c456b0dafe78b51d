"""Every kind of thing that proves who somebody is, made in one library and used in another and on the public site.

It opens nothing there and nothing changes in any schema; at home the very same thing still works afterwards. A kind of
credential that this page does not know fails the last tests: they read the authentication classes, the signing salts
and the purposes of the libraries' keys from the source.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from saas.core import clock
from saas.core.security_events import Kind as Event
from saas.core.tenancy import in_library, in_public
from shared_apps.accounts.models import User
from shared_apps.accounts.services import start_session
from shared_apps.security.models import SecurityEvent
from tests.architecture.sources import PROJECT, sources
from tests.database import sandbox
from tests.factories import PASSWORD
from tests.permissions.examples import send
from tests.permissions.scenes import Scenes, open_scenes
from tests.snapshots import differences, snapshot
from tests.tenant_apps.keys.makers import ALL, make_key
from tests.tenant_apps.visits.visitors import begin

pytestmark = pytest.mark.django_db
SCHEMAS = ("lib_north", "lib_south", "public")
# Where a refused attempt is written down, in the library where it was made.
LOGS = {"audit_auditentry", "audit_auditpersonalvalues"}
HOSTS = {"north": "north.localhost", "south": "south.localhost", "public": "localhost"}
PRIVATE = "/api/v1/auth/sessions/"


@pytest.fixture(scope="module")
def scenes(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scenes]:
    with django_db_blocker.unblock(), open_scenes() as found:
        yield found


@dataclass(frozen=True)
class Credential:
    """How one is made in north, and how a client of a site uses it; `refused` is how everywhere else answers.

    `caller` is who the client has signed in as, at the site where it is used.
    """

    make: Callable[[Scenes], Any]
    use: Callable[[Any, Any], Any]
    refused: frozenset[int] = frozenset({401, 404})
    good: frozenset[int] = frozenset({200})
    caller: str = "anonymous"

    def client(self, scenes: Scenes, site: str) -> Any:
        scene = {"north": scenes.north, "south": scenes.south, "public": scenes.public}[site]
        is_known = self.caller != "anonymous"
        return scenes.client(scene, "staff" if site == "public" and is_known else self.caller)


def client(site: str, **defaults: Any) -> Any:
    return APIClient(HTTP_HOST=HOSTS[site], **defaults)


def reader_of(scenes: Scenes) -> User:
    with in_library(scenes.north.library):
        return User.objects.get(email="reader@north.example")


def session_of(scenes: Scenes) -> Any:
    reader = reader_of(scenes)
    with in_library(scenes.north.library):
        return start_session(user=reader, now=clock.now())


def by_header(scheme: str) -> Callable[[Any, Any], Any]:
    path = PRIVATE if scheme == "Bearer" else "/api/v1/settings/"
    return lambda client, value: client.get(path, headers={"authorization": f"{scheme} {value}"})


def by_cookie(name: str, path: str) -> Callable[[Any, Any], Any]:
    def use(client: Any, value: str) -> Any:
        client.cookies[name] = value
        return client.get(path)

    return use


def by_body(path: str) -> Callable[[Any, Any], Any]:
    return lambda client, value: client.post(path, {"refresh": value}, format="json")


def page_session(_scenes: Scenes) -> str:
    browser = client("north")
    form = {"identifier": "reader@north.example", "password": PASSWORD}
    assert browser.post("/sign-in/", form, format="multipart").status_code == 303
    return str(browser.cookies[settings.SESSION_COOKIE_NAME].value)


def example_of(key: str, caller: str = "anonymous") -> Credential:
    """A link or code that an example request of north sends; elsewhere somebody of that place sends it."""
    method, _path = key.split(" ")
    return Credential(
        lambda scenes: scenes.example("library", key, scenes.north, caller),
        lambda client, example: send(client, method, example),
        refused=frozenset({401, 404}),
        good=frozenset({200, 201, 204}),
        caller=caller,
    )


def library_session(token: Callable[[Any], str]) -> Callable[[Scenes], str]:
    return lambda scenes: token(session_of(scenes))


CREDENTIALS: dict[str, Credential] = {
    "access token": Credential(library_session(lambda made: made.access), by_header("Bearer")),
    "access token in a cookie": Credential(
        library_session(lambda made: made.access), by_cookie("libraryhub-access", PRIVATE)
    ),
    "refresh token": Credential(library_session(lambda made: made.refresh), by_body("/api/v1/auth/refresh/")),
    "refresh token, to sign somebody out": Credential(
        library_session(lambda made: made.refresh),
        by_body("/api/v1/auth/logout/"),
        good=frozenset({204}),
    ),
    # Elsewhere the page asks to sign in, or there is none.
    "session of the pages": Credential(
        page_session, by_cookie(settings.SESSION_COOKIE_NAME, "/account/"), refused=frozenset({303, 404})
    ),
    "API key": Credential(lambda scenes: make_key(scenes.north.library, *ALL).key, by_header("Api-Key")),
    "visit of platform staff": Credential(
        lambda scenes: begin(scenes.north.library).token, by_header("Visit")
    ),
    "reset link": example_of("POST /api/v1/auth/password/reset/confirm/"),
    "code of a registration": example_of("POST /api/v1/auth/registration/verify-email/"),
    "code for a new address": example_of("POST /api/v1/auth/email/change/confirm/", "reader"),
    "invitation": example_of("POST /api/v1/invitations/accept/"),
    "link to an identity": example_of("POST /api/v1/auth/social/link/", "reader"),
}
ELSEWHERE = [(kind, site) for kind in CREDENTIALS for site in ("south", "public")]


@pytest.mark.parametrize(("kind", "site"), ELSEWHERE)
def test_it_opens_nothing_elsewhere_and_still_works_at_home(scenes: Scenes, kind: str, site: str) -> None:
    credential = CREDENTIALS[kind]
    with sandbox():
        value = credential.make(scenes)
        stranger, owner = credential.client(scenes, site), credential.client(scenes, "north")
        before = snapshot(*SCHEMAS)
        answer = credential.use(stranger, value)
        assert answer.status_code in credential.refused, answer.content[:300]
        assert "north" not in answer.content.decode().replace("North Library", "")
        if answer.status_code == 303:
            assert answer["Location"].startswith("/sign-in/")
        changed = differences(before, snapshot(*SCHEMAS))
        assert {name for name in changed if name.split(".")[1] not in LOGS} == set()
        assert not any(name.startswith("lib_north.") for name in changed), "not even north's log"
        at_home = credential.use(owner, value)
        assert at_home.status_code in credential.good, at_home.content[:300]


@pytest.mark.parametrize("site", ["north", "south"])
def test_what_the_platforms_people_hold_opens_no_library(scenes: Scenes, site: str) -> None:
    with sandbox():
        with in_public():
            token = str(RefreshToken.for_user(scenes.public.account).access_token)
        before = snapshot(*SCHEMAS)
        answer = client(site, HTTP_AUTHORIZATION=f"Bearer {token}").get(PRIVATE)
        assert answer.status_code == 401
        assert differences(before, snapshot(*SCHEMAS)) == {}


def test_a_foreign_token_is_told_to_the_library_that_refused_it(scenes: Scenes) -> None:
    with sandbox():
        access = session_of(scenes).access
        assert client("south", HTTP_AUTHORIZATION=f"Bearer {access}").get(PRIVATE).status_code == 401
        with in_library(scenes.south.library):
            (event,) = SecurityEvent.objects.filter(kind=Event.FOREIGN_TOKEN.value)
        assert event.facts == {"issuer": str(scenes.north.library.id)}
        with in_library(scenes.north.library):
            assert not SecurityEvent.objects.filter(kind=Event.FOREIGN_TOKEN.value).exists()


# -- nothing is missing ---------------------------------------------------------------------------------------------------

AUTHENTICATION = {
    "saas.core.api.authentication.LibraryJWTAuthentication": "access token",
    "saas.core.api.key_authentication.ApiKeyAuthentication": "API key",
    "saas.core.api.visits.VisitAuthentication": "visit of platform staff",
}
# Everything that signs, seals or digests: `file: expression` to the kind above, or to the test that shows its wall.
SIGNERS = {
    "saas/core/jwt.py: 'jwt'": "access token",
    "saas/core/jwt.py: 'password'": "access token",
    "saas/core/sealing.py: purpose": "tests/saas/core/test_sealing.py::test_it_opens_nowhere_else",
    "saas/core/api/cursors.py: f'cursor:{CURSOR_FORMAT}:{current_schema()}:{path}:{urlencode(bound)}:{order}'": (
        "tests/isolation/test_cursors.py::test_a_cursor_of_another_library_is_refused"
    ),
    "tenant_apps/catalog/api/parameters.py: f'search:{current_schema()}:{urlencode(bound)}'": (
        "tests/isolation/test_cursors.py::test_a_cursor_of_another_library_is_refused"
    ),
    # Of the public site alone: the library does not exist yet.
    "shared_apps/signup/tokens.py: _SALT": "tests/shared_apps/signup/test_tokens.py::",
    "shared_apps/accounts/services/attempts.py: _device_salt()": (
        "tests/shared_apps/accounts/test_attempts.py::test_a_device_helps_its_own_user_in_its_own_library_alone"
    ),
    "shared_apps/accounts/services/passwords.py: key_salt": "reset link",
    "shared_apps/accounts/services/codes.py: 'mailed-code'": "code of a registration",
    "shared_apps/delivery/services/idempotency.py: 'idempotency'": (
        "tests/shared_apps/delivery/test_idempotency.py::test_a_key_used_in_one_library_is_unknown_in_another"
    ),
    "shared_apps/delivery/services/forms.py: 'form'": (
        "tests/shared_apps/delivery/test_once.py::test_another_library_knows_nothing_of_it"
    ),
    "tenant_apps/members/rules.py: _TOKEN": "invitation",
    "tenant_apps/members/rules.py: _DIGEST": "invitation",
    "tenant_apps/keys/rules.py: _PURPOSE": "API key",
    "tenant_apps/visits/tokens.py: 'visit'": "visit of platform staff",
}
# What proves who somebody is and is neither signed nor sealed, or is kept in more than one way.
OTHERS = {
    "a session's number": "session of the pages",
    "CSRF cookie: belongs to the host, and is nothing without a session": (
        "tests/shared_apps/accounts/test_cookies.py::test_another_site_cannot_send_it"
    ),
    "Idempotency-Key": (
        "tests/shared_apps/delivery/test_idempotency.py::test_a_key_used_in_one_library_is_unknown_in_another"
    ),
    "OIDC state": (
        "tests/tenant_apps/federation/test_sign_in_attacks.py::test_a_state_of_one_library_is_nothing_in_another"
    ),
    "passkeys and authenticator apps": (
        "tests/shared_apps/accounts/test_own_factors.py::test_a_copied_row_is_worth_nothing_in_another_library"
    ),
}


def signers() -> set[str]:
    """Each `salt=`, `key_salt` and `library_keys(...)` of the source."""
    found = set()
    for file in sources():
        name = file.relative_to(PROJECT).as_posix()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func).rsplit(".", 1)[-1]
                if called in {"library_keys", "salted_hmac"}:
                    found.add(f"{name}: {ast.unparse(node.args[0])}")
                found |= {f"{name}: {ast.unparse(k.value)}" for k in node.keywords if k.arg == "salt"}
            elif isinstance(node, ast.FunctionDef) and node.name == "key_salt":
                found.add(f"{name}: key_salt")
    return found


def test_every_way_to_be_recognised_is_above() -> None:
    assert set(settings.REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"]) == set(AUTHENTICATION)
    views = {
        f"{file.relative_to(PROJECT).as_posix()}: {ast.unparse(node.value)}"
        for file in sources()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.AnnAssign | ast.Assign)
        and node.value is not None
        and any(
            isinstance(target, ast.Name) and target.id == "authentication_classes"
            for target in ([node.target] if isinstance(node, ast.AnnAssign) else node.targets)
        )
    }
    named = {view for view in views if not view.endswith((": ()", ": []"))}
    assert named == set(), "a view with ways of its own: name them here"


def test_everything_that_signs_is_above() -> None:
    assert signers() == set(SIGNERS)


@pytest.mark.parametrize("proof", sorted({*AUTHENTICATION.values(), *SIGNERS.values(), *OTHERS.values()}))
def test_what_is_named_as_proof_exists(proof: str) -> None:
    if "::" not in proof:
        assert proof in CREDENTIALS
        return
    file, _colons, name = proof.partition("::")
    assert f"def {name}(" in (PROJECT / file).read_text() if name else (PROJECT / file).is_file()
