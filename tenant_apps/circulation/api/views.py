"""HTTP for the desk: checkouts, returns and loans."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.compiled import CompiledList, CompiledRetrieve
from saas.core.api.etags import etag_of
from saas.core.api.lookups import visible_or_404
from saas.core.api.views import ApiView, ApiViewSet
from saas.core.errors import ConfirmationRequired, InvalidParameter, NotFound, ValidationFailed
from shared_apps.delivery import services as delivery
from tenant_apps.branches.selectors import require_at_branch
from tenant_apps.circulation import errors, services
from tenant_apps.circulation.api.reads import LOANS, LOANS_OF_PATRON
from tenant_apps.circulation.api.serializers import (
    CheckoutSerializer,
    LoanSerializer,
    NewLoanSerializer,
    NewReturnSerializer,
    ReturnSerializer,
    represent_checkout,
    represent_return,
)
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


class LoanViewSet(CompiledList, CompiledRetrieve, ApiViewSet):
    """Loans, open and closed. Staff of single branches see and make the loans of those branches."""

    permissions: ClassVar = {"list": VIEW, "retrieve": VIEW, "create": LEND}
    error_codes: ClassVar = {
        "list": (InvalidParameter,),
        "retrieve": (NotFound,),
        "create": CHECKOUT_ERRORS,
    }
    list_read = retrieve_read = LOANS
    idempotent = True
    serializer_class = LoanSerializer

    @extend_schema(summary="List loans", responses=LoanSerializer(many=True))
    def list(self, request: Request) -> HttpResponseBase:
        """A page of loans, newest first; `card_number` finds all loans of the patron who has the card."""
        return self.page()

    @extend_schema(summary="Show a loan", responses=LoanSerializer)
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """One loan."""
        return self.record(pk)

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


class PatronLoanViewSet(CompiledList, ApiViewSet):
    """The loans of one patron, under the patron's address."""

    permissions: ClassVar = {"list": VIEW}
    error_codes: ClassVar = {"list": (InvalidParameter, NotFound)}
    list_read = LOANS_OF_PATRON
    serializer_class = LoanSerializer

    @extend_schema(summary="List the loans of a patron", responses=LoanSerializer(many=True))
    def list(self, request: Request, pk: str) -> HttpResponseBase:
        """A page of a patron's loans, newest first; the patron must be one whom the caller may see."""
        return self.page(patron=visible_or_404(patrons_visible_to(self.principal), "pk", pk).pk)
