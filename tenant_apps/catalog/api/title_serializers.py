"""Titles in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.db.models import F
from django.db.models.lookups import GreaterThan
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from saas.core.api.deprecations import deprecated_field
from saas.core.api.serializers import (
    CodeRelatedField,
    IdField,
    LineField,
    StrictSerializer,
    TextField,
    UtcDateTimeField,
)
from tenant_apps.catalog import selectors
from tenant_apps.catalog.marc import ContributorKind, DraftContributor, MaterialType, Role, isbn13
from tenant_apps.catalog.models import Title
from tenant_apps.catalog.rules.wording import availability_words
from tenant_apps.collections.selectors import all_collections

MAX_NAMES = 50
MAX_LINE = 300
EARLIEST_YEAR, LATEST_YEAR = 1000, 2100
_LANGUAGE_CODE = RegexValidator(
    r"^[a-z]{3}\Z", _('Use the three letters of the MARC language code, such as "eng".'), "invalid_language"
)


class HitSerializer(serializers.Serializer[Any]):
    """A title in a list. `copies_total` counts what is neither lost nor withdrawn."""

    compiled: ClassVar = {"available": GreaterThan(F("copies_available"), 0)}

    id = IdField()
    title = serializers.CharField()
    subtitle = serializers.CharField()
    contributors = serializers.ListField(child=serializers.CharField(), source="contributor_names")
    year = serializers.IntegerField(allow_null=True)
    language = serializers.CharField()
    isbns = serializers.ListField(child=serializers.CharField())
    material_type = serializers.CharField()
    available = serializers.SerializerMethodField()
    copies_available = serializers.IntegerField()
    copies_total = serializers.IntegerField()

    def get_available(self, hit: Any) -> bool:
        """Whether a copy is on the shelf."""
        return bool(hit.copies_available > 0)


class FacetValueSerializer(serializers.Serializer[Any]):
    """One value, how many titles have it, and its name where the value is an id or a code."""

    value = serializers.CharField()
    count = serializers.IntegerField()
    label = serializers.CharField(required=False)  # type: ignore[assignment]


class FacetSerializer(serializers.Serializer[Any]):
    """The most frequent values; `exact` is false where more than 5,000 titles were found."""

    exact = serializers.BooleanField()
    values = FacetValueSerializer(many=True)


class SearchPageSerializer(serializers.Serializer[Any]):
    """A page of results."""

    count = serializers.IntegerField()
    count_is_exact = serializers.BooleanField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = HitSerializer(many=True)
    facets = serializers.DictField(child=FacetSerializer())
    suggestions = serializers.ListField(child=serializers.CharField())


class ContributionSerializer(serializers.Serializer[Any]):
    """A contributor's part in a title."""

    id = IdField(source="contributor_id")
    name = serializers.CharField(source="contributor.name")
    kind = serializers.CharField(source="contributor.kind")
    role = serializers.CharField()


class SubjectLinkSerializer(serializers.Serializer[Any]):
    """A subject of a title."""

    id = IdField(source="subject_id")
    heading = serializers.CharField(source="subject.heading")


class TitleSerializer(serializers.ModelSerializer[Title]):
    """A title with everything but its MARC record."""

    id = IdField()
    contributors = ContributionSerializer(source="contributions", many=True)
    subjects = SubjectLinkSerializer(source="subject_links", many=True)
    collection = serializers.CharField(source="collection.code", default=None, allow_null=True)
    created_at = UtcDateTimeField()
    updated_at = UtcDateTimeField()
    copies_total = serializers.IntegerField()
    copies_available = serializers.IntegerField()

    class Meta:
        model = Title
        fields: ClassVar = [
            "id",
            "control_number",
            "title",
            "subtitle",
            "statement",
            "contributors",
            "subjects",
            "collection",
            "publisher",
            "place",
            "year",
            "language",
            "material_type",
            "edition",
            "extent",
            "series",
            "classification",
            "summary",
            "isbns",
            "issns",
            "urls",
            "copies_total",
            "copies_available",
            "created_at",
            "updated_at",
        ]
        read_only_fields: ClassVar = fields


