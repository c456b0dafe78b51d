"""What Django's has_perm lacks for rows: a right for the whole library is one for each branch and collection."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend

from tenant_apps.branches.selectors import Branch
from tenant_apps.collections.selectors import Collection


class WholeLibraryBackend(BaseBackend):
    """Answers `user.has_perm("branches.copies.manage", branch)` for whoever holds the permission of the model itself.

    It signs nobody in. Django's own backend says nothing about rows, and guardian knows what is given for single rows.
    """

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Whether the user holds the permission for all branches, or all collections, and so for this one."""
        if not isinstance(obj, Branch | Collection) or not perm.startswith(f"{obj._meta.app_label}."):
            return False
        return bool(user_obj.has_perm(perm))
