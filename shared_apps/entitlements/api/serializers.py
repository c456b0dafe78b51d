"""Shapes of plans."""

from rest_framework import serializers

from saas.core.api.serializers import StrictSerializer


class LimitsSerializer(StrictSerializer):
    """What a plan allows at most; `storage_bytes` in bytes."""

    titles = serializers.IntegerField()
    patrons = serializers.IntegerField()
    staff = serializers.IntegerField()
    branches = serializers.IntegerField()
    storage_bytes = serializers.IntegerField()
    requests_per_minute = serializers.IntegerField()


class PriceSerializer(StrictSerializer):
    """Price without tax in one currency, amounts as decimal strings."""

    monthly = serializers.DecimalField(max_digits=10, decimal_places=2)
    yearly = serializers.DecimalField(max_digits=10, decimal_places=2)


class PlanSerializer(StrictSerializer):
    """A plan as the price list shows it; `prices` is keyed by ISO 4217 currency."""

    code = serializers.CharField()
    name = serializers.CharField()
    summary = serializers.CharField()
    limits = LimitsSerializer()
    prices = serializers.DictField(child=PriceSerializer())
    trial_days = serializers.IntegerField()


class PlanListSerializer(StrictSerializer):
    """All plans; there is only ever one page."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = PlanSerializer(many=True)
