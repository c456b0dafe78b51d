"""The demo's mail page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from saas.demo.mail import caught_mail


@require_safe
def mail(request: HttpRequest) -> HttpResponse:
    """Caught mail: JSON for programs (also those that take anything, as curl does), a page for browsers."""
    messages = caught_mail()
    if request.get_preferred_type(["application/json", "text/html"]) == "application/json":
        return JsonResponse({"results": messages})
    return render(request, "demo/mail.html", {"messages": messages})
