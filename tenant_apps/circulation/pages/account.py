"""A person's own page: who they are here, what they may do, and what they have borrowed."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from saas.core import clock
from saas.core.pages import Page
from tenant_apps.access import selectors as access
from tenant_apps.circulation import selectors
from tenant_apps.patrons import selectors as patrons


class AccountPage(Page):
    """`/account/`: for everybody who has signed in."""

    permissions: ClassVar = {"GET": None}
    members_only = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """Name, roles, cards and open loans, each due by the clock of the branch that lent it."""
        user_id = self.principal.user_id or 0
        context = {
            "me": self.principal,
            "roles": access.roles_held_by(user_id),
            "patron": patrons.patron_of_account(user_id),
            "loans": selectors.open_loans_of_account(user_id),
            "now": clock.now(),
        }
        return render(request, "circulation/account.html", context)
