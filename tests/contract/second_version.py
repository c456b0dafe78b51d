"""A site with a second version of the API beside the first: the routes of a library and one of `/api/v2/`.

In v2 the field that is deprecated in v1 is gone. Its view has a serializer of its own and asks the same selectors.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from saas import urls_library
from saas.core.api.documentation import documentation_urls
from saas.core.api.fields import IdField
from saas.core.api.lookups import visible_or_404
from saas.core.api.versions import version_urls
from saas.core.api.views import ApiViewSet
from saas.core.errors import NotFound
from tenant_apps.catalog import selectors

handler400, handler403 = urls_library.handler400, urls_library.handler403
handler404, handler500 = urls_library.handler404, urls_library.handler500


class PlaceSerializer(serializers.Serializer[Any]):
    """Copies of a title at one branch, in the words of v2."""

    branch = serializers.CharField()
    copies_total = serializers.IntegerField(source="copies")
    copies_available = serializers.IntegerField(source="available")


class PlacesSerializer(serializers.Serializer[Any]):
    """Where a title stands, in the words of v2."""

    title = IdField()
    branches = PlaceSerializer(many=True)


class AvailabilityView(ApiViewSet):
    """Where a title stands."""

    permissions: ClassVar = {"retrieve": "catalog.view"}
    error_codes: ClassVar = {"retrieve": (NotFound,)}
    serializer_class = PlacesSerializer

    def get_queryset(self) -> Any:
        """Return the titles whom the caller may see."""
        return selectors.visible_to(self.principal, selectors.all_titles().only("id"))

    @extend_schema(summary="Show where a title stands", responses=PlacesSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Copies by branch, in numbers."""
        title = visible_or_404(self.get_queryset(), "pk", pk)
        places = selectors.availability_of([title.pk]).get(title.pk, [])
        return Response(PlacesSerializer({"title": title.pk, "branches": places}).data)


urlpatterns = [
    *urls_library.urlpatterns,
    version_urls(
        "v2",
        [
            path(
                "titles/<str:pk>/availability/",
                AvailabilityView.as_view({"get": "retrieve"}, detail=True),
                name="title-availability-v2",
            )
        ],
    ),
    *documentation_urls(__name__, version="v2"),
]
