"""Loans and the rules that they follow."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from saas.core.fields import Versioned
from tenant_apps.branches.models import Branch
from tenant_apps.catalog.models import Copy, ItemType, Title
from tenant_apps.patrons.models import Patron, PatronCategory

# Copy and ItemType are the ends of our foreign keys, Title that of a copy's; our services lock or name them.
__all__ = ["Copy", "ItemType", "Loan", "LoanRule", "Title"]


class LoanRule(Versioned):
    """One value of one named rule for a scope; a blank part of the scope means any (domain.md, section 2)."""

    name = models.CharField(max_length=60)
    value = models.JSONField(null=True)
    branch = models.ForeignKey(Branch, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    category = models.ForeignKey(
        PatronCategory, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    item_type = models.ForeignKey(ItemType, on_delete=models.CASCADE, null=True, blank=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["name", "branch", "category", "item_type"],
                nulls_distinct=False,
                name="circulation_rule_scope",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.branch_id} {self.category_id} {self.item_type_id}"


class Loan(Versioned):
    """A copy in a patron's hands, from checkout to return. `rules` is what was decided by, kept for good."""

    copy = models.ForeignKey(Copy, on_delete=models.PROTECT, related_name="loans")
    patron = models.ForeignKey(Patron, on_delete=models.PROTECT, null=True, related_name="loans")
    card_number = models.CharField(max_length=64, blank=True)
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+")
    checked_out_at = models.DateTimeField()
    checked_out_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    due_at = models.DateTimeField()
    renewals = models.PositiveSmallIntegerField(default=0)
    rules = models.JSONField(default=dict)
    returned_at = models.DateTimeField(null=True, blank=True)
    effective_return_at = models.DateTimeField(null=True, blank=True)
    return_branch = models.ForeignKey(Branch, on_delete=models.PROTECT, null=True, related_name="+")
    returned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["copy"], condition=Q(returned_at=None), name="circulation_one_open_loan"
            ),
            models.CheckConstraint(
                condition=Q(due_at__gt=models.F("checked_out_at")), name="circulation_due_after"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["patron"], condition=Q(returned_at=None), name="circulation_open_by_patron"),
            models.Index(
                fields=["due_at", "id"], condition=Q(returned_at=None), name="circulation_open_by_due"
            ),
        ]

    def __str__(self) -> str:
        return f"loan {self.pk}"
