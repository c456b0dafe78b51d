"""Rights for a collection: its titles and their copies, and nothing else; nothing is moved to where one may do more."""

from __future__ import annotations

from typing import Any

import pytest

from shared_apps.audit.models import AuditEntry
from tenant_apps.access.models import Role
from tenant_apps.catalog.models import Copy, Title
from tests.conftest import client_for
from tests.factories import (
    BranchFactory,
    CollectionFactory,
    CopyFactory,
    RoleAssignmentFactory,
    TitleFactory,
    UserFactory,
)
from tests.snapshots import differences, snapshot

pytestmark = pytest.mark.django_db
ANY = {"if-match": "*"}


@pytest.fixture
def music(in_north: Any) -> Any:
    return CollectionFactory(code="music")


@pytest.fixture
def maps(in_north: Any) -> Any:
    return CollectionFactory(code="maps")


def staff(library: Any, *grants: tuple[str, dict[str, Any]]) -> Any:
    """A client with these roles: a standard one by its code, or else one made of that single permission."""
    user = UserFactory()
    for name, scope in grants:
        made = {"name": name, "permissions": [name]}
        role, _made = Role.objects.get_or_create(code=name.replace(".", "-"), defaults=made)
        RoleAssignmentFactory(user=user, role=role, **scope)
    return client_for(library, user)


def patch(client: Any, row: Any, **body: Any) -> int:
    kind = "titles" if isinstance(row, Title) else "copies"
    return int(client.patch(f"/api/v1/{kind}/{row.pk}/", body, format="json", headers=ANY).status_code)


def test_a_keeper_edits_titles_of_the_collection_and_no_others(in_north: Any, music: Any, maps: Any) -> None:
    keeper = staff(in_north, ("librarian", {"collection": music}))
    own, other, loose = (TitleFactory(collection=found) for found in (music, maps, None))
    before = snapshot("lib_north")

    assert [patch(keeper, title, year=1805) for title in (other, loose)] == [403, 403]
    assert differences(before, snapshot("lib_north")) == {}
    assert patch(keeper, own, year=1805) == 200
    assert Title.objects.get(pk=own.pk).year == 1805


@pytest.mark.parametrize(("collection", "status"), [("music", 201), ("maps", 403), (None, 403)])
def test_a_keeper_adds_titles_to_the_collection_alone(
    in_north: Any, music: Any, maps: Any, collection: str | None, status: int
) -> None:
    keeper = staff(in_north, ("librarian", {"collection": music}))
    body = {"title": "Water Music", **({} if collection is None else {"collection": collection})}
    before = Title.objects.count()

    answer = keeper.post("/api/v1/titles/", body, format="json")

    assert answer.status_code == status, answer.content
    assert Title.objects.count() - before == (status == 201)
    if status == 201:
        assert answer.json()["collection"] == "music"
        assert AuditEntry.objects.filter(action="title.created").latest("pk").changes["collection"] == "music"


def test_a_keeper_edits_copies_of_the_collections_titles_at_any_branch(
    in_north: Any, music: Any, maps: Any
) -> None:
    keeper = staff(in_north, ("librarian", {"collection": music}))
    own, other = (CopyFactory(title=TitleFactory(collection=found)) for found in (music, maps))
    there = BranchFactory()
    before = snapshot("lib_north")

    assert patch(keeper, other, call_number="1") == 403
    body = {"title": str(other.title_id), "barcode": "N1", "item_type": "book", "home_branch": "main"}
    assert keeper.post("/api/v1/copies/", body, format="json").status_code == 403
    assert differences(before, snapshot("lib_north")) == {}
    # It stays a copy of the collection, wherever it stands.
    assert patch(keeper, own, call_number="1", home_branch=there.code) == 200
    assert Copy.objects.get(pk=own.pk).home_branch == there
    body["title"] = str(own.title_id)
    assert keeper.post("/api/v1/copies/", body, format="json").status_code == 201


