"""The fleet, for platform staff."""

import uuid
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.parameters import invalid_parameter
from saas.core.api.views import ApiView, ApiViewSet
from saas.core.errors import NotFound
from shared_apps.platform.api.serializers import (
    LibrarySerializer,
    LibraryStatusSerializer,
    ReasonSerializer,
)
from shared_apps.platform.selectors import MANAGE, VIEW
from shared_apps.tenants import selectors as tenants
from shared_apps.tenants.errors import InvalidTransition
from shared_apps.tenants.services import lifecycle

_Post = TypeVar("_Post", bound=Callable[..., Response])


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


class LibraryView(ApiView):
    """One library."""

    permissions: ClassVar = {"GET": VIEW}

    @extend_schema(
        operation_id="platform_libraries_retrieve", summary="Show a library", responses=LibrarySerializer
    )
    def get(self, request: Request, library_id: uuid.UUID) -> Response:
        """One library, whatever its status."""
        library = tenants.library_row(library_id)
        if library is None:
            raise NotFound
        return Response(LibrarySerializer(library).data)


class _CommandView(ApiView):
    """A change of a library's status by staff. Repeated, it answers the same and changes nothing."""

    permissions: ClassVar = {"POST": MANAGE}
    error_codes: ClassVar = {"POST": (NotFound, InvalidTransition)}
    command: ClassVar[Callable[..., Any]]

    def run(self, request: Request, library_id: uuid.UUID) -> Response:
        """Carry the command out. Raises InvalidTransition where it cannot follow the present status."""
        body = ReasonSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        library = type(self).command(
            library_id=library_id,
            reason=body.validated_data["reason"],
            by=self.principal.actor,
            now=clock.now(),
        )
        return Response(LibraryStatusSerializer(library).data)


def _documented(name: str, summary: str) -> Callable[[_Post], _Post]:
    decorator: Callable[[_Post], _Post] = extend_schema(
        operation_id=f"platform_libraries_{name}",
        summary=summary,
        request=ReasonSerializer,
        responses=LibraryStatusSerializer,
    )
    return decorator


class SuspendLibraryView(_CommandView):
    """Suspending a library."""

    command = staticmethod(lifecycle.suspend_library)

    @_documented("suspend", "Suspend a library")
    def post(self, request: Request, library_id: uuid.UUID) -> Response:
        """Stop everything in it but signing in, paying and taking the data away."""
        return self.run(request, library_id)


class ResumeLibraryView(_CommandView):
    """Ending a suspension or a restriction."""

    command = staticmethod(lifecycle.resume_library)

    @_documented("resume", "Resume a library")
    def post(self, request: Request, library_id: uuid.UUID) -> Response:
        """End a suspension and a restriction: the library works as before."""
        return self.run(request, library_id)


class RestrictLibraryView(_CommandView):
    """Making a library read-only."""

    command = staticmethod(lifecycle.restrict_library)

    @_documented("restrict", "Restrict a library")
    def post(self, request: Request, library_id: uuid.UUID) -> Response:
        """Make it read-only."""
        return self.run(request, library_id)


class CloseLibraryView(_CommandView):
    """Closing a library."""

    command = staticmethod(lifecycle.close_library)

    @_documented("close", "Close a library")
    def post(self, request: Request, library_id: uuid.UUID) -> Response:
        """Close it; its data are kept for 30 days, then erased."""
        return self.run(request, library_id)


class RestoreLibraryView(_CommandView):
    """Opening a closed library again."""

    command = staticmethod(lifecycle.restore_library)

    @_documented("restore", "Restore a library")
    def post(self, request: Request, library_id: uuid.UUID) -> Response:
        """Open a closed library again, as it was before it closed."""
        return self.run(request, library_id)
