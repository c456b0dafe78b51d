"""Loan rules, and why one of them decides, in JSON."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import F
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.serializers import (
    CodeRelatedField,
    IdField,
    LineField,
    StrictModelSerializer,
    StrictSerializer,
)
from tenant_apps.branches.selectors import all_branches
from tenant_apps.circulation.models import ItemType, LoanRule
from tenant_apps.circulation.rules import DEFINITIONS, Choice, Rule
from tenant_apps.circulation.selectors import Explanation
from tenant_apps.patrons.selectors import all_categories

_RULE = {"name": "loan_period_days", "value": 14, "branch": "main", "category": None, "item_type": None}
_OTHER = {"id": "8", **_RULE, "value": 3, "branch": None, "category": "child", "item_type": "dvd"}
_REASONS = {
    "branch_less_specific": _("The rule that decides names the branch."),
    "category_less_specific": _("The rule that decides names the patron category."),
    "item_type_less_specific": _("The rule that decides names the item type."),
}


@extend_schema_serializer(examples=[OpenApiExample("A rule", {"id": "9", **_RULE}, response_only=True)])
class LoanRuleSerializer(StrictModelSerializer[LoanRule]):
    """A rule as it is answered: null means any in the scope, and unlimited as the value."""

    value = serializers.IntegerField(read_only=True, allow_null=True)
    branch = serializers.CharField(source="branch.code", read_only=True, allow_null=True)
    category = serializers.CharField(source="category.code", read_only=True, allow_null=True)
    item_type = serializers.CharField(source="item_type.code", read_only=True, allow_null=True)
    # A number in a JSON column, or null.
    compiled: ClassVar = {"value": F("value")}

    class Meta:
        model = LoanRule
        fields: ClassVar = ["id", "name", "value", "branch", "category", "item_type"]
        read_only_fields: ClassVar = fields


@extend_schema_serializer(examples=[OpenApiExample("Two weeks at one branch", _RULE, request_only=True)])
class NewLoanRuleSerializer(StrictSerializer):
    """The body that makes a rule; a part of the scope that is left out or null means any."""

    name = LineField(max_length=60, help_text=", ".join(DEFINITIONS))
    value = serializers.IntegerField(allow_null=True)
    branch = CodeRelatedField(queryset=all_branches, required=False, allow_null=True)
    category = CodeRelatedField(queryset=all_categories, required=False, allow_null=True)
    item_type = CodeRelatedField(queryset=ItemType.objects.all, required=False, allow_null=True)


@extend_schema_serializer(examples=[OpenApiExample("Three weeks", {"value": 21}, request_only=True)])
class LoanRuleChangesSerializer(StrictSerializer):
    """The body that changes a rule: its value. Another scope is another rule."""

    value = serializers.IntegerField(allow_null=True)


class CaseSerializer(StrictSerializer):
    """The query of an explanation: three codes."""

    branch = CodeRelatedField(queryset=all_branches)
    category = CodeRelatedField(queryset=all_categories)
    item_type = CodeRelatedField(queryset=ItemType.objects.all)


class ExplainedRuleSerializer(StrictSerializer):
    """A rule inside an explanation."""

    id = IdField(read_only=True)
    name = serializers.CharField(read_only=True)
    value = serializers.IntegerField(read_only=True, allow_null=True)
    branch = serializers.CharField(read_only=True, allow_null=True)
    category = serializers.CharField(read_only=True, allow_null=True)
    item_type = serializers.CharField(read_only=True, allow_null=True)


class LosingRuleSerializer(ExplainedRuleSerializer):
    """A rule that applies and lost, with the reason."""

    reason = serializers.CharField(read_only=True)
    detail = serializers.CharField(read_only=True)


class ChoiceSerializer(StrictSerializer):
    """The decision for one rule name; `without_rule` says what holds where no rule applies."""

    name = serializers.CharField(read_only=True)
    value = serializers.IntegerField(read_only=True, allow_null=True)
    rule = ExplainedRuleSerializer(read_only=True, allow_null=True)
    losers = LosingRuleSerializer(many=True, read_only=True)
    without_rule = serializers.CharField(read_only=True)


_LOST = {**_OTHER, "reason": "branch_less_specific", "detail": str(_REASONS["branch_less_specific"])}


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "The branch counts before the category",
            {
                "branch": "main",
                "category": "child",
                "item_type": "dvd",
                "lendable": True,
                "rules": [
                    {
                        "name": "loan_period_days",
                        "value": 14,
                        "rule": {"id": "9", **_RULE},
                        "losers": [_LOST],
                        "without_rule": "Not lendable.",
                    }
                ],
            },
            response_only=True,
        )
    ]
)
class ExplanationSerializer(StrictSerializer):
    """What the rules decide for a case, rule name by rule name."""

    branch = serializers.CharField(read_only=True)
    category = serializers.CharField(read_only=True)
    item_type = serializers.CharField(read_only=True)
    lendable = serializers.BooleanField(read_only=True)
    rules = ChoiceSerializer(many=True, read_only=True)


def represent_rule(rule: LoanRule) -> dict[str, Any]:
    """Return the JSON form of one rule."""
    return dict(LoanRuleSerializer(rule).data)


def represent_explanation(explanation: Explanation) -> dict[str, Any]:
    """Return the JSON form of an explanation."""
    case = explanation.case
    return {
        "branch": case.branch,
        "category": case.category,
        "item_type": case.item_type,
        "lendable": explanation.lendable,
        "rules": [_choice(choice) for choice in explanation.choices],
    }


def _choice(choice: Choice) -> dict[str, Any]:
    losers = [
        {**_rule(loser.rule), "reason": loser.reason, "detail": str(_REASONS[loser.reason])}
        for loser in choice.losers
    ]
    return {
        "name": choice.name,
        "value": choice.value,
        "rule": _rule(choice.rule) if choice.rule else None,
        "losers": losers,
        "without_rule": str(DEFINITIONS[choice.name].without_rule),
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return dict(ExplainedRuleSerializer(rule).data)
