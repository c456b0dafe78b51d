"""Two web processes with caches of their own: what is taken away in one is refused by the other at its next request.

No time passes in between and no message is waited for. Each process is asked twice before, so that it has remembered
whatever it ever will.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from rest_framework_simplejwt.tokens import RefreshToken

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from shared_apps.accounts.services import start_session
from tenant_apps.access import services
from tenant_apps.access.models import Role, RoleAssignment
from tests import granian_process
from tests.factories import NOW, PASSWORD
from tests.tenant_apps.keys.makers import make_key

pytestmark = pytest.mark.slow
PATRONS, TITLES, ROLES = "/api/v1/patrons/", "/api/v1/titles/", "/api/v1/roles/"


@dataclass
class Worker:
    """One process, asked over HTTP on the host of a library."""

    port: int
    host: str = "east.localhost"

    def ask(self, who: dict[str, str], method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Status, headers and JSON of the answer."""
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Host": self.host, "Accept": "application/json", **who, **headers}
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            wire.request(method, path, None if body is None else json.dumps(body), sent)
            answer = wire.getresponse()
            text = answer.read()
            return answer.status, answer.headers, json.loads(text) if text else None
        finally:
            wire.close()

    def status(self, who: dict[str, str], path: str) -> tuple[int, str]:
        """Of a GET: the status and the code of a refusal."""
        status, _headers, found = self.ask(who, "GET", path)
        return status, found.get("code", "")

    def change(self, who: dict[str, str], method: str, path: str, body: Any = None) -> Any:
        """Change something as an admin does, who has seen its present version."""
        headers = {}
        if method == "PATCH":
            headers["If-Match"] = self.ask(who, "GET", path)[1]["ETag"]
        status, _headers, found = self.ask(who, method, path, body, **headers)
        assert status < 300, found
        return found


@dataclass
class World:
    """East, its two workers, an admin, and Lea, who sees patrons by a role of the library's own."""

    library: Any
    workers: list[Worker]
    admin: dict[str, str] = field(init=False)
    lea: User = field(init=False)
    role: Role = field(init=False)
    held: RoleAssignment = field(init=False)

    def __post_init__(self) -> None:
        with in_library(self.library):
            self.admin = self.bearer(User.objects.get(email="admin@east.example"))
            self.lea = services.create_member(
                email="lea@east.example",
                name="Lea",
                password=PASSWORD,
                role="guest",
                now=clock.now(),
                by=SYSTEM,
            )
            self.role = services.create_role(
                code="desk", name="Desk", permissions=["patrons.view"], by=SYSTEM, now=NOW
            )
            self.held = services.assign_role(user_id=self.lea.pk, role="desk", by=SYSTEM, now=NOW)

    def bearer(self, user: User) -> dict[str, str]:
        """A token that belongs to no session."""
        with in_library(self.library):
            return {"Authorization": f"Bearer {RefreshToken.for_user(user).access_token}"}

    def session(self, user: User) -> dict[str, str]:
        """A token of a session that has just been opened."""
        with in_library(self.library):
            return {"Authorization": f"Bearer {start_session(user=user, now=clock.now()).access}"}

    def assert_all_say(self, expected: tuple[int, str], who: dict[str, str], path: str = PATRONS) -> None:
        """Both workers, twice each."""
        for worker in self.workers * 2:
            assert worker.status(who, path) == expected

    def takes_back_and_gives_again(
        self,
        who: dict[str, str],
        path: str,
        refusal: tuple[int, str],
        take: Callable[[Worker], Any],
        give: Callable[[Worker], Any],
    ) -> None:
        """Taken in one, refused by the other; given in that, let in by the first; then the other way round."""
        for here, there in (self.workers, reversed(self.workers)):
            self.assert_all_say((200, ""), who, path)
            take(here)
            assert there.status(who, path) == refusal
            self.assert_all_say(refusal, who, path)
            give(there)
            assert here.status(who, path) == (200, "")
        self.assert_all_say((200, ""), who, path)


@pytest.fixture(scope="module")
def workers(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Worker]]:
    folder: Path = tmp_path_factory.mktemp("workers")
    with (
        django_db_blocker.unblock(),
        granian_process.granian("wsgi", "saas.wsgi:application", log=folder / "one") as one,
        granian_process.granian("wsgi", "saas.wsgi:application", log=folder / "two") as two,
    ):
        yield [Worker(one.port), Worker(two.port)]


