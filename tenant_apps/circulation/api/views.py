"""HTTP for the desk: checkouts, returns and loans."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.etags import etag_of, record_response
from saas.core.api.lookups import visible_or_404
from saas.core.api.parameters import invalid_parameter
from saas.core.api.views import ApiView, ApiViewSet
from saas.core.errors import ConfirmationRequired, InvalidParameter, NotFound, ValidationFailed
from shared_apps.delivery import services as delivery
from tenant_apps.branches.selectors import require_at_branch
from tenant_apps.circulation import errors, selectors, services
from tenant_apps.circulation.api.serializers import (
    CheckoutSerializer,
    LoanSerializer,
    NewLoanSerializer,
    NewReturnSerializer,
    ReturnSerializer,
    represent,
    represent_checkout,
    represent_return,
)
from tenant_apps.circulation.models import Loan
from tenant_apps.patrons.selectors import patrons_visible_to

LEND = "circulation.lend"
VIEW = "circulation.view"
CHECKOUT_ERRORS = (
    ValidationFailed,
    errors.UnknownConfirmation,
    errors.UnknownBarcode,
    errors.UnknownCard,
    errors.CopyOnLoan,
    errors.CopyWithdrawn,
    errors.CopyLost,
    errors.CopyNotForLoan,
    errors.PatronBlocked,
    errors.PatronExpired,
    errors.NoRule,
    errors.LimitReached,
    ConfirmationRequired,
)
RETURN_ERRORS = (
    ValidationFailed,
    errors.UnknownConfirmation,
    errors.EffectiveReturnNotPossible,
    errors.UnknownBarcode,
    errors.CopyWithdrawn,
)


def wanted_state(request: Request) -> bool | None:
    """Return what `open=` asks for, None where it is not given. Raises InvalidParameter."""
    text = request.query_params.get("open")
    if text is None:
        return None
    if text not in ("true", "false"):
        raise invalid_parameter("open", "invalid", _("open is true or false."))
    return text == "true"


class LoanViewSet(ApiViewSet):
    """Loans, open and closed. Staff of single branches see and make the loans of those branches."""

    permissions: ClassVar = {"list": VIEW, "retrieve": VIEW, "create": LEND}
    error_codes: ClassVar = {
        "list": (InvalidParameter,),
        "retrieve": (NotFound,),
        "create": CHECKOUT_ERRORS,
    }
    filters: ClassVar = ("copy_barcode", "card_number", "branch")
    query_parameters: ClassVar = frozenset({*filters, "open"})
    ordering_fields: ClassVar = ("id", "due_at")
    default_ordering = "-id"
    idempotent = True
    serializer_class = LoanSerializer

    def get_queryset(self) -> QuerySet[Loan]:
        """Return the loans whom the caller may see."""
        return selectors.loans_visible_to(self.principal)

    @extend_schema(summary="List loans", responses=LoanSerializer(many=True))
    def list(self, request: Request) -> Response:
        """A page of loans, newest first; `card_number` finds all loans of the patron who has the card."""
        wanted = {name: request.query_params[name] for name in self.filters if name in request.query_params}
        loans = selectors.matching(self.get_queryset(), wanted, is_open=wanted_state(request))
        return self.get_paginated_response(LoanSerializer(self.paginate_queryset(loans), many=True).data)

    @extend_schema(summary="Show a loan", responses=LoanSerializer)
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """One loan."""
        loan = self.get_object()
        return record_response(request, loan, lambda: represent(loan))

    @extend_schema(summary="Lend a copy", request=NewLoanSerializer, responses={201: CheckoutSerializer})
    @delivery.idempotent
    def create(self, request: Request) -> Response:
        """Lend a copy at a branch; the loan is due at 23:59:59 by that branch's clock."""
        body = NewLoanSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted: dict[str, Any] = body.validated_data
        require_at_branch(self.principal, LEND, wanted["branch"].pk)
        checkout = services.check_out(**wanted, by=self.principal.actor, now=clock.now())
        headers = {"ETag": etag_of(checkout.loan), "Location": f"{request.path}{checkout.loan.pk}/"}
        return Response(represent_checkout(checkout), status=201, headers=headers)


class ReturnView(ApiView):
    """Returns."""

    permissions: ClassVar = {"POST": LEND}
    error_codes: ClassVar = {"POST": RETURN_ERRORS}
    idempotent = True

    @extend_schema(summary="Take a copy back", request=NewReturnSerializer, responses={201: ReturnSerializer})
    @delivery.idempotent
    def post(self, request: Request) -> Response:
        """Take a copy back at a branch and learn what to do with it.

        Any branch takes back what any other has lent; whose loan it was is told to those alone who may see, or make,
        loans of the branch that lent it.
        """
        body = NewReturnSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted: dict[str, Any] = body.validated_data
        require_at_branch(self.principal, LEND, wanted["branch"].pk)
        result = services.return_copy(**wanted, by=self.principal.actor, now=clock.now())
        lent_at = result.loan.branch_id if result.loan is not None else None
        shown = any(self.principal.may(name, branch_id=lent_at) for name in (VIEW, LEND))
        return Response(represent_return(result, shows_patron=shown), status=201)


class PatronLoanViewSet(ApiViewSet):
    """The loans of one patron, under the patron's address."""

    permissions: ClassVar = {"list": VIEW}
    error_codes: ClassVar = {"list": (InvalidParameter, NotFound)}
    query_parameters: ClassVar = frozenset({"open"})
    ordering_fields: ClassVar = ("id", "due_at")
    default_ordering = "-id"
    serializer_class = LoanSerializer

    def get_queryset(self) -> QuerySet[Loan]:
        """Return the loans whom the caller may see."""
        return selectors.loans_visible_to(self.principal)

    @extend_schema(summary="List the loans of a patron", responses=LoanSerializer(many=True))
    def list(self, request: Request, pk: str) -> Response:
        """A page of a patron's loans, newest first; the patron must be one whom the caller may see."""
        patron = visible_or_404(patrons_visible_to(self.principal), "pk", pk)
        loans = selectors.matching(self.get_queryset(), {}, is_open=wanted_state(request))
        page = self.paginate_queryset(loans.filter(patron=patron))
        return self.get_paginated_response(LoanSerializer(page, many=True).data)
