"""OpenID Connect, as a client: discovery, the code flow with PKCE, and a token that is believed only when all is right.

The token's signature is checked though it comes straight from the provider (allauth skips that): one rule for every way
that it may come, and a provider whose TLS ends at somebody else's machine is no worse.
"""

from __future__ import annotations

import base64
import hashlib
import time
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, urlencode

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.core.cache import cache

from saas.core.security_events import Kind, security_event
from tenant_apps.federation import vault
from tenant_apps.federation.answers import ask, exchange
from tenant_apps.federation.errors import IdentityNotProved, ProviderFaulty
from tenant_apps.federation.models import IdentityProvider
from tenant_apps.federation.rules import (
    ALGORITHMS,
    Proved,
    Unbelievable,
    check_claims,
    is_address,
    issuer_of,
    person,
)

SCOPE = "openid email profile"
# A provider that changes its keys publishes the new ones first; one that it withdraws is believed no longer than this.
CACHE_SECONDS = 3600
# A key that we have not heard of is asked for, though not at every forged token.
ASK_AGAIN_SECONDS = 60
_LEEWAY = 60
_MAX_TOKEN, _MAX_AGE, _MIN_RSA_BITS, _MAX_KEYS = 16_384, 600, 2048, 100
_REQUIRED = ["iss", "sub", "aud", "exp", "iat"]
_ALGORITHMS_OF = {"RSA": ("RS", "PS"), "EC": ("ES",), "OKP": ("Ed",)}
# What a token or a key that somebody has broken on purpose makes PyJWT and cryptography raise.
_BROKEN = (jwt.PyJWTError, ValueError, TypeError, ArithmeticError, RecursionError, UnsupportedAlgorithm)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is used of a provider's description of itself (OIDC Discovery 1.0, section 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    takes_basic: bool
    sends_issuer: bool


def authorization_address(
    provider: IdentityProvider, *, state: str, nonce: str, challenge: str, redirect_uri: str
) -> str:
    """Where the browser goes to sign in. Raises ProviderUnavailable or ProviderFaulty."""
    query = urlencode(
        {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
    )
    endpoint = metadata_of(provider).authorization_endpoint
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"


def sends_issuer(provider: IdentityProvider) -> bool:
    """Whether the provider promises to name itself in its answer (RFC 9207)."""
    return metadata_of(provider).sends_issuer


def prove(provider: IdentityProvider, *, code: str, verifier: str, nonce: str, redirect_uri: str) -> Proved:
    """Exchange the code and return who signed in.

    Raises ProviderRefused, IdentityNotProved, ProviderUnavailable or ProviderFaulty.
    """
    metadata = metadata_of(provider)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    secret = vault.opened(provider)
    if metadata.takes_basic:
        name_and_secret = f"{quote(provider.client_id, safe='')}:{quote(secret, safe='')}"
        headers = {"Authorization": f"Basic {base64.b64encode(name_and_secret.encode()).decode()}"}
    else:
        headers = {}
        form |= {"client_id": provider.client_id, "client_secret": secret}
    tokens = exchange(metadata.token_endpoint, form, headers=headers)
    try:
        return _person(provider, metadata, tokens, nonce)
    except Unbelievable as error:
        security_event(Kind.IDENTITY_REFUSED, provider=provider.code, reason=str(error))
        raise IdentityNotProved from error


def _person(provider: IdentityProvider, metadata: Metadata, tokens: dict[str, Any], nonce: str) -> Proved:
    issuer = issuer_of(provider)
    claims = _verified(tokens.get("id_token"), provider, metadata)
    check_claims(claims, client_id=provider.client_id, nonce=nonce)
    proved = person(claims, issuer=issuer)
    if "email" in claims or metadata.userinfo_endpoint is None:
        return proved
    more = ask(metadata.userinfo_endpoint, access_token=tokens["access_token"])
    # Or somebody else's address could be had for one's own token (OIDC Core 1.0, section 5.3.2).
    if not isinstance(more, dict) or more.get("sub") != proved.subject:
        raise Unbelievable("sub of userinfo")
    return person({**more, **claims}, issuer=issuer)


def _verified(token: Any, provider: IdentityProvider, metadata: Metadata) -> dict[str, Any]:
    """The claims of a token that the issuer signed for us. Raises Unbelievable."""
    if not isinstance(token, str) or len(token) > _MAX_TOKEN:
        raise Unbelievable("no token")
    try:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise Unbelievable("alg")
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(metadata.jwks_uri, header.get("kid"), algorithm),
            algorithms=[algorithm],
            audience=provider.client_id,
            issuer=issuer_of(provider),
            leeway=_LEEWAY,
            options={"require": _REQUIRED},
        )
        # However long it is said to hold: made long before this sign-in began, it was not made for it.
        if time.time() - float(claims["iat"]) > _MAX_AGE + _LEEWAY:
            raise Unbelievable("iat")
    except Unbelievable:
        raise
    except _BROKEN as error:
        raise Unbelievable(type(error).__name__) from error
    return claims


