"""Rate limits: who is counted against which policy, and the headers that tell.

The counting itself is in `saas.core.api.limiter`. No view is imported here: DRF loads its default
classes while its views module is still loading.
"""

import functools
import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from saas.core import metrics
from saas.core.api import limiter
from saas.core.api.limiter import Charge, Outcome, Policy
from saas.core.errors import RateLimited
from saas.core.tenancy import PUBLIC, LibraryContext, current_library_or_none, current_schema

BURST, ANONYMOUS, KEY = "burst", "anonymous", "key"
# All callers of a library, and of these the ones who have not signed in: they never use up what its people need.
LIBRARY, GUESTS = "library", "library-guests"
ALL = "all"
_ALL_DIGEST = limiter.digest(ALL)
# IPv6 with IPv4 inside and the name of an interface; what is longer is none.
MAX_ADDRESS = 64
_STATE = "_rate_limit_outcome"


def policy(name: str) -> Policy:
    """Return a policy of settings.RATE_LIMITS (name to (requests, seconds)).

    settings.RATE_LIMIT_RESOLVER, where set, names a function of (policy name, schema) that may return
    another (requests, seconds) for a library's plan, or None. Raises ImproperlyConfigured for an unknown
    name.
    """
    known = _known_policies()
    found = known.get(name)
    if found is None:
        found = known[name] = _resolved(name)
    return found


class _Known(NamedTuple):
    """The policies that a site has asked for, and what they were made from."""

    library: LibraryContext | None
    resolver: str | None
    numbers: Any
    policies: dict[str, Policy]


# By schema. A library whose plan or status changes is another object, which each process hears of (saas.core.tenancy).
_known: dict[str, _Known] = {}
MOST_SITES = 10_000


def _known_policies() -> dict[str, Policy]:
    schema, library = current_schema(), current_library_or_none()
    known = _known.get(schema)
    resolver, numbers = getattr(settings, "RATE_LIMIT_RESOLVER", None), settings.RATE_LIMITS
    if (
        known is None
        or known.library is not library
        or known.resolver != resolver
        or known.numbers is not numbers
    ):
        if len(_known) >= MOST_SITES:
            _known.clear()
        known = _known[schema] = _Known(library, resolver, numbers, {})
    return known.policies


def _resolved(name: str) -> Policy:
    resolver = getattr(settings, "RATE_LIMIT_RESOLVER", None)
    numbers = import_string(resolver)(name, current_schema()) if resolver else None
    if numbers is None:
        try:
            numbers = settings.RATE_LIMITS[name]
        except KeyError as error:
            raise ImproperlyConfigured(f'RATE_LIMITS has no policy "{name}".') from error
    quota, window = numbers
    return Policy(name, int(quota), int(window))


def check_limit(policy_name: str, subject: str) -> None:
    """Count one event of `subject` (such as a user name) in the current library. Raises RateLimited.

    For services that limit more than requests: sign-in per account, mails per address.
    """
    if not settings.RATE_LIMITS_ENABLED:
        return
    outcome = limiter.consume([_charge(policy(policy_name), subject)])
    if not outcome.allowed:
        _count_refusal(outcome)
        raise RateLimited(retry_after=outcome.retry_after)


def reset_limit(policy_name: str, subject: str) -> None:
    """Forget what was counted for `subject`: after its owner has proved to be itself."""
    if settings.RATE_LIMITS_ENABLED:
        limiter.forget(_charge(policy(policy_name), subject))


def client_address(request: HttpRequest | Request) -> str:
    """Return the address of the caller, "unknown" on a socket without one.

    X-Forwarded-For is believed only as far as settings.TRUSTED_PROXY_COUNT proxies of ours wrote it
    (ASVS 15.3.4): the entry before theirs is the caller's.
    """
    meta = request.META
    remote = str(meta.get("REMOTE_ADDR") or "")
    proxies = settings.TRUSTED_PROXY_COUNT
    if proxies > 0 and meta.get("HTTP_X_FORWARDED_FOR"):
        named = [part.strip() for part in meta["HTTP_X_FORWARDED_FOR"].split(",")]
        candidate = named[-min(proxies, len(named))]
        return _valid_address(candidate) or _valid_address(remote) or "unknown"
    return _valid_address(remote) or "unknown"


