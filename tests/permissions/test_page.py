"""The page that people read says what the tests check."""

from __future__ import annotations

from tests.permissions.matrix import MATRIX, ROLES
from tests.permissions.page import PAGE, page


def test_the_page_is_made_from_the_matrix() -> None:
    assert PAGE.read_text() == page(), "run: uv run python -m tests.permissions.page"


def test_no_row_names_an_unknown_role_or_lets_nobody_in() -> None:
    for site, rows in MATRIX.items():
        assert all(row and row <= set(ROLES[site]) for row in rows.values())
