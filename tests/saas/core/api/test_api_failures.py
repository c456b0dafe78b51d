"""Exceptions of others become errors of ours; what is a bug stays one."""

from typing import Any

import pytest
import redis
from django.core import exceptions as django_exceptions
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from django.http import Http404, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from psycopg import errors as pg
from rest_framework import exceptions as drf
from rest_framework_simplejwt.exceptions import InvalidToken

from saas.core import errors as ours
from saas.core.api.failures import as_domain_error, flatten
from saas.core.errors import DomainError, FieldProblem


def caused(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("exception", "code", "status"),
    [
        (Http404("secret path"), "not_found", 404),
        (drf.NotFound(), "not_found", 404),
        (django_exceptions.ObjectDoesNotExist("Loan matching query"), "not_found", 404),
        (django_exceptions.PermissionDenied("why"), "permission_denied", 403),
        (drf.PermissionDenied(), "permission_denied", 403),
        (drf.NotAuthenticated(), "not_authenticated", 401),
        (drf.AuthenticationFailed(), "authentication_failed", 401),
        (InvalidToken({"messages": [{"token_class": "AccessToken"}]}), "token_invalid", 401),
        (InvalidToken(), "token_invalid", 401),
        (drf.MethodNotAllowed("PUT"), "method_not_allowed", 405),
        (drf.NotAcceptable(), "not_acceptable", 406),
        (drf.UnsupportedMediaType("text/plain"), "unsupported_media_type", 415),
        (drf.ParseError(), "malformed_request", 400),
        (drf.Throttled(wait=12.2), "rate_limited", 429),
        (drf.Throttled(), "rate_limited", 429),
        (django_exceptions.RequestDataTooBig(), "body_too_large", 413),
        (django_exceptions.TooManyFieldsSent(), "too_many_fields", 400),
        (django_exceptions.TooManyFilesSent(), "too_many_fields", 400),
        (django_exceptions.DisallowedHost("evil"), "malformed_request", 400),
        (django_exceptions.BadRequest(), "malformed_request", 400),
        (UnreadablePostError(), "malformed_request", 400),
        (MultiPartParserError("Invalid boundary in multipart: secret path"), "malformed_request", 400),
        (redis.ConnectionError("10.0.0.7"), "service_unavailable", 503),
        (redis.TimeoutError(), "service_unavailable", 503),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_known_exceptions(exception: Exception, code: str, status: int) -> None:
    error = as_domain_error(exception)
    assert error is not None
    assert (error.code, error.status) == (code, status)
    for secret in ("secret path", "matching query", "evil", "10.0.0.7", "AccessToken"):
        assert secret not in str(error.detail)


@pytest.mark.parametrize(
    ("exception", "cls"),
    [
        (caused(IntegrityError("Key (email)=(a@b.c) exists"), pg.UniqueViolation()), ours.Conflict),
        (caused(IntegrityError(), pg.ExclusionViolation()), ours.Conflict),
        (caused(IntegrityError(), pg.ForeignKeyViolation()), ours.Conflict),
        (caused(IntegrityError(), pg.CheckViolation()), ours.Conflict),
        (caused(OperationalError(), pg.LockNotAvailable()), ours.Busy),
        (caused(OperationalError(), pg.DeadlockDetected()), ours.Busy),
        (caused(OperationalError(), pg.SerializationFailure()), ours.Busy),
        (caused(OperationalError(), pg.QueryCanceled()), ours.Timeout),
        (caused(OperationalError(), pg.TooManyConnections()), ours.ServiceUnavailable),
        (caused(OperationalError(), pg.AdminShutdown()), ours.ServiceUnavailable),
        (caused(OperationalError(), pg.ReadOnlySqlTransaction()), ours.ServiceUnavailable),
        (caused(DataError(), pg.NumericValueOutOfRange()), ours.InvalidValue),
        (caused(DataError(), pg.UntranslatableCharacter()), ours.InvalidValue),
        (OperationalError("connection to server at 10.0.0.7 refused"), ours.ServiceUnavailable),
        (InterfaceError("connection already closed"), ours.ServiceUnavailable),
    ],
    ids=lambda value: type(value.__cause__ or value).__name__ if isinstance(value, Exception) else "",
)
def test_database_errors_by_sqlstate(exception: Exception, cls: type[DomainError]) -> None:
    error = as_domain_error(exception)
    assert type(error) is cls
    assert error.detail == cls.detail  # nothing of the driver's text
    assert ("Retry-After" in error.headers) == (error.status == 503)


@pytest.mark.parametrize(
    "exception",
    [
        ValueError("a bug"),
        KeyError("x"),
        RecursionError(),
        caused(IntegrityError(), pg.NotNullViolation()),
        caused(ProgrammingError(), pg.UndefinedTable()),
        caused(ProgrammingError(), pg.SyntaxError()),
    ],
    ids=lambda value: type(value.__cause__ or value).__name__,
)
def test_bugs_are_not_dressed_up_as_refusals(exception: Exception) -> None:
    assert as_domain_error(exception) is None


def test_an_error_of_ours_stays_itself() -> None:
    error = ours.NotFound("x")
    assert as_domain_error(error) is error


def test_retry_after_of_a_throttled_request() -> None:
    error = as_domain_error(drf.Throttled(wait=12.2))
    assert error is not None
    assert error.headers == {"Retry-After": "13"}


def test_method_not_allowed_names_the_method() -> None:
    error = as_domain_error(drf.MethodNotAllowed("PUT"))
    assert error is not None
    assert "PUT" in str(error.detail)


def fields(detail: Any) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in flatten(drf.ValidationError(detail).detail)]


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("wrong", [("body", "invalid")]),
        ({"name": ["too short", "too plain"]}, [("name", "invalid"), ("name", "invalid")]),
        ({"contributors": [{}, {"name": ["x"]}]}, [("contributors.1.name", "invalid")]),
        ({"tags": {"0": ["x"], "4": ["y"]}}, [("tags.0", "invalid"), ("tags.4", "invalid")]),
        ({"non_field_errors": ["x"]}, [("body", "invalid")]),
        ({"address": {"non_field_errors": ["x"]}}, [("address", "invalid")]),
        ([{"name": ["x"]}, {}, {"isbn": ["y"]}], [("0.name", "invalid"), ("2.isbn", "invalid")]),
        ({"name": drf.ErrorDetail("x", code="taken")}, [("name", "taken")]),
    ],
)
def test_nested_validation_errors_are_flattened(detail: Any, expected: list[tuple[str, str]]) -> None:
    assert fields(detail) == expected


