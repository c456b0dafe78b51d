"""The shapes of the contract, in and out, and the nearest wrong ones."""

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.exceptions import ValidationError

from saas.core.api import fields
from saas.core.api.fields import (
    CodeRelatedField,
    IdField,
    IdRelatedField,
    LanguageField,
    LineField,
    Money,
    MoneyField,
    TextField,
    TimeZoneField,
    UtcDateTimeField,
    id_from_path,
    parse_id,
)
from saas.core.errors import NotFound
from tenant_apps.branches.models import Branch


def code_of(field: Any, value: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        field.run_validation(value)
    (code,) = caught.value.get_codes()
    return str(code)


class Rows:
    """Stands for a query set: knows the rows of one library."""

    def __init__(self, *rows: Any) -> None:
        self.rows = rows
        self.asked: list[dict[str, Any]] = []
        self.model = SimpleNamespace(_meta=SimpleNamespace(verbose_name="branch"))

    def all(self) -> "Rows":
        return self

    def filter(self, **wanted: Any) -> "Rows":
        self.asked.append(wanted)
        return Rows(*(r for r in self.rows if all(getattr(r, k) == v for k, v in wanted.items())))

    def first(self) -> Any:
        return self.rows[0] if self.rows else None


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("4711", 4711), (str(2**63 - 1), 2**63 - 1)])
def test_ids_within_range(text: str, number: int) -> None:
    assert parse_id(text) == id_from_path(text) == IdField().run_validation(text) == number
    assert IdField().to_representation(number) == text


@pytest.mark.parametrize(
    "text",
    ["0", "-1", "01", "+1", " 1", "1 ", "1.0", "1e3", "x", "", "٣", "1\n", str(2**63), "9" * 30, "1\x00"],
)
def test_what_cannot_be_an_id_is_no_row(text: str) -> None:
    assert parse_id(text) is None
    with pytest.raises(NotFound):
        id_from_path(text)
    assert code_of(IdField(), text) == "does_not_exist"


@pytest.mark.parametrize("value", [1, True, 1.0, [], {}])
def test_an_id_is_a_string(value: Any) -> None:
    assert parse_id(value) is None
    assert code_of(IdField(), value) == "invalid"


def test_a_related_row_by_id() -> None:
    row = SimpleNamespace(pk=7)
    field = IdRelatedField(queryset=lambda: Rows(row))
    assert field.run_validation("7") is row
    assert field.to_representation(row) == "7"


def test_foreign_missing_and_impossible_ids_answer_alike_and_impossible_ones_ask_nothing() -> None:
    rows = Rows(SimpleNamespace(pk=7))
    field = IdRelatedField(queryset=lambda: rows)
    answers = {code_of(field, text) for text in ("8", "0", "x", str(2**63), "7\x00")}
    assert answers == {"does_not_exist"}
    assert rows.asked == [{"pk": 8}]
    assert code_of(field, 7) == "incorrect_type"


def test_a_related_row_by_code() -> None:
    row = SimpleNamespace(code="main")
    field = CodeRelatedField(queryset=lambda: Rows(row))
    assert field.run_validation("main") is row
    assert field.to_representation(row) == "main"


def test_an_unknown_code_is_named() -> None:
    field = CodeRelatedField(queryset=lambda: Rows(SimpleNamespace(code="main")))
    with pytest.raises(ValidationError) as caught:
        field.run_validation("mian")
    assert caught.value.detail == ['There is no branch with the code "mian".']
    assert code_of(field, "mian") == "does_not_exist"


@pytest.mark.parametrize("value", ["a\x00b", "x" * 1000, "a\nb"])
def test_a_code_that_no_row_can_have_is_not_looked_up(value: str) -> None:
    rows = Rows(SimpleNamespace(code="main"))
    assert code_of(CodeRelatedField(queryset=lambda: rows), value) == "does_not_exist"
    assert rows.asked == []


def test_rows_are_asked_for_per_request_and_never_kept_from_import() -> None:
    with pytest.raises(TypeError, match="pass the function"):
        IdRelatedField(queryset=Branch.objects.all())


def test_a_code_is_a_string() -> None:
    assert code_of(CodeRelatedField(queryset=Rows), 5) == "invalid"


@pytest.mark.parametrize(
    ("amount", "number"),
    [("3.50", "3.50"), ("3.5", "3.50"), ("0", "0.00"), ("1234567890.99", "1234567890.99")],
)
def test_money(amount: str, number: str) -> None:
    money = MoneyField().run_validation({"amount": amount, "currency": "EUR"})
    assert money == Money(Decimal(number), "EUR")
    assert MoneyField().to_representation(money) == {"amount": number, "currency": "EUR"}


def test_money_below_zero_only_where_allowed() -> None:
    value = {"amount": "-3.50", "currency": "EUR"}
    assert code_of(MoneyField(), value) == "negative"
    assert MoneyField(allow_negative=True).run_validation(value).amount == Decimal("-3.50")


