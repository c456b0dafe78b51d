"""Pure rules: names in mails."""

from __future__ import annotations

import pytest

from shared_apps.signup import rules


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Riverside Library", None),
        ("Biblioteca comunale «S. Rocco», Torino", None),
        ("مكتبة المدينة", None),
        ("Win at http://evil.example", "links_not_allowed"),
        ("Go to WWW.evil.example", "links_not_allowed"),
        ("<b>Library</b>", "links_not_allowed"),
        ("Library \u202eyrarbil", "bad_characters"),
    ],
)
def test_names_that_have_no_place_in_a_mail(name: str, code: str | None) -> None:
    assert rules.name_problem(name) == code
