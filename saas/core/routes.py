"""Finding the view of an address without trying every route: only those that begin with the same words are tried.

Django's resolver tries one route after the other, some forty regular expressions for the last of them. The routes of
an URL configuration are sorted here once by the words that they begin with; what is tried then, and what comes out, is
Django's own and in the same order.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

from django.urls import ResolverMatch, URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern

# "api", "v1" and the word that tells the routes apart.
WORDS = 3
Route = URLPattern | URLResolver
Beginning = tuple[str, ...]


def match_of(path: str, urlconf: str) -> ResolverMatch:
    """The route of a path with its leading slash. Raises Resolver404, as Django's resolver does."""
    words = tuple(path.split("/", WORDS + 1)[1 : WORDS + 1])
    resolver = _resolvers(urlconf).get(words) or get_resolver(urlconf)
    return resolver.resolve(path)


@functools.cache
def _resolvers(urlconf: str) -> dict[Beginning, URLResolver]:
    """A resolver for each beginning that routes of the configuration have; any other path is left to Django's."""
    routes = get_resolver(urlconf).url_patterns
    beginnings = {
        tuple(text.split("/")[:WORDS]) for text in _literal_texts(routes) if text.count("/") >= WORDS
    }
    return {
        words: URLResolver(RegexPattern(r"^/"), _that_may_begin_with(words, routes)) for words in beginnings
    }


def _literal_texts(routes: Sequence[Route], before: str = "") -> Iterator[str]:
    """Of each route at the end, what it begins with up to its first parameter."""
    for route in routes:
        text = _literal(route, before)
        if isinstance(route, URLResolver) and "<" not in text:
            yield from _literal_texts(route.url_patterns, text)
        else:
            yield text.partition("<")[0]


def _that_may_begin_with(words: Beginning, routes: Sequence[Route], before: str = "") -> list[Any]:
    wanted = "/".join(words) + "/"
    kept: list[Any] = []
    for route in routes:
        text = _literal(route, before)
        literal = text.partition("<")[0]
        if not (wanted.startswith(literal) or literal.startswith(wanted)):
            continue
        if isinstance(route, URLResolver) and "<" not in text:
            inner = _that_may_begin_with(words, route.url_patterns, text)
            if inner:
                more = (route.default_kwargs, route.app_name, route.namespace)
                kept.append(URLResolver(route.pattern, inner, *more))
        else:
            kept.append(route)
    return kept


def _literal(route: Route, before: str) -> str:
    """The route's text after the ones around it; a regular expression may begin with anything, like a parameter."""
    return before + (str(route.pattern) if isinstance(route.pattern, RoutePattern) else "<")
