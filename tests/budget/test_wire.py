"""The count sees every way of sending a statement."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction

from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from tests.budget.wire import Count, traced

pytestmark = pytest.mark.django_db


def test_what_the_orm_sends(in_north: Any) -> None:
    User.objects.exists()
    with traced() as sent:
        User.objects.count()
        list(User.objects.filter(email='o\'brien\n"x"@example.org'))
    assert sent.count == Count(2, 0)
    assert 'FROM "accounts_user" WHERE' in sent.commands[1]


def test_transactions_and_settings_are_counted_apart(in_north: Any) -> None:
    User.objects.exists()
    with traced() as sent, transaction.atomic():
        User.objects.count()
    assert sent.count == Count(1, 2)
    assert str(sent.count) == "1 + 2"


def test_a_switch_to_another_library_is_seen(north: Any, south: Any) -> None:
    with in_library(north):
        User.objects.exists()
    with traced() as sent, in_library(south):
        User.objects.exists()
    assert sent.count == Count(1, 1), sent.commands


def test_what_goes_past_django_is_seen_too(in_north: Any) -> None:
    User.objects.exists()
    with traced() as sent:
        for _n in range(3):
            connection.connection.execute("SELECT 1 + %s", [1], prepare=True)
        connection.connection.pgconn.exec_(b"SELECT 2")
    assert sent.count == Count(4, 0), sent.commands
    assert sent.commands[2].startswith("SELECT 1 + ")


def test_a_fetch_from_the_server_is_a_statement(in_north: Any) -> None:
    with traced() as sent:
        list(User.objects.iterator(chunk_size=1))
    assert len(sent.commands) > 3, "declared, fetched row by row, closed"
