"""Circulation's hold on copies: locking one, and writing where it is. The first lock of every command."""

from __future__ import annotations

from tenant_apps.circulation.models import Copy

# What the desk decides by and shows. A whole title would bring its MARC record along with each scan.
_COLUMNS = (
    "version",
    "barcode",
    "title__title",
    "item_type__code",
    "home_branch__code",
    "current_branch",
    "lost_at",
    "damaged_at",
    "withdrawn_at",
    "not_for_loan",
)


def lock_copy(barcode: str) -> Copy | None:
    """Lock the copy with this barcode until the transaction ends; None where there is none.

    The name of its title and the codes of its item type and home branch come with the row. Locks are taken in
    this order: copy, patron, title.
    """
    copies = Copy.objects.select_for_update(of=("self",), no_key=True)
    related = copies.select_related("title", "item_type", "home_branch").only(*_COLUMNS)
    return related.filter(barcode=barcode).first()


def place_copy(copy: Copy, branch_id: int) -> bool:
    """Record that a locked copy is at a branch and not lost; whether it had been lost.

    Writes only what differs.
    """
    was_lost = copy.lost_at is not None
    if copy.current_branch_id != branch_id or was_lost:
        copy.current_branch_id = branch_id
        copy.lost_at = None
        copy.bump()
        copy.save(update_fields=["current_branch", "lost_at", "version"])
    return was_lost
