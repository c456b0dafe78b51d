"""What a request says about the site that a passkey is for."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.request import Request

from shared_apps.accounts.services.passkeys import RelyingParty


def relying_party(request: HttpRequest | Request) -> RelyingParty:
    """The host of this request, which LibraryMiddleware knows to be the library's, and its origin."""
    host = request.get_host().lower()
    return RelyingParty(host=host.partition(":")[0], origin=f"{request.scheme}://{host}")