def _key(address: str, kid: Any, algorithm: str) -> Any:
    """The public key with this id. Raises Unbelievable where the provider has none for the algorithm."""
    for keys in (_keys(address), _keys(address, again=True)):
        fitting = [
            key for key in keys if _fits(key, algorithm) and (kid is None or key.get("kid", kid) == kid)
        ]
        # Without an id one key must be meant, and not whichever of several fits.
        if len(fitting) == 1 or (fitting and kid is not None):
            return _public(fitting[0], algorithm)
    raise Unbelievable("kid")


def _fits(key: Any, algorithm: str) -> bool:
    return (
        isinstance(key, dict)
        and algorithm.startswith(_ALGORITHMS_OF.get(str(key.get("kty")), ("none",)))
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    )


def _public(key: dict[str, Any], algorithm: str) -> Any:
    public = jwt.PyJWK({name: value for name, value in key.items() if name != "d"}, algorithm=algorithm).key
    if isinstance(public, RSAPublicKey) and public.key_size < _MIN_RSA_BITS:
        raise Unbelievable("a key that is too short")
    return public


def _keys(address: str, *, again: bool = False) -> list[Any]:
    name = f"federation:keys:{_digest(address)}"
    known: dict[str, Any] | None = cache.get(name)
    oldest = time.time() - (ASK_AGAIN_SECONDS if again else CACHE_SECONDS)
    if known is not None and known["at"] > oldest:
        return list(known["keys"])
    found = ask(address)
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list) or len(keys) > _MAX_KEYS:
        raise ProviderFaulty
    cache.set(name, {"at": time.time(), "keys": keys}, timeout=CACHE_SECONDS)
    return keys


def metadata_of(provider: IdentityProvider) -> Metadata:
    """The provider's description, kept for an hour. Raises ProviderUnavailable or ProviderFaulty."""
    issuer = issuer_of(provider)
    name = f"federation:metadata:{_digest(issuer)}"
    known: dict[str, Any] | None = cache.get(name)
    if known is not None:
        return Metadata(**known)
    metadata = _metadata(issuer, ask(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
    cache.set(name, asdict(metadata), timeout=CACHE_SECONDS)
    return metadata


def _metadata(issuer: str, found: Any) -> Metadata:
    if not isinstance(found, dict) or found.get("issuer") != issuer:
        # Whoever answers in another's name is not asked any further (ASVS 10.5.3).
        raise ProviderFaulty
    addresses = [found.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    userinfo = found.get("userinfo_endpoint")
    for address in [*addresses, *([userinfo] if userinfo is not None else [])]:
        if not isinstance(address, str) or not is_address(address):
            raise ProviderFaulty
    methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    authorization, token, keys = (str(address) for address in addresses)
    return Metadata(
        authorization_endpoint=authorization,
        token_endpoint=token,
        jwks_uri=keys,
        userinfo_endpoint=userinfo,
        takes_basic=isinstance(methods, list) and "client_secret_basic" in methods,
        sends_issuer=found.get("authorization_response_iss_parameter_supported") is True,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