def test_validation_failed_repeats_the_first_field_in_detail() -> None:
    error = as_domain_error(drf.ValidationError({"name": [drf.ErrorDetail("Missing.", code="required")]}))
    assert isinstance(error, ours.ValidationFailed)
    assert error.detail == "name: Missing."
    assert error.errors == (FieldProblem("name", "required", "Missing."),)


def test_only_unknown_fields_have_their_own_code() -> None:
    unknown = drf.ErrorDetail("Did you mean title?", code="unknown_field")
    missing = drf.ErrorDetail("Missing.", code="required")
    alone = as_domain_error(drf.ValidationError({"titel": [unknown]}))
    mixed = as_domain_error(drf.ValidationError({"titel": [unknown], "title": [missing]}))
    assert alone is not None
    assert mixed is not None
    assert (alone.code, alone.detail) == ("unknown_field", "Did you mean title?")
    assert mixed.code == "validation_failed"


def test_django_validation_errors() -> None:
    by_field = django_exceptions.ValidationError(
        {"name": [django_exceptions.ValidationError("Too %(how)s.", code="short", params={"how": "short"})]}
    )
    error = as_domain_error(by_field)
    assert error is not None
    assert error.errors == (FieldProblem("name", "short", "Too short."),)
    whole = as_domain_error(django_exceptions.ValidationError("No."))
    assert whole is not None
    assert whole.errors == (FieldProblem("body", "invalid", "No."),)
