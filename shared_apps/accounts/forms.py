"""Forms of people who sign in, or cannot."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from saas.core.forms import PageForm, text_field, validated
from shared_apps.accounts.api.serializers import MAX_PASSWORD, LoginSerializer, PasswordResetSerializer
from shared_apps.accounts.services import Credentials


class SignInForm(PageForm):
    """Who somebody is and their password; the code is asked for once an account needs it."""

    field_of = {"email": "identifier", "card_number": "identifier"}
    identifier = text_field(
        _("E-mail address or card number"),
        max_length=254,
        autocomplete="username",
        autocapitalize="none",
        spellcheck="false",
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=MAX_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    otp = text_field(
        _("One-time code"),
        max_length=32,
        required=False,
        autocomplete="one-time-code",
        inputmode="numeric",
        help_text=_("The code that your authenticator app shows now, or a recovery code."),
    )

    def credentials(self) -> Credentials:
        """What was sent, in the words of the API. Raises ValidationFailed."""
        sent: dict[str, Any] = self.cleaned_data
        identifier = sent["identifier"]
        kind = "email" if "@" in identifier else "card_number"
        body = {kind: identifier, "password": sent["password"], "otp": sent["otp"]}
        values = validated(LoginSerializer(data=body))
        return Credentials(
            email=values.get("email"),
            card_number=values.get("card_number"),
            password=values["password"],
            otp=values.get("otp"),
        )


class ForgottenPasswordForm(PageForm):
    """The address of somebody who does not know their password any more."""

    email = text_field(
        _("E-mail address"), max_length=254, autocomplete="username", autocapitalize="none", inputmode="email"
    )

    def address(self) -> str:
        """The address in the words of the API. Raises ValidationFailed."""
        return str(validated(PasswordResetSerializer(data=self.cleaned_data))["email"])
