"""What is compiled and what is refused. These tests may not use the database, but for one: compiling needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import models
from django.db.models import Count, Prefetch, QuerySet
from rest_framework import serializers

from saas.core.api.serializers import IdField, UtcDateTimeField
from saas.core.db.errors import NoLibraryChosen
from saas.core.reads import EVERYTHING, Bind, CompiledRead, NotCompilable, Scope, read
from saas.core.reads.checks import check_reads
from saas.core.reads.read import Variant
from saas.core.reads.statements import Statement
from tenant_apps.branches.models import Branch
from tenant_apps.catalog.api.reads import TITLES
from tenant_apps.catalog.models import Copy, Title, TitleContributor
from tenant_apps.circulation.models import Loan


@pytest.fixture(autouse=True)
def _registered_here_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "_REGISTERED", dict(read._REGISTERED))


def made(fields: Mapping[str, Any], rows: Callable[[], QuerySet[Any]], **more: Any) -> CompiledRead:
    return CompiledRead(type("Shown", (serializers.Serializer,), dict(fields)), rows, **more)


def text_of(one: CompiledRead, **variant: Any) -> str:
    statement = one.statement(Variant(variant.pop("scope", EVERYTHING), ordering=("pk",), **variant))
    assert isinstance(statement, Statement)
    return statement.composed.text


def refusal(fields: Mapping[str, Any], rows: Callable[[], QuerySet[Any]]) -> str:
    with pytest.raises(NotCompilable) as refused:
        text_of(made(fields, rows))
    return str(refused.value)


class Loud(serializers.CharField):
    def to_representation(self, value: Any) -> str:
        return str(value).upper()


class Odd(serializers.Serializer[Any]):
    code = serializers.CharField()

    def to_representation(self, instance: Any) -> Any:
        return {}


REFUSED: dict[str, tuple[dict[str, Any], Callable[[], QuerySet[Any]], str]] = {
    "a method": (
        {"name": serializers.SerializerMethodField()},
        Branch.objects.all,
        "Shown.name: is computed",
    ),
    "a field of one's own": ({"name": Loud()}, Branch.objects.all, "Loud has no writer"),
    "a local time": (
        {"created_at": serializers.DateTimeField()},
        Title.objects.all,
        "DateTimeField has no writer",
    ),
    "a property": (
        {"shelf": serializers.CharField()},
        Branch.objects.all,
        "neither a column nor an annotation",
    ),
    "another type": ({"name": serializers.IntegerField()}, Branch.objects.all, "IntegerField over CharField"),
    "a nested serializer of one's own": (
        {"home_branch": Odd()},
        Copy.objects.all,
        "Odd overrides to_representation",
    ),
    "a member that may be left out": (
        {"collection": serializers.CharField(source="collection.code")},
        Title.objects.all,
        "a row on the way may be missing",
    ),
    "rows without an order": (
        {
            "contributions": type("Part", (serializers.Serializer,), {"role": serializers.CharField()})(
                many=True
            )
        },
        Title.objects.all,
        "the rows have no order",
    ),
    "groups": (
        {"copies_total": serializers.IntegerField()},
        lambda: Title.objects.annotate(copies_total=Count("copies")),
        "count in subqueries",
    ),
    "no fields": ({}, Branch.objects.all, "has no fields"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_compiled_is_refused_by_name(case: Any) -> None:
    fields, rows, reason = case
    assert reason in refusal(fields, rows)


def test_a_check_finds_it_before_the_first_request() -> None:
    assert check_reads() == []
    made({"name": serializers.SerializerMethodField()}, Branch.objects.all)
    (problem,) = check_reads()
    assert problem.id == "libraryhub.E101"
    assert "Shown.name" in problem.msg
    with pytest.raises(SystemCheckError, match=r"Shown\.name"):
        call_command("check")


def test_the_database_is_not_asked_while_compiling(in_north: Any) -> None:
    """Whatever a library would answer would be part of the statement of all libraries."""
    with pytest.raises(NoLibraryChosen):
        text_of(
            made(
                {"code": serializers.CharField()},
                lambda: Branch.objects.filter(pk=Branch.objects.values_list("pk", flat=True).first()),
            )
        )


def test_one_statement_for_rows_in_rows() -> None:
    part = type("Part", (serializers.Serializer,), {"name": serializers.CharField(source="contributor.name")})

    def rows() -> QuerySet[Title]:
        return Title.objects.prefetch_related(
            Prefetch("contributions", TitleContributor.objects.filter(role="author").order_by("position"))
        )

    text = text_of(made({"id": IdField(), "contributors": part(source="contributions", many=True)}, rows))
    assert text.count("row_to_json") == 2
    assert "'author'" in text
    assert text.index('"position" ASC') < text.rindex('ORDER BY "catalog_title"."id"')


def test_constants_are_in_the_text_and_values_beside_it() -> None:
    scope = Scope("of a branch", lambda rows: rows.filter(branch=Bind("branch", models.BigIntegerField())))
    one = made(
        {"id": IdField(), "due_at": UtcDateTimeField()}, lambda: Loan.objects.filter(card_number="50 % 'off'")
    )
    statement = one.statement(Variant(scope, ordering=("pk",)))
    assert statement is not None
    assert statement.composed.names == ("branch",)
    assert "%(branch)s::bigint" in statement.composed.text
    assert "'50 %% ''off'''" in statement.composed.text


def test_each_scope_has_its_own_statement() -> None:
    """Scopes are told apart by identity: two of one name, made by two requests, share nothing."""
    one = made({"code": serializers.CharField()}, Branch.objects.all)

    def scope(code: str) -> Scope:
        return Scope("theirs", lambda rows: rows.filter(code=code))

    assert "'north'" in text_of(one, scope=scope("north"))
    assert "'south'" in text_of(one, scope=scope("south"))


def test_rows_that_cannot_exist_need_no_statement() -> None:
    one = made({"code": serializers.CharField()}, Branch.objects.none)
    assert one.statement(Variant(EVERYTHING, ordering=("pk",))) is None


def test_statements_are_kept_within_bounds() -> None:
    one = made({"code": serializers.CharField()}, Branch.objects.all)
    for number in range(300):
        text_of(one, scope=Scope(f"{number}", lambda rows: rows))
    assert one.statement.cache_info().currsize == 256


def test_an_expression_in_the_place_of_a_method() -> None:
    class Shown(serializers.Serializer[Any]):
        compiled: ClassVar = {"loud": models.functions.Upper("name")}
        loud = serializers.SerializerMethodField()

    assert 'UPPER("branches_branch"."name") AS "loud"' in text_of(CompiledRead(Shown, Branch.objects.all))


def test_a_count_that_several_members_show_is_made_once() -> None:
    text = text_of(TITLES)
    assert (
        text.count("count(*)") == 3
    )  # of copies, of those on the shelf, and of a copy's open loans for these
    assert "OFFSET 0" in text
    assert '_v."v0" > 0 AS "available"' in text
