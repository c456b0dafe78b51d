"""A title shared with one person: that title for that person, from the next request on and until it is taken back."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from guardian.shortcuts import get_objects_for_user

from saas.core.principals import SYSTEM, Principal
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry
from tenant_apps.access import selectors as access
from tenant_apps.access.models import Role
from tenant_apps.catalog import services
from tenant_apps.catalog.models import Title, TitleShare
from tests.conftest import client_for
from tests.factories import NOW, CollectionFactory, RoleAssignmentFactory, TitleFactory, UserFactory
from tests.snapshots import differences, snapshot
from tests.tenant_apps.catalog.records import close_to_guests

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(in_north: Any) -> Any:
    return RoleAssignmentFactory().user


@pytest.fixture
def title(in_north: Any) -> Any:
    return TitleFactory()


def share(client: Any, title: Any, user: Any, permission: str = "edit") -> Any:
    body = {"user": str(user.pk), "permission": permission}
    return client.post(f"/api/v1/titles/{title.pk}/shares/", body, format="json")


def edit(client: Any, title: Any, **body: Any) -> int:
    sent = body or {"year": 1805}
    answer = client.patch(f"/api/v1/titles/{title.pk}/", sent, format="json", headers={"if-match": "*"})
    return int(answer.status_code)


def test_a_shared_title_is_edited_by_that_person_and_no_other_title_is(
    in_north: Any, api: Any, person: Any, title: Any
) -> None:
    reader, other = client_for(in_north, person), TitleFactory()
    assert edit(reader, title) == 403

    answer = share(api(in_north, "librarian"), title, person)

    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["user"], made["email"], made["permission"]) == (str(person.pk), person.email, "edit")
    assert edit(reader, title) == 200
    assert Title.objects.get(pk=title.pk).year == 1805
    before = snapshot("lib_north")
    assert edit(reader, other) == 403
    assert edit(client_for(in_north, UserFactory()), title) == 403
    assert edit(api(in_north), title) == 401
    # Its collection, its copies and its shares are not part of it.
    CollectionFactory(code="music")
    before = snapshot("lib_north")
    assert edit(reader, title, collection="music") == 403
    body = {"title": str(title.pk), "barcode": "S1", "item_type": "book", "home_branch": "main"}
    assert reader.post("/api/v1/copies/", body, format="json").status_code == 403
    assert share(reader, title, UserFactory.build(pk=person.pk)).status_code == 403
    assert reader.get(f"/api/v1/titles/{title.pk}/shares/").status_code == 403
    assert differences(before, snapshot("lib_north")) == {}


def test_a_share_to_see_is_not_one_to_edit(in_north: Any, api: Any, person: Any, title: Any) -> None:
    assert share(api(in_north, "librarian"), title, person, "view").json()["permission"] == "view"
    assert edit(client_for(in_north, person), title) == 403
    assert Title.objects.get(pk=title.pk).year == title.year


def test_it_is_over_at_once_when_it_is_taken_back(in_north: Any, api: Any, person: Any, title: Any) -> None:
    librarian, reader = api(in_north, "librarian"), client_for(in_north, person)
    share_id = share(librarian, title, person).json()["id"]
    assert edit(reader, title) == 200

    assert librarian.delete(f"/api/v1/title-shares/{share_id}/").status_code == 204

    assert edit(reader, title, year=1806) == 403
    assert Title.objects.get(pk=title.pk).year == 1805
    assert not TitleShare.objects.exists()
    assert librarian.delete(f"/api/v1/title-shares/{share_id}/").status_code == 404
    entries = AuditEntry.objects.filter(action__in=["title.shared", "title.unshared"]).order_by("pk")
    assert [(entry.action, entry.target_id, entry.changes) for entry in entries] == [
        (action, str(title.pk), {"user": person.pk, "permission": "edit"})
        for action in ("title.shared", "title.unshared")
    ]


def test_it_is_shared_with_a_person_once(in_north: Any, api: Any, person: Any, title: Any) -> None:
    librarian = api(in_north, "librarian")
    share(librarian, title, person, "view")
    before = snapshot("lib_north")
    answer = share(librarian, title, person, "edit")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_shared")
    assert differences(before, snapshot("lib_north")) == {}


@pytest.mark.parametrize(
    "body",
    [{}, {"user": "1"}, {"user": "999999", "permission": "edit"}, {"user": "PERSON", "permission": "own"}],
)
def test_a_wrong_share_is_refused(
    in_north: Any, api: Any, person: Any, title: Any, body: dict[str, str]
) -> None:
    sent = {name: str(person.pk) if value == "PERSON" else value for name, value in body.items()}
    answer = api(in_north, "librarian").post(f"/api/v1/titles/{title.pk}/shares/", sent, format="json")
    assert answer.status_code == 400
    assert not TitleShare.objects.exists()


def test_who_may_not_edit_a_title_by_a_role_shares_none_of_its_kind(
    in_north: Any, api: Any, person: Any
) -> None:
    """The keeper of a collection shares its titles, and neither sees nor ends the shares of others."""
    music, maps = CollectionFactory.create_batch(2)
    role = Role.objects.get(code="librarian")
    keeper = client_for(in_north, RoleAssignmentFactory(role=role, collection=music).user)
    own, other = TitleFactory(collection=music), TitleFactory(collection=maps)
    foreign = share(api(in_north, "librarian"), other, person).json()["id"]
    before = snapshot("lib_north")

    assert share(keeper, other, person).status_code == 403
    assert keeper.get(f"/api/v1/titles/{other.pk}/shares/").status_code == 403
    assert keeper.delete(f"/api/v1/title-shares/{foreign}/").status_code == 404
    assert differences(before, snapshot("lib_north")) == {}
    made = share(keeper, own, person)
    assert made.status_code == 201
    assert keeper.delete(f"/api/v1/title-shares/{made.json()['id']}/").status_code == 204


def test_a_title_is_seen_by_whom_it_is_shared_with_where_others_see_nothing(
    in_north: Any, api: Any, title: Any
) -> None:
    stranger, other = UserFactory(), TitleFactory()
    share(api(in_north, "librarian"), title, stranger, "view")
    close_to_guests(in_north)
    client, path = client_for(in_north, stranger), "/api/v1/titles/"

    assert client.get(f"{path}{title.pk}/").json()["title"] == title.title
    assert client.get(f"{path}{title.pk}/marc/").status_code == 200
    assert client.get(f"{path}{title.pk}/availability/").status_code == 200
    for part in ("", "marc/", "availability/"):
        assert client.get(f"{path}{other.pk}/{part}").status_code == 404
    assert client.get(path).status_code == 403
    assert api(in_north).get(f"{path}{title.pk}/").status_code == 401


def test_a_list_of_shares_costs_the_same_for_one_and_for_many(in_north: Any, api: Any, title: Any) -> None:
    librarian, counts = api(in_north, "librarian"), []
    for more in (1, 20):
        for _ in range(more):
            share(librarian, title, UserFactory(), "edit")
        with CaptureQueriesContext(connection) as queries:
            rows = librarian.get(f"/api/v1/titles/{title.pk}/shares/", {"page_size": 50}).json()["results"]
        counts.append((len(rows), len(queries)))
    assert [rows for rows, _queries in counts] == [1, 21]
    assert counts[0][1] == counts[1][1] <= 6


def test_guardian_says_the_same(in_north: Any, api: Any, title: Any) -> None:
    sees, edits = UserFactory(), UserFactory()
    librarian = api(in_north, "librarian")
    share(librarian, title, sees, "view")
    share(librarian, title, edits, "edit")
    TitleFactory()
    expected = {"catalog.view_title": {sees, edits}, "catalog.change_title": {edits}}
    for permission, people in expected.items():
        for user in (sees, edits):
            found = list(get_objects_for_user(User.objects.get(pk=user.pk), permission))
            assert found == ([title] if user in people else [])
            assert User.objects.get(pk=user.pk).has_perm(permission, title) is (user in people)


def test_machines_guests_and_who_lacks_a_second_factor_have_no_shares(
    in_north: Any, api: Any, title: Any, person: Any
) -> None:
    share(api(in_north, "librarian"), title, person)
    without_factor = Principal(user_id=person.pk).with_factor(needed=True, held=False)
    assert access.may_edit_shared(TitleShare, Principal(user_id=person.pk), title.pk)
    for caller in (Principal(), Principal(kind="key", label="kiosk/abc"), without_factor):
        with CaptureQueriesContext(connection) as queries:
            assert not access.may_edit_shared(TitleShare, caller, title.pk)
            assert list(access.shared_with(TitleShare, caller)) == []
        assert len(queries) == 0


def test_an_account_takes_its_shares_along_and_leaves_none_behind(
    in_north: Any, api: Any, person: Any, title: Any
) -> None:
    other = UserFactory()
    for user in (person, other):
        share(api(in_north, "librarian"), title, user)
    exported = client_for(in_north, person).get("/api/v1/me/export/").json()
    assert exported["shared_titles"] == [{"id": str(title.pk), "title": title.title, "permission": "edit"}]

    services.erase_account(user_id=person.pk, by=SYSTEM, now=NOW)

    assert set(TitleShare.objects.values_list("user", flat=True)) == {other.pk}
