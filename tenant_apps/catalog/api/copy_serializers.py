"""Copies and item types in JSON."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from saas.core.api.serializers import (
    CodeRelatedField,
    IdField,
    IdRelatedField,
    LineField,
    Money,
    MoneyField,
    StrictSerializer,
    UtcDateTimeField,
)
from tenant_apps.branches.selectors import all_branches
from tenant_apps.catalog import selectors
from tenant_apps.catalog.models import Copy, ItemType
from tenant_apps.preferences import selectors as preferences

_CODE = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9_-]*\Z",
    _("Use letters without accents, digits, hyphens and underscores."),
    "invalid_code",
)


class ItemTypeSerializer(serializers.ModelSerializer[ItemType]):
    """An item type as it is answered."""

    id = IdField()

    class Meta:
        model = ItemType
        fields: ClassVar = ["id", "code", "name"]
        read_only_fields: ClassVar = fields


class NewItemTypeSerializer(StrictSerializer):
    """The body that adds an item type."""

    code = LineField(max_length=40, validators=[_CODE])
    name = LineField(max_length=100)


class CopySerializer(serializers.Serializer[Any]):
    """A copy as it is answered. Callers who do not handle copies get null for its barcode and its price."""

    id = IdField()
    title = IdField(source="title_id")
    title_text = serializers.CharField(source="title.title")
    barcode = serializers.CharField(allow_null=True)
    status = serializers.SerializerMethodField()
    item_type = serializers.CharField(source="item_type.code")
    home_branch = serializers.CharField(source="home_branch.code")
    current_branch = serializers.CharField(source="current_branch.code")
    call_number = serializers.CharField()
    replacement_price = serializers.SerializerMethodField()
    not_for_loan = serializers.BooleanField()
    lost_at = UtcDateTimeField(allow_null=True)
    damaged_at = UtcDateTimeField(allow_null=True)
    withdrawn_at = UtcDateTimeField(allow_null=True)
    created_at = UtcDateTimeField()

    def get_status(self, copy: Copy) -> str:
        """available, on_loan, not_for_loan, damaged, lost or withdrawn."""
        return str(selectors.copy_status(copy))

    @extend_schema_field(MoneyField(allow_null=True))
    def get_replacement_price(self, copy: Copy) -> dict[str, str] | None:
        """Amount in the library's currency."""
        if copy.replacement_price is None:
            return None
        return MoneyField().to_representation(Money(copy.replacement_price, self.context["currency"]))

    def to_representation(self, instance: Copy) -> dict[str, Any]:
        """Return the members; barcode and price only for those who handle copies."""
        answer: dict[str, Any] = super().to_representation(instance)
        if not self.context["handles_copies"]:
            answer["barcode"] = answer["replacement_price"] = None
        return answer


class _PriceField(MoneyField):
    """An amount in the library's own currency."""

    default_error_messages = {"other_currency": _("The library's currency is {currency}.")}

    def to_internal_value(self, data: Any) -> Money:
        """Return the amount. Fails with `other_currency`."""
        money = super().to_internal_value(data)
        currency = str(preferences.value("currency"))
        if money.currency != currency:
            self.fail("other_currency", currency=currency)
        return money


class CopyChangesSerializer(StrictSerializer):
    """The body that changes a copy; what is left out stays. The flags are kept with the moment they were
    set.
    """

    barcode = LineField(max_length=64, required=False)
    item_type = CodeRelatedField(queryset=ItemType.objects.all, required=False)
    home_branch = CodeRelatedField(queryset=all_branches, required=False)
    current_branch = CodeRelatedField(queryset=all_branches, required=False)
    call_number = LineField(max_length=100, required=False, allow_blank=True)
    replacement_price = _PriceField(required=False, allow_null=True)
    not_for_loan = serializers.BooleanField(required=False)
    lost = serializers.BooleanField(required=False)
    damaged = serializers.BooleanField(required=False)
    withdrawn = serializers.BooleanField(required=False)

    def validate_replacement_price(self, value: Money | None) -> Any:
        """Keep the amount alone: the currency is the library's."""
        return None if value is None else value.amount


class NewCopySerializer(StrictSerializer):
    """The body that adds a copy."""

    title = IdRelatedField(queryset=selectors.all_titles)
    barcode = LineField(max_length=64)
    item_type = CodeRelatedField(queryset=ItemType.objects.all)
    home_branch = CodeRelatedField(queryset=all_branches)
    call_number = LineField(max_length=100, required=False, allow_blank=True)
    replacement_price = _PriceField(required=False, allow_null=True)
    not_for_loan = serializers.BooleanField(required=False)

    def validate_replacement_price(self, value: Money | None) -> Any:
        """Keep the amount alone: the currency is the library's."""
        return None if value is None else value.amount
