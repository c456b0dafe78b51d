"""A view with a hole that the product must not have: text of a request becomes SQL. Reached by the tests alone.

It answers with everything that an attacker could wish for: the rows, and the database's own code for its refusal.
"""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.urls import path


def search(text: str) -> dict[str, Any]:
    """Branches whose code is the text, as long as the text is no more than a code."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT code FROM branches_branch WHERE code = '{text}'")
            return {"rows": sorted(row[0] for row in cursor.fetchall())}
    except DatabaseError as error:
        return {"refused": getattr(error.__cause__, "sqlstate", None)}


def view(request: HttpRequest) -> JsonResponse:
    """`?q=` goes into the statement as it is."""
    return JsonResponse(search(request.GET["q"]))


urlpatterns = [path("vulnerable/", view)]
