"""The sign-up form of the public site."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from saas.core.api.fields import forbidden_character
from saas.core.errors import FieldProblem
from shared_apps.entitlements import selectors as plans
from shared_apps.signup import places, rules
from shared_apps.signup.applications import Application

# Named like a field that robots fill in and that no browser fills in by itself.
DECOY = "fax_extension"


def _countries() -> list[tuple[str, str]]:
    return [("", ""), *places.countries().items()]


def _time_zones() -> list[tuple[str, Any]]:
    """Zones by continent, for a select with groups; the empty choice means the country's usual zone."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for zone in places.time_zones():
        region, _slash, city = zone.partition("/")
        if city:
            groups.setdefault(region, []).append((zone, city.replace("_", " ").replace("/", ", ")))
    usual = ("", _("The usual one of the country"))
    return [usual, ("UTC", "UTC"), *((region, zones) for region, zones in groups.items())]


class PlainSelect(forms.Select):
    """A select whose options are joined in Python: Django renders a template for each, 0.2 s for our 700."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """Return the element with its options and groups of options."""
        chosen = "" if value is None else str(value)
        parts = [
            format_html('<optgroup label="{}">{}</optgroup>', label, self._options(inner, chosen))
            if isinstance(inner, list | tuple)
            else self._options([(label, inner)], chosen)
            for label, inner in self.choices
        ]
        options = format_html_join("", "{}", ((part,) for part in parts))
        return format_html("<select{}>{}</select>", flatatt(self._attributes(name, attrs)), options)

    def _attributes(self, name: str, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return {"name": name, **self.build_attrs(self.attrs, attrs)}

    def _options(self, choices: Any, chosen: str) -> SafeString:
        return format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            ((key, mark_safe(" selected") if key == chosen else "", text) for key, text in choices),
        )


class SignUpForm(forms.Form):
    """Types and lengths; what the values mean is checked where the API checks it (applications).

    A refused form keeps what was typed, but for the password.
    """

    library_name = forms.CharField(max_length=rules.NAME_LENGTH)
    subdomain = forms.CharField(max_length=255)
    country = forms.ChoiceField(choices=_countries, required=False, widget=PlainSelect)
    time_zone = forms.ChoiceField(choices=_time_zones, required=False, widget=PlainSelect)
    language = forms.ChoiceField(choices=settings.LANGUAGES, initial="en", widget=PlainSelect)
    admin_name = forms.CharField(max_length=rules.NAME_LENGTH)
    admin_email = forms.CharField(
        max_length=rules.EMAIL_LENGTH, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    password = forms.CharField(
        max_length=rules.PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    plan = forms.ChoiceField(
        choices=[(plan.code, plan.name) for plan in plans.all_plans()],
        initial=plans.DEFAULT_PLAN,
        widget=forms.RadioSelect,
    )
    fax_extension = forms.CharField(required=False)

    LABELS = {
        "library_name": _("Name of the library"),
        "subdomain": _("Address"),
        "country": _("Country"),
        "time_zone": _("Time zone"),
        "language": _("Language of the library"),
        "admin_name": _("Your name"),
        "admin_email": _("Your e-mail address"),
        "password": _("Password"),
        "plan": _("Plan"),
    }
    HINTS = {
        "subdomain": _("3 to 40 letters, digits and hyphens. You can change everything else later."),
        "admin_email": _("We mail you a link that opens the library."),
        "password": _("At least 10 characters. Several words that only you would put together are best."),
    }
    ATTRIBUTES: dict[str, dict[str, str]] = {
        "library_name": {"autocomplete": "organization"},
        "subdomain": {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
        "country": {"autocomplete": "country"},
        "admin_name": {"autocomplete": "name"},
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        for name, field in self.fields.items():
            field.label = self.LABELS.get(name, "")
            field.help_text = str(self.HINTS.get(name, ""))
            field.widget.attrs.update(self.ATTRIBUTES.get(name, {}))

    def clean(self) -> dict[str, Any]:
        """Refuse control characters, which no line of text has and which a mail header must not get."""
        cleaned: dict[str, Any] = super().clean() or {}
        for name, value in list(cleaned.items()):
            if isinstance(value, str) and forbidden_character(value, multiline=False):
                self.add_error(name, _("This has a character that is not allowed."))
        return cleaned

    @property
    def was_filled_by_a_robot(self) -> bool:
        """Whether the field that people do not see was filled in."""
        return bool(self.data.get(DECOY))

    def application(self) -> tuple[Application, str]:
        """What the form asks for, and the password; "" where a field is missing or wrong."""
        values = {name: self.cleaned_data.get(name, "") for name in self.LABELS}
        password = values.pop("password")
        return Application(**values), password

    def add_problems(self, problems: list[FieldProblem]) -> None:
        """Show what the common checks have found, at fields that have no error of their own yet."""
        refused = set(self.errors)
        for problem in problems:
            if problem.field not in refused:
                self.add_error(problem.field, forms.ValidationError(str(problem.detail), code=problem.code))
