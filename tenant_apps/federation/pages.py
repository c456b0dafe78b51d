"""The way through a provider in a browser: from the sign-in page to it, and what may be asked after it."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from saas.core import clock
from saas.core.api.throttling import address_subject, check_limit
from saas.core.errors import DomainError
from saas.core.forms import PageForm, text_field
from saas.core.pages import NEXT, Page, own_path, see_other
from shared_apps.accounts import entering
from shared_apps.accounts.errors import MfaRequired
from tenant_apps.federation import cookies, services
from tenant_apps.federation.api.social_views import entered, redirect_uri, refusal_page
from tenant_apps.federation.errors import FlowInvalid


class SignInWithPage(Page):
    """`/sign-in/with/PROVIDER/`: leads to a provider.

    By a page and not by a redirect: a form of ours may lead to our own addresses alone (form-action of the content
    security policy), and a browser holds that against a redirect after it as well.
    """

    permissions: ClassVar = {"POST": None}

    def post(self, request: HttpRequest, code: str) -> HttpResponseBase:
        """Bind the sign-in to this browser, and lead on."""
        check_limit("sign-in-elsewhere", address_subject(request))
        begun = services.begin_sign_in(
            provider_code=code,
            transport=services.PAGE,
            back=own_path(request.POST.get(NEXT)),
            redirect_uri=redirect_uri(request, code),
            address=address_subject(request),
        )
        response = render(request, "federation/leading.html", {"address": begun.authorization_url})
        cookies.set_binding(response, begun.binding)
        return response


class CodeForm(PageForm):
    """The second factor."""

    otp = text_field(
        gettext_lazy("One-time code"),
        max_length=32,
        autocomplete="one-time-code",
        inputmode="numeric",
        help_text=gettext_lazy("The code that your authenticator app shows now, or a recovery code."),
    )


class SecondFactorPage(Page):
    """`/sign-in/second-factor/`: the code of an account that has a second factor, after the provider."""

    permissions: ClassVar = {"GET": None, "POST": None}

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The form, where somebody waits for it in this browser."""
        if not services.awaits_second_factor(cookies.binding_of(request)):
            return refusal_page(request, FlowInvalid())
        return self._show(CodeForm())

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Open the session and lead on."""
        form = CodeForm(request.POST)
        if not form.is_valid():
            return self._show(form, status=400)
        try:
            finished = services.finish_second_factor(
                binding=cookies.binding_of(request),
                otp=form.cleaned_data["otp"],
                client=entering.client_of(request, keeps_cookies=True),
                now=clock.now(),
            )
        except MfaRequired:
            form.add_error("otp", _("This code is not valid any more. Type the one that is shown now."))
            return self._show(form, status=400)
        except DomainError as refusal:
            return refusal_page(request, refusal)
        return entered(request, finished)

    def _show(self, form: CodeForm, *, status: int = 200) -> HttpResponseBase:
        return render(self.request, "federation/second_factor.html", {"form": form}, status=status)


class ConnectPage(Page):
    """`/sign-in/connect/`: an account has the address that a provider has verified; its owner may connect the two."""

    permissions: ClassVar = {"GET": None, "POST": None}

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Ask for the password first, then for consent."""
        waiting = services.waiting_link(cookies.binding_of(request) or "")
        if waiting is None:
            return refusal_page(request, FlowInvalid())
        context = {"waiting": waiting, "is_owner": self.principal.user_id == waiting.user_id}
        return render(request, "federation/connect.html", context)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Connect them; the provider signs this person in from now on."""
        if self.principal.user_id is None:
            return see_other(reverse("sign-in-connect"))
        try:
            services.confirm_link(
                user_id=self.principal.user_id,
                token=cookies.binding_of(request) or "",
                by=self.principal.actor,
                now=clock.now(),
            )
        except DomainError as refusal:
            return refusal_page(request, refusal)
        response = see_other("/account/")
        cookies.clear_binding(response)
        return response
