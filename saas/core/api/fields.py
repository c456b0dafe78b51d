"""Serializer fields for the shapes of the HTTP contract: ids, codes, money, moments, zones, text."""

import datetime as dt
import functools
import re
import unicodedata
import zoneinfo
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple, cast

from django.conf import settings
from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from saas.core.db.rows import row_by
from saas.core.errors import NotFound

MAX_ID = 2**63 - 1
LINE_LENGTH = 255
TEXT_LENGTH = 10_000
_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_AMOUNT = re.compile(r"-?(0|[1-9][0-9]{0,9})(\.[0-9]{1,2})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


class Money(NamedTuple):
    """An amount with two decimals at most and its ISO 4217 currency."""

    amount: Decimal
    currency: str


def parse_id(value: object) -> int | None:
    """Return the row id that an opaque id string stands for, None where it cannot be one (1 to 2^63-1)."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        return None
    number = int(value)
    return number if number <= MAX_ID else None


def id_from_path(value: str) -> int:
    """Return the row id of a path segment. Raises NotFound, as for an id that no row has."""
    number = parse_id(value)
    if number is None:
        raise NotFound
    return number


def forbidden_character(text: str, *, multiline: bool) -> str | None:
    """Return the first control character or lone surrogate of `text` as U+XXXX, None where it is clean.

    Line breaks and tabs are allowed where `multiline` is true; elsewhere they would split a mail header
    or a log line.
    """
    for char in text:
        if unicodedata.category(char) in ("Cc", "Cs") and not (multiline and char in "\t\n\r"):
            return f"U+{ord(char):04X}"
    return None


class _TextField(serializers.CharField):
    multiline = False
    default_error_messages: ClassVar = {
        "invalid": _("Send a string."),
        "control_character": _("The character {character} is not allowed here."),
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", TEXT_LENGTH if self.multiline else LINE_LENGTH)
        super().__init__(**kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data is not serializers.empty and data is not None and not isinstance(data, str):
            self.fail("invalid")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = data.strip() if self.trim_whitespace else data
        character = forbidden_character(text, multiline=self.multiline)
        if character:
            self.fail("control_character", character=character)
        return text


class LineField(_TextField):
    """One line of text: trimmed, at most 255 characters unless told, no control characters."""


class TextField(_TextField):
    """Text of several lines: trimmed, at most 10,000 characters unless told, no other control characters."""

    multiline = True


@extend_schema_field({"type": "string", "pattern": "^[1-9][0-9]{0,18}$", "example": "4711"})
class IdField(serializers.Field[int, Any, str, Any]):
    """A bigint that clients see as an opaque string. What cannot be an id answers `does_not_exist`."""

    default_error_messages: ClassVar = {
        "invalid": _("Send the id as a string."),
        "does_not_exist": _("There is nothing with this id."),
    }

    def to_internal_value(self, data: Any) -> int:
        """Return the row id. Fails with `invalid` for another type, `does_not_exist` out of 1 to 2^63-1."""
        if not isinstance(data, str):
            self.fail("invalid")
        number = parse_id(data)
        if number is None:
            self.fail("does_not_exist")
        return number

    def to_representation(self, value: Any) -> str:
        """Return the id as a string."""
        return str(value)


class _RowsPerCall:
    """`queryset` is a function, called for each request: a query set made at import belongs to no library."""

    def __init__(self, **kwargs: Any) -> None:
        if isinstance(kwargs.get("queryset"), QuerySet):
            raise TypeError("pass the function that makes the query set, not a query set")
        super().__init__(**kwargs)

    def get_queryset(self) -> Any:
        """The rows that may be named, in the current library."""
        return cast(Any, self).queryset()


@extend_schema_field({"type": "string", "pattern": "^[1-9][0-9]{0,18}$", "example": "4711"})
class IdRelatedField(_RowsPerCall, serializers.PrimaryKeyRelatedField[Model]):
    """A row of `queryset()` named by its opaque id.

    Pass a function whose query set holds only what the caller may see: a foreign id and a missing one answer alike.
    """

    default_error_messages: ClassVar = {
        "does_not_exist": _("There is nothing with this id."),
        "incorrect_type": _("Send the id as a string."),
    }

    def to_internal_value(self, data: Any) -> Any:
        """Return the row. Fails with `does_not_exist` or `incorrect_type`."""
        if not isinstance(data, str):
            self.fail("incorrect_type")
        number = parse_id(data)
        row = None if number is None else self.get_queryset().filter(pk=number).first()
        if row is None:
            self.fail("does_not_exist")
        return row

    def to_representation(self, value: Any) -> str:
        """Return the id of the row as a string."""
        return str(value.pk)


@extend_schema_field({"type": "string", "maxLength": 64, "example": "main"})
class CodeRelatedField(_RowsPerCall, serializers.SlugRelatedField[Model]):
    """A row of `queryset()` named by its `code`; an unknown code is named back."""

    default_error_messages: ClassVar = {
        "does_not_exist": _('There is no {model} with the code "{value}".'),
        "invalid": _("Send the code as a string."),
    }

    def __init__(self, slug_field: str = "code", **kwargs: Any) -> None:
        super().__init__(slug_field=slug_field, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Return the row. Fails with `does_not_exist` or `invalid`."""
        if not isinstance(data, str):
            self.fail("invalid")
        usable = len(data) <= LINE_LENGTH and not forbidden_character(data, multiline=False)
        row = row_by(cast(Any, self).queryset, str(self.slug_field)).find(data) if usable else None
        if row is None:
            name = self.get_queryset().model._meta.verbose_name
            self.fail("does_not_exist", model=name, value=data[:64] if usable else "...")
        return row


@extend_schema_field(
    {
        "type": "object",
        "required": ["amount", "currency"],
        "properties": {
            "amount": {"type": "string", "pattern": r"^-?\d{1,10}(\.\d{1,2})?$", "example": "3.50"},
            "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "example": "EUR"},
        },
    }
)
class MoneyField(serializers.Field[Money, Any, dict[str, str], Any]):
    """`{"amount": "3.50", "currency": "EUR"}` to and from Money. Below zero only with `allow_negative`."""

    default_error_messages: ClassVar = {
        "invalid": _('Send {{"amount": "3.50", "currency": "EUR"}}, the amount as a string.'),
        "invalid_amount": _("The amount is a decimal number with at most two decimals, as a string."),
        "invalid_currency": _("The currency is a code of three capital letters (ISO 4217)."),
        "negative": _("The amount must not be below zero."),
    }

    def __init__(self, *, allow_negative: bool = False, **kwargs: Any) -> None:
        self.allow_negative = allow_negative
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Money:
        """Return Money with two decimals. Fails with one of `default_error_messages`."""
        if not isinstance(data, Mapping) or set(data) != {"amount", "currency"}:
            self.fail("invalid")
        amount, currency = data["amount"], data["currency"]
        if not isinstance(amount, str) or not _AMOUNT.fullmatch(amount):
            self.fail("invalid_amount")
        if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
            self.fail("invalid_currency")
        number = Decimal(amount).quantize(Decimal("0.01")) + 0  # plus zero turns -0.00 into 0.00
        if number < 0 and not self.allow_negative:
            self.fail("negative")
        return Money(number, currency)

    def to_representation(self, value: Money) -> dict[str, str]:
        """Return the two members; `value` is Money or a pair of Decimal and currency."""
        amount, currency = value
        return {"amount": f"{amount:.2f}", "currency": currency}


class UtcDateTimeField(serializers.DateTimeField):
    """A moment: an ISO 8601 string with its offset comes in, the same moment in UTC with Z goes out."""

    default_error_messages: ClassVar = {
        "invalid": _("Send a moment as 2026-11-20T09:30:00Z."),
        "naive": _("The time zone is missing: send a moment as 2026-11-20T09:30:00Z."),
        "out_of_range": _("The moment is too far away."),
    }

    def to_internal_value(self, value: Any) -> dt.datetime:
        """Return an aware datetime in UTC. Fails with `invalid`, `naive` or `out_of_range`."""
        if not isinstance(value, str) or len(value) > 40 or "T" not in value:
            self.fail("invalid")
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            self.fail("invalid")
        if moment.tzinfo is None:
            self.fail("naive")
        try:
            return moment.astimezone(dt.UTC)
        except OverflowError:
            self.fail("out_of_range")

    def to_representation(self, value: Any) -> Any:
        """Return the moment as `2026-11-20T09:30:00Z`; microseconds only where there are some."""
        return utc_text(value) if isinstance(value, dt.datetime) else value


def utc_text(moment: dt.datetime) -> str:
    """Return an aware moment in ISO 8601 with Z. Raises ValueError for a naive one, which would be a bug."""
    if moment.tzinfo is None:
        raise ValueError("A naive datetime cannot be written as UTC.")
    return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"


@functools.cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


@extend_schema_field({"type": "string", "example": "Europe/Rome"})
class TimeZoneField(LineField):
    """The name of an IANA time zone."""

    default_error_messages: ClassVar = {"unknown_time_zone": _('"{value}" is not the name of a time zone.')}

    def to_internal_value(self, data: Any) -> str:
        """Return the name. Fails with `unknown_time_zone`."""
        name = super().to_internal_value(data)
        if name not in _time_zones():
            self.fail("unknown_time_zone", value=name[:64])
        return name


@extend_schema_field({"type": "string", "example": "en"})
class LanguageField(LineField):
    """The code of a language that the product speaks (settings.LANGUAGES)."""

    default_error_messages: ClassVar = {
        "unknown_language": _('"{value}" is not available. Choose one of: {choices}.')
    }

    def to_internal_value(self, data: Any) -> str:
        """Return the code. Fails with `unknown_language`."""
        code = super().to_internal_value(data)
        codes = [language for language, _name in settings.LANGUAGES]
        if code not in codes:
            self.fail("unknown_language", value=code[:16], choices=", ".join(codes))
        return code
