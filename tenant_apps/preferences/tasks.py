"""What follows a change of settings outside the library's own schema."""

from __future__ import annotations

from typing import Any

from saas.core.tenancy import current_library
from shared_apps.delivery.services import handles
from shared_apps.tenants.services import update_profile
from tenant_apps.preferences.rules import Value
from tenant_apps.preferences.selectors import all_values
from tenant_apps.preferences.services import PROFILE_CHANGED, PUBLIC_PROFILE


@handles(PROFILE_CHANGED)
def copy_profile_to_public(payload: dict[str, Any]) -> None:
    """Bring the public row of this library up to date; reads the settings as they are now, so it may run twice."""
    values = all_values()
    profile = {key: _as_text(values[key]) for key in PUBLIC_PROFILE}
    update_profile(library_id=current_library().id, values=profile)


def _as_text(value: Value) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)
