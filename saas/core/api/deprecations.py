"""What will go: fields and routes with the day since which nobody should use them and the day they end.

Declared in code, where the field or the handler is. Answers that show it say so (`Deprecation`, RFC 9745; `Sunset`,
RFC 8594; `Link` to the page that lists them all), the OpenAPI document marks it, and every use is counted, so that its
users can be asked before it ends. What an answer shows is what the document says that it shows.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.http import http_date
from django.views import View
from drf_spectacular.drainage import get_override
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request

from saas.core import clock, metrics
from saas.core.principals import ANONYMOUS, Principal
from saas.core.tenancy import current_schema

PAGE_PATH = "/api/deprecations/"
NOTICE = dt.timedelta(days=365)
_Class = TypeVar("_Class", bound=type[Any])
_Handler = TypeVar("_Handler", bound=Callable[..., Any])
_MOST_CALLERS = 10_000
_FIELDS = "_deprecated_fields"
_ROUTE = "deprecation"
_FORMS = ("json", "csv")
_WITH_BODY = (200, 201, 202, 203, 207)
log = structlog.get_logger("libraryhub.deprecated")


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Something that ends at the beginning of `sunset` (UTC); `instead` says, in English, what to use."""

    name: str
    since: dt.date
    sunset: dt.date
    instead: str


_known: dict[str, Deprecation] = {}
_answers: dict[tuple[type[Any], str], tuple[tuple[str, Deprecation], ...]] = {}
_told: dict[tuple[str, str, str], dt.date] = {}


def deprecated_field(name: str, *, since: str, sunset: str, instead: str) -> Callable[[_Class], _Class]:
    """Declare that a field of a serializer will go. Days as `2026-11-20`; a year's notice at least.

    Raises ImproperlyConfigured for less, and for a field that there is not.
    """

    def declare(serializer: _Class) -> _Class:
        model_fields = getattr(getattr(serializer, "Meta", None), "fields", ())
        if name not in serializer._declared_fields and name not in model_fields:
            raise ImproperlyConfigured(f"{serializer.__name__} has no field {name}.")
        component = serializer.__name__.removesuffix("Serializer")
        found = _declared(f"{component}.{name}", since, sunset, instead)
        setattr(serializer, _FIELDS, {**getattr(serializer, _FIELDS, {}), name: found})
        return extend_schema_serializer(deprecate_fields=list(getattr(serializer, _FIELDS)))(serializer)

    return declare


def deprecated(*, since: str, sunset: str, instead: str) -> Callable[[_Handler], _Handler]:
    """Declare that a handler of a view (`list`, `get`) will go; as `deprecated_field`."""

    def declare(handler: _Handler) -> _Handler:
        setattr(handler, _ROUTE, _declared(handler.__qualname__, since, sunset, instead))
        return handler

    return declare


def all_deprecations() -> tuple[Deprecation, ...]:
    """Everything that is declared, what ends first before the rest."""
    return tuple(sorted(_known.values(), key=lambda one: (one.sunset, one.name)))


def deprecation_of(handler: Any) -> Deprecation | None:
    """What is declared of a handler as a whole."""
    found: Deprecation | None = getattr(handler, _ROUTE, None)
    return found


def deprecated_members(shape: Any, before: str = "") -> Iterator[tuple[str, Deprecation]]:
    """Yield the deprecated fields of a serializer's JSON, nested ones too, with their dotted paths."""
    shape = shape() if isinstance(shape, type) and issubclass(shape, serializers.Field) else shape
    inner = getattr(shape, "child", None)
    if inner is not None:
        yield from deprecated_members(inner, before)
    if not isinstance(shape, serializers.Serializer):
        return
    declared: Mapping[str, Deprecation] = getattr(shape, _FIELDS, {})
    for name, field in shape.fields.items():
        if name in declared:
            yield f"{before}{name}", declared[name]
        yield from deprecated_members(_shape_of(field), f"{before}{name}.")


