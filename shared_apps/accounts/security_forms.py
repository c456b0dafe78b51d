"""Forms of the pages for one's own second factors."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from saas.core.forms import PageForm, text_field, validated
from shared_apps.accounts.api.mfa_serializers import (
    MAX_CODE,
    ConfirmAppSerializer,
    NewPasskeySerializer,
    PasskeySignInSerializer,
    ProofSerializer,
)
from shared_apps.accounts.api.serializers import MAX_PASSWORD
from shared_apps.accounts.services import Proof


class ProofForm(PageForm):
    """Password and, for whoever has a factor, a code."""

    password = forms.CharField(
        label=_("Password"),
        max_length=MAX_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    otp = text_field(
        _("One-time code"),
        max_length=MAX_CODE,
        required=False,
        autocomplete="one-time-code",
        help_text=_("The code that your authenticator app shows now, or a recovery code."),
    )

    def proof(self) -> Proof:
        """What was sent, in the words of the API. Raises ValidationFailed."""
        values = validated(ProofSerializer(data=self.cleaned_data))
        return Proof(password=values["password"], otp=values.get("otp"))


class AppForm(PageForm):
    """The code that a new authenticator app shows."""

    code = text_field(
        _("Code of the app"), max_length=MAX_CODE, autocomplete="one-time-code", inputmode="numeric"
    )

    def confirmed(self) -> str:
        """The code. Raises ValidationFailed."""
        return str(validated(ConfirmAppSerializer(data=self.cleaned_data))["code"])


class _CredentialForm(PageForm):
    """What the browser's own dialogue has answered; a script fills it in."""

    credential = forms.CharField(widget=forms.HiddenInput, max_length=40_000)

    def _with_credential(self) -> dict[str, Any]:
        try:
            return {**self.cleaned_data, "credential": json.loads(self.cleaned_data["credential"])}
        except (ValueError, RecursionError):
            return {**self.cleaned_data, "credential": None}


class PasskeyForm(_CredentialForm):
    """A new passkey and its name."""

    name = text_field(_("Name of the passkey"), max_length=100, help_text=_("Such as: my phone"))

    def passkey(self) -> dict[str, Any]:
        """Name and credential. Raises ValidationFailed."""
        return validated(NewPasskeySerializer(data=self._with_credential()))


class PasskeySignInForm(_CredentialForm):
    """The answer of a passkey to a challenge."""

    def answer(self) -> dict[str, Any]:
        """The credential. Raises ValidationFailed."""
        credential: dict[str, Any] = validated(PasskeySignInSerializer(data=self._with_credential()))[
            "credential"
        ]
        return credential
