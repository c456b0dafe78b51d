"""The base of every API view: declared permissions and parameters, limits before work, headers after it.

What a view is made of (parsers, renderers, ways to sign in, checks) keeps nothing of a request and is made once.
"""

import functools
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from saas.core.api.deprecations import announce
from saas.core.api.etags import conditional_list
from saas.core.api.lookups import visible_or_404
from saas.core.api.parameters import CURSOR, check_query_parameters
from saas.core.api.renderers import AcceptNegotiation
from saas.core.api.tables import CsvRenderer, Path, columns_of, without_envelope
from saas.core.api.throttling import add_rate_limit_headers, charge_address, give_back
from saas.core.errors import DomainError, NotAuthenticated, PersonRequired
from saas.core.principals import Principal, principal_of

_SAFE = ("GET", "HEAD")
if TYPE_CHECKING:
    _View = APIView
else:
    _View = object  # put before any view, ours or another package's


class ApiBehaviour(_View):
    """What all our API views share; put it before a DRF view of another package to tame that one too.

    `permissions`: method (`"GET"`) or action (`"list"`) to the name of a permission; None lets everybody
    in; what is missing is refused.
    `shareable`: methods or actions on one row that a person may also call without the permission, where the row
    is shared with them; the view finds out by itself.
    `query_parameters`: the names that GET of the list (or of a plain view) knows, besides the pages' own.
    `detail_query_parameters`: those of GET on one record of a view set.
    `may_be_empty`: those whose empty value means something; an empty cursor is refused as a cursor.
    `row_serializer_class`: what shows a row of the list, where that is not `serializer_class`; a plain view has a
    list where it says so. Lists are answered as CSV too.
    `throttle_policies`: names of settings.RATE_LIMITS that each request is counted against.
    `error_codes`: method or action to the errors that the OpenAPI document lists for it.
    `idempotent`: whether POST honours an Idempotency-Key (documentation; the mechanism is a decorator).
    `cache_control`: answers are private unless a view says otherwise (ASVS 14.3.2).
    """

    permissions: ClassVar[Mapping[str, str | None]] = {}
    shareable: ClassVar[frozenset[str]] = frozenset()
    query_parameters: ClassVar[frozenset[str]] = frozenset()
    detail_query_parameters: ClassVar[frozenset[str]] = frozenset()
    may_be_empty: ClassVar[frozenset[str]] = frozenset({CURSOR})
    row_serializer_class: ClassVar[Any] = None
    throttle_policies: ClassVar[tuple[str, ...]] = ("burst",)
    error_codes: ClassVar[Mapping[str, tuple[type[DomainError], ...]]] = {}
    examples: ClassVar[Mapping[str, tuple[Any, ...]]] = {}
    idempotent: ClassVar[bool] = False
    cache_control: ClassVar[str] = "no-store"
    # OPTIONS would describe the view to everybody, and no other site may call us: it is refused and not allowed.
    http_method_names: Any = ("get", "head", "post", "put", "patch", "delete")
    content_negotiation_class = AcceptNegotiation
    metadata_class = None
    request: Any

    @property
    def principal(self) -> Principal:
        """Who calls, with their permissions in this library; loaded once per request."""
        return principal_of(self.request)

    def require_person(self) -> int:
        """The account of the caller, for views that are about it.

        Raises NotAuthenticated (401) where nobody has signed in, PersonRequired (403) for a key or staff on a visit.
        """
        if self.principal.user_id is not None:
            return self.principal.user_id
        raise PersonRequired if self.principal.is_authenticated else NotAuthenticated

    def row_serializer(self) -> Any:
        """The serializer class of a row where this request reads a list, None elsewhere."""
        action = getattr(self, "action", None)
        if action is not None:
            own = self.row_serializer_class or getattr(self, "serializer_class", None)
            return own if action == "list" else None
        # The OpenAPI document may be made without a request.
        reads = self.request is None or self.request.method in _SAFE
        return self.row_serializer_class if reads else None

    def row_columns(self) -> tuple[Path, ...]:
        """The columns of the list in CSV."""
        return columns_of(self.row_serializer())

    def get_renderers(self) -> list[Any]:
        """Return the view's forms, and CSV for a list."""
        forms = _made(tuple(self.renderer_classes))
        has_table = self.row_serializer() is None or any(form.format == CsvRenderer.format for form in forms)
        return [*forms] if has_table else [*forms, *_made((CsvRenderer,))]

    def get_parsers(self) -> list[Any]:
        """Return the view's parsers, made once for all requests."""
        return [*_made(tuple(self.parser_classes))]

    def get_authenticators(self) -> list[Any]:
        """Return the view's ways to sign in, made once for all requests."""
        return [*_made(tuple(self.authentication_classes))]

    def get_permissions(self) -> list[Any]:
        """Return the view's checks, made once for all requests."""
        return [*_made(tuple(self.permission_classes))]

    def get_content_negotiator(self) -> Any:
        """Return what chooses the form, made once for all requests."""
        return _made((self.content_negotiation_class,))[0]

    @property
    def allowed_methods(self) -> list[str]:
        """The methods that this view handles, for `Allow`."""
        bound = tuple(getattr(self, "action_map", None) or ())
        return [*_allowed(cast(Any, type(self)), bound, tuple(self.http_method_names))]

    def allowed_query_parameters(self) -> frozenset[str]:
        """Return the query parameters that this request may have: none where it changes something."""
        if self.request.method not in _SAFE:
            return frozenset()
        if getattr(self, "detail", False):
            return self.detail_query_parameters
        pages = getattr(self, "paginator", None)
        return self.query_parameters | (pages.query_parameters if pages is not None else frozenset())

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Negotiate, authenticate, count, then check permission and parameters, in this order.

        A refused caller is counted too, so that guessing is never free.
        """
        super().initial(request, *args, **kwargs)
        check_query_parameters(request.query_params, self.allowed_query_parameters(), self.may_be_empty)

    def perform_authentication(self, request: Request) -> None:
        """Authenticate, then count the request; a wrong credential counts against its address."""
        try:
            super().perform_authentication(request)
        except (APIException, DomainError):
            charge_address(request, self.throttle_policies)
            raise
        super().check_throttles(request)

    def check_throttles(self, request: Request) -> None:
        """Do nothing: `perform_authentication` has counted this request, before the permission check."""

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Answer conditional GETs, give their unit back, and add the headers every answer carries."""
        if self.row_serializer() is not None:
            response = without_envelope(request, response)
        final: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        final = conditional_list(request, final)
        announce(self, request, final)
        if final.status_code == HTTPStatus.NOT_MODIFIED:
            give_back(request)
        final.headers.setdefault("Cache-Control", self.cache_control)
        add_rate_limit_headers(request, final)
        cast(Any, final)._resource_closers.append(functools.partial(_let_go, self, request, response))
        return final


