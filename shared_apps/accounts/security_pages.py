"""The pages for one's own second factors: the same services as behind the API, by forms that need no script.

Passkeys alone need one: the browser's own dialogue is opened by it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

import qrcode  # type: ignore[import-untyped]
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from qrcode.image.svg import SvgPathFillImage  # type: ignore[import-untyped]

from saas.core import clock
from saas.core.api.lookups import visible_or_404
from saas.core.api.throttling import address_subject
from saas.core.browser_session import session_of
from saas.core.errors import DomainError
from saas.core.pages import Page, see_other
from shared_apps.accounts import selectors, services
from shared_apps.accounts.errors import EnrolmentExpired
from shared_apps.accounts.security_forms import AppForm, PasskeyForm, ProofForm
from shared_apps.accounts.services import passkeys
from shared_apps.accounts.sites import relying_party


class _OwnPage(Page):
    """For everybody who has signed in, whatever they may do: who must enrol first has no permission yet."""

    members_only = True

    @property
    def asker(self) -> services.Asker:
        """Who changes their own factors, and in which session."""
        return services.Asker(
            user_id=self.principal.user_id or 0,
            session=session_of(self.request),
            address=address_subject(self.request),
            by=self.principal.actor,
        )

    def show(self, template: str, context: Mapping[str, Any], *, status: int = HTTPStatus.OK) -> HttpResponse:
        """A page of the folder `accounts`."""
        return render(self.request, f"accounts/{template}.html", dict(context), status=status)

    def show_codes(self, codes: list[str]) -> HttpResponse:
        """Recovery codes, for the one time that they are shown; the overview where there are none to show."""
        if not codes:
            return see_other(settings.ENROLMENT_URL)
        return self.show("recovery_codes", {"codes": [f"{code[:5]}-{code[5:]}" for code in codes]})


class SecurityPage(_OwnPage):
    """`/account/security/`: which factors there are, and what can be done with them."""

    permissions: ClassVar = {"GET": None}

    def get(self, request: HttpRequest) -> HttpResponse:
        """The overview."""
        user_id = self.principal.user_id or 0
        factors = list(selectors.factors_of(user_id))
        context = {
            "required": self.principal.needs_factor,
            "missing": self.principal.lacks_factor,
            "app": next((row for row in factors if row.type == "totp"), None),
            "passkeys": [row for row in factors if row.type == "webauthn"],
            "codes_left": selectors.recovery_codes_left(user_id),
        }
        return self.show("security", context)


class _ProofPage(_OwnPage):
    """A change that asks for the password, and a code, first: one form, one button."""

    permissions: ClassVar = {"GET": None, "POST": None}
    title: ClassVar[str | Promise]
    text: ClassVar[str | Promise]
    button: ClassVar[str | Promise]

    def get(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """The empty form."""
        self.check(**kwargs)
        return self._form(ProofForm())

    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """Do it; what was refused is shown in the form."""
        self.check(**kwargs)
        form = ProofForm(request.POST)
        if not form.is_valid():
            return self._form(form, status=HTTPStatus.BAD_REQUEST)
        try:
            return self.change(form.proof(), **kwargs)
        except DomainError as refusal:
            form.add_problems(refusal)
            return self._form(form, status=refusal.status)

    def check(self, **kwargs: str) -> None:
        """Raise NotFound where the path names nothing of the caller's."""

    def change(self, proof: services.Proof, **kwargs: str) -> HttpResponse:
        """What the form is for."""
        raise NotImplementedError

    def _form(self, form: ProofForm, *, status: int = HTTPStatus.OK) -> HttpResponse:
        context = {
            "form": form,
            "title": self.title,
            "text": self.text,
            "button": self.button,
            "asks_for_code": bool(selectors.factors_of(self.principal.user_id or 0)),
        }
        return self.show("prove_again", context, status=status)


class NewAppPage(_ProofPage):
    """`/account/security/app/`: the first step of setting up an authenticator app."""

    title, button = _("Set up an authenticator app"), _("Go on")
    text = _(
        "An app on your phone shows a new code every half minute. You will be asked for it when you sign in."
    )

    def change(self, proof: services.Proof, **kwargs: str) -> HttpResponse:
        """Draw the secret and lead on to it."""
        services.begin_app(self.asker, proof, now=clock.now())
        return see_other(reverse("security-app-confirm"))


