"""The fleet, for platform staff."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core.api.parameters import invalid_parameter
from saas.core.api.views import ApiViewSet
from shared_apps.platform.api.serializers import LibrarySerializer
from shared_apps.platform.selectors import VIEW
from shared_apps.tenants import selectors as tenants


class LibrariesView(ApiViewSet):
    """All libraries, the newest first."""

    permissions: ClassVar = {"list": VIEW}
    query_parameters = frozenset({"status"})
    ordering_fields: ClassVar = ("created_at", "subdomain")
    default_ordering = "-created_at"
    serializer_class = LibrarySerializer

    def get_queryset(self) -> QuerySet[Any]:
        """Return the libraries, of one status where `status` names it. Raises InvalidParameter."""
        libraries = tenants.all_libraries()
        status = self.request.query_params.get("status")
        if status is None:
            return libraries
        statuses = tenants.library_statuses()
        if status not in statuses:
            choices = {"choices": ", ".join(statuses)}
            raise invalid_parameter("status", "invalid_choice", _("Choose one of: %(choices)s.") % choices)
        return libraries.filter(status=status)

    @extend_schema(summary="List libraries", responses=LibrarySerializer(many=True))
    def list(self, request: Request) -> Response:
        """List all libraries, the newest first."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(LibrarySerializer(page, many=True).data)