@pytest.fixture
def world(committed_library: Any, workers: list[Worker]) -> World:
    return World(committed_library, workers)


DENIED, SIGNED_OUT = (403, "permission_denied"), (401, "token_invalid")


def test_a_role_that_is_taken_away(world: World) -> None:
    lea, held = world.bearer(world.lea), [world.held.pk]

    def take(worker: Worker) -> None:
        worker.change(world.admin, "DELETE", f"/api/v1/role-assignments/{held.pop()}/")

    def give(worker: Worker) -> None:
        made = worker.change(
            world.admin, "POST", "/api/v1/role-assignments/", {"role": "desk", "user": str(world.lea.pk)}
        )
        held.append(made["id"])

    world.takes_back_and_gives_again(lea, PATRONS, DENIED, take, give)


def test_a_role_that_allows_less(world: World) -> None:
    path = f"{ROLES}{world.role.pk}/"
    world.takes_back_and_gives_again(
        world.bearer(world.lea),
        PATRONS,
        DENIED,
        lambda worker: worker.change(world.admin, "PATCH", path, {"permissions": ["catalog.view"]}),
        lambda worker: worker.change(world.admin, "PATCH", path, {"permissions": ["patrons.view"]}),
    )


@pytest.mark.parametrize(
    ("take", "give"),
    [
        (
            "UPDATE access_role SET permissions = '{catalog.view}' WHERE code = 'desk'",
            "UPDATE access_role SET permissions = '{patrons.view}' WHERE code = 'desk'",
        ),
        (
            "UPDATE access_roleassignment SET role_id = (SELECT id FROM access_role WHERE code = 'guest')"
            " WHERE role_id = (SELECT id FROM access_role WHERE code = 'desk')",
            "UPDATE access_roleassignment SET role_id = (SELECT id FROM access_role WHERE code = 'desk')"
            " WHERE role_id = (SELECT id FROM access_role WHERE code = 'guest')",
        ),
    ],
)
def test_what_no_code_of_ours_was_told_of(world: World, take: str, give: str) -> None:
    """Statements by hand count like any other change: nothing has to be announced."""

    def by_hand(statement: str) -> Callable[[Worker], None]:
        def run(_worker: Worker) -> None:
            with in_library(world.library), connection.cursor() as cursor:
                cursor.execute(statement)
                assert cursor.rowcount == 1

        return run

    with in_library(world.library):
        RoleAssignment.objects.filter(user=world.lea, role__code="guest").delete()
    world.takes_back_and_gives_again(world.bearer(world.lea), PATRONS, DENIED, by_hand(take), by_hand(give))


def test_somebody_who_is_locked_out(world: World) -> None:
    lea, path = world.bearer(world.lea), f"/api/v1/members/{world.lea.pk}/"
    world.takes_back_and_gives_again(
        lea,
        PATRONS,
        SIGNED_OUT,
        lambda worker: worker.change(world.admin, "POST", f"{path}deactivate/", {}),
        lambda worker: worker.change(world.admin, "POST", f"{path}reactivate/", {}),
    )


def test_a_password_that_is_another(world: World) -> None:
    old = PASSWORD
    for number, (here, there) in enumerate((world.workers, reversed(world.workers))):
        with in_library(world.library):
            world.lea.refresh_from_db()
        lea, elsewhere = world.session(world.lea), world.bearer(world.lea)
        world.assert_all_say((200, ""), lea)
        world.assert_all_say((200, ""), elsewhere)
        new = f"another-long-pass-phrase-{number}"
        body = {"old_password": old, "new_password1": new}
        here.change(lea, "POST", "/api/v1/auth/password/change/", body)
        assert there.status(elsewhere, PATRONS) == SIGNED_OUT
        world.assert_all_say(SIGNED_OUT, elsewhere)
        old = new


def test_a_session_that_is_ended(world: World) -> None:
    for here, there in (world.workers, reversed(world.workers)):
        one, other = world.session(world.lea), world.bearer(world.lea)
        world.assert_all_say((200, ""), one)
        here.change(world.admin, "DELETE", f"/api/v1/members/{world.lea.pk}/sessions/")
        assert there.status(one, PATRONS) == SIGNED_OUT
        world.assert_all_say(SIGNED_OUT, one)
        world.assert_all_say((200, ""), other)  # ended was the session, not the person


