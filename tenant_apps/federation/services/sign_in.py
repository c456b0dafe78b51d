"""Signing in with an identity provider: begun here, proved there, finished here by who began it.

Each flow has a random state (its ticket), a nonce and a PKCE verifier that stay here, and a binding that only the
browser (in a cookie) or the client that began it has. The state names one provider and its issuer, and each provider
has an address of its own to come back to, so that one provider's answer is never taken for another's (RFC 9700, 4.4).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.utils.crypto import constant_time_compare

from saas.core.errors import NotFound
from saas.core.security_events import Kind, security_event
from shared_apps.accounts import services as accounts
from shared_apps.accounts.errors import MfaRequired
from shared_apps.accounts.services import attempts
from tenant_apps.federation import github, openid, selectors, tickets
from tenant_apps.federation.errors import FlowInvalid, IdentityNotProved, ProviderRefused
from tenant_apps.federation.models import IdentityProvider
from tenant_apps.federation.rules import Proved, issuer_of
from tenant_apps.federation.services.identities import user_of

log = structlog.get_logger("libraryhub.security")
FLOW, FACTOR = "flow", "factor"
# How the session comes to whoever began: a page's session, cookies of the API, or tokens in the body.
PAGE, COOKIE, TOKEN = "page", "cookie", "token"


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes to, and what proves later that it was this one (a secret)."""

    authorization_url: str
    binding: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider sent the browser back with (RFC 6749, 4.1.2; RFC 9207)."""

    state: str
    code: str | None = field(default=None, repr=False)
    error: str | None = None
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A session for who has signed in, how it is to be handed over, and where they were going."""

    signed_in: accounts.SignedIn
    transport: str
    back: str | None


def begin_sign_in(
    *, provider_code: str, transport: str, back: str | None, redirect_uri: str, address: str
) -> Begun:
    """Begin a flow; `back` is a path of this site, `redirect_uri` our own address for the provider's answer.

    Raises NotFound for a provider that is unknown or off, and RateLimited where they are guessed: such a try counts
    as a failure of `address` (throttling.address_subject). Raises ProviderUnavailable, ProviderFaulty and
    ServiceUnavailable.
    """
    provider = selectors.enabled_provider(provider_code)
    if provider is None:
        attempts.begin(name=f"provider {provider_code}", user=None, address=address)
        raise NotFound
    binding, nonce, verifier = tickets.new_secret(), tickets.new_secret(), tickets.new_secret()
    state = tickets.new_secret()
    address = _authorization_address(
        provider, state=state, nonce=nonce, challenge=_challenge(verifier), redirect_uri=redirect_uri
    )
    flow = {
        "provider": provider.pk,
        "issuer": issuer_of(provider),
        "nonce": nonce,
        "verifier": verifier,
        "binding": tickets.digest(binding),
        "transport": transport,
        "back": back,
        "redirect_uri": redirect_uri,
    }
    tickets.keep(FLOW, state, flow)
    return Begun(address, binding)


def finish_sign_in(
    *,
    provider_code: str,
    answer: Answer,
    binding: str | None,
    client: accounts.Client,
    language: str,
    now: datetime,
) -> Finished:
    """Take a provider's answer, once, from whoever began the flow, and open a session for whom it proves.

    Raises FlowInvalid, ProviderRefused, IdentityNotProved, ProviderUnavailable and ProviderFaulty; what `user_of`
    raises for somebody who is new here; and what accounts.sign_in_proved raises, of which MfaRequired can be answered
    with `finish_second_factor`.
    """
    flow, provider = _taken(provider_code, answer.state, binding)
    _check_issuer(provider, answer.issuer)
    if answer.error is not None or answer.code is None:
        log.info("provider_refused_sign_in", provider=provider.code, error=(answer.error or "")[:100])
        raise ProviderRefused
    proved = _prove(provider, flow, answer.code)
    user_id = user_of(provider=provider, proved=proved, binding=str(binding), language=language, now=now)
    waiting = {
        "user": user_id,
        "how": provider.code,
        "provider": provider.pk,
        "transport": flow["transport"],
        "back": flow["back"],
    }
    try:
        return _session(waiting, client=client, otp=None, now=now)
    except MfaRequired:
        tickets.keep(FACTOR, str(binding), waiting)
        raise


def finish_second_factor(
    *, binding: str | None, otp: str, client: accounts.Client, now: datetime
) -> Finished:
    """Open the session of somebody whom a provider has proved and who now shows the second factor.

    Raises FlowInvalid where nobody waits for it under this binding, and what accounts.sign_in_proved raises.
    """
    waiting = tickets.look(FACTOR, binding or "")
    if waiting is None or binding is None or _provider_of(waiting) is None:
        raise FlowInvalid
    finished = _session(waiting, client=client, otp=otp, now=now)
    tickets.spend(FACTOR, binding)
    return finished


def awaits_second_factor(binding: str | None) -> bool:
    """Whether somebody was proved under this binding and has not shown the second factor yet."""
    return tickets.look(FACTOR, binding or "") is not None


def _taken(code: str, state: str, binding: str | None) -> tuple[dict[str, Any], IdentityProvider]:
    """The flow of this state, which nobody can take again. Raises FlowInvalid for who did not begin it."""
    flow = tickets.look(FLOW, state)
    if flow is None or not constant_time_compare(flow["binding"], tickets.digest(binding or "")):
        raise FlowInvalid
    provider = _provider_of(flow)
    if provider is None or provider.code != code or issuer_of(provider) != flow["issuer"]:
        security_event(Kind.IDENTITY_REFUSED, provider=code, reason="other_provider")
        raise FlowInvalid
    if not tickets.spend(FLOW, state):
        raise FlowInvalid
    return flow, provider


def _provider_of(kept: dict[str, Any]) -> IdentityProvider | None:
    return selectors.enabled_providers().filter(pk=kept["provider"]).first()


def _session(waiting: dict[str, Any], *, client: accounts.Client, otp: str | None, now: datetime) -> Finished:
    signed_in = accounts.sign_in_proved(
        user_id=waiting["user"], how=waiting["how"], client=client, otp=otp, now=now
    )
    return Finished(signed_in, waiting["transport"], waiting["back"])


def _check_issuer(provider: IdentityProvider, sent: str | None) -> None:
    """RFC 9207: a provider that names itself is the one that was meant. GitHub knows no issuer."""
    if provider.kind == IdentityProvider.Kind.GITHUB:
        return
    if sent is None and not openid.sends_issuer(provider):
        return
    if sent != issuer_of(provider):
        security_event(Kind.IDENTITY_REFUSED, provider=provider.code, reason="iss")
        raise IdentityNotProved


def _authorization_address(provider: IdentityProvider, *, nonce: str, **common: str) -> str:
    if provider.kind == IdentityProvider.Kind.GITHUB:
        return github.authorization_address(provider, **common)
    return openid.authorization_address(provider, nonce=nonce, **common)


def _prove(provider: IdentityProvider, flow: dict[str, Any], code: str) -> Proved:
    redirect_uri, verifier = flow["redirect_uri"], flow["verifier"]
    if provider.kind == IdentityProvider.Kind.GITHUB:
        return github.prove(provider, code=code, verifier=verifier, redirect_uri=redirect_uri)
    return openid.prove(
        provider, code=code, verifier=verifier, nonce=flow["nonce"], redirect_uri=redirect_uri
    )


def _challenge(verifier: str) -> str:
    """RFC 7636, section 4.2: S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
