"""Reading collections, and who may do something for which. `Collection` is here for annotations of other apps."""

from __future__ import annotations

from django.db.models import QuerySet

from saas.core.errors import PermissionDenied
from saas.core.principals import Principal
from tenant_apps.collections.models import Collection

__all__ = ["Collection", "all_collections", "require_for_collection"]


def all_collections() -> QuerySet[Collection]:
    """Every collection of the current library; anybody who may see the catalogue may see them."""
    return Collection.objects.all()


def require_for_collection(principal: Principal, permission: str, collection_id: int | None) -> None:
    """Raise PermissionDenied unless the caller holds the permission for this collection or for the whole library.

    None asks for the whole library: what is in no collection is nobody's but the library's. The route's own check lets
    in whoever holds the permission anywhere (saas.core.api.permissions), so every write asks here.
    """
    if not principal.may(permission, collection_id=collection_id):
        raise PermissionDenied
