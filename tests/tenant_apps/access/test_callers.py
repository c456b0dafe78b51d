"""What a process remembers of rights is what texts mean, never who somebody is or was."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from tenant_apps.access import callers, machines, services
from tenant_apps.access.callers import Meaning, load_caller, load_principal, meaning_of
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.rules import PERMISSIONS, STANDARD_ROLES, combine
from tests.factories import NOW, BranchFactory, CollectionFactory, RoleAssignmentFactory, UserFactory
from tests.tenant_apps.keys.makers import make_key


def held_text(user: Any) -> str:
    """What the statement reads of a user's roles."""
    caller = load_caller(user.pk, None)
    assert caller is not None
    assert caller.principal is not None
    return caller.principal.grants


@pytest.mark.django_db
def test_the_user_is_the_one_that_the_orm_reads(in_north: Any) -> None:
    """allauth and dj-rest-auth get a real one: every field is there, and nothing is asked for later."""
    expected = UserFactory(language="de", awaiting_approval=True, erased_at=NOW, last_login=NOW)
    caller = load_caller(expected.pk, None)
    assert caller is not None
    read, orm = caller.user, User.objects.get(pk=expected.pk)
    assert type(read) is User
    assert read == orm
    with CaptureQueriesContext(connection) as sent:
        found = {field.attname: getattr(read, field.attname) for field in User._meta.concrete_fields}
        assert (read.get_full_name(), read.is_authenticated, str(read)) == (orm.name, True, orm.email)
    assert len(sent) == 0
    assert found == {field.attname: getattr(orm, field.attname) for field in User._meta.concrete_fields}
    assert read.get_deferred_fields() == set()
    assert (read._state.db, read._state.adding) == (orm._state.db, False)
    read.name = "Changed"
    read.save(update_fields=["name"])
    assert User.objects.get(pk=expected.pk).name == "Changed"


@pytest.mark.django_db
def test_a_user_of_one_library_is_refused_in_another(north: Any, south: Any) -> None:
    from saas.core.db.errors import WrongLibrary

    with in_library(north):
        caller = load_caller(User.objects.get(email="admin@north.example").pk, None)
    assert caller is not None
    with in_library(south), pytest.raises(WrongLibrary):
        caller.user.save()


@pytest.mark.django_db
def test_what_a_text_means_is_worked_out_once(in_north: Any, monkeypatch: Any) -> None:
    worked_out = []
    monkeypatch.setattr(callers, "combine", lambda grants: worked_out.append(1) or combine(grants))  # type: ignore[func-returns-value]
    held = RoleAssignmentFactory(role=Role.objects.get(code="librarian"))
    first = load_principal(held.user.pk)
    assert [load_principal(held.user.pk) == first for _time in range(5)] == [True] * 5
    assert len(worked_out) == 1
    # The same role by another assignment is another text; so is another version of the role.
    RoleAssignment.objects.filter(pk=held.pk).delete()
    again = RoleAssignmentFactory(user=held.user, role=held.role)
    assert load_principal(held.user.pk) == first
    assert len(worked_out) == 2
    services.change_role(role_id=again.role.pk, changes={"permissions": ["catalog.view"]}, by=SYSTEM, now=NOW)
    assert load_principal(held.user.pk).permissions == {"catalog.view"}
    assert len(worked_out) == 3


@pytest.mark.django_db
def test_each_fact_that_decides_is_in_the_text(in_north: Any) -> None:
    """Whatever of a role or an assignment changes what it gives changes the text; a name changes nothing."""
    branch, other, collection = BranchFactory(), BranchFactory(), CollectionFactory()
    role = services.create_role(code="own", name="Own", permissions=["copies.manage"], by=SYSTEM, now=NOW)
    held = RoleAssignmentFactory(role=role)
    standard = Role.objects.get(code="reader")
    texts = [held_text(held.user)]
    changes: list[tuple[Any, dict[str, Any]]] = [
        (held, {"branch": branch}),
        (held, {"branch": other}),
        (held, {"branch": None, "collection": collection}),
        (held, {"collection": None}),
        (role, {"permissions": ["patrons.view"]}),
        (role, {"code": "renamed"}),
        (held, {"role": standard}),
        (standard, {"permissions": ["patrons.view"], "edited": True}),
        (standard, {"permissions": ["patrons.manage"]}),
        (standard, {"edited": False}),
    ]
    for row, values in changes:
        type(row).objects.filter(pk=row.pk).update(**values)
        texts.append(held_text(held.user))
        assert texts[-1] != texts[-2], values
    Role.objects.filter(pk=standard.pk).update(name="Another name", version=9, permissions=["audit.view"])
    assert held_text(held.user) == texts[-1], (
        "of a role that follows the release nothing is stored that counts"
    )


