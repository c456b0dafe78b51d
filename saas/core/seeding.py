"""What a new library starts with: each app fills its own tables, in the transaction that makes the schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.conf import settings
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


def seed_library(seed: LibrarySeed) -> None:
    """Run every app's seeder in the order of LIBRARY_SEEDERS; the caller is in the library's schema and transaction.

    Names of roles, categories and the like are written in the library's own language, whoever signs it up.
    """
    with translation.override(seed.language):
        for path in settings.LIBRARY_SEEDERS:
            cast(Callable[[LibrarySeed], None], import_string(path))(seed)
