"""Signing in and out in a browser: the same service as behind the API, with a server-side session instead of tokens."""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from saas.core import clock
from saas.core.api.authentication import ACCESS, REFRESH, cookie_name
from saas.core.api.throttling import address_subject
from saas.core.browser_session import close_browser_session, open_browser_session
from saas.core.errors import DomainError, NotAuthenticated, TokenInvalid
from saas.core.pages import NEXT, Page, own_path, see_other
from saas.core.principals import Actor
from shared_apps.accounts import ports, services
from shared_apps.accounts.api import cookies
from shared_apps.accounts.api.passkey_views import FLOW, clear_flow
from shared_apps.accounts.errors import MfaRequired, PasskeyRefused
from shared_apps.accounts.forms import ForgottenPasswordForm, SignInForm
from shared_apps.accounts.security_forms import PasskeySignInForm
from shared_apps.accounts.sites import relying_party

log = structlog.get_logger("libraryhub.security")


class SignInPage(Page):
    """`/sign-in/`: address or card number, password and, where an account has one, the second factor."""

    permissions: ClassVar = {"GET": None, "POST": None}

    def get(self, request: HttpRequest) -> HttpResponse:
        """The empty form; who has signed in already is led on."""
        back = own_path(request.GET.get(NEXT))
        if self.principal.is_person:
            return see_other(back or settings.LOGIN_REDIRECT_URL)
        return self._show(SignInForm(), back)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Open a session and lead on; whoever was signed in here before is signed out."""
        form = SignInForm(request.POST)
        back = own_path(request.POST.get(NEXT))
        if not form.is_valid():
            return self._show(form, back, status=400, asks_for_code=bool(request.POST.get("otp")))
        try:
            signed_in = services.sign_in(
                credentials=form.credentials(),
                address=address_subject(request),
                device=request.COOKIES.get(cookie_name(cookies.DEVICE), ""),
                user_agent=request.headers.get("User-Agent", ""),
                now=clock.now(),
            )
        except DomainError as refusal:
            return self._refuse(form, back, refusal)
        return self._enter(signed_in, back)

    def _enter(self, signed_in: services.SignedIn, back: str | None) -> HttpResponse:
        end_sessions_of_browser(self.request, by=self.principal.actor)
        open_browser_session(self.request, user=signed_in.user, session=signed_in.tokens.session)
        response = see_other(back or settings.LOGIN_REDIRECT_URL)
        cookies.set_device(response, signed_in.device)
        # One browser, one person: tokens that the API's sign-in has left here could name another.
        cookies.clear_session(response)
        return response

    def _refuse(self, form: SignInForm, back: str | None, refusal: DomainError) -> HttpResponse:
        if isinstance(refusal, MfaRequired):
            was_wrong = _("This code is not valid any more. Type the one that is shown now.")
            is_missing = _("Type your password again, and the code of your authenticator app.")
            form.add_error("otp", was_wrong if form.cleaned_data["otp"] else is_missing)
        else:
            form.add_problems(refusal)
        # 401 would have to name a scheme that browsers ask for by themselves (RFC 9110, 15.5.2).
        status = HTTPStatus.BAD_REQUEST if isinstance(refusal, NotAuthenticated) else refusal.status
        response = self._show(form, back, status=status, asks_for_code=isinstance(refusal, MfaRequired))
        for name, value in refusal.headers.items():
            response[name] = value
        return response

    def _show(
        self, form: SignInForm, back: str | None, *, status: int = 200, asks_for_code: bool = False
    ) -> HttpResponse:
        context = {"form": form, "back": back, "asks_for_code": asks_for_code, "ways": ports.ways_in()}
        return render(self.request, "accounts/sign_in.html", context, status=status)


class PasskeySignInPage(SignInPage):
    """`/sign-in/passkey/`: what the browser's dialogue for passkeys has answered."""

    permissions: ClassVar = {"POST": None}
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Open a session and lead on; the form for the password comes back where the passkey is refused."""
        back = own_path(request.POST.get(NEXT))
        form = PasskeySignInForm(request.POST)
        again = SignInForm(data={})
        try:
            if not form.is_valid():
                raise PasskeyRefused
            signed_in = services.sign_in_with_passkey(
                credential=form.answer(),
                flow=request.COOKIES.get(cookie_name(FLOW)),
                site=relying_party(request),
                client=services.Client(
                    address_subject(request),
                    request.headers.get("User-Agent", ""),
                    request.COOKIES.get(cookie_name(cookies.DEVICE), ""),
                ),
                now=clock.now(),
            )
        except DomainError as refusal:
            again.errors.clear()
            return self._refuse(again, back, PasskeyRefused() if refusal.errors else refusal)
        response = self._enter(signed_in, back)
        clear_flow(response)
        return response


class SignOutPage(Page):
    """`/sign-out/`: ends the session of this browser, here and in every process, at once."""

    permissions: ClassVar = {"POST": None}

    def post(self, request: HttpRequest) -> HttpResponse:
        """Sign out and go to the start page; to repeat it is no error."""
        end_sessions_of_browser(request, by=self.principal.actor)
        response = see_other("/")
        cookies.clear_session(response)
        return response


class ForgottenPasswordPage(Page):
    """`/password/reset/`: asks for the mail with a link to a new password."""

    permissions: ClassVar = {"GET": None, "POST": None}

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form, or after it what happens next."""
        return self._show(ForgottenPasswordForm(), was_sent="sent" in request.GET)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Mail the link; what is shown is the same where there is no such account."""
        form = ForgottenPasswordForm(request.POST)
        if not form.is_valid():
            return self._show(form, status=HTTPStatus.BAD_REQUEST)
        try:
            subject = address_subject(request)
            services.request_password_reset(email=form.address(), address=subject, now=clock.now())
        except DomainError as refusal:
            form.add_problems(refusal)
            return self._show(form, status=refusal.status)
        return see_other(f"{request.path}?sent=1")

    def _show(
        self, form: ForgottenPasswordForm, *, was_sent: bool = False, status: int = HTTPStatus.OK
    ) -> HttpResponse:
        context = {"form": form, "was_sent": was_sent}
        return render(self.request, "accounts/forgotten_password.html", context, status=status)


def end_sessions_of_browser(request: HttpRequest, *, by: Actor) -> None:
    """End what this browser is signed in with: its page session, and tokens that the API has given it."""
    session = close_browser_session(request)
    if session is not None:
        services.end_session(session=session, reason="signed_out", by=by, now=clock.now())
    refresh, access = (request.COOKIES.get(cookie_name(name)) or None for name in (REFRESH, ACCESS))
    if refresh or access:
        try:
            services.sign_out(refresh=refresh, access=access, now=clock.now())
        except TokenInvalid:
            log.info("sign_out_with_invalid_cookie")
