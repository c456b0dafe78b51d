"""Who calls and what they may do is one statement of a request, and nobody asks Django's tables of permissions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core.api.authentication import ACCESS, cookie_name
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from shared_apps.accounts.services import start_session
from tests.conftest import client_for
from tests.database import sandbox
from tests.factories import NOW
from tests.pages import open_session
from tests.permissions.examples import send
from tests.permissions.inventory import Endpoint, of_site
from tests.permissions.matrix import ANONYMOUS, LIBRARY
from tests.permissions.scenes import Scenes
from tests.tenant_apps.keys.makers import key_client, make_key

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
ROLES = re.compile(r"\baccess_role(?:assignment)?\b")
GUARDIANS = re.compile(
    r"\b(?:auth_permission|auth_group\w*|accounts_user_(?:groups|user_permissions)|guardian_\w+|access_\w+grant)\b"
)
# Whose subject are roles, members or what somebody holds: they read and write the tables themselves.
ABOUT_ROLES = {
    "DELETE /api/v1/invitations/{pk}/",
    "DELETE /api/v1/collections/{pk}/",
    "DELETE /api/v1/members/{pk}/sessions/",
    "DELETE /api/v1/role-assignments/{pk}/",
    "DELETE /api/v1/roles/{pk}/",
    "DELETE /api/v1/service-accounts/{pk}/",
    "GET /account/",
    "GET /api/v1/invitations/",
    "GET /api/v1/invitations/{pk}/",
    "GET /api/v1/me/export/",
    "GET /api/v1/members/",
    "GET /api/v1/members/{pk}/",
    "GET /api/v1/permissions/explain/",
    "GET /api/v1/role-assignments/",
    "GET /api/v1/roles/",
    "GET /api/v1/roles/{pk}/",
    "GET /invitations/accept/",
    "PATCH /api/v1/members/{pk}/",
    "PATCH /api/v1/roles/{pk}/",
    "POST /api/v1/api-keys/",
    "POST /api/v1/api-keys/{pk}/rotate/",
    "POST /api/v1/auth/registration/verify-email/",
    "POST /api/v1/invitations/",
    "POST /api/v1/invitations/accept/",
    "POST /api/v1/invitations/{pk}/resend/",
    "POST /api/v1/me/erase/",
    "POST /api/v1/members/{pk}/approve/",
    "POST /api/v1/members/{pk}/deactivate/",
    "POST /api/v1/members/{pk}/reactivate/",
    "POST /api/v1/members/{pk}/refuse/",
    "POST /api/v1/role-assignments/",
    "POST /api/v1/roles/",
    "POST /invitations/accept/",
}
# Reads whose subject are rows that are shared with a person: guardian's rows of that kind.
ABOUT_SHARES = {"GET /api/v1/titles/{pk}/shares/", "GET /api/v1/me/export/"}


def cells() -> Iterator[tuple[Endpoint, str]]:
    for endpoint in of_site("library"):
        if endpoint.key == "GET /api/schema/":
            continue  # written once in a process, for nobody in particular
        for role in sorted(LIBRARY.get(endpoint.key, ())):
            yield endpoint, role


def statements(scenes: Scenes, endpoint: Endpoint, role: str) -> list[str]:
    """What a request of somebody who may do this sends."""
    with sandbox():
        example = scenes.example("library", endpoint.key, scenes.north, role)
        client = scenes.client(scenes.north, role, browser=endpoint.is_page)
        with CaptureQueriesContext(connection) as sent:
            assert send(client, endpoint.method, example).status_code == example.status, endpoint.key
    return [str(query["sql"]) for query in sent]


def test_no_route_asks_twice_what_somebody_may(scenes: Scenes) -> None:
    twice, asked = set(), set()
    guardians = set()
    for endpoint, role in cells():
        sent = statements(scenes, endpoint, role)
        of_roles = [text for text in sent if ROLES.search(text)]
        if len(of_roles) > 1:
            twice.add(endpoint.key)
        if role != ANONYMOUS and endpoint.is_api_view and endpoint.declared is not None:
            assert of_roles, endpoint.key  # the control: the pattern finds the caller's statement
            assert "accounts_user" in of_roles[0]
            asked.add(endpoint.key)
        if endpoint.method == "GET" and any(GUARDIANS.search(text) for text in sent):
            guardians.add(endpoint.key)
    assert twice == ABOUT_ROLES
    assert guardians == ABOUT_SHARES
    assert len(asked) > 60


def test_a_refusal_costs_no_more(scenes: Scenes) -> None:
    """Whoever may not is told so after the one statement."""
    for path in ("/api/v1/patrons/", "/api/v1/audit/", "/api/v1/roles/"):
        client = scenes.client(scenes.north, "reader")
        with CaptureQueriesContext(connection) as sent:
            assert client.get(path).status_code == 403
        texts = [str(query["sql"]) for query in sent]
        assert len([text for text in texts if ROLES.search(text)]) == 1
        assert not any(GUARDIANS.search(text) for text in texts)


def by_token(library: Any) -> Any:
    return client_for(library, "admin")


def by_cookie(library: Any) -> Any:
    client = client_for(library)
    with in_library(library):
        admin = User.objects.get(email=f"admin@{library.subdomain}.example")
        client.cookies[cookie_name(ACCESS)] = start_session(user=admin, now=NOW).access
    return client


def by_page(library: Any) -> Any:
    client = client_for(library)
    open_session(client, library, "admin")
    return client


def by_key(library: Any) -> Any:
    return key_client(library, make_key(library, "patrons.view").key)


@pytest.mark.parametrize(
    ("way", "path", "table"),
    [
        (by_token, "/api/v1/patrons/", "accounts_user"),
        (by_cookie, "/api/v1/patrons/", "accounts_user"),
        (by_page, "/patrons/", "accounts_user"),
        (by_key, "/api/v1/patrons/", "keys_apikey"),
    ],
)
def test_whoever_calls_is_one_statement(north: Any, way: Any, path: str, table: str) -> None:
    """Whichever way they prove who they are; a page also reads its session, and a new key's first use is noted."""
    client = way(north)
    for _time in range(2):
        with CaptureQueriesContext(connection) as sent:
            assert client.get(path).status_code == 200
    texts = [str(query["sql"]) for query in sent]
    (caller,) = [text for text in texts if ROLES.search(text)]
    assert [text for text in texts if f'FROM "{table}"' in text] == [caller]
    if table == "accounts_user":
        assert all(
            name in caller for name in ("token_blacklist_outstandingtoken", "mfa_authenticator", '"password"')
        )
