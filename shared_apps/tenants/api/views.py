"""HTTP for a library's own domains, on the library's site."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.fields import id_from_path
from saas.core.api.serializers import NothingSerializer
from saas.core.api.views import ApiView
from saas.core.errors import NotFound
from saas.core.tenancy import current_library
from shared_apps.tenants import selectors
from shared_apps.tenants.api.serializers import (
    DomainListSerializer,
    DomainSerializer,
    NewDomainSerializer,
)
from shared_apps.tenants.errors import (
    DnsUnavailable,
    DomainAdded,
    DomainLimit,
    DomainNotAllowed,
    DomainNotProven,
)
from shared_apps.tenants.services import domains

_MANAGE = "settings.manage"


class DomainsView(ApiView):
    """The library's domains."""

    permissions: ClassVar = {"GET": _MANAGE, "POST": _MANAGE}
    error_codes: ClassVar = {"POST": (DomainNotAllowed, DomainAdded, DomainLimit)}
    row_serializer_class = DomainSerializer

    @extend_schema(operation_id="domains_list", summary="List domains", responses=DomainListSerializer)
    def get(self, request: Request) -> Response:
        """The library's domains by name, with the record that proves each."""
        rows = selectors.domains_of(current_library().id)
        return Response({"next": None, "previous": None, "results": DomainSerializer(rows, many=True).data})

    @extend_schema(
        operation_id="domains_create",
        summary="Add a domain",
        request=NewDomainSerializer,
        responses={201: DomainSerializer},
    )
    def post(self, request: Request) -> Response:
        """Add a domain of the library's own. It leads nowhere until its record stands in the DNS and was verified."""
        body = NewDomainSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        row = domains.add_domain(
            library_id=current_library().id,
            domain=body.validated_data["domain"],
            by=self.principal.actor,
            now=clock.now(),
        )
        return Response(DomainSerializer(row).data, status=201)


class DomainView(ApiView):
    """One domain."""

    permissions: ClassVar = {"DELETE": _MANAGE}
    error_codes: ClassVar = {"DELETE": (NotFound,)}

    @extend_schema(operation_id="domains_destroy", summary="Remove a domain", responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Remove a domain; it leads nowhere from then on."""
        domains.remove_domain(
            library_id=current_library().id,
            domain_id=id_from_path(pk),
            by=self.principal.actor,
            now=clock.now(),
        )
        return Response(status=204)


class DomainProofView(ApiView):
    """The proof of one domain."""

    permissions: ClassVar = {"POST": _MANAGE}
    throttle_policies: ClassVar = ("burst", "domain-verify")
    error_codes: ClassVar = {"POST": (NotFound, DomainNotProven, DnsUnavailable)}

    @extend_schema(
        operation_id="domains_verify", summary="Verify a domain", request=None, responses=DomainSerializer
    )
    def post(self, request: Request, pk: str) -> Response:
        """Look for the domain's record in the DNS now; once it is found, the domain leads to the library."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        row = domains.verify_domain(
            library_id=current_library().id,
            domain_id=id_from_path(pk),
            by=self.principal.actor,
            now=clock.now(),
        )
        return Response(DomainSerializer(row).data)