class ConfirmAppPage(_OwnPage):
    """`/account/security/app/confirm/`: the secret as a picture and as text, and the code that shows it has arrived."""

    permissions: ClassVar = {"GET": None, "POST": None}

    def get(self, request: HttpRequest) -> HttpResponse:
        """Secret and form; back to the first step where nothing waits."""
        return self._form(AppForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Confirm, and show the recovery codes."""
        form = AppForm(request.POST)
        if not form.is_valid():
            return self._form(form, status=HTTPStatus.BAD_REQUEST)
        try:
            enrolled = services.confirm_app(self.asker, code=form.confirmed(), now=clock.now())
        except EnrolmentExpired:
            return see_other(reverse("security-app"))
        except DomainError as refusal:
            form.add_problems(refusal)
            return self._form(form, status=refusal.status)
        return self.show_codes(enrolled.recovery_codes)

    def _form(self, form: AppForm, *, status: int = HTTPStatus.OK) -> HttpResponse:
        pending = services.pending_app(self.asker)
        if pending is None:
            return see_other(reverse("security-app"))
        groups = [pending.secret[at : at + 4] for at in range(0, len(pending.secret), 4)]
        context = {"form": form, "picture": _picture(pending.uri), "secret": " ".join(groups)}
        return self.show("app_confirm", context, status=status)


class RemoveAppPage(_ProofPage):
    """`/account/security/app/remove/`."""

    title, button = _("Remove the authenticator app"), _("Remove")
    text = _("Its codes will not work any more. Every other session of yours ends.")

    def change(self, proof: services.Proof, **kwargs: str) -> HttpResponse:
        """Take it away."""
        services.remove_app(self.asker, proof, needed=self.principal.needs_factor, now=clock.now())
        return see_other(settings.ENROLMENT_URL)


class RecoveryCodesPage(_ProofPage):
    """`/account/security/codes/`: a new set of recovery codes."""

    title, button = _("New recovery codes"), _("Draw new codes")
    text = _("The codes that you have now will not work any more. Every other session of yours ends.")

    def change(self, proof: services.Proof, **kwargs: str) -> HttpResponse:
        """Draw and show them."""
        return self.show_codes(services.renew_recovery_codes(self.asker, proof, now=clock.now()))


class NewPasskeyPage(_ProofPage):
    """`/account/security/passkeys/`: the first step of adding a passkey."""

    title, button = _("Add a passkey"), _("Go on")
    text = _(
        "A passkey lives on your phone, your computer or a security key, and signs you in without a password."
    )

    def change(self, proof: services.Proof, **kwargs: str) -> HttpResponse:
        """Draw the challenge and lead on to it."""
        passkeys.begin_registration(self.asker, proof, site=relying_party(self.request), now=clock.now())
        return see_other(reverse("security-passkey-add"))


class AddPasskeyPage(_OwnPage):
    """`/account/security/passkeys/add/`: the browser's dialogue, and a name."""

    permissions: ClassVar = {"GET": None, "POST": None}

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form with the challenge; back to the first step where none waits."""
        return self._form(PasskeyForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Add it, and show the recovery codes that the first factor brings."""
        form = PasskeyForm(request.POST)
        if not form.is_valid():
            return self._form(form, status=HTTPStatus.BAD_REQUEST)
        try:
            sent, site = form.passkey(), relying_party(request)
            enrolled = passkeys.register(self.asker, **sent, site=site, now=clock.now())
        except DomainError:
            # The challenge is spent: another one needs the first step again.
            return see_other(reverse("security-passkey"))
        return self.show_codes(enrolled.recovery_codes)

    def _form(self, form: PasskeyForm, *, status: int = HTTPStatus.OK) -> HttpResponse:
        options = passkeys.pending_registration(self.asker)
        if options is None:
            return see_other(reverse("security-passkey"))
        return self.show("passkey_add", {"form": form, "options": options["publicKey"]}, status=status)


class RemovePasskeyPage(_ProofPage):
    """`/account/security/passkeys/ID/remove/`."""

    title, button = _("Remove a passkey"), _("Remove")
    text = _("It will not sign you in any more. Every other session of yours ends.")

    def check(self, **kwargs: str) -> None:
        """Raise NotFound for a passkey that is not the caller's."""
        self._own(kwargs["pk"])

    def change(self, proof: services.Proof, **kwargs: str) -> HttpResponse:
        """Take it away."""
        factor, needed = self._own(kwargs["pk"]), self.principal.needs_factor
        services.remove(factor, self.asker, proof, needed=needed, now=clock.now())
        return see_other(settings.ENROLMENT_URL)

    def _own(self, pk: str) -> Any:
        return visible_or_404(selectors.passkeys_of(self.principal.user_id or 0), "pk", pk)


def _picture(uri: str) -> str:
    """A QR code as the address of an SVG picture, on white whatever the page's colours are."""
    written = io.BytesIO()
    qrcode.make(uri, image_factory=SvgPathFillImage).save(written)
    return "data:image/svg+xml;base64," + base64.b64encode(written.getvalue()).decode()
