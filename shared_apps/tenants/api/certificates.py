"""Which names may have a certificate: asked by the TLS server before it orders one (Caddy's `on_demand_tls`)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from saas.core.api.problems import problem_response
from saas.core.api.throttling import address_subject, check_limit
from saas.core.errors import RateLimited
from saas.core.tenancy.hosts import UnknownHost, is_public_host, library_for_host, normalise_host


@require_GET
def ask(request: HttpRequest) -> HttpResponse:
    """200 for the public site, a subdomain of an open or suspended library and a proven domain; 404 for the rest.

    Nothing but yes or no. A name that cannot be a host costs no query, an unknown one costs one while it is cached.
    """
    try:
        check_limit("tls-ask", address_subject(request))
    except RateLimited as refusal:
        return problem_response(refusal, request)
    return HttpResponse(status=200 if _may_have_certificate(request.GET.get("domain", "")) else 404)


def _may_have_certificate(name: str) -> bool:
    # A name with a port is a host, but no name for a certificate.
    if ":" in name or "." not in name:
        return False
    try:
        library = library_for_host(name)
    except UnknownHost:
        return False
    if library is None:
        return is_public_host(normalise_host(name))
    # Suspended ones too: their people sign in and pay.
    return library.is_open or library.status == "suspended"
