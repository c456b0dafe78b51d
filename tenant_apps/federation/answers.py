"""Asking an identity provider: JSON or a refusal that says which of the two is at fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import structlog

from saas.core.json import MalformedJSONError, parse_json
from saas.core.outgoing import AddressRefused, Fetched, OutgoingFailed, fetch
from tenant_apps.federation.errors import ProviderFaulty, ProviderRefused, ProviderUnavailable

log = structlog.get_logger("libraryhub.federation")
_JSON = {"Accept": "application/json", "User-Agent": "LibraryHub"}


def ask(address: str, *, access_token: str | None = None) -> Any:
    """The JSON at an address. Raises ProviderUnavailable where nobody answers, ProviderFaulty for any other answer."""
    headers = {"Authorization": f"Bearer {access_token}"} if access_token is not None else {}
    answer = _fetched(address, headers=headers)
    if answer.status != 200:
        raise _fault(address, f"status {answer.status}")
    return _json(address, answer)


def exchange(
    address: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Exchange a code for tokens (RFC 6749, section 4.1.3).

    Raises ProviderRefused for a code that is not good, and as `ask`.
    """
    answer = _fetched(
        address,
        method="POST",
        body=urlencode(form).encode(),
        headers={**(headers or {}), "Content-Type": "application/x-www-form-urlencoded"},
    )
    tokens = _json(address, answer)
    if not isinstance(tokens, dict):
        raise _fault(address, "not an object")
    # GitHub sends its errors with status 200.
    error = tokens.get("error")
    if error in ("invalid_grant", "bad_verification_code"):
        log.info("provider_refused_code", address=address, error=error)
        raise ProviderRefused
    if answer.status != 200 or error is not None or not isinstance(tokens.get("access_token"), str):
        raise _fault(address, f"status {answer.status}, error {error!r}")
    return tokens


def _fetched(address: str, *, headers: Mapping[str, str], **request: Any) -> Fetched:
    try:
        answer = fetch(address, headers={**_JSON, **headers}, **request)
    except AddressRefused as error:
        raise _fault(address, str(error)) from error
    except OutgoingFailed as error:
        log.warning("provider_unavailable", address=address, reason=str(error))
        raise ProviderUnavailable from error
    if answer.status >= 500 or answer.status == 429:
        log.warning("provider_unavailable", address=address, reason=f"status {answer.status}")
        raise ProviderUnavailable
    return answer


def _json(address: str, answer: Fetched) -> Any:
    try:
        return parse_json(answer.body)
    except MalformedJSONError as error:
        raise _fault(address, "not JSON") from error


def _fault(address: str, reason: str) -> ProviderFaulty:
    log.warning("provider_faulty", address=address, reason=reason)
    return ProviderFaulty()
