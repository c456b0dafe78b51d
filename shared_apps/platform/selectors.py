"""Who platform staff are and what they may do. Public site only."""

from __future__ import annotations

from django.contrib.auth import get_user_model

from saas.core.principals import Principal
from saas.core.tenancy import in_public

VIEW, MANAGE = "platform.view", "platform.manage"


def load_principal(user_id: int | None) -> Principal:
    """Rights of a user on the public site (None: an anonymous caller), in one query.

    Active staff may look; superusers among them may also change. Everybody else may do nothing here.
    """
    if user_id is None:
        return Principal()
    with in_public():
        row = (
            get_user_model()
            .objects.filter(pk=user_id, is_active=True)
            .values("email", "name", "is_staff", "is_superuser")
            .first()
        )
    if row is None:
        return Principal()
    granted = [VIEW, MANAGE] if row["is_superuser"] else [VIEW]
    return Principal(
        user_id=user_id,
        email=row["email"],
        name=row["name"],
        roles=("staff",) if row["is_staff"] else (),
        permissions=frozenset(granted if row["is_staff"] else ()),
    )
