"""`?expand=`: an object in the place of a code, in the statement as in the plain serializer."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.db.models import QuerySet
from django.http import QueryDict
from rest_framework import serializers

from saas.core.api.renderers import dump
from saas.core.errors import InvalidParameter
from saas.core.reads import EVERYTHING, CompiledRead, read
from saas.core.reads.read import Variant
from saas.core.reads.selection import Selection, selection_of
from tenant_apps.branches.api.serializers import BranchSerializer
from tenant_apps.catalog.models import Copy
from tests.factories import CopyFactory


class Shown(serializers.Serializer[Any]):
    barcode = serializers.CharField()
    home_branch = serializers.CharField(source="home_branch.code")


def copies() -> QuerySet[Copy]:
    return Copy.objects.select_related("home_branch")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> CompiledRead:
    monkeypatch.setattr(read, "_REGISTERED", {})
    return CompiledRead(Shown, copies, expand={"home_branch": BranchSerializer})


@pytest.mark.parametrize(
    "query", ["", "expand=home_branch", "expand=home_branch&fields=home_branch.name", "fields=home_branch"]
)
def test_the_statement_says_what_the_serializer_says(in_north: Any, shown: CompiledRead, query: str) -> None:
    CopyFactory.create()
    selection = selection_of(QueryDict(query).dict(), Shown, shown.expand)
    statement = shown.statement(Variant(EVERYTHING, selection=selection, ordering=("pk",)))
    assert statement is not None
    result = statement.run({}, limit=9, prepared=False)
    rows = [orjson.loads(result.get_value(at, 0)) for at in range(result.ntuples)]
    plain = shown.plain(selection, copies().order_by("pk"), many=True).data
    assert rows == orjson.loads(dump(plain))
    assert isinstance(rows[0]["home_branch"], dict if "expand" in query else str)


def test_names_below_are_known_where_they_are_expanded_alone(shown: CompiledRead) -> None:
    assert shown.names() == ["barcode", "home_branch"]
    assert "home_branch.time_zone" in shown.names(Selection(None, ("home_branch",)))
    with pytest.raises(InvalidParameter):
        selection_of({"fields": "home_branch.name"}, Shown, shown.expand)


def test_unknown_names_are_refused_with_the_nearest(shown: CompiledRead) -> None:
    with pytest.raises(InvalidParameter, match="home_branch"):
        selection_of({"expand": "home_branches"}, Shown, shown.expand)
