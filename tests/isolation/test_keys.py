"""A key and an invitation of one library at every address of another and of the public site: refused, nothing changes."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from rest_framework.test import APIClient

from saas.core.tenancy import in_library
from tenant_apps.keys.models import ApiKey, ServiceAccount
from tenant_apps.members.models import Invitation
from tenant_apps.members.rules import token_for
from tests import factories
from tests.factories import PASSWORD
from tests.permissions.examples import send
from tests.permissions.inventory import Endpoint, of_site
from tests.permissions.scenes import Scenes, open_scenes
from tests.snapshots import differences, snapshot
from tests.tenant_apps.keys.makers import ALL, key_client, make_key

pytestmark = pytest.mark.django_db
ACCEPT = "/api/v1/invitations/accept/"
SCHEMAS = ("lib_north", "lib_south", "public")


def endpoints(site: str) -> list[Endpoint]:
    return [e for e in of_site(site) if e.is_api_view and e.reads_tokens]


@pytest.fixture(scope="module")
def scenes(django_db_setup: None, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock(), open_scenes() as found:
        yield found


def refused(answer: Any) -> None:
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid"), answer.content[:300]
    assert "north" not in answer.content.decode()


@pytest.mark.parametrize("endpoint", endpoints("library"), ids=lambda endpoint: endpoint.key)
def test_a_key_of_another_library_is_refused_everywhere(scenes: Scenes, endpoint: Endpoint) -> None:
    key = make_key(scenes.north.library, *ALL).key
    example = scenes.example("library", endpoint.key, scenes.south, "admin")
    before = snapshot(*SCHEMAS)
    answer = send(key_client(scenes.south.library, key), endpoint.method, example)
    refused(answer)
    assert differences(before, snapshot(*SCHEMAS)) == {}


@pytest.mark.parametrize("endpoint", endpoints("public"), ids=lambda endpoint: endpoint.key)
def test_the_public_site_refuses_a_key_everywhere(scenes: Scenes, endpoint: Endpoint) -> None:
    key = make_key(scenes.north.library, *ALL).key
    example = scenes.example("public", endpoint.key, scenes.public, "operator")
    client = APIClient(HTTP_HOST="localhost", HTTP_AUTHORIZATION=f"Api-Key {key}")
    before = snapshot(*SCHEMAS)
    refused(send(client, endpoint.method, example))
    assert differences(before, snapshot(*SCHEMAS)) == {}


def test_the_key_was_good_where_it_was_made(scenes: Scenes) -> None:
    client = key_client(scenes.north.library, make_key(scenes.north.library, *ALL).key)
    assert client.get("/api/v1/settings/").status_code == 200


@pytest.mark.parametrize(("made", "used"), list(itertools.permutations(("north", "south"))))
def test_copied_rows_open_nothing(north: Any, south: Any, made: str, used: str) -> None:
    """A cloned schema carries the rows of keys and invitations along; the digests are the first library's."""
    libraries = {"north": north, "south": south}
    key = make_key(libraries[made], "settings.view")
    with in_library(libraries[made]):
        invitation = factories.InvitationFactory(pk=987_654)
        token = token_for(invitation.token_nonce)
        rows = [
            (ServiceAccount, ServiceAccount.objects.filter(pk=key.row.service_account_id).values()[0]),
            (ApiKey, ApiKey.objects.filter(pk=key.row.pk).values()[0]),
            (Invitation, Invitation.objects.filter(pk=invitation.pk).values()[0]),
        ]
    with in_library(libraries[used]):
        for model, values in rows:
            model.objects.create(**values)
    before = snapshot(*SCHEMAS)
    refused_key = key_client(libraries[used], key.key).get("/api/v1/settings/")
    assert (refused_key.status_code, refused_key.json()["code"]) == (401, "token_invalid")
    body = {"token": token, "password": PASSWORD}
    stranger = APIClient(HTTP_HOST=f"{used}.localhost").post(ACCEPT, body)
    assert (stranger.status_code, stranger.json()["code"]) == (401, "token_invalid")
    page = APIClient(HTTP_HOST=f"{used}.localhost").get("/invitations/accept/", {"token": token})
    assert page.status_code == 400
    assert differences(before, snapshot(*SCHEMAS)) == {}
    assert key_client(libraries[made], key.key).get("/api/v1/settings/").status_code == 200
    at_home = APIClient(HTTP_HOST=f"{made}.localhost").post(ACCEPT, body)
    assert at_home.status_code == 201
