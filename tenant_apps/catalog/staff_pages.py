"""Pages of the catalogue for staff: imports with their reports, and the form that adds a copy."""

from __future__ import annotations

import contextlib
from typing import ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from saas.core import clock
from saas.core.api.fields import parse_id
from saas.core.api.lookups import visible_or_404
from saas.core.api.parameters import invalid_parameter
from saas.core.errors import DomainError, PermissionDenied, RetryableError
from saas.core.pages import Page, listed, see_other
from shared_apps.delivery import services as delivery
from tenant_apps.branches.selectors import Branch, all_branches
from tenant_apps.catalog import selectors, services
from tenant_apps.catalog.api.parsers import FORM_ALLOWANCE
from tenant_apps.catalog.errors import ImportFinished, ImportInProgress
from tenant_apps.catalog.forms import NewCopyForm, UploadForm
from tenant_apps.catalog.models import Title
from tenant_apps.catalog.rules.matching import Outcome

IMPORT, MANAGE_COPIES = "catalog.import", "copies.manage"
PAGE_SIZE = 25
MOST_COPIES = 100


# The form's own token is looked for only after the permission: to find it, the whole upload is read.
@method_decorator(csrf_exempt, name="dispatch")
class ImportsPage(Page):
    """`/imports/`: the form that uploads a file, and the imports so far."""

    permissions: ClassVar = {"GET": IMPORT, "POST": IMPORT}

    @staticmethod
    def max_body_bytes() -> int:
        """How much is read of an upload (saas.core.middleware.BodyLimitMiddleware)."""
        return int(settings.IMPORT_MAX_BYTES) + FORM_ALLOWANCE

    @method_decorator(csrf_protect)
    def get(self, request: HttpRequest) -> HttpResponse:
        """The form and the list, the newest import first."""
        return self._show(UploadForm())

    @method_decorator(csrf_protect)
    def post(self, request: HttpRequest) -> HttpResponse:
        """Take in a file and lead to its import; the same file that waits already leads to the import it has."""
        form = UploadForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._show(form, status=400)
        try:
            values = form.values()
            job = services.request_import(
                chunks=values["file"].chunks(),
                file_name=values["file"].name or "",
                dry_run=values["dry_run"],
                by=self.principal.actor,
                now=clock.now(),
            )
        except ImportInProgress as refusal:
            other = refusal.extension_members.get("import_id")
            return see_other(reverse("import", args=[other]) if other else reverse("imports"))
        except RetryableError:
            raise
        except DomainError as refusal:
            form.add_problems(refusal)
            return self._show(form, status=refusal.status)
        return see_other(reverse("import", args=[job.pk]))

    def _show(self, form: UploadForm, *, status: int = 200) -> HttpResponse:
        jobs = listed(self.request, selectors.all_imports(), ordering="-id", size=PAGE_SIZE)
        most = int(settings.IMPORT_MAX_BYTES)
        context = {"form": form, "page": jobs, "max_bytes": most}
        return render(self.request, "catalog/staff/imports.html", context, status=status)


class ImportPage(Page):
    """`/imports/ID/`: how an import stands, and what became of each record."""

    permissions: ClassVar = {"GET": IMPORT}

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Counts and a page of the report; `outcome` keeps the records with that one."""
        job = visible_or_404(selectors.all_imports(), "pk", pk)
        outcome = request.GET.get("outcome", "")
        if outcome and outcome not in list(Outcome):
            choices = {"choices": ", ".join(Outcome)}
            raise invalid_parameter("outcome", "invalid_choice", _("Choose one of: %(choices)s.") % choices)
        records = selectors.records_of(job, outcome=outcome)
        context = {
            "job": job,
            "counts": [(str(name), getattr(job, name)) for name in Outcome],
            "outcome": outcome,
            "page": listed(request, records, ordering="number", size=PAGE_SIZE),
        }
        return render(request, "catalog/staff/import.html", context)


class CancelImport(Page):
    """`/imports/ID/cancel/`: stops an import; what it has written stays."""

    permissions: ClassVar = {"POST": IMPORT}

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Call it off and show how it stands; one that has ended meanwhile is shown as it is."""
        job = visible_or_404(selectors.all_imports(), "pk", pk)
        with contextlib.suppress(ImportFinished):
            services.cancel_import(import_id=job.pk, by=self.principal.actor, now=clock.now())
        return see_other(reverse("import", args=[job.pk]))


class NewCopyPage(Page):
    """`/titles/ID/copies/new/`: adds a copy of a title, and shows those there are."""

    permissions: ClassVar = {"GET": MANAGE_COPIES, "POST": MANAGE_COPIES}

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        """The empty form."""
        title = _title(pk)
        return self._show(title, self._form(title))

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Add the copy and offer the next one, or show what is wrong."""
        title = _title(pk)
        form = self._form(title, request.POST)
        if not form.is_valid():
            return self._show(title, form, status=400)
        try:
            return delivery.once(request, lambda: self._add(title, form))
        except (PermissionDenied, RetryableError):
            raise
        except DomainError as refusal:
            form.add_problems(refusal)
            return self._show(title, form, status=refusal.status)

    def _add(self, title: Title, form: NewCopyForm) -> HttpResponse:
        values = form.values(title)
        branch_id, collection_id = values["home_branch"].pk, values["title"].collection_id
        selectors.require_copy(self.principal, branch_id=branch_id, collection_id=collection_id)
        copy = services.add_copy(**values, by=self.principal.actor, now=clock.now())
        return see_other(f"{self.request.path}?added={copy.pk}")

    def _form(self, title: Title, *sent: object) -> NewCopyForm:
        types = selectors.all_item_types().order_by("name", "pk")
        return NewCopyForm(*sent, item_types=types, branches=self._branches(title))

    def _branches(self, title: Title) -> list[Branch]:
        """Where a copy of this title may be added: anywhere by a right for its collection, else at one's branches."""
        rows = all_branches().order_by("name", "pk")
        mine = self.principal.branches_for(MANAGE_COPIES)
        if mine is None or self.principal.may(MANAGE_COPIES, collection_id=title.collection_id):
            return list(rows)
        return list(rows.filter(pk__in=mine))

    def _show(self, title: Title, form: NewCopyForm, *, status: int = 200) -> HttpResponse:
        copies = list(selectors.all_copies().filter(title=title).order_by("-pk")[:MOST_COPIES])
        added = parse_id(self.request.GET.get("added"))
        context = {
            "title": title,
            "form": form,
            "copies": [(copy, selectors.copy_status(copy)) for copy in copies],
            "added": next((copy for copy in copies if copy.pk == added), None),
        }
        return render(self.request, "catalog/staff/new_copy.html", context, status=status)


def _title(pk: str) -> Title:
    return visible_or_404(selectors.all_titles(), "pk", pk)
