"""What the API shows of branches, as compiled reads."""

from __future__ import annotations

from saas.core.reads import CompiledRead
from tenant_apps.branches import selectors
from tenant_apps.branches.api.serializers import BranchSerializer

BRANCHES = CompiledRead(
    BranchSerializer, selectors.all_branches, ordering=("code", "name"), default_ordering="code"
)
