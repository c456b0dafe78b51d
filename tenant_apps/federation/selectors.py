"""Reading identity providers, and whom they know."""

from __future__ import annotations

from typing import Any, TypedDict

from django.db.models import QuerySet
from django.urls import reverse

from saas.core.api.fields import utc_text
from tenant_apps.federation.models import IdentityProvider, LinkedIdentity


class WayIn(TypedDict):
    """A button of the sign-in page: what it says, and where its form is sent."""

    name: str
    address: str


def providers() -> QuerySet[IdentityProvider]:
    """Every identity provider of the current library."""
    return IdentityProvider.objects.all()


def enabled_providers() -> QuerySet[IdentityProvider]:
    """Those that people may sign in with, by name."""
    return providers().filter(enabled=True).order_by("name", "id")


def enabled_provider(code: str) -> IdentityProvider | None:
    """The provider with this code if people may sign in with it."""
    return enabled_providers().filter(code=code).first()


def identities_of(user_id: int) -> QuerySet[LinkedIdentity]:
    """What providers call this person, the newest first, each with its provider."""
    return LinkedIdentity.objects.filter(user=user_id).select_related("provider").order_by("-id")


def ways_in() -> list[WayIn]:
    """What the sign-in page offers besides the password (settings.SIGN_IN_WAYS); one query."""
    return [
        WayIn(name=name, address=reverse("sign-in-with", args=[code]))
        for code, name in enabled_providers().values_list("code", "name")
    ]


def export_of_account(user_id: int) -> dict[str, Any]:
    """What this app holds of a person, for the export of their account (settings.ACCOUNT_EXPORTERS)."""
    return {
        "linked_identities": [
            {
                "provider": identity.provider.code,
                "issuer": identity.issuer,
                "subject": identity.subject,
                "created_at": utc_text(identity.created_at),
                "last_used_at": utc_text(identity.last_used_at) if identity.last_used_at else None,
            }
            for identity in identities_of(user_id)
        ]
    }
