"""A token of one site opens no other: north, south and the public site hold people with the same ids."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from saas.core import clock
from saas.core.tenancy import in_library, in_public
from shared_apps.accounts.models import User
from shared_apps.accounts.services import start_session
from tests.authenticators import app_of

pytestmark = pytest.mark.django_db
SITES = ("north", "south", "public")
# An address of each site that only somebody signed in may read.
PRIVATE = {
    "north": "/api/v1/settings/",
    "south": "/api/v1/settings/",
    "public": "/api/v1/platform/libraries/",
}
FOREIGN = [pair for pair in itertools.product(SITES, SITES) if pair[0] != pair[1]]


class Site:
    """One site: its host, its schema, the tokens of its first user, and its rows of tokens."""

    def __init__(self, name: str, schema: Callable[[], Any]) -> None:
        self.name, self.schema = name, schema
        self.host = "localhost" if name == "public" else f"{name}.localhost"
        with schema():
            user = User.objects.order_by("pk")[0]
            self.user_id = user.pk
            self.tokens = start_session(user=user, now=clock.now())

    def client(self) -> Any:
        return APIClient(HTTP_HOST=self.host)

    def get(self, access: str) -> Any:
        return self.client().get(PRIVATE[self.name], HTTP_AUTHORIZATION=f"Bearer {access}")

    def rows(self) -> tuple[list[Any], list[Any]]:
        with self.schema():
            return list(OutstandingToken.objects.values()), list(BlacklistedToken.objects.values())


@pytest.fixture
def sites(north: Any, south: Any) -> dict[str, Site]:
    with in_library(north):
        first = User.objects.order_by("pk")[0].pk
    with in_public():
        User.objects.all().delete()
        # The same id as north's and south's admin: a token that only said "user 1" would fit everywhere.
        staff = User(id=first, email="staff@platform.example", is_staff=True, is_superuser=True)
        staff.save(force_insert=True)
        app_of(staff)
    return {
        "north": Site("north", lambda: in_library(north)),
        "south": Site("south", lambda: in_library(south)),
        "public": Site("public", in_public),
    }


def test_the_ids_are_the_same_everywhere(sites: dict[str, Site]) -> None:
    assert len({site.user_id for site in sites.values()}) == 1


@pytest.mark.parametrize("name", SITES)
def test_a_site_accepts_its_own_tokens(sites: dict[str, Site], name: str) -> None:
    site = sites[name]
    assert site.get(site.tokens.access).status_code == 200
    renewed = site.client().post("/api/v1/auth/refresh/", {"refresh": site.tokens.refresh}, format="json")
    assert renewed.status_code == 200
    ended = site.client().post("/api/v1/auth/logout/", {"refresh": renewed.json()["refresh"]}, format="json")
    assert ended.status_code == 204


@pytest.mark.parametrize(("made", "used"), FOREIGN)
def test_an_access_token_of_another_site_is_refused(sites: dict[str, Site], made: str, used: str) -> None:
    response = sites[used].get(sites[made].tokens.access)
    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
    assert made not in response.content.decode()


@pytest.mark.parametrize(("made", "used"), FOREIGN)
def test_an_access_cookie_of_another_site_is_refused(sites: dict[str, Site], made: str, used: str) -> None:
    site = sites[used]
    for access, status in ((sites[made].tokens.access, 401), (site.tokens.access, 200)):
        client = site.client()
        client.cookies["libraryhub-access"] = access
        assert client.get(PRIVATE[used]).status_code == status


@pytest.mark.parametrize(("made", "used"), FOREIGN)
@pytest.mark.parametrize("path", ["refresh", "logout"])
def test_a_refresh_token_of_another_site_is_refused_and_changes_nothing(
    sites: dict[str, Site], made: str, used: str, path: str
) -> None:
    before = {name: site.rows() for name, site in sites.items()}
    body = {"refresh": sites[made].tokens.refresh}
    response = sites[used].client().post(f"/api/v1/auth/{path}/", body, format="json")
    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
    assert {name: site.rows() for name, site in sites.items()} == before
    assert sites[made].client().post("/api/v1/auth/refresh/", body, format="json").status_code == 200


@pytest.mark.parametrize(("made", "used"), FOREIGN)
def test_an_access_token_of_another_site_signs_nobody_out(
    sites: dict[str, Site], made: str, used: str
) -> None:
    before = sites[used].rows()
    client = sites[used].client()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {sites[made].tokens.access}")
    client.post("/api/v1/auth/logout/")
    assert sites[used].rows() == before
    assert sites[used].get(sites[used].tokens.access).status_code == 200
    assert sites[made].get(sites[made].tokens.access).status_code == 200


@pytest.mark.parametrize(("made", "used"), FOREIGN)
def test_a_session_id_copied_between_sites_does_not_help(
    sites: dict[str, Site], made: str, used: str
) -> None:
    """Even with the other site's session and token rows in place, the signature is wrong."""
    with sites[made].schema():
        rows = list(OutstandingToken.objects.values("jti", "token", "created_at", "expires_at", "user_id"))
    with sites[used].schema():
        OutstandingToken.objects.bulk_create([OutstandingToken(**row) for row in rows])
    assert sites[used].get(sites[made].tokens.access).status_code == 401
    body = {"refresh": sites[made].tokens.refresh}
    assert sites[used].client().post("/api/v1/auth/refresh/", body, format="json").status_code == 401
