"""HTTP for security events."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core.api.parameters import invalid_parameter
from saas.core.api.views import ApiViewSet
from saas.core.errors import InvalidParameter
from saas.core.security_events import Kind
from shared_apps.security import selectors
from shared_apps.security.api.serializers import SecurityEventSerializer, represent
from shared_apps.security.models import SecurityEvent

_PARAMETERS = [
    OpenApiParameter("kind", OpenApiTypes.STR, enum=[kind.value for kind in Kind]),
    OpenApiParameter(
        "user", OpenApiTypes.STR, description="Id of the account that it is about, or that acted."
    ),
]


class SecurityEventsView(ApiViewSet):
    """What was tried and refused here, and what changed who may do what; the newest first."""

    permissions: ClassVar = {"list": "audit.view"}
    # As in the audit log: who may not see personal values sees no addresses.
    personal_permission: ClassVar[str] = "audit.personal"
    error_codes: ClassVar = {"list": (InvalidParameter,)}
    query_parameters: ClassVar = frozenset({"kind", "user"})
    ordering_fields: ClassVar = ("at",)
    default_ordering = "-at"
    serializer_class = SecurityEventSerializer

    def get_queryset(self) -> QuerySet[SecurityEvent]:
        """Return the events that the query parameters choose. Raises InvalidParameter."""
        asked = self.request.query_params
        return selectors.events(kind=_kind(asked.get("kind")), user_id=_user(asked.get("user")))

    @extend_schema(
        summary="List security events",
        parameters=_PARAMETERS,
        responses=SecurityEventSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """A page of events. A flood is kept in part: the rest is in the `count` of one row for the hour."""
        page = self.paginate_queryset(self.get_queryset()) or []
        with_personal = self.principal.may(self.personal_permission)
        return self.get_paginated_response([represent(row, with_personal=with_personal) for row in page])


class PlatformSecurityEventsView(SecurityEventsView):
    """The same of the public site, for platform staff."""

    permissions: ClassVar = {"list": "platform.audit"}
    personal_permission = "platform.audit.personal"


def _kind(text: str | None) -> str | None:
    if text is None or text in {kind.value for kind in Kind}:
        return text
    raise invalid_parameter("kind", "invalid_choice", _("There is no such kind of event."))


def _user(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise invalid_parameter("user", "invalid", _("This is not the id of an account."))
    return int(text)