class ApiView(ApiBehaviour, APIView):
    """A plain API view; see ApiBehaviour for what a subclass declares."""


class ApiViewSet(ApiBehaviour, GenericViewSet[Any]):
    """A view set whose actions the subclass writes: nothing is offered that it does not declare.

    `get_queryset` returns only what the caller may see, so that a foreign id and a missing one both
    answer 404 with the same body.
    """

    lookup_value_regex = "[^/]+"

    def get_object(self) -> Any:
        """Return the row named in the path. Raises NotFound, also for what cannot be an id."""
        name = self.lookup_url_kwarg or self.lookup_field
        row = visible_or_404(self.filter_queryset(self.get_queryset()), self.lookup_field, self.kwargs[name])
        self.check_object_permissions(self.request, row)
        return row


def _let_go(view: Any, request: Request, response: HttpResponseBase) -> None:
    """Untie what DRF ties in circles, once the answer is sent.

    The view holds its own bound methods, and request and answer hold contexts that hold them all: everything that a
    request has made, its rows too, would wait for the garbage collector, which would have to look for it.
    """
    cast(Any, request).parser_context.clear()
    getattr(response, "renderer_context", {}).clear()
    vars(view).clear()


@functools.lru_cache(maxsize=1024)
def _made(classes: tuple[type[Any], ...]) -> tuple[Any, ...]:
    """One instance of each, for all requests of all threads: what belongs to a request is passed to their methods."""
    return tuple(cls() for cls in classes)


@functools.lru_cache(maxsize=1024)
def _allowed(view: type[Any], bound: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.upper() for name in names if name in bound or hasattr(view, name))


def undeclared_handlers(view: type[Any]) -> list[str]:
    """Return the methods (or, of a view set, actions) that a view class handles and declares nothing for."""
    if hasattr(view, "get_extra_actions"):
        standard = ("list", "create", "retrieve", "update", "partial_update", "destroy")
        handled = [name for name in standard if hasattr(view, name)]
        handled += [action.__name__ for action in view.get_extra_actions()]
    else:
        names = [name for name in view.http_method_names if name != "head"]
        handled = [name.upper() for name in names if hasattr(view, name)]
    return [name for name in handled if name not in getattr(view, "permissions", {})]