def test_a_key_that_is_revoked_or_whose_account_loses_a_role(world: World) -> None:
    for here, there in (world.workers, reversed(world.workers)):
        own, lent = make_key(world.library, "patrons.view"), make_key(world.library)
        keys = [{"Authorization": f"Api-Key {made.key}"} for made in (own, lent)]
        body = {"role": "desk", "service_account": str(lent.row.service_account_id)}
        held = here.change(world.admin, "POST", "/api/v1/role-assignments/", body)
        for key in keys:
            world.assert_all_say((200, ""), key)
        here.change(world.admin, "DELETE", f"/api/v1/api-keys/{own.row.pk}/")
        here.change(world.admin, "DELETE", f"/api/v1/role-assignments/{held['id']}/")
        assert there.status(keys[0], PATRONS) == SIGNED_OUT
        assert there.status(keys[1], PATRONS) == DENIED
        world.assert_all_say(SIGNED_OUT, keys[0])
        world.assert_all_say(DENIED, keys[1])


def test_a_catalogue_that_is_closed_to_guests(world: World) -> None:
    """For those who have not signed in, and for who has and holds no role."""
    with in_library(world.library):
        stranger = User.objects.create_user("stranger@east.example", PASSWORD)
    nobody = world.bearer(stranger)

    def switch(on: bool) -> Callable[[Worker], Any]:
        return lambda worker: worker.change(
            world.admin, "PATCH", "/api/v1/settings/", {"guests_may_search": on}
        )

    close, reopen = switch(False), switch(True)
    world.takes_back_and_gives_again({}, TITLES, (401, "not_authenticated"), close, reopen)
    world.takes_back_and_gives_again(nobody, TITLES, DENIED, close, reopen)


def test_admins_who_must_have_a_second_factor_from_now_on(world: World) -> None:
    from tenant_apps.preferences import services as preferences

    def relent(_worker: Worker) -> None:
        with in_library(world.library):
            preferences.change(values={"admins_need_mfa": False}, by=SYSTEM, now=clock.now())

    world.takes_back_and_gives_again(
        world.admin,
        ROLES,
        (403, "mfa_enrolment_required"),
        lambda worker: worker.change(world.admin, "PATCH", "/api/v1/settings/", {"admins_need_mfa": True}),
        relent,
    )


def test_a_second_factor_that_is_taken_away(world: World) -> None:
    from tenant_apps.preferences import services as preferences
    from tests.authenticators import app_of

    with in_library(world.library):
        admin = User.objects.get(email="admin@east.example")
        preferences.change(values={"admins_need_mfa": True}, by=SYSTEM, now=clock.now())
        app_of(admin)

    def take(_worker: Worker) -> None:
        with in_library(world.library):
            assert Authenticator.objects.filter(user=admin).delete()[0]

    def give(_worker: Worker) -> None:
        with in_library(world.library):
            app_of(admin)

    refusal = (403, "mfa_enrolment_required")
    world.takes_back_and_gives_again(world.admin, ROLES, refusal, take, give)


def test_a_machine_that_is_switched_off(world: World) -> None:
    made = make_key(world.library, "patrons.view")
    path = f"/api/v1/service-accounts/{made.row.service_account_id}/"
    world.takes_back_and_gives_again(
        {"Authorization": f"Api-Key {made.key}"},
        PATRONS,
        SIGNED_OUT,
        lambda worker: worker.change(world.admin, "PATCH", path, {"is_active": False}),
        lambda worker: worker.change(world.admin, "PATCH", path, {"is_active": True}),
    )


def test_a_library_that_is_made_anew_in_the_same_schema(world: World) -> None:
    """The same ids come back with other rights behind them: what was remembered of the first library opens nothing."""
    from tests.conftest import _empty

    lea = world.bearer(world.lea)
    world.assert_all_say((200, ""), lea)
    before = world.lea.pk, world.role.pk, world.held.pk
    _empty(world.library)
    with in_library(world.library):
        role = services.create_role(
            code="desk", name="Desk", permissions=["catalog.view"], by=SYSTEM, now=NOW
        )
        again = services.create_member(
            email="lea@east.example", name="Lea", password=PASSWORD, role="guest", now=clock.now(), by=SYSTEM
        )
        held = services.assign_role(user_id=again.pk, role="desk", by=SYSTEM, now=NOW)
        # The first Lea's password too, so that her token is good again.
        User.objects.filter(pk=again.pk).update(password=world.lea.password)
    assert (again.pk, role.pk, held.pk) == before
    world.assert_all_say(DENIED, lea)
    world.assert_all_say((200, ""), lea, TITLES)
