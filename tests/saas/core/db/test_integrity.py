"""A unique index decides, its refusal has a name, and the transaction around it goes on."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from saas.core.db.integrity import refused_if_taken
from tenant_apps.branches.models import Branch


class Taken(Exception):
    """What the caller calls it."""


def test_a_taken_value_is_the_callers_refusal_and_the_transaction_stays_usable(in_north: Any) -> None:
    with transaction.atomic():
        Branch.objects.create(code="before", name="Before", time_zone="UTC")
        with pytest.raises(Taken), refused_if_taken(Taken):
            Branch.objects.create(code="main", name="Again", time_zone="UTC")
        Branch.objects.create(code="after", name="After", time_zone="UTC")
    assert set(Branch.objects.values_list("code", flat=True)) == {"main", "before", "after"}


def test_any_other_refusal_of_the_database_is_not_mistaken_for_it(in_north: Any) -> None:
    with pytest.raises(IntegrityError), refused_if_taken(Taken):
        Branch.objects.create(code="null", name=None, time_zone="UTC")


def test_what_is_free_is_written(in_north: Any) -> None:
    with refused_if_taken(Taken):
        Branch.objects.create(code="free", name="Free", time_zone="UTC")
    assert Branch.objects.filter(code="free").exists()
