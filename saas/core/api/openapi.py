"""The OpenAPI document: what our views declare, as parameters, security, problem responses and examples."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiViewExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter

from saas.core import errors
from saas.core.api.deprecations import deprecation_of
from saas.core.api.problems import CONTENT_TYPE, PROBLEM_PATH
from saas.core.api.tables import CsvRenderer, columns_of, table
from saas.core.errors import DomainError
from saas.core.reads.selection import EXPAND, FIELDS, Selection

_WITH_BODY = ("POST", "PUT", "PATCH")
_IDEMPOTENCY_CODES = ("idempotency_key_reused", "idempotency_in_progress")

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A problem document (RFC 9457). Decide by `code`, which never changes; show `detail`.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "detail"],
                "properties": {name: {"type": "string"} for name in ("field", "code", "detail")},
            },
        },
        "confirmations": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "detail"],
                "properties": {name: {"type": "string"} for name in ("code", "detail")},
            },
        },
    },
    "additionalProperties": True,
}


def _leave_out_registration() -> None:
    """Forget what drf-spectacular knows of dj-rest-auth's registration views.

    They cannot be imported without allauth.socialaccount, which we do not install, and each would be a warning.
    """
    known = OpenApiViewExtension._registry
    known[:] = [one for one in known if not str(one.target_class).startswith("dj_rest_auth.registration.")]


_leave_out_registration()


class LibraryTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the document names the JWT of a library."""

    target_class = "saas.core.api.authentication.LibraryJWTAuthentication"
    match_subclasses = True
    name = "bearerToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the security scheme object."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the document names the API key of a machine."""

    target_class = "saas.core.api.key_authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the security scheme object."""
        text = "A key of `/api/v1/api-keys/`, as `Api-Key lhk_...`. Keys are a library's: the public site takes none."
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": text}


class VisitScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the document names the token of a visit."""

    target_class = "saas.core.api.visits.VisitAuthentication"
    name = "visitToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the security scheme object."""
        text = "`Visit TOKEN`: platform staff inside a library, for a time; on the library's own host alone."
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": text}