def test_staff_of_a_branch_move_copies_between_their_branches_alone(in_north: Any) -> None:
    here, there, elsewhere = BranchFactory.create_batch(3)
    both = staff(in_north, ("copies.manage", {"branch": here}), ("copies.manage", {"branch": there}))
    copy, foreign = CopyFactory(home_branch=here), CopyFactory(home_branch=elsewhere)
    before = snapshot("lib_north")

    # Out of one's reach, and into it: neither.
    assert patch(both, copy, home_branch=elsewhere.code) == 403
    assert patch(both, foreign, home_branch=here.code) == 403
    assert differences(before, snapshot("lib_north")) == {}
    assert patch(both, copy, home_branch=there.code) == 200


@pytest.mark.parametrize("scope", ["library", "music", "maps", "both"])
def test_a_title_is_moved_by_who_may_edit_it_in_both_collections(
    in_north: Any, music: Any, maps: Any, scope: str
) -> None:
    scopes: dict[str, list[dict[str, Any]]] = {
        "library": [{}],
        "music": [{"collection": music}],
        "maps": [{"collection": maps}],
        "both": [{"collection": music}, {"collection": maps}],
    }
    client = staff(in_north, *(("catalog.manage", where) for where in scopes[scope]))
    title = TitleFactory(collection=music)
    version = title.version

    status = patch(client, title, collection="maps")

    moved = scope in ("library", "both")
    found = Title.objects.get(pk=title.pk)
    assert status == (200 if moved else 403)
    assert (found.collection, found.version) == ((maps, version + 1) if moved else (music, version))
    if moved:
        entry = AuditEntry.objects.filter(action="title.changed").latest("pk")
        assert entry.changes == {"fields": ["collection"], "collection": ["music", "maps"]}
        # Out of all collections it belongs to the library.
        assert patch(client, title, collection=None) == (200 if scope == "library" else 403)


def test_nobody_brings_copies_into_their_reach_by_moving_the_title(in_north: Any, music: Any) -> None:
    """Who may edit every title, and copies of one collection, would by one PATCH have every copy."""
    title = CopyFactory().title
    cataloguer = staff(in_north, ("catalog.manage", {}), ("copies.manage", {"collection": music}))

    assert patch(cataloguer, title, collection="music") == 403
    assert Title.objects.get(pk=title.pk).collection is None
    # Who may not write copies of the collection gains nothing, and who may write all of them neither.
    assert patch(staff(in_north, ("catalog.manage", {})), title, collection="music") == 200
    assert patch(cataloguer, title, year=1805) == 200
    everywhere = staff(in_north, ("catalog.manage", {}), ("copies.manage", {}))
    assert patch(everywhere, TitleFactory(), collection="music") == 200


def test_a_move_together_with_other_changes_counts_once_and_nothing_moved_is_no_change(
    in_north: Any, music: Any, api: Any
) -> None:
    librarian, title = api(in_north, "librarian"), TitleFactory()
    assert patch(librarian, title, collection="music", year=1805) == 200
    found = Title.objects.get(pk=title.pk)
    assert (found.collection, found.year, found.version) == (music, 1805, title.version + 1)
    assert patch(librarian, title, collection="music") == 200
    assert Title.objects.get(pk=title.pk).version == found.version
    assert patch(librarian, title, collection="nowhere") == 400


def test_the_list_keeps_the_titles_of_a_collection(in_north: Any, music: Any, maps: Any, api: Any) -> None:
    own = [TitleFactory(collection=music).pk for _ in range(2)]
    TitleFactory(collection=maps)
    found = api(in_north, "reader").get("/api/v1/titles/", {"collection": "music"}).json()["results"]
    assert [row["id"] for row in found] == [str(pk) for pk in reversed(own)]
    assert api(in_north).get("/api/v1/titles/", {"collection": "nothing"}).json()["results"] == []


def test_a_role_for_a_branch_gives_no_title(in_north: Any) -> None:
    client = staff(in_north, ("librarian", {"branch": BranchFactory()}))
    title = TitleFactory()
    assert patch(client, title, year=1805) == 403
    assert client.post("/api/v1/titles/", {"title": "Mine"}, format="json").status_code == 403
    assert Title.objects.get(pk=title.pk).year == title.year
    # Assigned for the library the same role does.
    assert patch(staff(in_north, ("librarian", {})), title, year=1805) == 200
