"""The catalogue for readers: server-rendered, without scripts."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def catalogue(request: HttpRequest) -> HttpResponse:
    """The search box, with the newest titles or the results of a search."""
    return render(request, "catalog/catalogue.html", {})


def title_page(request: HttpRequest, pk: str) -> HttpResponse:
    """One title with its availability."""
    return render(request, "catalog/title.html", {})