def test_minus_zero_is_zero() -> None:
    assert str(MoneyField().run_validation({"amount": "-0.00", "currency": "EUR"}).amount) == "0.00"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"amount": 3.5, "currency": "EUR"}, "invalid_amount"),
        ({"amount": 3, "currency": "EUR"}, "invalid_amount"),
        ({"amount": "0.001", "currency": "EUR"}, "invalid_amount"),
        ({"amount": "NaN", "currency": "EUR"}, "invalid_amount"),
        ({"amount": "1e400", "currency": "EUR"}, "invalid_amount"),
        ({"amount": "Infinity", "currency": "EUR"}, "invalid_amount"),
        ({"amount": "٣", "currency": "EUR"}, "invalid_amount"),
        ({"amount": "1,50", "currency": "EUR"}, "invalid_amount"),
        ({"amount": "12345678901", "currency": "EUR"}, "invalid_amount"),
        ({"amount": "1", "currency": "eur"}, "invalid_currency"),
        ({"amount": "1", "currency": "EURO"}, "invalid_currency"),
        ({"amount": "1", "currency": 5}, "invalid_currency"),
        ({"amount": "1"}, "invalid"),
        ({"amount": "1", "currency": "EUR", "x": 1}, "invalid"),
        ("3.50", "invalid"),
        (["3.50", "EUR"], "invalid"),
    ],
)
def test_what_is_no_money(value: Any, code: str) -> None:
    assert code_of(MoneyField(), value) == code


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T09:30:00Z", dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)),
        ("2026-11-20T09:30:00.250Z", dt.datetime(2026, 11, 20, 9, 30, 0, 250_000, tzinfo=dt.UTC)),
        ("2026-11-20T10:30:00+01:00", dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)),
    ],
)
def test_moments_come_in_as_utc(text: str, moment: dt.datetime) -> None:
    found = UtcDateTimeField().run_validation(text)
    assert found == moment
    assert found.utcoffset() == dt.timedelta(0)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("2026-11-20T09:30:00", "naive"),
        ("2026-11-20", "invalid"),
        ("2026-11-20 09:30:00Z", "invalid"),
        ("2026-02-30T09:30:00Z", "invalid"),
        ("yesterday T", "invalid"),
        (1_700_000_000, "invalid"),
        ("0001-01-01T00:00:00+14:00", "out_of_range"),
        ("9999-12-31T23:00:00-14:00", "out_of_range"),
        ("2026-11-20T09:30:00" + "0" * 100 + "Z", "invalid"),
    ],
)
def test_what_is_no_moment(value: Any, code: str) -> None:
    assert code_of(UtcDateTimeField(), value) == code


def test_moments_go_out_in_utc_whatever_their_zone() -> None:
    rome = dt.timezone(dt.timedelta(hours=1))
    moment = dt.datetime(2026, 11, 20, 10, 30, tzinfo=rome)
    assert UtcDateTimeField().to_representation(moment) == "2026-11-20T09:30:00Z"
    with pytest.raises(ValueError, match="naive"):
        fields.utc_text(dt.datetime(2026, 11, 20))


def test_time_zones_and_languages() -> None:
    assert TimeZoneField().run_validation("Europe/Rome") == "Europe/Rome"
    for wrong in ("Mars/Olympus", "../../etc/passwd", "europe/rome", "localtime"):
        assert code_of(TimeZoneField(), wrong) == "unknown_time_zone"
    assert LanguageField().run_validation("it") == "it"
    assert code_of(LanguageField(), "tlh") == "unknown_language"


def test_a_line_is_trimmed_and_bounded() -> None:
    assert LineField().run_validation("  Ada  ") == "Ada"
    assert LineField().run_validation("x" * 255) == "x" * 255
    assert code_of(LineField(), "x" * 256) == "max_length"
    assert code_of(LineField(max_length=3), "abcd") == "max_length"
    assert code_of(LineField(), "   ") == "blank"


@pytest.mark.parametrize(
    "bad", ["a\x00b", "a\nb", "a\rBcc: x", "a\tb", "a\x1bb", "a\x7fb", "a\x85b", "a\ud800b"]
)
def test_control_characters_do_not_fit_a_line(bad: str) -> None:
    assert code_of(LineField(), bad) == "control_character"


def test_several_lines() -> None:
    assert TextField().run_validation("a\n\tb\r\nc") == "a\n\tb\r\nc"
    assert TextField().run_validation("x" * 10_000)
    assert code_of(TextField(), "x" * 10_001) == "max_length"
    assert code_of(TextField(), "a\x00b") == "control_character"


def test_right_to_left_marks_and_emoji_are_text() -> None:
    text = "\u05e1\u05e4\u05e8 \u200f\U0001f469\u200d\U0001f467 \u202ex"
    assert LineField().run_validation(text) == text


@pytest.mark.parametrize("value", [5, 5.0, True, [], {}])
def test_text_is_not_made_from_other_types(value: Any) -> None:
    assert code_of(LineField(), value) == "invalid"
