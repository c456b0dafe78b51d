"""Errors with a stable code, a status and a message, and the registry that knows them all.

An app declares its own errors in its `errors` module as subclasses of `DomainError`; one handler
(`saas.core.api.problems`) renders each of them as an RFC 9457 problem document.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text: TypeAlias = str | Promise


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field: `field` is a dotted path such as `contributors.0.name`."""

    field: str
    code: str
    detail: Text

    def as_dict(self) -> dict[str, str]:
        """Return the form that stands in the `errors` of a problem document."""
        return {"field": self.field, "code": self.code, "detail": str(self.detail)}


class DomainError(Exception):
    """A refusal with a reason that a client may act upon.

    `code` is snake_case and never changes once released; `status` is the HTTP status; `title` says what
    kind of problem this is, the same for each occurrence; `detail` says what happened this time.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    title: ClassVar[Text] = _("The request could not be carried out")
    detail: Text = ""

    def __init__(
        self,
        detail: Text | None = None,
        *,
        errors: Sequence[FieldProblem] = (),
        **extension_members: Any,
    ) -> None:
        """`extension_members` become further members of the problem document and must be JSON."""
        if detail is not None:
            self.detail = detail
        self.errors = tuple(errors)
        self.extension_members = extension_members
        super().__init__(self.code)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail or self.title}"

    @property
    def headers(self) -> dict[str, str]:
        """Return the response headers that belong to this error."""
        return {}


class ValidationFailed(DomainError):
    """Fields or parameters are missing or wrong; `errors` names each."""

    code = "validation_failed"
    status = 400
    title = _("The request is not valid")
    detail = _("One or more fields are not valid.")


class UnknownField(DomainError):
    """The body has fields that this endpoint does not know."""

    code = "unknown_field"
    status = 400
    title = _("Unknown field")
    detail = _("The body has a field that this endpoint does not know.")


class UnknownParameter(DomainError):
    """The query string has parameters that this endpoint does not know."""

    code = "unknown_parameter"
    status = 400
    title = _("Unknown query parameter")
    detail = _("The address has a query parameter that this endpoint does not know.")


class InvalidParameter(DomainError):
    """A query parameter has a value that is not allowed, or stands there twice."""

    code = "invalid_parameter"
    status = 400
    title = _("Query parameter not valid")
    detail = _("A query parameter has a value that is not allowed.")


class InvalidCursor(DomainError):
    """A page cursor was changed, or belongs to another list, ordering, filter or library."""

    code = "invalid_cursor"
    status = 400
    title = _("Page cursor not valid")
    detail = _("This cursor does not belong to this list. Start again from the first page.")


class MalformedBody(DomainError):
    """The body cannot be read as what its content type says."""

    code = "malformed_request"
    status = 400
    title = _("Malformed request")
    detail = _("The request could not be read.")


class MalformedJson(MalformedBody):
    """The body is not JSON, or JSON that this service does not take."""

    code = "malformed_json"
    title = _("Malformed JSON")
    detail = _("The body is not valid JSON.")


class InvalidValue(DomainError):
    """The database refused a value that no field refused before it."""

    code = "invalid_value"
    status = 400
    title = _("Value not valid")
    detail = _("A value is out of range or of the wrong kind.")


class TooManyFields(DomainError):
    """A form has more fields or files than are read."""

    code = "too_many_fields"
    status = 400
    title = _("Too many fields")
    detail = _("The request has too many fields.")


class NotAuthenticated(DomainError):
    """The caller must sign in first."""

    code = "not_authenticated"
    status = 401
    title = _("Sign-in required")
    detail = _("Sign in to use this address.")


class AuthenticationFailed(NotAuthenticated):
    """Credentials were sent and are wrong."""

    code = "authentication_failed"
    title = _("Sign-in failed")
    detail = _("The credentials sent with this request are not valid.")


class TokenInvalid(NotAuthenticated):
    """A token is malformed, expired, revoked, or was made for another library.

    An app whose own tokens answer otherwise (400 for one in a mailed link) subclasses this with another
    `status` and without a `code`, so that the code stays one and the same.
    """

    code = "token_invalid"
    title = _("Token not valid")
    detail = _("The token is not valid or has expired.")


class PermissionDenied(DomainError):
    """The caller is known and may not do this."""

    code = "permission_denied"
    status = 403
    title = _("Not allowed")
    detail = _("You may not do this.")


class MfaEnrolmentRequired(PermissionDenied):
    """The caller must have a second factor and has none: until then nothing but enrolling one is allowed."""

    code = "mfa_enrolment_required"
    title = _("Second factor to be set up")
    detail = _("Your account must have a second factor. Set one up under /api/v1/auth/mfa/ first.")


class CsrfFailed(PermissionDenied):
    """A form came without the token that proves it was sent from our own page."""

    code = "csrf_failed"
    title = _("Form expired")
    detail = _("The form has expired or came from another site. Load the page again and retry.")


class PersonRequired(PermissionDenied):
    """An API key, or platform staff on a visit, asked for something that only somebody with an account here has."""

    code = "person_required"
    title = _("For people only")
    detail = _("This is for somebody with an account here. Sign in as a person.")


class CannotGrant(PermissionDenied):
    """A role or a key was given or taken away that allows something its giver may not do."""

    code = "cannot_grant"
    title = _("Not yours to give")
    detail = _("You can give and take away only what you may do yourself, in the same place.")


class NotFound(DomainError):
    """There is no such thing, or the caller may not know of it: both look the same."""

    code = "not_found"
    status = 404
    title = _("Not found")
    detail = _("There is nothing at this address.")


class UnknownVersion(NotFound):
    """The address names a version of the API that this site does not have; `versions` lists those that it has."""

    code = "unknown_version"
    title = _("Unknown version")
    detail = _("This version of the API does not exist.")


class MethodNotAllowed(DomainError):
    """The address exists and does not take this method."""

    code = "method_not_allowed"
    status = 405
    title = _("Method not allowed")
    detail = _("This address does not take this method.")


class NotAcceptable(DomainError):
    """None of the forms in `Accept` is on offer; `available` lists those that are."""

    code = "not_acceptable"
    status = 406
    title = _("No acceptable form")
    detail = _("This address cannot answer in a form that the Accept header allows.")

    @property
    def headers(self) -> dict[str, str]:
        """Return `Vary`: the same request with another Accept header has another answer."""
        return {"Vary": "Accept"}


class Conflict(DomainError):
    """The request contradicts what is stored."""

    code = "conflict"
    status = 409
    title = _("Conflict")
    detail = _("The request conflicts with what is stored.")


class ConfirmationRequired(Conflict):
    """The command is possible once the caller confirms what `confirmations` lists."""

    code = "confirmation_required"
    title = _("Confirmation required")
    detail = _("Confirm the listed points and send the request again.")

    def __init__(self, confirmations: Iterable[FieldProblem], detail: Text | None = None) -> None:
        """`confirmations` are the points to confirm; of each only code and detail are shown."""
        points = [{"code": point.code, "detail": point.detail} for point in confirmations]
        super().__init__(detail, confirmations=points)


class PreconditionFailed(DomainError):
    """`If-Match` names another version than the stored one."""

    code = "precondition_failed"
    status = 412
    title = _("Changed in the meantime")
    detail = _("Somebody changed this in the meantime. Load it again and repeat your change.")


class LengthRequired(DomainError):
    """The body comes in chunks (`Transfer-Encoding`): send it with a `Content-Length`."""

    code = "length_required"
    status = 411
    title = _("Length required")
    detail = _("Send the body with its Content-Length.")


class BodyTooLarge(DomainError):
    """The body is longer than this endpoint reads."""

    code = "body_too_large"
    status = 413
    title = _("Body too large")
    detail = _("The body is larger than this address accepts.")


class UnsupportedMediaType(DomainError):
    """The body has a content type, charset or encoding that this endpoint does not read."""

    code = "unsupported_media_type"
    status = 415
    title = _("Unsupported media type")
    detail = _("This address does not read bodies of this content type.")


class PreconditionRequired(DomainError):
    """A change of this needs an `If-Match` header."""

    code = "precondition_required"
    status = 428
    title = _("If-Match required")
    detail = _("Send the ETag of the version you are changing in an If-Match header.")


class RetryableError(DomainError):
    """The same request may succeed after `retry_after` seconds."""

    code = "try_again"
    status = 503
    title = _("Try again")
    detail = _("The service is busy. Try again in a moment.")
    retry_after: int = 1

    def __init__(
        self,
        detail: Text | None = None,
        *,
        retry_after: int | None = None,
        **extension_members: Any,
    ) -> None:
        """`retry_after` is in seconds and becomes the Retry-After header."""
        if retry_after is not None:
            self.retry_after = max(1, retry_after)
        super().__init__(detail, **extension_members)

    @property
    def headers(self) -> dict[str, str]:
        """Return the Retry-After header, in seconds."""
        return {"Retry-After": str(self.retry_after)}


class RateLimited(RetryableError):
    """The caller sent more requests than the limit allows."""

    code = "rate_limited"
    status = 429
    title = _("Too many requests")
    detail = _("You have sent too many requests. Wait a moment.")


class ServiceUnavailable(RetryableError):
    """A part that this request needs does not answer."""

    code = "service_unavailable"
    title = _("Service unavailable")
    detail = _("A part of the service does not answer. Try again in a moment.")
    retry_after = 5


class Busy(RetryableError):
    """Another request holds what this one needs; nothing was changed."""

    code = "busy"
    title = _("Busy")
    detail = _("Somebody else is changing the same thing right now. Try again.")


class Timeout(RetryableError):
    """The request took longer than the database allows; nothing was changed."""

    code = "timeout"
    title = _("Took too long")
    detail = _("The request took too long and was stopped.")
    retry_after = 5


class InternalError(DomainError):
    """Our fault; the request id leads to the log."""

    code = "internal_error"
    status = 500
    title = _("Something went wrong")
    detail = _("An error on our side. It has been logged under the request id.")


def all_error_classes() -> tuple[type[DomainError], ...]:
    """Return every error class of the imported modules, ordered by code and then by its dotted name.

    Classes that only group others (no `code` of their own) are left out, the root too.
    """
    found = {cls for cls in _descendants(DomainError) if "code" in vars(cls)}
    return tuple(sorted(found, key=lambda cls: (cls.code, cls.__module__, cls.__qualname__)))


def error_class(code: str) -> type[DomainError] | None:
    """Return the class that owns `code`, None where there is none."""
    return next((cls for cls in all_error_classes() if cls.code == code), None)


def error_page(classes: Iterable[type[DomainError]] | None = None) -> str:
    """Return the table of codes as Markdown, in the source language, for docs/errors.md; by default of all."""
    rows = ["| code | status | title | when |", "|---|---|---|---|"]
    shown = all_error_classes() if classes is None else classes
    rows += [f"| `{c.code}` | {c.status} | {c.title} | {summary(c)} |" for c in shown]
    return "\n".join(rows) + "\n"


def summary(cls: type[DomainError]) -> str:
    """Return the first line of the class's own docstring: when this error is raised."""
    return (cls.__doc__ or "").strip().split("\n", 1)[0]


def _descendants(cls: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in cls.__subclasses__():
        yield child
        yield from _descendants(child)
