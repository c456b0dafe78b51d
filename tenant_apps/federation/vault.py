"""Client secrets: stored encrypted for the library and for the one provider that they are of."""

from __future__ import annotations

from saas.core.sealing import Unsealable, is_of_old_key, seal, unseal
from tenant_apps.federation.errors import ProviderFaulty
from tenant_apps.federation.models import IdentityProvider

_PURPOSE = "federation"


def sealed(secret: str, *, code: str) -> str:
    """What is stored of the secret of the provider with this code."""
    return seal(secret, purpose=_PURPOSE, place=_place(code))


def opened(provider: IdentityProvider) -> str:
    """The secret in clear, for the one request that needs it.

    Raises ProviderFaulty where no key of this library opens it: after a move to another installation, or when the
    key under which it was made is gone, it has to be set again.
    """
    try:
        return unseal(provider.client_secret, purpose=_PURPOSE, place=_place(provider.code))
    except Unsealable as error:
        raise ProviderFaulty from error


def resealed(provider: IdentityProvider) -> str | None:
    """What to store instead because only a rotated-out key opens it; None where nothing is to be done, or can be."""
    try:
        if not is_of_old_key(provider.client_secret, purpose=_PURPOSE, place=_place(provider.code)):
            return None
    except Unsealable:
        return None
    return sealed(opened(provider), code=provider.code)


def _place(code: str) -> str:
    return f"identity-provider:{code}:client-secret"
