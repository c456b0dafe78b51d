"""Adding and changing copies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict

from django.db import models, transaction

from saas.core.db.integrity import refused_if_taken
from saas.core.errors import NotFound
from saas.core.principals import Actor
from shared_apps.audit import services as audit
from tenant_apps.branches.selectors import Branch
from tenant_apps.catalog.errors import BarcodeTaken
from tenant_apps.catalog.models import Copy, ItemType, Title


class CopyChanges(TypedDict, total=False):
    """What may change in a copy. The flags are true or false here; the row keeps since when they hold."""

    barcode: str
    item_type: ItemType
    home_branch: Branch
    current_branch: Branch
    call_number: str
    replacement_price: Decimal | None
    not_for_loan: bool
    lost: bool
    damaged: bool
    withdrawn: bool


def add_copy(
    *,
    title: Title,
    barcode: str,
    item_type: ItemType,
    home_branch: Branch,
    call_number: str = "",
    replacement_price: Decimal | None = None,
    not_for_loan: bool = False,
    by: Actor,
    now: datetime,
) -> Copy:
    """Add a copy of a title; it stands at its home branch. Raises BarcodeTaken."""
    copy = Copy(
        title=title,
        barcode=barcode,
        item_type=item_type,
        home_branch=home_branch,
        current_branch=home_branch,
        call_number=call_number,
        replacement_price=replacement_price,
        not_for_loan=not_for_loan,
        created_at=now,
    )
    with transaction.atomic():
        _save(copy, force_insert=True)
        changes = {
            "title": title.pk,
            "barcode": barcode,
            "item_type": item_type.code,
            "branch": home_branch.code,
        }
        audit.record(action="copy.created", target=copy, by=by, changes=changes, now=now)
    return copy


def change_copy(
    *,
    copy_id: int,
    changes: CopyChanges,
    by: Actor,
    now: datetime,
    expect: Callable[[Copy], None] | None = None,
) -> Copy:
    """Change a copy; a change that changes nothing leaves the version as it is.

    `expect` is called with the locked row and raises if the caller saw another version or may not change it.
    Raises NotFound and BarcodeTaken.
    """
    with transaction.atomic():
        copies = Copy.objects.select_for_update(of=("self",), no_key=True).select_related("title")
        copy = copies.defer("title__marc", "title__search", "title__title_search").filter(pk=copy_id).first()
        if copy is None:
            raise NotFound
        if expect is not None:
            expect(copy)
        columns = _columns(copy, changes, now)
        entry = {name: [_plain(getattr(copy, name)), _plain(value)] for name, value in columns.items()}
        if not columns:
            return copy
        for name, value in columns.items():
            setattr(copy, name, value)
        copy.bump()
        _save(copy, update_fields=[*columns, "version"])
        audit.record(action="copy.changed", target=copy, by=by, changes=entry, now=now)
    return copy


def _columns(copy: Copy, changes: CopyChanges, now: datetime) -> dict[str, Any]:
    """The columns that get another value; a flag that is set already keeps its date."""
    wanted: dict[str, Any] = {}
    for name, value in changes.items():
        if name in ("lost", "damaged", "withdrawn"):
            since = getattr(copy, f"{name}_at")
            wanted[f"{name}_at"] = (since or now) if value else None
        else:
            wanted[name] = value
    return {name: value for name, value in wanted.items() if getattr(copy, name) != value}


def _plain(value: Any) -> Any:
    """A column's value as JSON for the audit log."""
    if isinstance(value, Branch | ItemType):
        return value.code
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _save(copy: models.Model, **how: Any) -> None:
    """Save in a savepoint. The unique index decides about the barcode, not a look-up that another may
    overtake.
    """
    with refused_if_taken(BarcodeTaken):
        copy.save(**how)
