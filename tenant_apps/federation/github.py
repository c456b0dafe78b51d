"""GitHub, which speaks OAuth 2.0 without OpenID Connect: who has signed in is asked of its API, with the token.

The addresses are in `settings.GITHUB`; docs.github.com, "Authorizing OAuth apps" and "REST API endpoints for emails".
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from saas.core.security_events import Kind, security_event
from tenant_apps.federation import vault
from tenant_apps.federation.answers import ask, exchange
from tenant_apps.federation.errors import IdentityNotProved, ProviderFaulty
from tenant_apps.federation.models import IdentityProvider
from tenant_apps.federation.rules import Proved, Unbelievable, issuer_of, person

SCOPE = "read:user user:email"


def authorization_address(
    provider: IdentityProvider, *, state: str, challenge: str, redirect_uri: str
) -> str:
    """Where the browser goes to sign in."""
    query = {
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{settings.GITHUB['authorize']}?{urlencode(query)}"


def prove(provider: IdentityProvider, *, code: str, verifier: str, redirect_uri: str) -> Proved:
    """Exchange the code and return who signed in.

    Raises ProviderRefused, IdentityNotProved, ProviderUnavailable or ProviderFaulty.
    """
    form = {
        "client_id": provider.client_id,
        "client_secret": vault.opened(provider),
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    token = exchange(settings.GITHUB["token"], form)["access_token"]
    account = ask(settings.GITHUB["user"], access_token=token)
    addresses = ask(settings.GITHUB["emails"], access_token=token)
    if not isinstance(account, dict) or not isinstance(addresses, list):
        raise ProviderFaulty
    try:
        return person(_claims(account, addresses), issuer=issuer_of(provider))
    except Unbelievable as error:
        security_event(Kind.IDENTITY_REFUSED, provider=provider.code, reason=str(error))
        raise IdentityNotProved from error


def _claims(account: dict[str, Any], addresses: list[Any]) -> dict[str, Any]:
    """What GitHub says, in the words of OpenID Connect.

    The number is the person: the login can be given up and taken by somebody else. The address of the profile is not
    looked at, because nobody has verified it.
    """
    number = account.get("id")
    primary = next((one for one in addresses if isinstance(one, dict) and one.get("primary") is True), {})
    return {
        "sub": str(number) if type(number) is int else None,
        "name": account.get("name") or account.get("login"),
        "email": primary.get("email"),
        "email_verified": primary.get("verified"),
    }
