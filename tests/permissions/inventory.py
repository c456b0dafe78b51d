"""Every address of both sites with its methods, read from the URL resolver: nothing here is written by hand twice."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from saas.core.pages import Page

URLCONFS = {"library": "saas.urls_library", "public": "saas.urls_public"}
# A plain function does not say which methods it takes; one that is not here fails test_routes.
FUNCTION_METHODS = {
    "catalogue": ("GET",),
    "title-page": ("GET",),
    "home": ("GET",),
    "signup-page": ("GET", "POST"),
    "signup-check-your-mail": ("GET",),
    "signup-verify-page": ("GET", "POST"),
    "accounts-new-password": ("GET", "POST"),
    "robots": ("GET",),
    "stripe-webhook": ("POST",),
    "tls-ask": ("GET",),
    "metrics": ("GET",),
    "health-live": ("GET",),
    "health-ready": ("GET",),
}
# The demo's own pages exist in the demo alone, and so do their names.
DEMO_ROUTES = {"demo-mail"}
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Endpoint:
    """One method of one address. `path` has its parameters in braces: `/api/v1/titles/{pk}/`."""

    site: str
    method: str
    path: str
    name: str
    callback: Any
    action: str

    @property
    def key(self) -> str:
        """How tables and examples name it."""
        return f"{self.method} {self.path}"

    @property
    def view(self) -> Any:
        """The view's class, or the function itself."""
        return getattr(self.callback, "cls", getattr(self.callback, "view_class", self.callback))

    @property
    def is_api_view(self) -> bool:
        """Whether DRF serves it, so that it declares permissions."""
        return hasattr(self.callback, "cls") and hasattr(self.view, "permissions")

    @property
    def is_page(self) -> bool:
        """Whether it is a page that declares permissions as an API view does."""
        return isinstance(self.view, type) and issubclass(self.view, Page)

    @property
    def declared(self) -> str | None:
        """The permission that the view declares; None lets everybody in. Raises KeyError where it declares none."""
        permission: str | None = self.view.permissions[self.action]
        return permission

    @property
    def is_open(self) -> bool:
        """Whether it lets everybody in, signed in or not."""
        return self.declared is None and not getattr(self.view, "members_only", False)

    @property
    def handler(self) -> Any:
        """The function that answers."""
        name = self.action if hasattr(self.view, self.action) else self.method.lower()
        return getattr(self.view, name, self.callback)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters in the path."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def reads_tokens(self) -> bool:
        """Whether the view looks at credentials at all."""
        if not self.is_api_view:
            return False
        initial = dict(getattr(self.callback, "initkwargs", {}))
        return bool(initial.get("authentication_classes", self.view.authentication_classes))

    def __str__(self) -> str:
        return f"{self.site} {self.key}"


@functools.cache
def endpoints() -> tuple[Endpoint, ...]:
    """Every method of every address of both sites, by site and path."""
    found = [endpoint for site, urlconf in URLCONFS.items() for endpoint in _of_site(site, urlconf)]
    return tuple(sorted(found, key=lambda e: (e.site, e.path, e.method)))


def of_site(site: str) -> tuple[Endpoint, ...]:
    """The endpoints of the library site or of the public one."""
    return tuple(endpoint for endpoint in endpoints() if endpoint.site == site)


def _of_site(site: str, urlconf: str) -> Iterator[Endpoint]:
    for route, pattern in _patterns(get_resolver(urlconf), "/"):
        if pattern.name in DEMO_ROUTES:
            continue
        path = _PARAMETER.sub(r"{\1}", route)
        for method, action in _methods(pattern):
            yield Endpoint(site, method, path, str(pattern.name), pattern.callback, action)


def _patterns(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern, prefix + str(pattern.pattern))
        else:
            yield prefix + str(pattern.pattern), pattern


def _methods(pattern: URLPattern) -> Iterator[tuple[str, str]]:
    callback: Any = pattern.callback
    if getattr(callback, "actions", None):
        yield from (
            (method.upper(), action) for method, action in callback.actions.items() if method != "head"
        )
        return
    view = getattr(callback, "cls", getattr(callback, "view_class", None))
    if view is None:
        yield from ((method, method) for method in FUNCTION_METHODS.get(str(pattern.name), ()))
        return
    for name in view.http_method_names:
        if name not in ("head", "options", "trace") and hasattr(view, name):
            yield name.upper(), name.upper()


def functions_without_methods() -> list[str]:
    """Names of plain functions that FUNCTION_METHODS does not know."""
    return [
        f"{site} {route}"
        for site, urlconf in URLCONFS.items()
        for route, pattern in _patterns(get_resolver(urlconf), "/")
        if not hasattr(pattern.callback, "cls")
        and not hasattr(pattern.callback, "view_class")
        and pattern.name not in FUNCTION_METHODS
        and pattern.name not in DEMO_ROUTES
    ]
