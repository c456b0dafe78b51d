"""Forms of the staff's pages of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from saas.core.forms import PageForm, text_field, validated
from tenant_apps.branches.selectors import Branch
from tenant_apps.catalog.api.copy_serializers import NewCopySerializer
from tenant_apps.catalog.api.import_serializers import NewImportSerializer
from tenant_apps.catalog.models import ItemType, Title


class UploadForm(PageForm):
    """A file of records, to be imported or only tried."""

    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,  # the service says what is wrong with one, here as in the API
        help_text=_("MARC 21 (ISO 2709), usually named .mrc or .marc."),
        widget=forms.FileInput(attrs={"accept": ".mrc,.marc,.iso,.bin,application/marc"}),
    )
    dry_run = forms.BooleanField(
        label=_("Only try it: write the report and leave the catalogue as it is"), required=False
    )

    def values(self) -> dict[str, Any]:
        """What was sent as the API understands it. Raises ValidationFailed."""
        sent = {"file": self.cleaned_data["file"], "dry_run": self.cleaned_data["dry_run"]}
        return validated(NewImportSerializer(data=sent))


class NewCopyForm(PageForm):
    """A copy of a title."""

    barcode = text_field(
        _("Barcode"), max_length=64, autocapitalize="none", spellcheck="false", help_text=_("Scan the label.")
    )
    item_type = forms.ChoiceField(label=_("Item type"))
    home_branch = forms.ChoiceField(label=_("Home branch"))
    call_number = text_field(
        _("Call number"), max_length=100, required=False, help_text=_("Where it stands on the shelf.")
    )
    not_for_loan = forms.BooleanField(label=_("For use in the library alone"), required=False)

    def __init__(
        self, *args: Any, item_types: Iterable[ItemType], branches: Iterable[Branch], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item_type"].choices = [(found.code, found.name) for found in item_types]  # type: ignore[attr-defined]
        self.fields["home_branch"].choices = [(found.code, found.name) for found in branches]  # type: ignore[attr-defined]

    def values(self, title: Title) -> dict[str, Any]:
        """What was typed as the API understands it. Raises ValidationFailed."""
        return validated(NewCopySerializer(data={**self.cleaned_data, "title": str(title.pk)}))
