"""The table of locks in the guide is the order that the kernel checks, and every kind in it exists."""

from __future__ import annotations

import re
from pathlib import Path

from django.apps import apps
from django.conf import settings

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "writes.md"
ROW = re.compile(r"^\| (\d+) \| `([a-z_.]+)` \|", re.MULTILINE)


def test_the_guide_names_the_kinds_in_their_order() -> None:
    rows = ROW.findall(GUIDE.read_text())
    assert [int(place) for place, _kind in rows] == list(range(1, len(rows) + 1))
    assert [kind for _place, kind in rows] == settings.LOCK_ORDER


def test_every_kind_is_a_model_and_has_one_place() -> None:
    assert [apps.get_model(kind)._meta.label_lower for kind in settings.LOCK_ORDER] == settings.LOCK_ORDER
    assert len(set(settings.LOCK_ORDER)) == len(settings.LOCK_ORDER)
