"""Visits for tests, begun as the platform begins them, and the clients of those who visit."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

from saas.core import clock
from saas.core.principals import Principal
from saas.core.tenancy import in_library, in_public
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.services import relay
from shared_apps.platform.services.visits import BegunVisit, begin_visit
from tenant_apps.preferences.services import change
from tests.factories import StaffRoleFactory

PRIVATE = "/api/v1/settings/"


def staff_principal(role: str = "support", name: str = "Stella Staff") -> Principal:
    """A new member of staff with this role."""
    with in_public():
        user = StaffRoleFactory(role=role, user__name=name).user
    return Principal(user_id=user.pk, email=user.email, name=name)


def begin(library: Any, access: str = "read", **more: Any) -> BegunVisit:
    """A visit of the library that has just begun."""
    values: dict[str, Any] = {"reason": "Ticket 118", "minutes": 30, **more}
    values["staff"] = more.get("staff") or staff_principal()
    return begin_visit(library_id=library.id, access=access, now=clock.now(), **values)


def visitor(library: Any, token: str, **options: Any) -> Any:
    """A client on the library's host (None: the public site's) that presents the token."""
    client = APIClient(
        HTTP_HOST="localhost" if library is None else f"{library.subdomain}.localhost", **options
    )
    client.credentials(HTTP_AUTHORIZATION=f"Visit {token}")
    return client


def admit(library: Any, setting: str) -> None:
    """Set what visits the library admits."""
    with in_library(library):
        change(values={"staff_visits": setting}, by=Principal(user_id=1).actor, now=clock.now())


def delivered(library: Any) -> None:
    """Deliver what waits in the library's outbox."""
    with in_library(library):
        relay()


def requests_in_log(library: Any | None) -> list[AuditEntry]:
    """The requests of visits in a library's log, or in the platform's (None), in their order."""
    with in_public() if library is None else in_library(library):
        return list(AuditEntry.objects.filter(action="visit.request").order_by("pk"))
