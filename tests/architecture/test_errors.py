"""Every error code is one class, named like a code, and explained where a client's author reads."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from http import HTTPStatus

import pytest

from saas.core.errors import DomainError
from tests.architecture.error_page import PAGE, classes, page

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def test_the_registry_knows_the_apps_errors() -> None:
    codes = {cls.code for cls in classes()}
    assert {"not_found", "copy_on_loan", "token_used", "library_suspended", "idempotency_key_reused"} <= codes


def test_codes_are_unique() -> None:
    counted = Counter(cls.code for cls in classes())
    twice = {code for code, count in counted.items() if count > 1}
    assert {c.code: f"{c.__module__}.{c.__qualname__}" for c in classes() if c.code in twice} == {}


@pytest.mark.parametrize("cls", classes(), ids=lambda cls: cls.code)
def test_a_code_is_snake_case_with_a_title_and_a_docstring(cls: type[DomainError]) -> None:
    assert SNAKE_CASE.fullmatch(cls.code)
    assert len(cls.code) <= 60
    assert str(cls.title).strip()
    assert not str(cls.title).endswith(".")
    # Its own docstring: an inherited one says what another error means.
    assert inspect.cleandoc(vars(cls).get("__doc__") or "").split("\n")[0].endswith(".")
    assert HTTPStatus(cls.status).value == cls.status
    assert 400 <= cls.status < 600


def test_errors_live_where_apps_keep_them() -> None:
    """In `errors` modules, or beside the one mechanism that raises them in the kernel."""
    offences = [
        f"{cls.__module__}.{cls.__qualname__}"
        for cls in classes()
        if not cls.__module__.startswith("saas.core") and cls.__module__.rsplit(".", 1)[-1] != "errors"
    ]
    assert offences == []


def test_the_page_of_errors_is_made_from_the_classes() -> None:
    assert PAGE.read_text() == page(), "run: uv run python -m tests.architecture.error_page"


def test_every_code_of_the_contract_exists() -> None:
    """What api.md promises to clients of this part; a renamed code breaks them."""
    promised = [
        "confirmation_required",
        "idempotency_key_reused",
        "idempotency_in_progress",
        "library_suspended",
        "library_restricted",
        "library_closed",
        "token_used",
        "token_invalid",
        "token_expired",
        "invalid_credentials",
        "mfa_required",
        "unknown_barcode",
        "unknown_card",
        "copy_on_loan",
        "no_rule",
        "limit_reached",
        "patron_expired",
        "patron_blocked",
        "copy_withdrawn",
        "cannot_grant",
        "last_admin",
    ]
    assert set(promised) - {cls.code for cls in classes()} == set()
