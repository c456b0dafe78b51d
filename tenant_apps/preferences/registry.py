"""The one list of settings that a library has.

The built-in ones here, others added by the apps they belong to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from tenant_apps.preferences.codes import DEFAULT_CURRENCY
from tenant_apps.preferences.rules import Kind, Setting, SettingValueError

_KEY = re.compile(r"[a-z][a-z0-9_]{1,59}", re.ASCII)


class Registry:
    """Settings by key, in the order of their definition."""

    def __init__(self) -> None:
        self._settings: dict[str, Setting] = {}

    def define(self, setting: Setting) -> Setting:
        """Add a setting.

        Raises ImproperlyConfigured for a key that is taken, or a default that it may not have.
        """
        if not _KEY.fullmatch(setting.key):
            raise ImproperlyConfigured(f"{setting.key!r} cannot be the key of a setting")
        if setting.key in self._settings:
            raise ImproperlyConfigured(f"the setting {setting.key} is defined twice")
        if setting.default != "":
            try:
                setting.clean(setting.default)
            except SettingValueError as error:
                raise ImproperlyConfigured(f"the default of {setting.key} is not valid: {error}") from error
        self._settings[setting.key] = setting
        return setting

    @property
    def settings(self) -> Mapping[str, Setting]:
        """Every setting by key; read-only."""
        return MappingProxyType(self._settings)


REGISTRY = Registry()

for _built_in in (
    Setting("name", Kind.TEXT, "", _("Name of the library, as readers see it."), public=True, required=True),
    Setting(
        "language",
        Kind.LANGUAGE,
        "en",
        _("Language of mails and of pages for who asks for none."),
        public=True,
    ),
    Setting(
        "time_zone",
        Kind.TIME_ZONE,
        "UTC",
        _("Time zone of the library; a branch may have its own."),
        public=True,
    ),
    Setting("currency", Kind.CURRENCY, DEFAULT_CURRENCY, _("Currency of fees and prices."), public=True),
    Setting("country", Kind.COUNTRY, "", _("Country of the library."), public=True),
    Setting(
        "guests_may_search", Kind.BOOL, True, _("Whether people who have not signed in see the catalogue.")
    ),
    Setting(
        "registration",
        Kind.CHOICE,
        "closed",
        _("Whether people may register by themselves: not at all, with our approval, or freely."),
        public=True,
        choices=("closed", "approval", "open"),
    ),
    Setting(
        "admins_need_mfa",
        Kind.BOOL,
        False,
        _("Whether people who manage members or roles may do nothing before they have a second factor."),
    ),
    Setting(
        "allowed_origins",
        Kind.ORIGINS,
        [],
        _(
            "Origins of web pages elsewhere that may call the API with a token, such as https://www.example.org."
        ),
    ),
    Setting(
        "contact_email",
        Kind.EMAIL,
        "",
        _("Address that readers may write to."),
        public=True,
        personal=True,
        max_length=254,
    ),
):
    REGISTRY.define(_built_in)
