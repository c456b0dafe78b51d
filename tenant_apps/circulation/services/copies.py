"""Circulation's hold on copies: locking one, and writing where it is. The first lock of every command."""

from __future__ import annotations

from tenant_apps.circulation.models import Copy


def lock_copy(barcode: str) -> Copy | None:
    """Lock the copy with this barcode until the transaction ends; None where there is none.

    Its item type and home branch come with the row. Locks are taken in this order: copy, patron, title.
    """
    copies = Copy.objects.select_for_update(of=("self",), no_key=True)
    return copies.select_related("item_type", "home_branch").filter(barcode=barcode).first()


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
