"""The desk: lending and taking back with a scanner or a keyboard, one scan after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from saas.core import clock
from saas.core.errors import DomainError, NotFound, PermissionDenied, RetryableError, ValidationFailed
from saas.core.forms import validated
from saas.core.pages import Page, see_other
from shared_apps.delivery import services as delivery
from tenant_apps.branches.selectors import Branch, all_branches, require_at_branch
from tenant_apps.circulation import errors, services
from tenant_apps.circulation.api.serializers import CardSerializer, NewLoanSerializer, NewReturnSerializer
from tenant_apps.circulation.pages import outcomes
from tenant_apps.circulation.pages.outcomes import Outcome
from tenant_apps.patrons import selectors as patrons

LEND = "circulation.lend"
_BRANCH, _CARD, _LAST = "desk_branch", "desk_card", "desk_last"


class DeskPage(Page):
    """`/desk/`: both forms, and what became of the last scan."""

    permissions: ClassVar = {"GET": LEND}

    def get(self, request: HttpRequest) -> HttpResponse:
        """The desk of the chosen branch; a person with several branches chooses one first."""
        branches = _branches_of(self)
        branch = _chosen(request, branches)
        shown = outcomes.described(request.session.get(_LAST), self.principal)
        context = {
            "branches": branches,
            "branch": branch,
            "card": request.session.get(_CARD, ""),
            "outcome": shown,
            "focus": shown["focus"] if shown else outcomes.CARD,
        }
        return render(request, "circulation/desk.html", context)


class BranchChoice(Page):
    """`/desk/branch/`: where this desk stands, remembered until the person signs out."""

    permissions: ClassVar = {"POST": LEND}

    def post(self, request: HttpRequest) -> HttpResponse:
        """Remember the branch. Raises NotFound for one where the person does not lend."""
        wanted = request.POST.get("branch", "")
        branch = next((found for found in _branches_of(self) if found.code == wanted), None)
        if branch is None:
            raise NotFound
        request.session[_BRANCH] = branch.pk
        request.session.pop(_LAST, None)
        return see_other(reverse("desk"))


class CheckoutPage(Page):
    """`/desk/checkouts/`: the form that lends a copy."""

    permissions: ClassVar = {"POST": LEND}

    def post(self, request: HttpRequest) -> HttpResponse:
        """Lend, or say why not; a card that comes alone is that of the next patron."""
        return delivery.once(request, lambda: self._check_out(request))

    def _check_out(self, request: HttpRequest) -> HttpResponse:
        card, barcode = (_scanned(request, name) for name in ("card", "barcode"))
        if "next_patron" in request.POST:
            return _back(request, None, card="")
        if card and not barcode:
            outcome = _tried(lambda: self._patron(card), card=card, focus=outcomes.CARD)
        else:
            outcome = _tried(lambda: self._lend(request, card, barcode), card=card, barcode=barcode)
        # A card that is no good is cleared, so that the next scan does not stand behind it.
        return _back(request, outcome, card="" if outcome["focus"] == outcomes.CARD else card)

    def _patron(self, card: str) -> Outcome:
        values = validated(CardSerializer(data={"card_number": card}))
        if not patrons.card_exists(values["card_number"]):
            raise errors.UnknownCard
        visible = patrons.patrons_visible_to(self.principal)
        # Who may lend to a patron need not be allowed to see them.
        return outcomes.patron_found(visible.filter(cards__number=values["card_number"]).first())

    def _lend(self, request: HttpRequest, card: str, barcode: str) -> Outcome:
        if not card:
            raise ValidationFailed(_("Scan the patron's card first."))
        body = {"card_number": card, "copy_barcode": barcode, "branch": request.POST.get("branch", "")}
        values = validated(NewLoanSerializer(data={**body, "confirm": request.POST.getlist("confirm")}))
        require_at_branch(self.principal, LEND, values["branch"].pk)
        return outcomes.lent(services.check_out(**values, by=self.principal.actor, now=clock.now()))


class ReturnPage(Page):
    """`/desk/returns/`: the form that takes a copy back."""

    permissions: ClassVar = {"POST": LEND}

    def post(self, request: HttpRequest) -> HttpResponse:
        """Take back and say what to do with the copy, or say why not."""
        return delivery.once(request, lambda: self._return(request))

    def _return(self, request: HttpRequest) -> HttpResponse:
        barcode = _scanned(request, "barcode")
        outcome = _tried(lambda: self._take_back(request, barcode), barcode=barcode, focus=outcomes.RETURN)
        # Who brings a book back need not be who borrows next.
        return _back(request, outcome, card="")

    def _take_back(self, request: HttpRequest, barcode: str) -> Outcome:
        body = {"copy_barcode": barcode, "branch": request.POST.get("branch", "")}
        values = validated(NewReturnSerializer(data=body))
        require_at_branch(self.principal, LEND, values["branch"].pk)
        result = services.return_copy(**values, by=self.principal.actor, now=clock.now())
        return outcomes.returned(result, barcode=barcode)


def _scanned(request: HttpRequest, name: str) -> str:
    """What a scanner or a person put into a field; scanners add line ends of their own."""
    return request.POST.get(name, "").strip()


def _tried(act: Callable[[], Outcome], *, card: str = "", barcode: str = "", focus: str = "") -> Outcome:
    """The outcome of an act, or of its refusal. What may not be done at all, or may be tried again, is raised."""
    try:
        return act()
    except (PermissionDenied, RetryableError):
        raise
    except DomainError as refusal:
        return outcomes.refused(refusal, card=card, barcode=barcode, focus=focus)


def _back(request: HttpRequest, outcome: Outcome | None, *, card: str) -> HttpResponse:
    """Keep what is to be shown, in the transaction of what was done, and lead back to the desk."""
    request.session[_LAST], request.session[_CARD] = outcome, card
    request.session.save()
    return see_other(reverse("desk"))


def _branches_of(page: Page) -> list[Branch]:
    """Where the person may lend, by name."""
    rows = all_branches().order_by("name", "pk")
    mine = page.principal.branches_for(LEND)
    return list(rows if mine is None else rows.filter(pk__in=mine))


def _chosen(request: HttpRequest, branches: list[Branch]) -> Branch | None:
    chosen: Any = request.session.get(_BRANCH)
    if len(branches) == 1:
        return branches[0]
    return next((branch for branch in branches if branch.pk == chosen), None)
