"""Reading copies and item types."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from saas.core.principals import Principal
from tenant_apps.catalog.models import Copy, ItemType
from tenant_apps.catalog.rules.availability import CopyStatus, status_of


def all_copies() -> QuerySet[Copy]:
    """Copies with their title, type and branches and whether each is on loan (`on_loan`); one query."""
    lent = Copy.objects.filter(pk=OuterRef("pk"), loans__isnull=False, loans__returned_at=None)
    return (
        Copy.objects.select_related("title", "item_type", "home_branch", "current_branch")
        .defer("title__marc", "title__search", "title__title_search", "title__summary")
        .annotate(on_loan=Exists(lent))
    )


def copy_status(copy: Copy) -> CopyStatus:
    """The status of a copy of `all_copies`."""
    return status_of(copy, on_loan=bool(getattr(copy, "on_loan")))  # noqa: B009 - an annotation


def sees_barcodes(principal: Principal) -> bool:
    """Whether a caller is staff who handle copies; everybody else sees what stands where and no more."""
    return principal.may_anywhere("copies.manage") or principal.may_anywhere("circulation.lend")


def all_item_types() -> QuerySet[ItemType]:
    """Every item type of the current library."""
    return ItemType.objects.all()
