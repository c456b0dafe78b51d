"""What a key looks like, and what of it is stored."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from django.test import override_settings

from saas.core.principals import Principal
from saas.core.tenancy import in_library
from tenant_apps.access.rules import PERMISSIONS
from tenant_apps.keys.rules import (
    KEY,
    NEVER_BY_KEY,
    Rights,
    digest_of,
    matches,
    new_key,
    prefix_of,
    rights_of,
)


def test_a_key_is_found_by_its_prefix_and_has_256_bits() -> None:
    keys = [new_key() for _ in range(200)]
    assert len({key for key, _prefix in keys}) == len({prefix for _key, prefix in keys}) == 200
    for key, prefix in keys:
        assert prefix_of(key) == prefix
        assert key.startswith(f"{prefix}_")
    secret = re.search(r"_[0-9A-Za-z]{10}_([0-9A-Za-z]+)$", keys[0][0])
    assert secret is not None
    # Six characters are checksum.
    assert (len(secret[1]) - 6) * math.log2(62) >= 256


def test_one_changed_character_is_no_key() -> None:
    key, _prefix = new_key()
    for at in range(4, len(key)):
        other = "x" if key[at] != "x" else "y"
        assert prefix_of(key[:at] + other + key[at + 1 :]) is None, at


@pytest.mark.parametrize(
    "text", ["", "lhk_", "lhk_0123456789", "x" * 64, "lhk_" + "é" * 60, "lhk_" + "٣" * 60]
)
def test_other_text_is_no_key(text: str) -> None:
    assert prefix_of(text) is None
    assert KEY.fullmatch(text) is None


def test_a_line_break_at_the_end_is_no_key() -> None:
    assert prefix_of(new_key()[0] + "\n") is None


@pytest.mark.django_db
def test_a_digest_is_of_one_library(north: Any, south: Any) -> None:
    key, _prefix = new_key()
    with in_library(north):
        digest = digest_of(key)
        assert matches(key, digest)
        assert not matches(new_key()[0], digest)
    with in_library(south):
        assert not matches(key, digest)
        assert digest_of(key) != digest
    assert key not in digest
    assert re.fullmatch("[0-9a-f]{64}", digest)


@pytest.mark.django_db
def test_a_key_outlives_a_change_of_the_secret_key_with_a_fallback(in_north: Any) -> None:
    key, _prefix = new_key()
    with override_settings(SECRET_KEY="old" * 20):
        digest = digest_of(key)
    with override_settings(SECRET_KEY="new" * 20, SECRET_KEY_FALLBACKS=["old" * 20]):
        assert matches(key, digest)
    with override_settings(SECRET_KEY="new" * 20, SECRET_KEY_FALLBACKS=[]):
        assert not matches(key, digest)


def test_no_key_makes_people_roles_or_keys() -> None:
    assert set(PERMISSIONS) > NEVER_BY_KEY
    assert rights_of(PERMISSIONS, None).everywhere == set(PERMISSIONS) - NEVER_BY_KEY
    assert rights_of(["catalog.view", "roles.manage"], [7]).by_branch == {7: {"catalog.view"}}


def test_branches_that_are_gone_leave_nothing() -> None:
    assert rights_of(["catalog.view"], []) == Rights()


@pytest.mark.parametrize(
    ("rights", "within"),
    [
        (Rights(), True),
        (Rights(everywhere=frozenset({"catalog.view"})), True),
        (Rights(everywhere=frozenset({"copies.manage"})), False),
        (Rights(by_branch={1: frozenset({"copies.manage", "catalog.view"})}), True),
        (Rights(by_branch={2: frozenset({"copies.manage"})}), False),
        (Rights(by_collection={5: frozenset({"copies.manage"})}), True),
        (Rights(by_collection={1: frozenset({"copies.manage"})}), False),
        (Rights(by_collection={9: frozenset({"catalog.view"})}), True),
    ],
)
def test_nobody_gives_more_than_they_have(rights: Rights, within: bool) -> None:
    holder = Principal(
        user_id=1,
        permissions=frozenset({"catalog.view"}),
        branch_permissions={1: frozenset({"copies.manage"})},
        collection_permissions={5: frozenset({"copies.manage"})},
    )
    assert rights.within(holder) is within
