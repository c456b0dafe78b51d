"""Loans, checkouts and returns in JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.fields import utc_text
from saas.core.api.serializers import (
    CodeRelatedField,
    IdField,
    LineField,
    MoneyField,
    StrictModelSerializer,
    StrictSerializer,
    UtcDateTimeField,
)
from tenant_apps.branches.selectors import all_branches
from tenant_apps.circulation.models import Loan
from tenant_apps.circulation.services import Checkout, LoanLine, Message, Return

LOAN_EXAMPLE = {
    "id": "31",
    "copy_barcode": "30001",
    "title": {"id": "7", "title": "The Name of the Rose"},
    "patron": "12",
    "card_number": "C-1001",
    "branch": "main",
    "checked_out_at": "2026-11-20T09:30:00Z",
    "due_at": "2026-12-18T22:59:59Z",
    "renewals": 0,
    "returned_at": None,
    "effective_return_at": None,
    "return_branch": None,
}


class LoanTitleSerializer(StrictSerializer):
    """What was lent, in one line."""

    id = IdField(source="pk", read_only=True)
    title = serializers.CharField(read_only=True)


@extend_schema_serializer(examples=[OpenApiExample("An open loan", LOAN_EXAMPLE, response_only=True)])
class LoanSerializer(StrictModelSerializer[Loan]):
    """A loan as it is answered; branches by code. `patron` is null once the loan is anonymous."""

    copy_barcode = serializers.CharField(source="copy.barcode", read_only=True)
    title = LoanTitleSerializer(source="copy.title", read_only=True)
    patron = IdField(source="patron_id", read_only=True, allow_null=True)
    branch = serializers.CharField(source="branch.code", read_only=True)
    return_branch = serializers.CharField(source="return_branch.code", read_only=True, allow_null=True)

    class Meta:
        model = Loan
        fields: ClassVar = [
            "id",
            "copy_barcode",
            "title",
            "patron",
            "card_number",
            "branch",
            "checked_out_at",
            "due_at",
            "renewals",
            "returned_at",
            "effective_return_at",
            "return_branch",
        ]
        read_only_fields: ClassVar = fields


class MessageSerializer(StrictSerializer):
    """What the desk is told: decide by `code`, show `detail`."""

    code = serializers.CharField(read_only=True)
    detail = serializers.CharField(read_only=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A checkout",
            {"copy_barcode": "30001", "card_number": "C-1001", "branch": "main", "confirm": []},
            request_only=True,
        )
    ]
)
class NewLoanSerializer(StrictSerializer):
    """The body that lends a copy. `confirm` lists the accepted codes of a `confirmation_required`."""

    copy_barcode = LineField(max_length=64)
    card_number = LineField(max_length=64)
    branch = CodeRelatedField(queryset=all_branches)
    confirm = serializers.ListField(child=LineField(max_length=60), max_length=20, required=False)


@extend_schema_serializer(
    examples=[OpenApiExample("Lent", {"loan": LOAN_EXAMPLE, "messages": []}, response_only=True)]
)
class CheckoutSerializer(StrictSerializer):
    """The answer to a checkout."""

    loan = LoanSerializer(read_only=True)
    messages = MessageSerializer(many=True, read_only=True)


@extend_schema_serializer(
    examples=[OpenApiExample("A return", {"copy_barcode": "30001", "branch": "main"}, request_only=True)]
)
class NewReturnSerializer(StrictSerializer):
    """The body that takes a copy back. `effective_at` is when it really came back, if that was earlier."""

    copy_barcode = LineField(max_length=64)
    branch = CodeRelatedField(queryset=all_branches)
    effective_at = UtcDateTimeField(required=False)
    confirm = serializers.ListField(child=LineField(max_length=60), max_length=20, required=False)


class CardSerializer(StrictSerializer):
    """A card alone, as the desk's page takes it."""

    card_number = LineField(max_length=64)


class TransferSerializer(StrictSerializer):
    """The way a copy has to take, by branch codes."""

    from_branch = serializers.CharField(read_only=True)
    to_branch = serializers.CharField(read_only=True)


class HoldOfReturnSerializer(StrictSerializer):
    """The hold that a returned copy fills."""

    id = IdField(read_only=True)


class ChargeOfReturnSerializer(StrictSerializer):
    """A charge that a return made."""

    id = IdField(read_only=True)
    amount = MoneyField(read_only=True)


_RETURNED = {**LOAN_EXAMPLE, "returned_at": "2026-12-01T10:00:00Z", "return_branch": "main"}
_RETURN: dict[str, Any] = {"action": "shelve", "hold": None, "transfer": None, "charges": [], "messages": []}


@extend_schema_serializer(
    examples=[OpenApiExample("Returned at home", {"loan": _RETURNED, **_RETURN}, response_only=True)]
)
class ReturnSerializer(StrictSerializer):
    """The answer to a return. Without holds and fees `hold` is null and `charges` is empty."""

    loan = LoanSerializer(read_only=True, allow_null=True)
    action = serializers.CharField(
        read_only=True,
        help_text="shelve, hold_shelf, transfer, in_transit or in_house_use; more may be added.",
    )
    hold = HoldOfReturnSerializer(read_only=True, allow_null=True)
    transfer = TransferSerializer(read_only=True, allow_null=True)
    charges = ChargeOfReturnSerializer(many=True, read_only=True)
    messages = MessageSerializer(many=True, read_only=True)


def represent(loan: Loan) -> dict[str, Any]:
    """Return the JSON form of one loan."""
    return dict(LoanSerializer(loan).data)


def represent_line(line: LoanLine) -> dict[str, Any]:
    """Return the JSON form of a loan that a command has just written: what LoanSerializer says of its row."""
    return {
        "id": str(line.pk),
        "copy_barcode": line.copy_barcode,
        "title": {"id": str(line.title_id), "title": line.title},
        "patron": None if line.patron_id is None else str(line.patron_id),
        "card_number": line.card_number,
        "branch": line.branch,
        "checked_out_at": utc_text(line.checked_out_at),
        "due_at": utc_text(line.due_at),
        "renewals": line.renewals,
        "returned_at": _moment(line.returned_at),
        "effective_return_at": _moment(line.effective_return_at),
        "return_branch": line.return_branch,
    }


def represent_checkout(checkout: Checkout) -> dict[str, Any]:
    """Return the JSON form of what a checkout did."""
    return {"loan": represent_line(checkout.loan), "messages": _messages(checkout.messages)}


def represent_return(result: Return, *, shows_patron: bool = True) -> dict[str, Any]:
    """Return the JSON form of what a return did; without the patron for a desk that may not see the loan's branch."""
    loan = represent_line(result.loan) if result.loan else None
    if loan is not None and not shows_patron:
        loan |= {"patron": None, "card_number": ""}
    return {
        "loan": loan,
        "action": result.action,
        "hold": None,
        "transfer": asdict(result.transfer) if result.transfer else None,
        "charges": [],
        "messages": _messages(result.messages),
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)


def _messages(messages: Iterable[Message]) -> list[dict[str, str]]:
    return [{"code": message.code, "detail": str(message.detail)} for message in messages]
