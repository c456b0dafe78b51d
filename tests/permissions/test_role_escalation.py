"""Nobody makes more of themselves than they are: each way that roles, assignments and one's own account offer.

Each attempt is refused and leaves every row as it was; the same request, sent by an admin, does what it says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from saas.core.tenancy import in_library
from tenant_apps.access import selectors
from tenant_apps.access.models import Role, RoleAssignment
from tests import factories
from tests.conftest import client_for
from tests.database import sandbox
from tests.permissions.scenes import Scenes
from tests.snapshots import differences, snapshot
from tests.tenant_apps.keys.makers import key_client, make_key

pytestmark = pytest.mark.django_db
ROLES, ASSIGNMENTS, ME = "/api/v1/roles/", "/api/v1/role-assignments/", "/api/v1/me/"
ANY = {"if-match": "*"}


@dataclass(frozen=True)
class Cast:
    """People who may manage some roles, and the rows that they would like to have otherwise."""

    library: Any
    clients: dict[str, Any]
    people: dict[str, Any]
    rows: dict[str, Any]


@pytest.fixture(scope="module")
def cast(scenes: Scenes) -> Cast:
    """A deputy who manages roles and little else, managers of one branch and one collection, and a victim."""
    north = scenes.north
    with in_library(north.library):
        admin = Role.objects.get(code="admin")
        deputy_role = factories.RoleFactory(permissions=["roles.manage", "catalog.view"])
        held = {
            "deputy": factories.RoleAssignmentFactory(role=deputy_role),
            "branch manager": factories.RoleAssignmentFactory(role=admin, branch=north.branch),
            "keeper": factories.RoleAssignmentFactory(role=admin, collection=north.collection),
            "librarian": factories.RoleAssignmentFactory(role=Role.objects.get(code="librarian")),
            "reader": factories.RoleAssignmentFactory(),
        }
        second = factories.RoleAssignmentFactory(role=admin)
        rows = {
            "own role": deputy_role,
            "small role": factories.RoleFactory(permissions=["catalog.view"]),
            "librarian role": Role.objects.get(code="librarian"),
            "admin's": second,
            "librarian's": held["librarian"],
            "other branch": factories.BranchFactory(),
            "other collection": factories.CollectionFactory(),
            "branch": north.branch,
            "collection": north.collection,
            "victim": factories.UserFactory(),
            **{f"{name}'s own": row for name, row in held.items()},
        }
    clients = {name: client_for(north.library, row.user) for name, row in held.items()}
    clients["key"] = key_client(north.library, make_key(north.library, "catalog.view", "settings.manage").key)
    # Its use is noted once an hour: from here on it is no difference.
    assert clients["key"].get(ME).status_code == 200
    clients["guest"] = client_for(north.library)
    clients["admin"] = client_for(north.library, second.user)
    return Cast(north.library, clients, {name: row.user for name, row in held.items()}, rows)


Build = Callable[[Cast], tuple[str, str, dict[str, Any]]]
# Who tries, what, the codes that refuse it, and what an admin gets for the same (None: nobody gets anything).
Attempt = tuple[str, str, Build, set[str], int | None]


def give(role: str, to: str, **scope: str) -> Build:
    """Give a role to one of the cast, or to oneself, somewhere."""

    def build(cast: Cast) -> tuple[str, str, dict[str, Any]]:
        person = cast.people.get(to, cast.rows["victim"])
        where = {name: cast.rows[row].code for name, row in scope.items()}
        return "POST", ASSIGNMENTS, {"user": str(person.pk), "role": role, **where}

    return build


def take(row: str) -> Build:
    """Take a role away from somebody."""
    return lambda cast: ("DELETE", f"{ASSIGNMENTS}{cast.rows[row].pk}/", {})


def edit(row: str, **changes: Any) -> Build:
    """Change a role."""
    return lambda cast: ("PATCH", f"{ROLES}{cast.rows[row].pk}/", changes)


def remove(row: str) -> Build:
    """Delete a role."""
    return lambda cast: ("DELETE", f"{ROLES}{cast.rows[row].pk}/", {})


def make(*permissions: str) -> Build:
    """Make a role."""
    body = {"code": "mine", "name": "Mine", "permissions": list(permissions)}
    return lambda cast: ("POST", ROLES, body)


MORE = ["roles.manage", "catalog.view", "settings.manage"]
CANNOT, DENIED = {"cannot_grant"}, {"permission_denied"}
ATTEMPTS: list[Attempt] = [
    ("deputy", "makes themselves admin", give("admin", "deputy"), CANNOT, 201),
    (
        "deputy",
        "makes themselves librarian of a branch",
        give("librarian", "deputy", branch="branch"),
        CANNOT,
        201,
    ),
    ("deputy", "makes a friend librarian", give("librarian", "victim"), CANNOT, 201),
    ("deputy", "widens the role they hold", edit("own role", permissions=MORE), CANNOT, 200),
    ("deputy", "widens a harmless role", edit("small role", permissions=MORE), CANNOT, 200),
    ("deputy", "strips the librarians", edit("librarian role", permissions=[]), CANNOT, 200),
    ("deputy", "renames the librarians", edit("librarian role", name="Mine"), CANNOT, 200),
    ("deputy", "makes a role of what they lack", make("settings.manage"), CANNOT, 201),
    ("deputy", "makes a role of everything and a bit", make(*MORE), CANNOT, 201),
    ("deputy", "removes an admin", take("admin's"), CANNOT, 204),
    ("deputy", "removes a librarian", take("librarian's"), CANNOT, 204),
    ("branch manager", "goes for the whole library", give("librarian", "branch manager"), CANNOT, 201),
    ("branch manager", "goes for reader everywhere", give("reader", "victim"), CANNOT, 201),
    (
        "branch manager",
        "goes for another branch",
        give("reader", "victim", branch="other branch"),
        CANNOT,
        201,
    ),
    (
        "branch manager",
        "goes for a collection",
        give("reader", "victim", collection="collection"),
        CANNOT,
        201,
    ),
    ("branch manager", "makes a role", make("catalog.view"), CANNOT, 201),
    ("branch manager", "makes an empty role", make(), CANNOT, 201),
    ("branch manager", "edits a role", edit("small role", permissions=MORE), CANNOT, 200),
    ("branch manager", "empties a role", edit("small role", permissions=[]), CANNOT, 200),
    ("branch manager", "removes a role", remove("small role"), CANNOT, 204),
    ("branch manager", "removes an admin by the id", take("admin's"), {"not_found"}, 204),
    ("branch manager", "removes the keeper by the id", take("keeper's own"), {"not_found"}, 204),
    ("keeper", "goes for the whole library", give("librarian", "keeper"), CANNOT, 201),
    (
        "keeper",
        "goes for another collection",
        give("reader", "keeper", collection="other collection"),
        CANNOT,
        201,
    ),
    ("keeper", "goes for a branch", give("reader", "keeper", branch="branch"), CANNOT, 201),
    ("keeper", "makes a role", make("catalog.view"), CANNOT, 201),
    ("keeper", "edits a role", edit("small role", name="Mine"), CANNOT, 200),
    ("keeper", "removes the branch manager by the id", take("branch manager's own"), {"not_found"}, 204),
    *(
        (caller, f"{what} ({caller})", build, DENIED, status)
        for caller in ("librarian", "reader", "key")
        for what, build, status in (
            ("gives a role", give("reader", "victim"), 201),
            ("gives themselves a role", give("admin", caller), 201),
            ("makes a role", make("catalog.view"), 201),
            ("edits a role", edit("small role", permissions=[]), 200),
            ("removes a role", remove("small role"), 204),
            ("takes a role away", take("deputy's own"), 204),
        )
    ),
    ("guest", "gives a role", give("reader", "victim"), {"not_authenticated"}, 201),
    ("guest", "changes an account", lambda cast: ("PATCH", ME, {"name": "X"}), {"not_authenticated"}, 200),
    ("key", "changes an account", lambda cast: ("PATCH", ME, {"name": "X"}), {"person_required"}, 200),
]


def send(client: Any, method: str, path: str, body: Any, **headers: str) -> Any:
    call = getattr(client, method.lower())
    return call(path, body, format="json", headers={**ANY, **headers})


def rights(cast: Cast) -> list[Any]:
    with in_library(cast.library):
        return [selectors.load_principal(person.pk) for person in cast.people.values()]


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=[f"{who} {what}" for who, what, *_ in ATTEMPTS])
def test_nobody_raises_themselves(cast: Cast, attempt: Attempt) -> None:
    caller, _what, build, codes, status = attempt
    method, path, body = build(cast)
    before, may = snapshot("lib_north", "public"), rights(cast)
    answer = send(cast.clients[caller], method, path, body)
    assert answer.status_code in (401, 403, 404), answer.content
    assert {answer.json()["code"]} == codes
    assert differences(before, snapshot("lib_north", "public")) == {}
    assert rights(cast) == may
    with sandbox():
        allowed = send(cast.clients["admin"], method, path, body)
        assert allowed.status_code == status, allowed.content
        assert differences(before, snapshot("lib_north", "public")) != {}


def test_a_manager_may_do_what_is_theirs(cast: Cast) -> None:
    """The other side of the refusals: the same people, in their own place."""
    for caller, build, status in (
        ("deputy", make("catalog.view"), 201),
        ("deputy", edit("small role", permissions=[]), 200),
        ("deputy", edit("own role", permissions=["catalog.view"]), 200),
        ("deputy", give("reader", "victim"), 201),
        ("branch manager", give("librarian", "victim", branch="branch"), 201),
        ("branch manager", give("admin", "victim", branch="branch"), 201),
        ("keeper", give("librarian", "victim", collection="collection"), 201),
        ("keeper", take("keeper's own"), 204),
    ):
        with sandbox():
            answer = send(cast.clients[caller], *build(cast))
            assert answer.status_code == status, (caller, answer.content)


def test_an_admin_of_a_branch_gives_no_more_than_the_branch(cast: Cast) -> None:
    with sandbox():
        send(cast.clients["branch manager"], *give("admin", "victim", branch="branch")(cast))
        with in_library(cast.library):
            principal = selectors.load_principal(cast.rows["victim"].pk)
        assert principal.may("roles.manage", branch_id=cast.rows["branch"].pk)
        assert principal.permissions == frozenset()
        assert principal.branches_for("roles.manage") == {cast.rows["branch"].pk}
        assert not principal.may_anywhere("settings.manage")


# -- members that nobody may set ------------------------------------------------------------------------------------------

EXTRA: dict[str, Any] = {
    "is_staff": True,
    "is_superuser": True,
    "is_active": True,
    "role": "admin",
    "roles": ["admin"],
    "tenant": "lib_south",
    "id": "1",
    "user": "1",
    "user_id": "1",
    "balance": "9.00",
    "plan": "large",
    "created_by": "1",
    "created_at": "2001-01-01T00:00:00Z",
    "permissions": ["roles.manage"],
    "branch_permissions": {"main": ["roles.manage"]},
    "collection_permissions": {},
    "verified": True,
    "email": "admin@north.example",
    "email_verified": True,
    "kind": "staff",
    "label": "x",
    "due_date": "2099-01-01",
    "edited": False,
    "standard": True,
    "version": 9,
    "granter": None,
    "assignment": "1",
    "assignments": [{"role": "admin"}],
    "password": "correct-horse-battery",
    "awaiting_approval": False,
}
BODIES: dict[str, tuple[Build, set[str]]] = {
    "me": (lambda cast: ("PATCH", ME, {"name": "Another"}), set()),
    "new role": (make("catalog.view"), {"permissions"}),
    "role": (edit("small role", name="Another"), {"permissions"}),
    "assignment": (give("reader", "victim", branch="other branch"), {"role", "user"}),
}


@pytest.mark.parametrize("name", BODIES)
def test_what_nobody_may_set_is_refused(cast: Cast, name: str) -> None:
    build, meant = BODIES[name]
    method, path, body = build(cast)
    client = cast.clients["admin"]
    before, may = snapshot("lib_north", "public"), rights(cast)
    for member, value in EXTRA.items():
        if member in meant:
            continue
        answer = send(client, method, path, {**body, member: value})
        assert answer.status_code == 400, (member, answer.content)
        assert member in {error["field"] for error in answer.json()["errors"]}
    assert differences(before, snapshot("lib_north", "public")) == {}
    assert rights(cast) == may
    with sandbox():
        assert send(client, method, path, body).status_code in (200, 201)


# -- another method in a header or in the address -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", ["x-http-method-override", "x-http-method", "x-method-override", "x-original-method"]
)
@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT"])
def test_a_header_does_not_change_the_method(cast: Cast, header: str, method: str) -> None:
    admin, reader = cast.clients["admin"], cast.clients["reader"]
    role, row = (
        f"{path}{cast.rows[name].pk}/" for path, name in ((ROLES, "small role"), (ASSIGNMENTS, "admin's"))
    )
    before = snapshot("lib_north", "public")
    for path, status in ((role, 200), (ME, 200), (row, 405)):
        assert admin.get(path, headers={header: method, **ANY}).status_code == status
    for path in (role, row, ME):
        answer = send(admin, "POST", path, {"name": "X"}, **{header: method})
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    # Nor is a GET that is allowed a way to a method that is not.
    assert reader.get(ME, headers={header: method}).status_code == 200
    assert reader.get(role, headers={header: method}).status_code == 403
    for query in ("_method=DELETE", "method=DELETE", "http_method=DELETE"):
        assert admin.get(f"{role}?{query}").status_code == 400
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_an_id_of_another_kind_of_row_is_not_taken(cast: Cast) -> None:
    """Ids of users, roles and assignments are numbers from one: none stands for another's row."""
    branch_manager = cast.clients["branch manager"]
    with in_library(cast.library):
        ids = set(RoleAssignment.objects.values_list("pk", flat=True))
        mine = set(RoleAssignment.objects.filter(branch=cast.rows["branch"]).values_list("pk", flat=True))
    before = snapshot("lib_north", "public")
    assert ids - mine
    for pk in ids - mine:
        assert branch_manager.delete(f"{ASSIGNMENTS}{pk}/").status_code == 404
    listed = branch_manager.get(f"{ASSIGNMENTS}?page_size=100").json()["results"]
    assert {int(row["id"]) for row in listed} == mine
    assert differences(before, snapshot("lib_north", "public")) == {}
