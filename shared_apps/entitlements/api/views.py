"""The price list."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core.api.views import ApiView
from shared_apps.entitlements import selectors
from shared_apps.entitlements.api.serializers import PlanListSerializer, PlanSerializer


class PlansView(ApiView):
    """Plans, limits and prices, for everybody."""

    permissions: ClassVar = {"GET": None}
    cache_control = "public, max-age=300"
    row_serializer_class = PlanSerializer

    @extend_schema(
        operation_id="plans_list", responses=PlanListSerializer, summary="Plans, limits and prices"
    )
    def get(self, request: Request) -> Response:
        """Return all plans, the smallest first."""
        results = PlanSerializer(selectors.all_plans(), many=True).data
        return Response({"next": None, "previous": None, "results": results})