@deprecated_field(
    "available",
    since="2026-11-20",
    sunset="2027-12-01",
    instead="copies_available, the same number: everywhere else `available` is true or false.",
)
class BranchAvailabilitySerializer(serializers.Serializer[selectors.BranchAvailability]):
    """Copies of a title at one branch, in numbers and in words."""

    branch = serializers.CharField()
    branch_name = serializers.CharField()
    copies = serializers.IntegerField()
    copies_available = serializers.IntegerField(source="available")
    available = serializers.IntegerField(help_text="Use `copies_available`.")
    on_loan = serializers.IntegerField()
    not_for_loan = serializers.IntegerField()
    first_due_at = UtcDateTimeField(allow_null=True)
    text = serializers.SerializerMethodField()

    def get_text(self, place: selectors.BranchAvailability) -> str:
        """What a reader finds there, in the language of the request."""
        return availability_words(place)


class AvailabilitySerializer(serializers.Serializer[Any]):
    """Where a title stands."""

    title = IdField()
    copies_total = serializers.IntegerField()
    copies_available = serializers.IntegerField()
    branches = BranchAvailabilitySerializer(many=True)


class _ContributorBody(StrictSerializer):
    name = LineField(max_length=MAX_LINE)
    role = serializers.ChoiceField(choices=[str(role) for role in Role], default=str(Role.AUTHOR))
    kind = serializers.ChoiceField(
        choices=[str(kind) for kind in ContributorKind], default=str(ContributorKind.PERSON)
    )


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "maxLength": MAX_LINE},
            {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "maxLength": MAX_LINE},
                    "role": {"type": "string", "enum": [str(role) for role in Role]},
                    "kind": {"type": "string", "enum": [str(kind) for kind in ContributorKind]},
                },
            },
        ]
    }
)
class ContributorField(serializers.Field[DraftContributor, Any, Any, Any]):
    """A name as it is sorted ("Austen, Jane"), or an object with name, role and kind."""

    def to_internal_value(self, data: Any) -> DraftContributor:
        """Return the draft. Fails as the fields of the object do."""
        body = _ContributorBody(data=data if isinstance(data, Mapping) else {"name": data})
        body.is_valid(raise_exception=True)
        given = body.validated_data
        return DraftContributor(given["name"], Role(given["role"]), ContributorKind(given["kind"]))

    def to_representation(self, value: DraftContributor) -> dict[str, str]:
        """Return the object; only bodies use this field."""
        return {"name": value.name, "role": str(value.role), "kind": str(value.kind)}


class IsbnField(LineField):
    """An ISBN of either length in any notation; kept with 13 digits."""

    default_error_messages = {"invalid_isbn": _('"{value}" is not a valid ISBN.')}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=40, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return 13 digits. Fails with `invalid_isbn`."""
        text = super().to_internal_value(data)
        number = isbn13(text)
        if not number:
            self.fail("invalid_isbn", value=text)
        return number


class TitleChangesSerializer(StrictSerializer):
    """The body that changes a title; what is left out stays, in the MARC record too."""

    title = LineField(max_length=1000, required=False)
    subtitle = LineField(max_length=1000, required=False, allow_blank=True)
    contributors = serializers.ListField(child=ContributorField(), required=False, max_length=MAX_NAMES)
    isbns = serializers.ListField(child=IsbnField(), required=False, max_length=MAX_NAMES)
    subjects = serializers.ListField(
        child=LineField(max_length=MAX_LINE), required=False, max_length=MAX_NAMES
    )
    year = serializers.IntegerField(
        min_value=EARLIEST_YEAR, max_value=LATEST_YEAR, required=False, allow_null=True
    )
    language = LineField(max_length=3, required=False, validators=[_LANGUAGE_CODE])
    publisher = LineField(max_length=MAX_LINE, required=False, allow_blank=True)
    place = LineField(max_length=MAX_LINE, required=False, allow_blank=True)
    edition = LineField(max_length=MAX_LINE, required=False, allow_blank=True)
    summary = TextField(max_length=5_000, required=False, allow_blank=True)
    collection = CodeRelatedField(
        queryset=all_collections, required=False, allow_null=True, help_text=_("By code; null: in none.")
    )


class NewTitleSerializer(TitleChangesSerializer):
    """The body that adds a title."""

    title = LineField(max_length=1000)
    material_type = serializers.ChoiceField(
        choices=[str(kind) for kind in MaterialType], default=str(MaterialType.BOOK)
    )
