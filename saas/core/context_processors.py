"""What every page's template knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """`library` (None on the public site), `public_url` and whether this is the demo."""
    return {
        "library": getattr(request, "library", None),
        "public_url": settings.PUBLIC_URL,
        "is_demo": settings.DEMO,
    }
