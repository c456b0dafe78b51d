"""Reports are told in the language of who reads them."""

from __future__ import annotations

import pytest
from django.utils import translation

from tenant_apps.catalog.marc import REJECT_REASONS, WARNING_REASONS, RejectCode, WarningCode
from tenant_apps.catalog.rules.reports import NOT_STORABLE, job_detail, record_detail


@pytest.mark.parametrize("code", [*map(str, RejectCode), NOT_STORABLE])
def test_every_refusal_is_a_sentence(code: str) -> None:
    assert record_detail(code, "", rejected=True).endswith(".")


@pytest.mark.parametrize("code", list(map(str, WarningCode)))
def test_every_remark_is_a_sentence(code: str) -> None:
    assert record_detail(code, "field 245", rejected=False).endswith(" (field 245)")


def test_a_code_that_is_both_is_told_as_what_happened() -> None:
    both = set(map(str, RejectCode)) & set(map(str, WarningCode))
    assert both == {"control_characters"}
    code = both.pop()
    assert record_detail(code, "", rejected=True) == str(REJECT_REASONS[RejectCode(code)])
    assert record_detail(code, "", rejected=False) == str(WARNING_REASONS[WarningCode(code)])


def test_nothing_to_say() -> None:
    assert record_detail("", "", rejected=False) == ""
    assert record_detail("of_a_later_release", "", rejected=True) == "of_a_later_release"


@pytest.mark.parametrize("code", ["not_marc", "import_file_missing", "import_given_up"])
def test_every_failure_of_a_job_is_a_sentence(code: str) -> None:
    with translation.override("en"):
        assert job_detail(code, "").endswith(".")


def test_a_wrong_file_is_called_by_its_name() -> None:
    with translation.override("en"):
        assert job_detail("not_marc", "zip") == "This is not MARC 21 but: zip."
    assert job_detail("gone_since", "") == "gone_since"
