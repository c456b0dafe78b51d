"""What `check --deploy` finds wrong with the logins, and that it finds nothing where nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError

from saas.core.db import checks
from saas.core.db.owner import owner_connection


@pytest.fixture
def owner(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """The owner's connection, which a test inside Django's transaction may not open."""
    with django_db_blocker.unblock(), owner_connection() as wrapper:
        yield wrapper


def warned() -> set[str]:
    return {str(warning.id).removeprefix("libraryhub.") for warning in checks.check_logins()}


def test_two_logins_as_the_guide_makes_them_are_well(db: None) -> None:
    if settings.DATABASES["default"]["USER"] == settings.DATABASES["owner"]["USER"]:
        pytest.skip("this server was given one login")
    assert warned() == set()


def test_roles_that_are_off_are_named(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "LIBRARY_ROLES", False)
    assert "W001" in warned()


def test_one_login_for_both_is_named(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "USER", settings.DATABASES["owner"]["USER"])
    assert warned() == {"W002"}


def test_a_login_that_may_do_all_is_named(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "connection", owner)
    assert warned() == {"W003"}


def test_a_select_that_could_switch_is_named(owner: Any) -> None:
    function = "FUNCTION pg_catalog.set_config(text, text, boolean)"
    with owner.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"GRANT EXECUTE ON {function} TO PUBLIC")
        assert checks.select_can_switch(cursor)
        cursor.execute("ROLLBACK")
        assert not checks.select_can_switch(cursor)


def test_a_database_that_is_away_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def cursor(self) -> Any:
            raise OperationalError("connection refused")

    monkeypatch.setattr(checks, "connection", Away())
    (warning,) = [w for w in checks.check_logins() if w.id == "libraryhub.W005"]
    assert "connection refused" in warning.msg