@pytest.mark.django_db
def test_two_libraries_with_the_same_ids_and_texts_stay_apart(north: Any, south: Any) -> None:
    """Equal texts mean equal rights, and the next statement of each library says what its own text is."""
    people = {}
    for library in (north, south):
        with in_library(library):
            people[library] = User.objects.get(email=f"librarian@{library.subdomain}.example")
    assert people[north].pk == people[south].pk
    texts = []
    for library in (north, south):
        with in_library(library):
            texts.append(held_text(people[library]))
    assert texts[0] == texts[1]
    with in_library(south):
        Role.objects.filter(code="librarian").update(permissions=["catalog.view"], edited=True)
    for _time in range(3):
        for library, may in ((north, True), (south, False)):
            with in_library(library):
                principal = load_principal(people[library].pk)
                assert principal.may("circulation.lend") is may
                assert principal.email == f"librarian@{library.subdomain}.example"


@pytest.mark.django_db
def test_nobody_can_change_what_is_remembered(in_north: Any) -> None:
    branch = BranchFactory()
    held = RoleAssignmentFactory(role=Role.objects.get(code="librarian"), branch=branch)
    principal: Any = load_principal(held.user.pk)
    for mapping in (principal.branch_permissions, principal.collection_permissions):
        with pytest.raises(TypeError):
            mapping[branch.pk] = frozenset(PERMISSIONS)
    caller = machines.load_key(make_key(in_north, "catalog.view").key)
    assert caller is not None
    with pytest.raises(TypeError):
        caller.principal.branch_permissions[branch.pk] = frozenset(PERMISSIONS)  # type: ignore[index]


@pytest.mark.django_db
def test_no_more_is_remembered_than_is_allowed_and_nothing_of_a_person(in_north: Any) -> None:
    person = UserFactory(email="somebody@north.example", name="Somebody Special")
    RoleAssignmentFactory(user=person)
    load_principal(person.pk)
    kept = meaning_of(held_text(person))
    assert "somebody" not in repr(kept).lower() + held_text(person).lower()
    for number in range(callers.REMEMBERED + 50):
        meaning_of(f'[[{number},"reader",false,null,null,null]]')
    assert meaning_of.cache_info().currsize == callers.REMEMBERED == machines._rights.cache_info().maxsize


ROWS = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.sampled_from([*(role.code for role in STANDARD_ROLES), "own"]),
        st.booleans(),
        st.none() | st.lists(st.sampled_from([*sorted(PERMISSIONS), "gone.long.ago"]), max_size=3),
        st.none() | st.integers(1, 3),
        st.none(),
    ),
    max_size=6,
)


@given(rows=ROWS)
def test_what_is_remembered_is_what_the_rules_say(rows: list[Any]) -> None:
    import orjson

    text = orjson.dumps(rows).decode()
    grants = callers.grants_in(text)
    for _time in range(2):
        found: Meaning = meaning_of(text)
        assert found.rights == combine(grants)
        assert found.roles == tuple(dict.fromkeys(grant["role"] for grant in grants))


@pytest.mark.slow
def test_threads_of_one_process_never_answer_for_each_other(
    committed_library: Any, other_committed_library: Any
) -> None:
    """Two libraries with the same ids, eight threads, and a role that is given and taken away all the while."""
    libraries = committed_library, other_committed_library
    ids = {}
    for library in libraries:
        with in_library(library):
            ids[library] = UserFactory(email="lea@people.example").pk
            services.create_role(code="own", name="Own", permissions=["patrons.view"], by=SYSTEM, now=NOW)
    wrong: list[Any] = []
    over = threading.Event()

    def read(library: Any) -> int:
        """Nobody in the second library ever holds the role; in the first its holder sees all of it or nothing."""
        seen = 0
        try:
            with in_library(library):
                while not over.is_set():
                    principal = load_principal(ids[library])
                    seen += 1
                    right = ("own",), {"patrons.view"}
                    allowed = [((), {"catalog.view"})] + ([right] if library is libraries[0] else [])
                    if (principal.roles, set(principal.permissions)) not in allowed:
                        wrong.append((library.subdomain, principal))
        finally:
            connection.close()
        return seen

    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(read, libraries[number % 2]) for number in range(8)]
        try:
            with in_library(libraries[0]):
                for _time in range(25):
                    held = services.assign_role(user_id=ids[libraries[0]], role="own", by=SYSTEM, now=NOW)
                    assert load_principal(ids[libraries[0]]).may("patrons.view")
                    services.unassign_role(assignment_id=held.pk, by=SYSTEM, now=NOW)
                    assert not load_principal(ids[libraries[0]]).may("patrons.view")
        finally:
            over.set()
        assert all(reader.result() > 20 for reader in readers)
    assert wrong == []
