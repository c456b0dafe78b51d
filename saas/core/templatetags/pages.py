"""What every page's template may ask: what the reader may do, and a number that makes a form count once."""

from __future__ import annotations

import uuid
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from saas.core.principals import Principal, principal_of

register = template.Library()
FORM_ID = "form_id"


@register.simple_tag(takes_context=True)
def reader(context: Context) -> Principal | None:
    """The signed-in person who looks at the page, with their permissions; None for anybody else.

    Nobody who has no session costs a query, and neither does a page that was made before one could be read.
    """
    request: Any = context.get("request")
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    return principal_of(request)


@register.filter
def may(principal: Principal | None, permission: str) -> bool:
    """Whether the reader holds a permission, for the library or for a branch."""
    return principal is not None and principal.may_anywhere(permission)


@register.filter
def is_below(path: str, root: str) -> bool:
    """Whether a page belongs to a part of the site, for `aria-current` in the navigation."""
    return path.startswith(root)


@register.simple_tag
def form_number() -> SafeString:
    """A hidden field with a new number: the same form sent twice does its work once (delivery.services.once)."""
    return format_html('<input type="hidden" name="{}" value="{}">', FORM_ID, uuid.uuid4().hex)
