"""The registry of errors: each code once, each with what a client and a reader need."""

import gc
import json
import re
from collections import Counter

import pytest
from django.utils import translation

from saas.core import errors
from saas.core.errors import (
    ConfirmationRequired,
    DomainError,
    FieldProblem,
    NotFound,
    RateLimited,
    ServiceUnavailable,
    TokenInvalid,
    all_error_classes,
    error_class,
    error_page,
    summary,
)

KERNEL = [cls for cls in all_error_classes() if cls.__module__ == errors.__name__]


def test_every_code_of_the_kernel_is_unique() -> None:
    counted = Counter(cls.code for cls in KERNEL)
    assert [code for code, times in counted.items() if times > 1] == []
    assert len(KERNEL) > 25


@pytest.mark.parametrize("cls", KERNEL, ids=lambda cls: cls.code)
def test_a_kernel_error_is_complete(cls: type[DomainError]) -> None:
    assert re.fullmatch(r"[a-z][a-z_]*[a-z]", cls.code)
    assert 400 <= cls.status < 600
    assert str(cls.title)
    assert str(cls.detail)
    assert summary(cls).endswith(".")


def test_a_subclass_without_a_code_of_its_own_does_not_count_twice() -> None:
    class MailedTokenInvalid(TokenInvalid):
        """A token from a mailed link."""

        status = 400

    assert MailedTokenInvalid.code == "token_invalid"
    assert MailedTokenInvalid not in all_error_classes()
    assert error_class("token_invalid") is TokenInvalid


def test_a_new_error_of_an_app_is_found_by_its_code() -> None:
    assert error_class("shelf_on_fire") is None

    class ShelfOnFire(DomainError):
        """A shelf burns."""

        code = "shelf_on_fire"

    assert error_class("shelf_on_fire") is ShelfOnFire
    del ShelfOnFire  # other tests look at every error there is
    gc.collect()
    assert error_class("shelf_on_fire") is None


def test_detail_and_members_of_one_occurrence_do_not_stick_to_the_class() -> None:
    one = NotFound("No copy with this barcode.", barcode="17")
    assert (str(one.detail), one.extension_members) == ("No copy with this barcode.", {"barcode": "17"})
    assert str(NotFound().detail) == "There is nothing at this address."
    assert NotFound().extension_members == {}
    assert str(one) == "not_found: No copy with this barcode."


def test_field_problems_become_plain_strings() -> None:
    problem = FieldProblem("contributors.0.name", "required", errors.NotFound.title)
    assert problem.as_dict() == {"field": "contributors.0.name", "code": "required", "detail": "Not found"}


def test_confirmations_show_code_and_detail_alone() -> None:
    error = ConfirmationRequired([FieldProblem("", "fine_due", "Owes 3.50 EUR.")])
    assert error.status == 409
    assert error.extension_members == {"confirmations": [{"code": "fine_due", "detail": "Owes 3.50 EUR."}]}


def test_retry_after_is_at_least_one_second() -> None:
    assert RateLimited(retry_after=0).headers == {"Retry-After": "1"}
    assert RateLimited(retry_after=42).headers == {"Retry-After": "42"}
    assert ServiceUnavailable().headers == {"Retry-After": "5"}
    assert NotFound().headers == {}


def test_the_page_has_one_row_for_each_code() -> None:
    page = error_page()
    rows = page.splitlines()[2:]
    assert len(rows) == len(all_error_classes())
    assert "| `not_found` | 404 | Not found | There is no such thing" in page
    assert all(row.count("|") == 5 for row in rows)


def test_titles_are_translated_late() -> None:
    with translation.override("en"):
        assert json.dumps(str(NotFound.title)) == '"Not found"'
    assert not isinstance(NotFound.title, str)