class ProblemAwareSchema(AutoSchema):
    """Adds to each operation what ApiBehaviour declares beside the serializers."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> dict[str, Any] | None:
        """Return the operation object with its problem responses, None where it is left out."""
        operation: dict[str, Any] | None = super().get_operation(
            path, path_regex, path_prefix, method, registry
        )
        if operation is not None:
            self._describe_rows(operation["responses"])
            self._add_problems(operation["responses"])
        return operation

    def map_renderers(self, attribute: str) -> list[Any]:
        """Return what the view's forms are called; those of lists belong to reading alone."""
        forms: list[Any] = super().map_renderers(attribute)
        rows = [getattr(CsvRenderer, attribute)] if self.method != "GET" else []
        return [form for form in forms if form not in rows]

    def is_deprecated(self) -> bool:
        """Whether the handler is declared to go."""
        name = str(getattr(self.view, "action", None) or self.method.lower())
        return bool(super().is_deprecated()) or deprecation_of(getattr(self.view, name, None)) is not None

    def get_auth(self) -> list[Any]:
        """Return the security requirements; an empty one where anonymous callers are let in."""
        required = list(super().get_auth())
        declared = getattr(self.view, "permissions", {})
        if self._declared_key() in declared and declared[self._declared_key()] is None and {} not in required:
            required.append({})
        return required

    def get_override_parameters(self) -> list[Any]:
        """Return the declared query parameters and the headers that shared mechanisms read."""
        parameters: list[Any] = list(super().get_override_parameters())
        parameters += [self._query_parameter(name) for name in sorted(self._query_parameters())]
        if self.method == "POST" and getattr(self.view, "idempotent", False):
            text = "A key of the client's choice; repeating the request with it has one effect (24 hours)."
            parameters.append(_header("Idempotency-Key", text, max_length=255))
        if errors.PreconditionRequired in self._declared_errors():
            parameters.append(_header("If-Match", "The ETag of the version that is changed.", required=True))
        return parameters

    def get_examples(self) -> list[Any]:
        """Return the examples that the view declares for this method or action."""
        declared = getattr(self.view, "examples", {})
        return [*super().get_examples(), *declared.get(self._declared_key(), ())]

    def error_classes(self) -> tuple[type[DomainError], ...]:
        """Return the errors of this operation: those it declares and those its shape brings, by code."""
        found = {cls.code: cls for cls in self._common_errors()}
        found |= {cls.code: cls for cls in self._declared_errors()}
        return tuple(found[code] for code in sorted(found))

    # -- what the view declares -----------------------------------------------------------------------------

    def _declared_key(self) -> str:
        return str(getattr(self.view, "action", None) or self.method)

    def _declared_errors(self) -> tuple[type[DomainError], ...]:
        declared = getattr(self.view, "error_codes", {})
        return tuple(declared.get(self._declared_key(), ()))

    def _query_parameter(self, name: str) -> OpenApiParameter:
        """A query parameter; those that choose members name what the compiled read declares."""
        is_detail = getattr(self.view, "detail", False)
        read = getattr(self.view, "retrieve_read" if is_detail else "list_read", None)
        if read is None or name not in (FIELDS, EXPAND):
            return OpenApiParameter(name, str)
        known = (
            read.names(Selection(None, tuple(sorted(read.expand)))) if name == FIELDS else sorted(read.expand)
        )
        text = "Only these members." if name == FIELDS else "Objects instead of their codes."
        kind = {"type": "array", "items": {"type": "string", "enum": list(known)}}
        return OpenApiParameter(name, kind, description=text, style="form", explode=False)

    def _query_parameters(self) -> frozenset[str]:
        if self.method != "GET":
            return frozenset()
        if getattr(self.view, "detail", False):
            return frozenset(getattr(self.view, "detail_query_parameters", ()))
        return frozenset(getattr(self.view, "query_parameters", ()))

    def _common_errors(self) -> Iterator[type[DomainError]]:
        yield from (errors.RateLimited, errors.NotAcceptable, errors.InternalError, errors.UnknownParameter)
        declared = getattr(self.view, "permissions", {})
        if declared.get(self._declared_key(), "") is not None:
            yield from (errors.NotAuthenticated, errors.PermissionDenied, errors.MfaEnrolmentRequired)
        elif errors.NotAuthenticated in self._declared_errors():
            # About whoever has signed in, and so nothing for keys and visits (ApiBehaviour.require_person).
            yield errors.PersonRequired
        if self.view.get_authenticators():
            yield errors.TokenInvalid
        if "{" in self.path:
            yield errors.NotFound
        if self.method in _WITH_BODY:
            yield from (errors.ValidationFailed, errors.UnknownField, errors.MalformedJson)
            yield from (errors.BodyTooLarge, errors.UnsupportedMediaType)
        if self._is_list_view() and getattr(self.view, "pagination_class", None):
            yield from (errors.InvalidParameter, errors.InvalidCursor)
        if self.method == "POST" and getattr(self.view, "idempotent", False):
            known = (errors.error_class(code) for code in _IDEMPOTENCY_CODES)
            yield from (cls for cls in known if cls is not None)

    # -- the document ---------------------------------------------------------------------------------------

    def _describe_rows(self, responses: dict[str, Any]) -> None:
        """Say of a list what its CSV is: the columns, and where the neighbours of the page are."""
        content = responses.get("200", {}).get("content", {})
        rows = self.view.row_serializer() if hasattr(self.view, "row_serializer") else None
        if rows is None or CsvRenderer.media_type not in content:
            return
        header = table(columns_of(rows), []).decode()
        described = f"The same rows under the columns {header.strip().replace(',', ', ')}."
        content[CsvRenderer.media_type] = {
            "schema": {"type": "string", "description": described},
            "example": header,
        }
        responses["200"].setdefault("headers", {})["Link"] = {
            "description": 'In CSV: addresses of the next page (rel="next") and the previous one (rel="prev").',
            "schema": {"type": "string"},
        }

    def _add_problems(self, responses: dict[str, Any]) -> None:
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name="Problem", type=ResolvedComponent.SCHEMA, object="Problem", schema=PROBLEM_SCHEMA
        )
        self.registry.register_on_missing(component)
        by_status: dict[int, list[type[DomainError]]] = {}
        for cls in self.error_classes():
            by_status.setdefault(cls.status, []).append(cls)
        for status in sorted(by_status):
            classes = by_status[status]
            codes = ", ".join(f"`{cls.code}`" for cls in classes)
            described = {
                "description": f"{HTTPStatus(status).phrase}: {codes}.",
                "content": {
                    CONTENT_TYPE: {
                        "schema": component.ref,
                        "examples": {cls.code: {"value": _example(cls)} for cls in classes},
                    }
                },
            }
            responses.setdefault(str(status), described)


def _header(name: str, text: str, *, required: bool = False, max_length: int = 4096) -> OpenApiParameter:
    kind = {"type": "string", "maxLength": max_length}
    return OpenApiParameter(name, kind, location="header", required=required, description=text)


def _example(cls: type[DomainError]) -> dict[str, Any]:
    example: dict[str, Any] = {
        "type": f"{PROBLEM_PATH}{cls.code}/",
        "title": str(cls.title),
        "status": cls.status,
        "detail": str(cls.detail or cls.title),
        "code": cls.code,
        "request_id": "5f0c0e9ab6f94d2f8a3f1c1e0c7b1d2a",
    }
    if issubclass(cls, errors.ValidationFailed):
        example["errors"] = [{"field": "name", "code": "required", "detail": "This field is required."}]
    if issubclass(cls, errors.ConfirmationRequired):
        example["confirmations"] = [{"code": "fine_due", "detail": "The patron owes money."}]
    return example
