"""Patrons and their categories in JSON."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.core.validators import RegexValidator
from django.db.models import OuterRef
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from saas.core import clock
from saas.core.api.serializers import (
    CodeRelatedField,
    LanguageField,
    LineField,
    StrictModelSerializer,
    StrictSerializer,
    UtcDateTimeField,
)
from tenant_apps.branches.selectors import all_branches
from tenant_apps.patrons.models import Card, Patron, PatronCategory
from tenant_apps.patrons.selectors import all_categories

CODE = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9_-]*\Z",
    _("Use letters without accents, digits, hyphens and underscores."),
    "invalid_code",
)
MOST_CARDS = 20
_BODY = {
    "name": "Ada Lovelace",
    "category": "adult",
    "home_branch": "main",
    "card_numbers": ["C-1001"],
    "email": "ada@example.org",
    "birth_date": "1990-12-10",
    "expires_on": "2027-11-20",
}
_ANSWER = {
    "id": "12",
    **_BODY,
    "lost_card_numbers": [],
    "language": "en",
    "created_at": "2026-11-20T09:30:00Z",
}


def not_in_future(value: dt.date) -> None:
    """Refuse a date that has not begun anywhere on earth yet. Raises ValidationError `in_future`."""
    if value > clock.today("Pacific/Kiritimati"):
        raise serializers.ValidationError(_("This date lies in the future."), code="in_future")


@extend_schema_serializer(
    examples=[OpenApiExample("A category", {"id": "1", "code": "adult", "name": "Adult"}, response_only=True)]
)
class PatronCategorySerializer(StrictModelSerializer[PatronCategory]):
    """A patron category as it is answered."""

    class Meta:
        model = PatronCategory
        fields: ClassVar = ["id", "code", "name"]
        read_only_fields: ClassVar = fields


@extend_schema_serializer(
    examples=[OpenApiExample("A category", {"code": "student", "name": "Student"}, request_only=True)]
)
class NewPatronCategorySerializer(StrictSerializer):
    """The body that makes a patron category."""

    code = LineField(max_length=40, validators=[CODE])
    name = LineField(max_length=100)


@extend_schema_serializer(examples=[OpenApiExample("A patron", _ANSWER, response_only=True)])
class PatronSerializer(StrictModelSerializer[Patron]):
    """A patron as they are answered; `card_numbers` are the valid ones."""

    compiled: ClassVar = {
        "card_numbers": lambda: _numbers_of_each(lost=False),
        "lost_card_numbers": lambda: _numbers_of_each(lost=True),
    }

    category = serializers.CharField(source="category.code", read_only=True)
    home_branch = serializers.CharField(source="home_branch.code", read_only=True)
    card_numbers = serializers.SerializerMethodField()
    lost_card_numbers = serializers.SerializerMethodField()
    created_at = UtcDateTimeField(read_only=True)

    class Meta:
        model = Patron
        fields: ClassVar = [
            "id",
            "name",
            "category",
            "home_branch",
            "card_numbers",
            "lost_card_numbers",
            "email",
            "birth_date",
            "expires_on",
            "language",
            "created_at",
        ]
        read_only_fields: ClassVar = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_card_numbers(self, patron: Patron) -> list[str]:
        """Cards that may be used, oldest first."""
        return _numbers(patron, lost=False)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_lost_card_numbers(self, patron: Patron) -> list[str]:
        """Cards that are refused, oldest first."""
        return _numbers(patron, lost=True)


def _numbers_of_each(*, lost: bool) -> ArraySubquery:
    cards = Card.objects.filter(patron=OuterRef("pk"), lost_at__isnull=not lost)
    return ArraySubquery(cards.order_by("pk").values_list("number", flat=True))


def _numbers(patron: Patron, *, lost: bool) -> list[str]:
    cards = sorted(patron.cards.all(), key=lambda card: card.pk)
    return [card.number for card in cards if (card.lost_at is not None) is lost]


class _PatronFields(StrictSerializer):
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    birth_date = serializers.DateField(required=False, allow_null=True, validators=[not_in_future])
    expires_on = serializers.DateField(required=False, allow_null=True)
    language = LanguageField(max_length=10, required=False)


@extend_schema_serializer(examples=[OpenApiExample("A patron with a card", _BODY, request_only=True)])
class NewPatronSerializer(_PatronFields):
    """The body that registers a patron."""

    name = LineField(max_length=200)
    category = CodeRelatedField(queryset=all_categories)
    home_branch = CodeRelatedField(queryset=all_branches)
    card_numbers = serializers.ListField(child=LineField(max_length=64), max_length=MOST_CARDS)


@extend_schema_serializer(
    examples=[OpenApiExample("A new card for a lost one", {"card_numbers": ["C-1002"]}, request_only=True)]
)
class PatronChangesSerializer(_PatronFields):
    """The body that changes a patron; what is left out stays.

    `card_numbers` is the whole list of valid cards: one that is left out is marked lost.
    """

    name = LineField(max_length=200, required=False)
    category = CodeRelatedField(queryset=all_categories, required=False)
    home_branch = CodeRelatedField(queryset=all_branches, required=False)
    card_numbers = serializers.ListField(
        child=LineField(max_length=64), max_length=MOST_CARDS, required=False
    )


def represent(patron: Patron) -> dict[str, Any]:
    """Return the JSON form of one patron."""
    return dict(PatronSerializer(patron).data)
