"""What changes the catalogue. Other apps and commands call these; each use case has its module."""

from tenant_apps.catalog.services.accounts import erase_account
from tenant_apps.catalog.services.copies import CopyChanges, add_copy, change_copy
from tenant_apps.catalog.services.imports.requests import (
    REQUESTED,
    cancel_import,
    request_import,
    waiting_import,
)
from tenant_apps.catalog.services.imports.runner import (
    resume_stalled_imports,
    run_import,
    take_over_import,
)
from tenant_apps.catalog.services.item_types import add_item_type, prepare_library, seed_library
from tenant_apps.catalog.services.titles import add_title, change_title

__all__ = [
    "REQUESTED",
    "CopyChanges",
    "add_copy",
    "add_item_type",
    "add_title",
    "cancel_import",
    "change_copy",
    "change_title",
    "erase_account",
    "prepare_library",
    "request_import",
    "resume_stalled_imports",
    "run_import",
    "seed_library",
    "take_over_import",
    "waiting_import",
]
