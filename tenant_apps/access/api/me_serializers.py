"""The caller in JSON."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.serializers import LanguageField, LineField, StrictSerializer
from saas.core.principals import KEY, PERSON, STAFF

_DESK = ["catalog.view", "circulation.lend"]
_ME = {
    "id": "12",
    "kind": "person",
    "label": "",
    "email": "lea@example.org",
    "name": "Lea Rossi",
    "language": "it",
    "roles": [
        {
            "assignment": "7",
            "role": "librarian",
            "branch": "main",
            "collection": None,
            "permissions": _DESK,
        }
    ],
    "permissions": [],
    "branch_permissions": {"main": _DESK},
    "collection_permissions": {},
    "patron": None,
}


class HeldRoleSerializer(serializers.Serializer[Any]):
    """An assignment of the caller: the role, where it is held, and what it gives there."""

    assignment = serializers.CharField()
    role = serializers.CharField()
    branch = serializers.CharField(allow_null=True)
    collection = serializers.CharField(allow_null=True)
    permissions = serializers.ListField(child=serializers.CharField())


class OwnPatronSerializer(serializers.Serializer[Any]):
    """The caller as a borrower."""

    id = serializers.CharField()
    card_numbers = serializers.ListField(child=serializers.CharField())


@extend_schema_serializer(examples=[OpenApiExample("A librarian of one branch", _ME, response_only=True)])
class MeSerializer(serializers.Serializer[Any]):
    """The answer of `/me/`: documentation of what `selectors` and the extensions put together."""

    id = serializers.CharField(
        allow_null=True,
        help_text=_("Null for an API key and for staff on a visit, who have no account here."),
    )
    kind = serializers.ChoiceField(choices=[PERSON, KEY, STAFF])
    label = serializers.CharField(  # type: ignore[assignment]
        allow_blank=True, help_text=_("What the audit log calls a key or a visitor; empty for a person.")
    )
    email = serializers.EmailField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)
    roles = HeldRoleSerializer(many=True)
    permissions = serializers.ListField(child=serializers.CharField())
    branch_permissions = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text=_("By branch code, what roles at that branch allow there, beside `permissions`."),
    )
    collection_permissions = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text=_("By collection code, what roles for that collection allow, beside `permissions`."),
    )
    patron = OwnPatronSerializer(allow_null=True)


@extend_schema_serializer(
    examples=[OpenApiExample("Another language", {"language": "de"}, request_only=True)]
)
class MeChangesSerializer(StrictSerializer):
    """What people may change about themselves; what is left out stays, and nothing else can be sent."""

    name = LineField(max_length=200, required=False)
    language = LanguageField(max_length=10, required=False)
