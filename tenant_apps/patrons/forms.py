"""The form that registers a patron."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from saas.core.forms import PageForm, date_field, text_field, validated
from tenant_apps.branches.selectors import Branch
from tenant_apps.patrons.api.serializers import NewPatronSerializer
from tenant_apps.patrons.models import PatronCategory


class NewPatronForm(PageForm):
    """What the desk asks a new patron for; one card to begin with."""

    field_of = {"card_numbers": "card_number"}
    name = text_field(_("Name"), max_length=200, help_text=_("As it is spoken: first name, then last name."))
    card_number = text_field(
        _("Card number"),
        max_length=64,
        autocapitalize="none",
        spellcheck="false",
        help_text=_("Scan the new card."),
    )
    category = forms.ChoiceField(label=_("Category"))
    home_branch = forms.ChoiceField(label=_("Home branch"))
    email = text_field(
        _("E-mail address"), max_length=254, required=False, autocapitalize="none", inputmode="email"
    )
    birth_date = date_field(_("Birth date"))
    expires_on = date_field(_("Member until"), help_text=_("Empty: it does not end."))

    def __init__(
        self, *args: Any, categories: Iterable[PatronCategory], branches: Iterable[Branch], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].choices = [(found.code, found.name) for found in categories]  # type: ignore[attr-defined]
        self.fields["home_branch"].choices = [(found.code, found.name) for found in branches]  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """What was typed as the API understands it. Raises ValidationFailed."""
        sent = self.cleaned_data
        body: dict[str, Any] = {name: sent[name] for name in ("name", "category", "home_branch", "email")}
        body["card_numbers"] = [sent["card_number"]]
        for name in ("birth_date", "expires_on"):
            body[name] = sent[name] or None
        return validated(NewPatronSerializer(data=body))
