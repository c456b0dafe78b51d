"""The names of the permissions, fixed by the release: tenant_apps.access.rules says what each of them means.

They are here because what can be had for a branch or a collection is declared by the models of both, which know nothing
of roles: Django makes a row of auth.Permission for each name and model (docs/adr/0020).
"""

from __future__ import annotations

from typing import Final

PERMISSION_NAMES: Final = (
    "catalog.view",
    "catalog.manage",
    "catalog.import",
    "copies.manage",
    "patrons.view",
    "patrons.manage",
    "circulation.lend",
    "circulation.view",
    "branches.manage",
    "collections.manage",
    "rules.view",
    "rules.manage",
    "settings.view",
    "settings.manage",
    "sign_in.manage",
    "audit.view",
    "audit.personal",
    "members.manage",
    "keys.manage",
    "roles.manage",
)
# For `Meta.permissions`: codename and name. The codename has a dot of its own: "branches.copies.manage" is the right
# "copies.manage" at a branch.
MODEL_PERMISSIONS: Final = tuple((name, name) for name in PERMISSION_NAMES)
