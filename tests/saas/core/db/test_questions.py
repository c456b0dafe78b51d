"""A query set composed once answers as the query set, in whichever library is current."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import BigIntegerField, TextField

from saas.core.db.binds import Among, Bind, BindAny
from saas.core.db.errors import NoLibraryChosen
from saas.core.db.questions import Question, Questions
from saas.core.tenancy import in_library, in_public
from shared_apps.accounts.models import User
from tenant_apps.access.models import Role
from tenant_apps.branches.models import Branch
from tenant_apps.preferences.models import LibraryPreferences

pytestmark = pytest.mark.django_db


def role_of(code: Any) -> Any:
    return Role.objects.filter(code=code).values_list("id", "code", "permissions", "edited")


def test_it_answers_as_the_query_set(in_north: Any, django_assert_num_queries: Any) -> None:
    composed = []

    def compose() -> Any:
        composed.append(1)
        return role_of(Bind("code", TextField()))

    question = Question(compose)
    for code in ("admin", "guest", "nobody's", None, "'; DROP TABLE access_role; --"):
        with django_assert_num_queries(1):
            found = question.first(code=code)
        assert found == (None if code is None else role_of(code).first())
    assert composed == [1]


def test_numbers_of_every_size_find_their_row(in_north: Any) -> None:
    question = Question(lambda: User.objects.filter(pk=Bind("pk", BigIntegerField())).values_list("pk"))
    for pk in (7, 40_000, 5_000_000_000):
        User.objects.create(pk=pk, email=f"{pk}@north.example")
        assert question.first(pk=pk) == (pk,)
    assert question.first(pk=-1) is None


@pytest.mark.parametrize("carries", [False, True], ids=["session", "pooler"])
def test_each_run_is_answered_by_the_library_that_is_current(
    north: Any, south: Any, carries: bool, monkeypatch: Any
) -> None:
    """Also where each statement carries its switch, and nothing is prepared."""
    connection.ensure_connection()
    monkeypatch.setattr(connections[DEFAULT_DB_ALIAS], "carries_switch", carries)
    question = Question(lambda: Branch.objects.filter(code=Bind("code", TextField())).values_list("name"))
    with in_library(north):
        Branch.objects.filter(code="main").update(name="North's")
        assert question.first(code="main") == ("North's",)
    with in_library(south):
        Branch.objects.filter(code="main").update(name="South's")
        assert question.first(code="main") == ("South's",)
    with in_library(north):
        assert question.first(code="main") == ("North's",)
    users = Question(lambda: User.objects.filter(email=Bind("email", TextField())).values_list("pk"))
    with in_library(south):
        assert users.first(email="admin@south.example") is not None
    with in_public():
        assert users.first(email="admin@south.example") is None


def test_a_thread_without_a_library_is_refused(in_north: Any) -> None:
    question = Question(lambda: role_of(Bind("code", TextField())))
    assert question.first(code="admin") is not None

    def stranger() -> None:
        try:
            question.first(code="admin")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, pytest.raises(NoLibraryChosen):
        pool.submit(stranger).result()


def test_several_questions_are_one_statement(in_north: Any, django_assert_num_queries: Any) -> None:
    code: Any = Bind("code", TextField())
    answers = Questions(
        lambda: {
            "role": Role.objects.filter(code=code).values_list("name"),
            "branch": Branch.objects.filter(code=Bind("branch", TextField())).values_list("name"),
        }
    )
    with django_assert_num_queries(1):
        found = answers.answers(code="admin", branch="nowhere", more="than is asked for")
    assert found == {"role": Role.objects.get(code="admin").name, "branch": None}
    with django_assert_num_queries(0):
        assert Questions(dict).answers(code="admin") == {}


@pytest.mark.parametrize(
    "codes",
    [
        [],
        ["admin"],
        ["admin", "guest", "nobody"],
        ['a"b', "a\\b", "{x,y}", "NULL", "", "%s", "é"],
        ["admin,guest"],
    ],
)
def test_one_of_several_values(in_north: Any, codes: list[str]) -> None:
    for code in ('a"b', "a\\b", "{x,y}", "NULL", "", "%s", "é"):
        Role.objects.create(code=code, name="Odd")
    given = BindAny("codes", TextField())
    for code in ("admin", "guest", 'a"b', "a\\b", "{x,y}", "NULL", "", "%s", "é", "{}"):
        question = Question(
            lambda: Role.objects.filter(Among("code", given), code=Bind("code", TextField())).values_list(
                "pk"
            )
        )
        found = question.first(codes=codes, code=code)
        assert found == Role.objects.filter(code__in=codes).filter(code=code).values_list("pk").first()
        assert (found is not None) is (code in codes)


def test_what_django_would_convert_is_refused(in_north: Any) -> None:
    question = Question(lambda: LibraryPreferences.objects.values_list("values"))
    with pytest.raises(ImproperlyConfigured, match="cast"):
        question.first()


def test_a_value_longer_than_its_column_finds_nobody(in_north: Any) -> None:
    """A cast to varchar(n) would cut it off and find whoever has the beginning of it."""
    field = Branch._meta.get_field("code")
    Branch.objects.create(code="x" * 40, name="Long", time_zone="UTC")
    question = Question(lambda: Branch.objects.filter(code=Bind("code", field)).values_list("name"))
    assert field.max_length == 40
    assert question.first(code="x" * 40) == ("Long",)
    assert question.first(code="x" * 41) is None
