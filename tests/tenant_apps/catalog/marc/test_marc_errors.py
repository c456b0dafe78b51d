"""Codes are a contract: stable, each with a sentence, each reachable by a test of this folder."""

from pathlib import Path

import pytest

from tenant_apps.catalog.marc import REJECT_REASONS, WARNING_REASONS, RecordRejected, RejectCode, WarningCode


def test_every_code_has_a_sentence_and_every_sentence_a_code():
    assert set(REJECT_REASONS) == set(RejectCode)
    assert set(WARNING_REASONS) == set(WarningCode)


@pytest.mark.parametrize("reason", [*REJECT_REASONS.values(), *WARNING_REASONS.values()])
def test_sentences_are_whole_and_say_something(reason):
    text = str(reason)
    assert text.endswith(".")
    assert len(text) > 15


@pytest.mark.parametrize("code", [*RejectCode, *WarningCode])
def test_codes_are_words_in_lower_case(code):
    assert code.value == code.name.lower()


def test_a_refusal_says_its_code_and_place():
    assert str(RecordRejected(RejectCode.NO_TITLE)) == "no_title"
    refusal = RecordRejected(RejectCode.BAD_LEADER, "byte 3")
    assert (str(refusal), refusal.code, refusal.detail) == (
        "bad_leader: byte 3",
        RejectCode.BAD_LEADER,
        "byte 3",
    )


@pytest.mark.parametrize("code", [*RejectCode, *WarningCode])
def test_no_code_is_without_a_test(code):
    here = Path(__file__)
    others = [path for path in here.parent.glob("test_*.py") if path != here]
    assert any(f"{type(code).__name__}.{code.name}" in path.read_text() for path in others)


def test_the_package_needs_no_settings_and_no_models():
    """It is used before Django is set up (tools, benchmarks) and must stay so."""
    package = Path(__file__).parents[4] / "tenant_apps" / "catalog" / "marc"
    lines = [line for path in package.glob("*.py") for line in path.read_text().splitlines()]
    imports = {line for line in lines if line.startswith(("import django", "from django"))}
    assert imports == {
        "from django.utils.functional import Promise",
        "from django.utils.translation import gettext_lazy as _",
    }
