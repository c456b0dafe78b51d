"""Pages about patrons, for staff: the list, and the form that registers somebody."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from saas.core import clock
from saas.core.api.fields import LINE_LENGTH, forbidden_character, parse_id
from saas.core.errors import DomainError, PermissionDenied, RetryableError
from saas.core.pages import Page, listed, see_other
from shared_apps.delivery import services as delivery
from tenant_apps.branches.selectors import Branch, all_branches, require_at_branch
from tenant_apps.patrons import selectors, services
from tenant_apps.patrons.forms import NewPatronForm
from tenant_apps.patrons.models import Patron

PAGE_SIZE = 25


class PatronList(Page):
    """`/patrons/`: patrons by name, those of one's own branches for staff of single branches."""

    permissions: ClassVar = {"GET": selectors.VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        """A page of patrons; `search` is part of a name or the beginning of a card number."""
        visible = selectors.patrons_visible_to(self.principal).prefetch_related("cards")
        text = request.GET.get("search", "").strip()
        is_readable = len(text) <= LINE_LENGTH and not forbidden_character(text, multiline=False)
        found = selectors.matching(visible, text) if text and is_readable else visible
        context = {
            "search": text[:LINE_LENGTH],
            "page": listed(request, found if is_readable else found.none(), ordering="name", size=PAGE_SIZE),
            "added": self._added(request),
        }
        return render(request, "patrons/list.html", context)

    def _added(self, request: HttpRequest) -> Patron | None:
        """Who was registered a moment ago: the form leads here."""
        patron_id = parse_id(request.GET.get("added"))
        return (
            selectors.patrons_visible_to(self.principal).filter(pk=patron_id).first() if patron_id else None
        )


class NewPatronPage(Page):
    """`/patrons/new/`: registers a patron with a card."""

    permissions: ClassVar = {"GET": selectors.MANAGE, "POST": selectors.MANAGE}

    def get(self, request: HttpRequest) -> HttpResponse:
        """The empty form."""
        return self._show(self._form())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Register the patron and go to the list, or show what is wrong."""
        form = self._form(request.POST)
        if not form.is_valid():
            return self._show(form, status=400)
        try:
            return delivery.once(request, lambda: self._register(form))
        except (PermissionDenied, RetryableError):
            raise
        except DomainError as refusal:
            form.add_problems(refusal)
            return self._show(form, status=refusal.status)

    def _register(self, form: NewPatronForm) -> HttpResponse:
        values = form.values()
        require_at_branch(self.principal, selectors.MANAGE, values["home_branch"].pk)
        patron = services.create_patron(**values, by=self.principal.actor, now=clock.now())
        return see_other(f"{reverse('patrons')}?added={patron.pk}")

    def _form(self, *sent: object) -> NewPatronForm:
        return NewPatronForm(
            *sent, categories=selectors.all_categories().order_by("name"), branches=self._branches()
        )

    def _branches(self) -> list[Branch]:
        rows = all_branches().order_by("name", "pk")
        mine = self.principal.branches_for(selectors.MANAGE)
        return list(rows if mine is None else rows.filter(pk__in=mine))

    def _show(self, form: NewPatronForm, *, status: int = 200) -> HttpResponse:
        return render(self.request, "patrons/new.html", {"form": form}, status=status)
