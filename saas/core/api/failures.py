"""Exceptions of Django, DRF, simplejwt, PostgreSQL and Redis as errors of ours."""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import redis
from django.core import exceptions as django_exceptions
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions as drf

from saas.core import errors as ours
from saas.core.errors import DomainError, FieldProblem

logger = logging.getLogger(__name__)

BODY = "body"
_NON_FIELD = ("non_field_errors", "__all__")

# The first that matches counts, so subclasses stand before their bases.
_SIMPLE: tuple[tuple[type[Exception], type[DomainError]], ...] = (
    (Http404, ours.NotFound),
    (drf.NotFound, ours.NotFound),
    (django_exceptions.ObjectDoesNotExist, ours.NotFound),
    (django_exceptions.PermissionDenied, ours.PermissionDenied),
    (drf.PermissionDenied, ours.PermissionDenied),
    (drf.NotAuthenticated, ours.NotAuthenticated),
    (drf.MethodNotAllowed, ours.MethodNotAllowed),
    (drf.NotAcceptable, ours.NotAcceptable),
    (drf.UnsupportedMediaType, ours.UnsupportedMediaType),
    (drf.ParseError, ours.MalformedBody),
    (django_exceptions.RequestDataTooBig, ours.BodyTooLarge),
    (django_exceptions.TooManyFieldsSent, ours.TooManyFields),
    (django_exceptions.TooManyFilesSent, ours.TooManyFields),
    (django_exceptions.SuspiciousOperation, ours.MalformedBody),
    (django_exceptions.BadRequest, ours.MalformedBody),
    (UnreadablePostError, ours.MalformedBody),
    (MultiPartParserError, ours.MalformedBody),
    (redis.ConnectionError, ours.ServiceUnavailable),
    (redis.TimeoutError, ours.ServiceUnavailable),
)
_SAYS_MORE = (drf.MethodNotAllowed, drf.UnsupportedMediaType, drf.PermissionDenied)

# SQLSTATEs (or their beginnings) and what they mean to a client: PostgreSQL documentation, appendix A.
# A null where none may be (23502) and every class that is not here is a bug of ours.
_BY_STATE: tuple[tuple[tuple[str, ...], type[DomainError]], ...] = (
    (("23505", "23P01", "23503", "23001", "23514"), ours.Conflict),
    (("55P03", "40001", "40P01"), ours.Busy),
    (("57014",), ours.Timeout),
    (("08", "53", "57P", "25006"), ours.ServiceUnavailable),
    (("22",), ours.InvalidValue),
)


def as_domain_error(exception: BaseException) -> DomainError | None:
    """Return the error of ours that says what `exception` means, None where it is a bug of ours."""
    if isinstance(exception, DomainError):
        return exception
    for kinds, convert in _CONVERTERS:
        if isinstance(exception, kinds):
            return convert(exception)
    for theirs, cls in _SIMPLE:
        if isinstance(exception, theirs):
            return cls(_own_words(exception))
    return None


def validation_failed(exception: drf.ValidationError | django_exceptions.ValidationError) -> DomainError:
    """Return one error for all fields: nested names joined with dots, "body" for the body as a whole.

    Where every field is unknown the code is `unknown_field`. `detail` repeats the first field's.
    """
    if isinstance(exception, drf.ValidationError):
        problems = list(flatten(exception.detail))
    else:
        problems = list(_django_problems(exception))
    only_unknown = problems and all(problem.code == ours.UnknownField.code for problem in problems)
    cls = ours.UnknownField if only_unknown else ours.ValidationFailed
    detail = None
    if problems:
        first = problems[0]
        named = first.field == BODY or only_unknown
        detail = str(first.detail) if named else f"{first.field}: {first.detail}"
    return cls(detail, errors=problems)


def flatten(detail: Any, prefix: str = "") -> Iterator[FieldProblem]:
    """Yield a FieldProblem for each message of DRF's nested lists and dicts."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from flatten(inner, prefix if name in _NON_FIELD else _joined(prefix, name))
    elif isinstance(detail, list | tuple):
        for at, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list | tuple)
            yield from flatten(inner, _joined(prefix, at) if nested else prefix)
    else:
        yield FieldProblem(prefix or BODY, str(getattr(detail, "code", None) or "invalid"), str(detail))


def _joined(prefix: str, name: object) -> str:
    return f"{prefix}.{name}" if prefix else str(name)


def _django_problems(exception: django_exceptions.ValidationError) -> Iterator[FieldProblem]:
    by_field = exception.error_dict if hasattr(exception, "error_dict") else {"": exception.error_list}
    for name, found in by_field.items():
        for error in found:
            field = BODY if name in ("", *_NON_FIELD) else name
            yield FieldProblem(field, error.code or "invalid", " ".join(error.messages))


def _authentication_failed(exception: drf.AuthenticationFailed) -> DomainError:
    # simplejwt puts detail, code and a list of messages into one dict; to a client it is one problem.
    codes = exception.get_codes()
    if isinstance(codes, dict) or codes == "token_not_valid":
        return ours.TokenInvalid()
    return ours.AuthenticationFailed()


def _own_words(exception: Exception) -> str | None:
    """DRF's texts where they name the method, type or reason; never those of others, which may say more."""
    if isinstance(exception, _SAYS_MORE) and str(exception.detail) != str(exception.default_detail):
        return str(exception.detail)
    return None


def _throttled(exception: drf.Throttled) -> DomainError:
    return ours.RateLimited(retry_after=int(getattr(exception, "wait", None) or 1))


def _database_error(exception: DatabaseError) -> DomainError | None:
    state = _sqlstate(exception)
    cls: type[DomainError] | None
    if state is None:
        cls = ours.ServiceUnavailable if isinstance(exception, OperationalError | InterfaceError) else None
    else:
        cls = next((found for starts, found in _BY_STATE if state.startswith(starts)), None)
    if cls is None:
        return None
    # The driver's text may hold values of a row: only its class and state are logged.
    logger.warning("database error %s (%s)", state, type(exception).__name__)
    return cls()


def _sqlstate(exception: BaseException) -> str | None:
    """The SQLSTATE of the driver's error, which Django keeps as the cause of its own."""
    cause: BaseException | None = exception
    while cause is not None:
        state = getattr(cause, "sqlstate", None)
        if state:
            return str(state)
        cause = cause.__cause__
    return None


# The first that matches counts.
_CONVERTERS: tuple[tuple[tuple[type[Exception], ...], Callable[[Any], DomainError | None]], ...] = (
    ((drf.ValidationError, django_exceptions.ValidationError), validation_failed),
    ((drf.Throttled,), _throttled),
    ((drf.AuthenticationFailed,), _authentication_failed),
    ((DatabaseError,), _database_error),
)
