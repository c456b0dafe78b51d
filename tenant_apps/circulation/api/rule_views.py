"""HTTP for loan rules."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.compiled import CompiledList, CompiledRetrieve
from saas.core.api.etags import etag_of, record_response, require_match
from saas.core.api.views import ApiViewSet
from saas.core.errors import NotFound, PreconditionFailed, PreconditionRequired, ValidationFailed
from tenant_apps.branches.selectors import require_at_branch
from tenant_apps.circulation import selectors, services
from tenant_apps.circulation.api.rule_reads import RULES
from tenant_apps.circulation.api.rule_serializers import (
    CaseSerializer,
    ExplanationSerializer,
    LoanRuleChangesSerializer,
    LoanRuleSerializer,
    NewLoanRuleSerializer,
    represent_explanation,
    represent_rule,
)
from tenant_apps.circulation.errors import RuleNotValid, RuleScopeTaken
from tenant_apps.circulation.models import LoanRule
from tenant_apps.circulation.rules import PARTS, Case

VIEW = "rules.view"
MANAGE = "rules.manage"
_CHANGE_ERRORS = (NotFound, PreconditionFailed, PreconditionRequired)


class LoanRuleViewSet(CompiledList, CompiledRetrieve, ApiViewSet):
    """Loan rules. A rule without a branch concerns the whole library, and so does the right to change it."""

    permissions: ClassVar = {
        "list": VIEW,
        "retrieve": VIEW,
        "explain": VIEW,
        "create": MANAGE,
        "partial_update": MANAGE,
        "destroy": MANAGE,
    }
    error_codes: ClassVar = {
        "retrieve": (NotFound,),
        "explain": (ValidationFailed,),
        "create": (ValidationFailed, RuleNotValid, RuleScopeTaken),
        "partial_update": (ValidationFailed, RuleNotValid, *_CHANGE_ERRORS),
        "destroy": _CHANGE_ERRORS,
    }
    list_read = retrieve_read = RULES
    serializer_class = LoanRuleSerializer

    def get_queryset(self) -> QuerySet[LoanRule]:
        """Return every rule of the library."""
        return selectors.all_rules()

    @extend_schema(summary="List loan rules", responses=LoanRuleSerializer(many=True))
    def list(self, request: Request) -> HttpResponseBase:
        """A page of loan rules, by name."""
        return self.page()

    @extend_schema(summary="Show a loan rule", responses=LoanRuleSerializer)
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """One loan rule."""
        return self.record(pk)

    @extend_schema(
        summary="Explain what the rules decide",
        parameters=[CaseSerializer],
        responses=ExplanationSerializer,
        filters=False,
    )
    @action(detail=False)
    def explain(self, request: Request) -> Response:
        """For each rule name the rule that decides a case, the rules that lose, and why."""
        query = CaseSerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        case = Case(**{part: query.validated_data[part].code for part in PARTS})
        return Response(represent_explanation(selectors.explain(case)))

    @extend_schema(
        summary="Make a loan rule", request=NewLoanRuleSerializer, responses={201: LoanRuleSerializer}
    )
    def create(self, request: Request) -> Response:
        """Make a rule for a scope that has none of this name yet."""
        body = NewLoanRuleSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        branch = body.validated_data.get("branch")
        require_at_branch(self.principal, MANAGE, branch.pk if branch else None)
        rule = services.create_rule(**body.validated_data, by=self.principal.actor, now=clock.now())
        return Response(represent_rule(rule), status=201, headers={"ETag": etag_of(rule)})

    @extend_schema(
        summary="Change a loan rule", request=LoanRuleChangesSerializer, responses=LoanRuleSerializer
    )
    def partial_update(self, request: Request, pk: str) -> HttpResponseBase:
        """Change the value; `If-Match` names the version read. Loans that are out keep their terms."""
        found = self.get_object()
        require_at_branch(self.principal, MANAGE, found.branch_id)
        body = LoanRuleChangesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rule = services.change_rule(
            rule_id=found.pk,
            value=body.validated_data["value"],
            by=self.principal.actor,
            now=clock.now(),
            expect=lambda row: require_match(request, row),
        )
        return record_response(request, rule, lambda: represent_rule(rule))

    @extend_schema(summary="Remove a loan rule", request=None, responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Remove a rule; less specific ones decide its cases from now on."""
        found = self.get_object()
        require_at_branch(self.principal, MANAGE, found.branch_id)
        services.delete_rule(
            rule_id=found.pk,
            by=self.principal.actor,
            now=clock.now(),
            expect=lambda row: require_match(request, row),
        )
        return Response(status=204)
