"""Collections in JSON."""

from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer

from saas.core.api.serializers import LineField, StrictModelSerializer, StrictSerializer
from tenant_apps.collections.models import Collection

CODE = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9_-]*\Z",
    _("Use letters without accents, digits, hyphens and underscores."),
    "invalid_code",
)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A collection", {"id": "1", "code": "music", "name": "Music library"}, response_only=True
        )
    ]
)
class CollectionSerializer(StrictModelSerializer[Collection]):
    """A collection as it is answered."""

    class Meta:
        model = Collection
        fields: ClassVar = ["id", "code", "name"]
        read_only_fields: ClassVar = fields


@extend_schema_serializer(
    examples=[
        OpenApiExample("The music library", {"code": "music", "name": "Music library"}, request_only=True)
    ]
)
class NewCollectionSerializer(StrictSerializer):
    """The body that makes a collection."""

    code = LineField(max_length=40, validators=[CODE])
    name = LineField(max_length=200)


@extend_schema_serializer(
    examples=[OpenApiExample("Another name", {"name": "Scores and records"}, request_only=True)]
)
class CollectionChangesSerializer(StrictSerializer):
    """The body that renames a collection."""

    name = LineField(max_length=200)


def represent(collection: Collection) -> dict[str, Any]:
    """Return the JSON form of one collection."""
    return dict(CollectionSerializer(collection).data)
