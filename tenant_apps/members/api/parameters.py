"""Filters of the lists."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from rest_framework.request import Request

from saas.core.api.parameters import invalid_parameter


def choice(request: Request, name: str, known: Sequence[str]) -> str | None:
    """The value of a query parameter that takes one of a few words, None without it. Raises InvalidParameter."""
    value = request.query_params.get(name)
    if value is not None and value not in known:
        text = _("Choose one of: %(choices)s.") % {"choices": ", ".join(known)}
        raise invalid_parameter(name, "invalid_choice", text)
    return value