def address_subject(request: HttpRequest | Request) -> str:
    """Return the name a caller's address is counted under; IPv6 by its /64, which one caller owns whole."""
    address = client_address(request)
    if ":" in address:
        address = str(ipaddress.ip_network(f"{address}/64", strict=False).network_address)
    return f"address:{address}"


class PolicyThrottle(BaseThrottle):
    """Counts a request against each policy that its view names, all or none."""

    _wait = 1

    def allow_request(self, request: Request, view: Any) -> bool:
        """Return whether every policy has room left; then one unit of each is taken."""
        names = getattr(view, "throttle_policies", (BURST,))
        outcome = _count(request, _charges(request, names))
        self._wait = outcome.retry_after if outcome else 1
        return outcome is None or outcome.allowed

    def wait(self) -> float:
        """Return the seconds until the next request can succeed."""
        return self._wait


def charge_address(request: Request, names: Sequence[str]) -> None:
    """Count a request whose credentials were wrong against its address. Raises RateLimited."""
    subject = address_subject(request)
    outcome = _count(request, [_charge(policy(_instead_of(name, ANONYMOUS)), subject) for name in names])
    if outcome is not None and not outcome.allowed:
        raise RateLimited(retry_after=outcome.retry_after)


def give_back(request: Request | HttpRequest) -> None:
    """Return what this request took: a conditional GET that found nothing new costs nothing."""
    raw = _raw(request)
    outcome = getattr(raw, _STATE, None)
    if outcome is not None and outcome.allowed:
        setattr(raw, _STATE, limiter.give_back(outcome))


def add_rate_limit_headers(request: Request | HttpRequest, response: HttpResponseBase) -> None:
    """Set RateLimit-Policy and RateLimit as the IETF draft writes them, where this request was counted."""
    outcome = getattr(_raw(request), _STATE, None)
    if outcome is None:
        return
    states = outcome.states
    response["RateLimit-Policy"] = _policy_header(tuple([state.policy for state in states]))
    response["RateLimit"] = ", ".join([f'"{s.policy.name}";r={s.remaining};t={s.reset}' for s in states])


@functools.lru_cache(maxsize=1024)
def _policy_header(policies: tuple[Policy, ...]) -> str:
    return ", ".join(f'"{limit.name}";q={limit.quota};w={limit.window}' for limit in policies)


def _count(request: Request | HttpRequest, charges: Sequence[Charge]) -> Outcome | None:
    if not settings.RATE_LIMITS_ENABLED or not charges:
        return None
    outcome = limiter.consume(charges)
    setattr(_raw(request), _STATE, outcome)
    _count_refusal(outcome)
    return outcome


def _count_refusal(outcome: Outcome) -> None:
    if not outcome.allowed:
        for state in outcome.states:
            if state.remaining == 0:
                metrics.count_rate_limited(state.policy.name)


def _charges(request: Request, names: Iterable[str]) -> list[Charge]:
    caller = _signed_in_subject(request)
    subject, burst = caller or (address_subject(request), ANONYMOUS)
    charges = [_charge(policy(_instead_of(name, burst)), subject) for name in names]
    if current_schema() != PUBLIC:
        of_library = (LIBRARY,) if caller else (LIBRARY, GUESTS)
        charges += [_charge(policy(name), ALL) for name in of_library if name in settings.RATE_LIMITS]
    return charges


def _instead_of(name: str, burst: str) -> str:
    return burst if name == BURST and burst in settings.RATE_LIMITS else name


def _signed_in_subject(request: Request) -> tuple[str, str] | None:
    """Who has proved to be somebody, and the policy of their requests in all; None for anybody else.

    A key or a visit names its own subject, so that one user's keys have limits of their own.
    """
    own = getattr(request.auth, "rate_limit_subject", None)
    if own:
        return f"key:{own}", KEY
    user = request.user
    return (f"user:{user.pk}", BURST) if user is not None and user.is_authenticated else None


def _charge(limit: Policy, subject: str) -> Charge:
    named = _ALL_DIGEST if subject is ALL else limiter.digest(subject)
    return Charge(limit, f"{current_schema()}:{limit.name}:{named}")


def _valid_address(text: str) -> str | None:
    return _address(text) if len(text) <= MAX_ADDRESS else None


@functools.lru_cache(maxsize=1024)
def _address(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address).split("%")[0]


def _raw(request: Request | HttpRequest) -> HttpRequest:
    return cast("HttpRequest", getattr(request, "_request", request))
