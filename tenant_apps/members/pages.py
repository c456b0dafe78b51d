"""The page behind an invitation's link; works without JavaScript."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from saas.core import clock
from saas.core.errors import DomainError, ValidationFailed
from saas.core.forms import PageForm
from saas.core.pages import NEXT, Page
from tenant_apps.members import selectors, services
from tenant_apps.members.api.serializers import MAX_PASSWORD
from tenant_apps.members.errors import SignInToAccept
from tenant_apps.members.models import Invitation


class PasswordForm(PageForm):
    """The one thing that a new colleague has to say."""

    password = forms.CharField(
        label=gettext_lazy("Choose a password"),
        help_text=gettext_lazy(
            "At least ten characters. A few words in a row are easy to remember and hard to guess."
        ),
        max_length=MAX_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


@method_decorator(sensitive_post_parameters("password", "token"), name="dispatch")
class AcceptInvitationPage(Page):
    """`/invitations/accept/?token=`: a password for somebody new, one button for somebody who has signed in."""

    permissions: ClassVar = {"GET": None, "POST": None}

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show what is offered; changes nothing, so that a mail scanner spends no link."""
        token = request.GET.get("token", "")
        try:
            invitation = services.check_invitation(token=token, now=clock.now())
        except DomainError as refusal:
            return self._refused(refusal)
        return self._form(invitation, token, PasswordForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Accept, and lead on to signing in."""
        token, form = request.POST.get("token", ""), PasswordForm(request.POST)
        try:
            invitation = services.check_invitation(token=token, now=clock.now())
            if not selectors.has_account(invitation) and not form.is_valid():
                return self._form(invitation, token, form, status=HTTPStatus.BAD_REQUEST)
            accepted = services.accept_invitation(
                token=token,
                password=form.data.get("password"),
                caller=self.principal,
                now=clock.now(),
            )
        except ValidationFailed as refusal:
            form.add_problems(refusal)
            return self._form(invitation, token, form, status=refusal.status)
        except SignInToAccept as refusal:
            return self._form(invitation, token, form, status=refusal.status)
        except DomainError as refusal:
            return self._refused(refusal)
        context = {"is_new": accepted.is_new, "role": accepted.invitation.role.name}
        return render(request, "members/accepted.html", context)

    def _form(
        self, invitation: Invitation, token: str, form: PasswordForm, *, status: int = 200
    ) -> HttpResponse:
        has_account = selectors.has_account(invitation)
        context: dict[str, Any] = {
            "invitation": invitation,
            "token": token,
            "form": form,
            "has_account": has_account,
        }
        context["is_theirs"] = has_account and self.principal.email.lower() == invitation.email
        back = f"{self.request.path}?{urlencode({'token': token})}"
        context["sign_in"] = f"{settings.LOGIN_URL}?{urlencode({NEXT: back})}"
        return render(self.request, "members/accept.html", context, status=status)

    def _refused(self, refusal: DomainError) -> HttpResponse:
        context = {"title": refusal.title or _("Invitation not valid"), "detail": refusal.detail}
        # A page asks for no credentials: what is 401 for a client is a bad link for a person.
        status = HTTPStatus.BAD_REQUEST if refusal.status == HTTPStatus.UNAUTHORIZED else refusal.status
        return render(self.request, "members/refused.html", context, status=status)