def announce(view: Any, request: Request, response: HttpResponseBase) -> None:
    """Say on an answer what of it is deprecated, and count its use."""
    declared = _of_answers(view)
    if not declared or not _shows(request, response):
        return
    asked = request.query_params.get("fields")
    fields = None if asked is None else set(asked.split(","))
    found = [one for path, one in declared if fields is None or not path or _is_asked(path, fields)]
    if not found:
        return
    since, sunset = min(one.since for one in found), min(one.sunset for one in found)
    response["Deprecation"] = f"@{_seconds(since)}"
    response["Sunset"] = http_date(_seconds(sunset))
    links = [response["Link"]] if response.has_header("Link") else []
    links += [f'<{PAGE_PATH}>; rel="{rel}"; type="text/html"' for rel in ("deprecation", "sunset")]
    response["Link"] = ", ".join(links)
    for one in found:
        _count(one, request)


class DeprecationsPage(View):
    """The page that `Link` leads to: what will go, when, and what to use."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Return the page; English, as all texts for programmers."""
        rows = format_html_join(
            "",
            "<tr><td><code>{}</code><td>{}<td>{}<td>{}",
            ((one.name, one.since, one.sunset, one.instead) for one in all_deprecations()),
        )
        page = format_html(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Deprecated</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1"></head><body><main>'
            "<h1>Deprecated</h1><table><thead><tr><th scope=col>What<th scope=col>Since<th scope=col>Ends"
            "<th scope=col>Instead</thead><tbody>{}</tbody></table></main></body></html>",
            rows,
        )
        return HttpResponse(page)


deprecation_urls: list[URLPattern] = [
    path(PAGE_PATH.removeprefix("/"), DeprecationsPage.as_view(), name="deprecations")
]


def _declared(name: str, since: str, sunset: str, instead: str) -> Deprecation:
    found = Deprecation(name, dt.date.fromisoformat(since), dt.date.fromisoformat(sunset), instead)
    if found.sunset - found.since < NOTICE:
        raise ImproperlyConfigured(f"{name} ends less than {NOTICE.days} days after it was deprecated.")
    _known[name] = found
    return found


def _of_answers(view: Any) -> tuple[tuple[str, Deprecation], ...]:
    """Paths and deprecations of what a view answers this request with; the path of its handler as a whole is empty."""
    method = "GET" if view.request.method == "HEAD" else str(view.request.method)
    name = getattr(view, "action", None) or method.lower()
    known = _answers.get((type(view), name))
    if known is not None:
        return known
    handler = getattr(type(view), name, None)
    route = deprecation_of(handler)
    found = [("", route)] if route is not None else []
    described = getattr(handler, "kwargs", {}).get("schema")
    if described is not None:
        inspector = described()
        inspector.view, inspector.method = view, method
        for shape in _successes(inspector.get_response_serializers()):
            found += deprecated_members(shape)
    return _answers.setdefault((type(view), name), tuple(found))


def _successes(responses: Any) -> Iterator[Any]:
    if not isinstance(responses, Mapping):
        yield responses
        return
    for key, shape in responses.items():
        status = key[0] if isinstance(key, tuple) else key
        if 200 <= int(status) < 300:
            yield shape


def _shape_of(field: Any) -> Any:
    if isinstance(field, serializers.SerializerMethodField):
        return get_override(getattr(field.parent, str(field.method_name)), "field")
    return field


def _shows(request: Request, response: HttpResponseBase) -> bool:
    """Whether the answer is one of the documented ones, in a form that has the fields."""
    form = getattr(request, "accepted_renderer", None)
    return response.status_code in _WITH_BODY and getattr(form, "format", "") in _FORMS


def _is_asked(member: str, fields: set[str]) -> bool:
    """Whether `?fields=` names the member, or one that it is part of."""
    parts = member.split(".")
    return any(".".join(parts[: count + 1]) in fields for count in range(len(parts)))


def _seconds(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())


def _count(one: Deprecation, request: Request) -> None:
    """Count a use by kind of caller; name the caller, by number, once a day in the log of this process."""
    principal: Principal | None = getattr(request._request, "_principal", None)
    if principal is None or not principal.is_authenticated:
        metrics.count_deprecated(one.name, ANONYMOUS.kind)
        return
    metrics.count_deprecated(one.name, principal.kind)
    # The line has the number of the account or the public part of the key: the context of the request has it.
    caller = (one.name, current_schema(), f"{principal.kind}:{principal.user_id or principal.label}")
    today = clock.now().date()
    if _told.get(caller) == today:
        return
    if len(_told) >= _MOST_CALLERS:
        _told.clear()
    _told[caller] = today
    log.info("deprecated", what=one.name, sunset=one.sunset.isoformat())
