"""What one step leaves for the next: readable in its place and library alone, and taken once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache

from saas.core import tickets
from saas.core.errors import ServiceUnavailable
from saas.core.tenancy import in_library
from saas.core.tenancy.cache import LibraryCache

MINUTE = timedelta(minutes=1)
VALUE = {"secret": "Zq7-nowhere-to-be-seen"}
pytestmark = pytest.mark.django_db


def test_a_value_stays_until_it_is_spent(north: Any) -> None:
    with in_library(north):
        tickets.keep("here", VALUE, lasts=MINUTE)
        assert [tickets.look("here"), tickets.look("here")] == [VALUE, VALUE]
        assert [tickets.spend("here"), tickets.spend("here")] == [True, False]
        assert tickets.look("here") is None


def test_a_copy_is_worth_nothing_in_another_place_or_library(north: Any, south: Any) -> None:
    client: Any = cache
    with in_library(north):
        tickets.keep("here", VALUE, lasts=MINUTE)
        stored = client.get("here")
        assert VALUE["secret"] not in stored
        client.set("there", stored)
        assert tickets.look("there") is None
        assert tickets.look("here") == VALUE
    with in_library(south):
        client.set("here", stored)
        assert tickets.look("here") is None


def test_where_nothing_can_be_kept_nothing_begins(north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """django-redis answers so where Redis is away (IGNORE_EXCEPTIONS)."""
    monkeypatch.setattr(LibraryCache, "set", lambda *_args, **_more: None)
    with in_library(north), pytest.raises(ServiceUnavailable):
        tickets.keep("here", VALUE, lasts=MINUTE)
