"""The catalogue for readers: server-rendered, usable without scripts and by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from saas.core.api.authentication import LibraryJWTAuthentication
from saas.core.api.fields import parse_id
from saas.core.errors import DomainError
from saas.core.principals import Principal, principal_of
from tenant_apps.catalog import selectors
from tenant_apps.catalog.api.parameters import FILTERS, MAX_VALUES, read_filters, read_query
from tenant_apps.catalog.rules.languages import language_name
from tenant_apps.catalog.rules.queries import MAX_QUERY_LENGTH, Query, parse_query
from tenant_apps.catalog.rules.wording import material_name
from tenant_apps.catalog.selectors import Facet, Filters

PAGE_SIZE = 20
LAST_PAGE = 100  # the search ranks no more titles than these pages hold
NEWEST = 12
_LEGENDS: dict[str, Promise] = {
    "available": _("Availability"),
    "branch": _("On the shelf at"),
    "material_type": _("Kind"),
    "language": _("Language"),
    "year": _("Year"),
    "contributor": _("People"),
    "subject": _("Subject"),
}
_AVAILABLE: dict[str, Promise] = {"true": _("On the shelf"), "false": _("Not on the shelf")}
_SHOWN = 8  # choices of a group


@dataclass(frozen=True, slots=True)
class Choice:
    """One checkbox. `count` is None for a value that was chosen and has no hits any more."""

    value: str
    label: str
    count: int | None
    checked: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The checkboxes of one filter."""

    name: str
    legend: str | Promise
    exact: bool
    choices: list[Choice]


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """The search box, with the newest titles or the results of a search."""
    if not _principal(request).may_anywhere("catalog.view"):
        return _members_only(request)
    text = request.GET.get("q", "").strip()
    chosen = {name: request.GET.getlist(name)[:MAX_VALUES] for name in FILTERS if request.GET.get(name)}
    context: dict[str, Any] = {"q": text[:MAX_QUERY_LENGTH], "max_query_length": MAX_QUERY_LENGTH}
    if not text and not chosen:
        newest = selectors.search_titles(parse_query(""), Filters(), offset=0, size=NEWEST)
        return render(request, "catalog/catalogue.html", {**context, "newest": newest.hits})
    try:
        query, filters = read_query(text), read_filters(chosen)
    except DomainError as error:
        return render(request, "catalog/catalogue.html", {**context, "error": error.detail}, status=400)
    return render(request, "catalog/results.html", {**context, **_results(request, query, filters, chosen)})


@require_safe
def title_page(request: HttpRequest, pk: str) -> HttpResponse:
    """One title with everything the record tells readers, and where it stands. Raises Http404."""
    if not _principal(request).may_anywhere("catalog.view"):
        return _members_only(request)
    title_id = parse_id(pk)
    title = selectors.titles_in_full().filter(pk=title_id).first() if title_id else None
    if title is None:
        raise Http404
    places = selectors.availability_of([title.pk]).get(title.pk, [])
    return render(request, "catalog/title.html", {"title": title, "places": places})


def _principal(request: HttpRequest) -> Principal:
    """The reader, by the session of the pages or the cookie of the API's sign-in; run out, they make a guest."""
    if request.user.is_authenticated:
        return principal_of(request)
    try:
        found = LibraryJWTAuthentication().authenticate(Request(request))
    except AuthenticationFailed:
        found = None
    if found is not None:
        request.user = found[0]
    return principal_of(request)


def _members_only(request: HttpRequest) -> HttpResponse:
    return render(request, "catalog/members_only.html", status=403)


def _results(
    request: HttpRequest, query: Query, filters: Filters, chosen: dict[str, list[str]]
) -> dict[str, Any]:
    number = _page_number(request.GET.get("page", ""))
    page = selectors.search_titles(query, filters, offset=(number - 1) * PAGE_SIZE, size=PAGE_SIZE)
    suggestions = [] if page.count else selectors.suggestions_for(query, filters)
    facets = selectors.facets_of(query, filters)
    return {
        "page": page,
        "page_number": number,
        "previous": _address(request, number - 1) if number > 1 else "",
        "next": _address(request, number + 1) if page.has_next and number < LAST_PAGE else "",
        "groups": list(_groups(facets, chosen)),
        "is_narrowed": bool(chosen),
        "all_results": f"?{urlencode({'q': query.text})}",
        "suggestions": [(text, f"?{urlencode({'q': text})}") for text in suggestions],
    }


def _page_number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 1
    return min(max(number, 1), LAST_PAGE)


def _address(request: HttpRequest, number: int) -> str:
    query = request.GET.copy()
    query["page"] = str(number)
    return f"?{query.urlencode()}"


def _groups(facets: dict[str, Facet], chosen: dict[str, list[str]]) -> Iterable[Group]:
    """A group for each filter that has something to choose; what was chosen is always there to be taken
    back.
    """
    for name, legend in _LEGENDS.items():
        facet = facets.get(name)
        picked = chosen.get(name, [])
        choices = [
            Choice(found.value, _label(name, found.value, found.label), found.count, found.value in picked)
            for found in (facet.values if facet else [])
        ]
        listed = {choice.value for choice in choices}
        gone = [
            Choice(value, _label(name, value, ""), None, checked=True)
            for value in picked
            if value not in listed
        ]
        shown = [choice for at, choice in enumerate(choices) if at < _SHOWN or choice.checked] + gone
        if shown:
            yield Group(name, legend, facet.exact if facet else True, shown)


def _label(name: str, value: str, label: str) -> str:
    if name == "language":
        return language_name(value)
    if name == "material_type":
        return material_name(value)
    if name == "available":
        return str(_AVAILABLE.get(value, value))
    return label or value
