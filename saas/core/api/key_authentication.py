"""Machines: `Authorization: Api-Key KEY`, a key of this library.

The key's row and its rights come in one query, which KEY_LOADERS names for each site. Whatever is wrong with a key is
answered in the same words as for a token. No view is imported here: DRF loads its default classes while its views
module is still loading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from django.conf import settings
from django.utils.module_loading import import_string
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from saas.core.errors import TokenInvalid
from saas.core.logging import bind_log_context
from saas.core.principals import Principal, WithoutAccount
from saas.core.security_events import Kind, security_event
from saas.core.tenancy import current_library_or_none

SCHEME: Final = b"api-key"
MAX_KEY_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class KeyCaller:
    """Whoever presents a key that is good here. `name` is the key's public part, under which limits count it."""

    name: str
    principal: Principal


@dataclass(frozen=True, slots=True)
class KeyCredential:
    """What is in `request.auth` for a key."""

    rate_limit_subject: str


KeyLoader = Callable[[str], KeyCaller | None]


class ApiKeyAuthentication(BaseAuthentication):
    """Accepts keys of the current library; the public site has none."""

    def authenticate(self, request: Request) -> tuple[WithoutAccount, KeyCredential] | None:
        """Return (WithoutAccount, credential); None where no key is presented. Raises TokenInvalid (401)."""
        scheme, _space, rest = get_authorization_header(request).partition(b" ")
        if scheme.lower() != SCHEME:
            return None
        caller = _load(rest.strip())
        if caller is None:
            security_event(Kind.KEY_REFUSED)
            raise TokenInvalid
        request._request._principal = caller.principal  # type: ignore[attr-defined]
        bind_log_context(key=caller.name)
        return WithoutAccount(), KeyCredential(caller.name)

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme, for a view that takes keys alone."""
        return 'Api-Key realm="api"'


def _load(raw: bytes) -> KeyCaller | None:
    path = settings.KEY_LOADERS.get("library" if current_library_or_none() else "public")
    if path is None or len(raw) > MAX_KEY_LENGTH or not raw.isascii():
        return None
    return cast("KeyLoader", import_string(path))(raw.decode("ascii"))
