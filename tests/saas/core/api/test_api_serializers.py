"""Unknown names, read-only names and wrong JSON types are errors, each with its field."""

from typing import Any

import pytest
from django.db import models
from django.http import QueryDict
from django.test.utils import isolate_apps
from rest_framework import serializers

from saas.core.api.failures import validation_failed
from saas.core.api.serializers import (
    IdField,
    LineField,
    StrictModelSerializer,
    StrictSerializer,
    TextField,
    UtcDateTimeField,
    nearest_name,
)


class ContributorIn(StrictSerializer):
    name = LineField()
    role = serializers.ChoiceField(choices=["author", "editor"], default="author")


class TitleIn(StrictSerializer):
    id = IdField(read_only=True)
    title = LineField()
    year = serializers.IntegerField(required=False, allow_null=True)
    available = serializers.BooleanField(required=False)
    rating = serializers.FloatField(required=False)
    price = serializers.DecimalField(max_digits=6, decimal_places=2, required=False)
    note = serializers.CharField(required=False, allow_blank=True)
    email = serializers.EmailField(required=False)
    shelf = serializers.ChoiceField(choices=[1, 2], required=False)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    names = serializers.DictField(child=serializers.CharField(), required=False)
    contributors = ContributorIn(many=True, required=False)
    publisher = ContributorIn(required=False)


def problems(data: Any, serializer: type[StrictSerializer] = TitleIn) -> dict[str, str]:
    given = serializer(data=data)
    assert not given.is_valid()
    error = validation_failed(serializers.ValidationError(given.errors))
    return {problem.field: problem.code for problem in error.errors}


def test_a_right_body_passes_unchanged() -> None:
    body = {
        "title": "Emma",
        "year": 1815,
        "available": True,
        "rating": 4,
        "price": "12.50",
        "note": "",
        "email": "jane@example.org",
        "shelf": 2,
        "tags": ["novel"],
        "names": {"it": "Emma"},
        "contributors": [{"name": "Jane Austen", "role": "author"}],
        "publisher": {"name": "John Murray", "role": "editor"},
    }
    given = TitleIn(data=body)
    assert given.is_valid(), given.errors
    assert given.validated_data["contributors"] == [{"name": "Jane Austen", "role": "author"}]
    assert given.validated_data["year"] == 1815


@pytest.mark.parametrize(
    ("extra", "field", "code"),
    [
        ({"titel": "x"}, "titel", "unknown_field"),
        ({"is_superuser": True}, "is_superuser", "unknown_field"),
        ({"__proto__": {}}, "__proto__", "unknown_field"),
        ({"title__regex": "x"}, "title__regex", "unknown_field"),
        ({"id": "5"}, "id", "read_only"),
        ({"contributors": [{"name": "a"}, {"nam": "b", "name": "c"}]}, "contributors.1.nam", "unknown_field"),
        ({"publisher": {"name": "a", "id": "1"}}, "publisher.id", "unknown_field"),
    ],
)
def test_unknown_and_read_only_fields(extra: dict[str, Any], field: str, code: str) -> None:
    assert problems({"title": "Emma", **extra}) == {field: code}


def test_the_nearest_known_name_is_in_the_detail() -> None:
    given = TitleIn(data={"titel": "Emma"})
    assert not given.is_valid()
    assert 'Did you mean "title"?' in str(given.errors["titel"][0])
    far = TitleIn(data={"zzzzzz": 1})
    assert not far.is_valid()
    assert str(far.errors["zzzzzz"][0]) == 'Unknown field "zzzzzz".'


def test_names_are_cut_and_counted() -> None:
    found = problems({"title": "x", **{f"{n:03}" + "y" * 5000: 1 for n in range(500)}})
    assert len(found) == 10
    assert all(len(name) <= 64 for name in found)


