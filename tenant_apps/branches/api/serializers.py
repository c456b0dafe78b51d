"""Branches in JSON."""

from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer

from saas.core.api.serializers import LineField, StrictModelSerializer, StrictSerializer, TimeZoneField
from tenant_apps.branches.models import Branch

CODE = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9_-]*\Z",
    _("Use letters without accents, digits, hyphens and underscores."),
    "invalid_code",
)
_EXAMPLE = {"id": "1", "code": "main", "name": "Main", "time_zone": "Europe/Rome"}


@extend_schema_serializer(examples=[OpenApiExample("A branch", _EXAMPLE, response_only=True)])
class BranchSerializer(StrictModelSerializer[Branch]):
    """A branch as it is answered."""

    class Meta:
        model = Branch
        fields: ClassVar = ["id", "code", "name", "time_zone"]
        read_only_fields: ClassVar = fields


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A second branch",
            {"code": "harbour", "name": "Harbour", "time_zone": "Europe/Rome"},
            request_only=True,
        )
    ]
)
class NewBranchSerializer(StrictSerializer):
    """The body that opens a branch."""

    code = LineField(max_length=40, validators=[CODE])
    name = LineField(max_length=200)
    time_zone = TimeZoneField(max_length=64)


@extend_schema_serializer(
    examples=[OpenApiExample("Another name", {"name": "Old Harbour"}, request_only=True)]
)
class BranchChangesSerializer(StrictSerializer):
    """The body that changes a branch; what is left out stays."""

    name = LineField(max_length=200, required=False)
    time_zone = TimeZoneField(max_length=64, required=False)


def represent(branch: Branch) -> dict[str, Any]:
    """Return the JSON form of one branch."""
    return dict(BranchSerializer(branch).data)
