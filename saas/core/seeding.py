"""What a new library starts with: each app fills its own tables, in two steps.

Rows that are the same for every library are written when its schema is made, ahead of any sign-up
(LIBRARY_PREPARERS). What only the sign-up knows follows in the transaction that makes the library (LIBRARY_SEEDERS),
in as few statements as can be: somebody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.conf import settings
from django.db.models import Case, Model, Value, When
from django.utils import translation
from django.utils.module_loading import import_string

from saas.core.tenancy import LibraryContext


@dataclass(frozen=True, slots=True)
class LibrarySeed:
    """What sign-up knows about a new library. The password is a hash in Django's format, made at sign-up."""

    library: LibraryContext
    admin_email: str
    admin_name: str
    admin_password_hash: str
    language: str
    country: str
    time_zone: str
    now: datetime

    @property
    def is_in_prepared_language(self) -> bool:
        """Whether the names that `prepare_library` wrote are in the library's language already."""
        return self.language == settings.LANGUAGE_CODE


def prepare_library(using: str) -> None:
    """Run every app's preparer in the order of LIBRARY_PREPARERS, on a connection that is in an empty library schema.

    Names are in the language of the settings. A prepared schema belongs to nobody yet: preparers write no people, no
    secrets, no moments in time and no audit entries, and name their connection (`using`) in every statement.
    """
    with translation.override(settings.LANGUAGE_CODE):
        for path in settings.LIBRARY_PREPARERS:
            cast(Callable[[str], None], import_string(path))(using)


def seed_library(seed: LibrarySeed) -> None:
    """Run every app's seeder in the order of LIBRARY_SEEDERS, once; the caller is in the library and its transaction.

    The library's schema has been prepared. Names of roles, categories and the like are put into the library's own
    language, whoever signs it up.
    """
    with translation.override(seed.language):
        for path in settings.LIBRARY_SEEDERS:
            cast(Callable[[LibrarySeed], None], import_string(path))(seed)


def rename_prepared(model: type[Model], names: Mapping[str, str]) -> None:
    """Give prepared rows, which have a `code` and a `name`, other names by code, in one statement."""
    cases = [When(code=code, then=Value(name)) for code, name in names.items()]
    model._default_manager.filter(code__in=names).update(name=Case(*cases))
