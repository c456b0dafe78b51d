"""Shapes of plans."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from saas.core.api.fields import Money, MoneyField
from saas.core.api.serializers import StrictSerializer
from shared_apps.entitlements.selectors import Plan


class LimitsSerializer(StrictSerializer):
    """What a plan allows at most; `storage_bytes` in bytes."""

    titles = serializers.IntegerField()
    patrons = serializers.IntegerField()
    staff = serializers.IntegerField()
    branches = serializers.IntegerField()
    storage_bytes = serializers.IntegerField()
    requests_per_minute = serializers.IntegerField()


class PriceSerializer(StrictSerializer):
    """Price without tax in one currency, by interval of payment."""

    monthly = MoneyField()
    yearly = MoneyField()


class PlanSerializer(StrictSerializer):
    """A plan as the price list shows it; `prices` is keyed by ISO 4217 currency."""

    code = serializers.CharField()
    name = serializers.CharField()
    summary = serializers.CharField()
    limits = LimitsSerializer()
    prices = serializers.SerializerMethodField()
    trial_days = serializers.IntegerField()

    @extend_schema_field(serializers.DictField(child=PriceSerializer()))
    def get_prices(self, plan: Plan) -> dict[str, Any]:
        """Return each currency's prices, money as it is written everywhere."""
        return {
            currency: PriceSerializer(
                {name: Money(amount, currency) for name, amount in amounts.items()}
            ).data
            for currency, amounts in plan.prices.items()
        }


class PlanListSerializer(StrictSerializer):
    """All plans; there is only ever one page."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = PlanSerializer(many=True)
