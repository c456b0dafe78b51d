"""The endpoints, in DRF's generic views."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Exists, IntegerField, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
from rest_framework import viewsets
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shared_apps.accounts.models import User
from tenant_apps.access.models import RoleAssignment
from tenant_apps.branches.models import Branch
from tenant_apps.catalog.models import Copy, Title, TitleContributor, TitleSubject
from tenant_apps.circulation.models import Loan
from tenant_apps.patrons.models import Card
from tests.benchmarks.peers.usual_drf import desk
from tests.benchmarks.peers.usual_drf.pagination import ByCode
from tests.benchmarks.peers.usual_drf.permissions import has_permission
from tests.benchmarks.peers.usual_drf.serializers import (
    BranchSerializer,
    CheckoutSerializer,
    LoanSerializer,
    MeSerializer,
    ReturnSerializer,
    TitleListSerializer,
    TitleSerializer,
)


class BranchViewSet(viewsets.ReadOnlyModelViewSet[Branch]):
    """Branches."""

    required_permission = "catalog.view"
    queryset = Branch.objects.all()
    serializer_class = BranchSerializer
    pagination_class = ByCode


def counted(copies: QuerySet[Copy]) -> Coalesce:
    """How many of these copies a title has, as a subquery: a join would multiply the rows."""
    numbers = copies.filter(title=OuterRef("pk")).order_by().values("title").annotate(n=Count("pk"))
    return Coalesce(Subquery(numbers.values("n"), output_field=IntegerField()), 0)


class TitleViewSet(viewsets.ReadOnlyModelViewSet[Title]):
    """Titles."""

    required_permission = "catalog.view"

    def get_queryset(self) -> QuerySet[Title]:
        """Titles with what their serializer shows, and without the columns that nobody shows."""
        in_stock = Copy.objects.filter(withdrawn_at=None, lost_at=None)
        is_out = Exists(Loan.objects.filter(copy=OuterRef("pk"), returned_at=None))
        on_shelf = in_stock.filter(~is_out, damaged_at=None, not_for_loan=False)
        contributions = TitleContributor.objects.select_related("contributor").order_by("position")
        titles = (
            Title.objects.defer("marc", "search", "title_search")
            .annotate(copies_total=counted(in_stock), copies_available=counted(on_shelf))
            .prefetch_related(Prefetch("contributions", contributions))
        )
        if self.action == "list":
            return titles
        subjects = TitleSubject.objects.select_related("subject").order_by("position")
        whole = titles.select_related("collection")
        return whole.prefetch_related(Prefetch("subject_links", subjects))

    def get_serializer_class(self) -> Any:
        """The short form in lists."""
        return TitleListSerializer if self.action == "list" else TitleSerializer


class LoanView(APIView):
    """Checkouts."""

    required_permission = "circulation.lend"

    def post(self, request: Request) -> Response:
        """Lend a copy."""
        serializer = CheckoutSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if not has_permission(request.user, self.required_permission, serializer.validated_data["branch"]):
            raise PermissionDenied
        loan = desk.check_out(**serializer.validated_data, user=request.user)
        return Response({"loan": LoanSerializer(loan).data, "messages": []}, status=201)


class ReturnView(APIView):
    """Returns."""

    required_permission = "circulation.lend"

    def post(self, request: Request) -> Response:
        """Take a copy back."""
        serializer = ReturnSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if not has_permission(request.user, self.required_permission, serializer.validated_data["branch"]):
            raise PermissionDenied
        loan, action, way, messages = desk.take_back(**serializer.validated_data, user=request.user)
        body = {
            "loan": LoanSerializer(loan).data if loan is not None else None,
            "action": action,
            "hold": None,
            "transfer": way,
            "charges": [],
            "messages": messages,
        }
        return Response(body, status=201)


class MeView(APIView):
    """The caller."""

    required_permission = None

    def get(self, request: Request) -> Response:
        """Who is signed in, and what they may do."""
        assignments = RoleAssignment.objects.select_related("role", "branch", "collection").order_by("id")
        cards = Card.objects.filter(lost_at=None).order_by("pk")
        user = (
            User.objects.select_related("patron")
            .prefetch_related(Prefetch("role_assignments", assignments), Prefetch("patron__cards", cards))
            .get(pk=request.user.pk)
        )
        return Response(MeSerializer(user).data)