def test_nearest_name() -> None:
    assert nearest_name("barcod", {"barcode", "branch"}) == "barcode"
    assert nearest_name("x", {"barcode", "branch"}) is None


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("available", "true", "invalid"),
        ("available", "1", "invalid"),
        ("available", 1, "invalid"),
        ("year", "1815", "invalid"),
        ("year", 1815.0, "invalid"),
        ("year", True, "invalid"),
        ("rating", "4", "invalid"),
        ("rating", False, "invalid"),
        ("price", 12.5, "invalid"),
        ("price", "NaN", "invalid"),
        ("price", "1e400", "max_digits"),
        ("title", 5, "invalid"),
        ("note", 5, "invalid"),
        ("note", True, "invalid"),
        ("note", ["x"], "invalid"),
        ("note", "a\x00b", "control_character"),
        ("note", "a\x1bb", "control_character"),
        ("note", "x" * 10_001, "max_length"),
        ("email", 5, "invalid"),
        ("email", "a@b.example\r\nBcc: c@d.example", "invalid"),
        ("shelf", "1", "invalid_choice"),
        ("shelf", True, "invalid_choice"),
        ("shelf", 1.0, "invalid_choice"),
        ("shelf", [], "invalid_choice"),
        ("tags", "novel", "not_a_list"),
        ("names", ["x"], "not_a_dict"),
        ("title", None, "null"),
    ],
)
def test_types_are_not_coerced(field: str, value: Any, code: str) -> None:
    assert problems({"title": "Emma", field: value})[field] == code


@pytest.mark.parametrize(
    ("field", "value", "where"),
    [("tags", ["a", 5], "tags.1"), ("names", {"it": 5}, "names.it"), ("contributors", [{"name": 5}], None)],
)
def test_members_of_lists_and_maps_are_checked(field: str, value: Any, where: str | None) -> None:
    assert problems({"title": "Emma", field: value}) == {where or "contributors.0.name": "invalid"}


@pytest.mark.parametrize("body", [[], "x", 5, [{"title": "x"}]])
def test_a_body_that_is_no_object(body: Any) -> None:
    assert problems(body) == {"body": "invalid"}


def test_null_and_missing_are_the_fields_own_affair() -> None:
    given = TitleIn(data={"title": "Emma", "year": None})
    assert given.is_valid()
    assert given.validated_data == {"title": "Emma", "year": None}


def test_a_patch_checks_names_and_types_too() -> None:
    given = TitleIn(data={"titel": "x"}, partial=True)
    assert not given.is_valid()
    assert TitleIn(data={"year": 1816}, partial=True).is_valid()
    assert not TitleIn(data={"year": "1816"}, partial=True).is_valid()


def test_a_form_can_only_send_strings_and_is_still_checked_for_names() -> None:
    class Upload(StrictSerializer):
        dry_run = serializers.BooleanField(default=False)

    given = Upload(data=QueryDict("dry_run=true&csrfmiddlewaretoken=x"))
    assert given.is_valid(), given.errors
    assert given.validated_data == {"dry_run": True}
    assert problems(QueryDict("dry_rum=true"), Upload) == {"dry_rum": "unknown_field"}


@isolate_apps("saas.core")
def test_a_model_serializer_maps_ids_text_and_moments() -> None:
    class Shelf(models.Model):  # noqa: DJ008
        id = models.BigAutoField(primary_key=True)
        name = models.CharField(max_length=20)
        note = models.TextField(blank=True)
        built_at = models.DateTimeField(null=True)

        class Meta:
            app_label = "core"

    class ShelfOut(StrictModelSerializer[Shelf]):
        class Meta:
            model = Shelf
            fields = ("id", "name", "note", "built_at")

    shown = ShelfOut().fields
    assert isinstance(shown["id"], IdField)
    assert isinstance(shown["name"], LineField)
    assert isinstance(shown["note"], TextField)
    assert isinstance(shown["built_at"], UtcDateTimeField)
    assert ShelfOut(Shelf(pk=7, name="A")).data == {"id": "7", "name": "A", "note": "", "built_at": None}
    given = ShelfOut(data={"name": "x" * 21, "id": "9"})
    assert not given.is_valid()
    assert "id" in given.errors
