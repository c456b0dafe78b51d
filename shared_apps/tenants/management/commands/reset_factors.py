"""`manage.py reset_factors EMAIL`: for somebody who has lost every second factor and every recovery code."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library, in_public
from shared_apps.accounts import selectors as people
from shared_apps.accounts.services import reset_factors
from shared_apps.tenants.selectors import find_library_by_subdomain


class Command(BaseCommand):
    """Nothing on the network does this: whoever may type it has made sure who asks."""

    help = (
        "Takes all second factors of an account away and ends its sessions, once you have made sure who asks. "
        "The person is told by mail, and must set one up again where one is required."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The address, and the library; without one the account is one of platform staff."""
        parser.add_argument("email", help="address of the account")
        parser.add_argument(
            "--library", metavar="SUBDOMAIN", help="whose account it is (default: the platform's)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 1 for an account or a library that does not exist."""
        subdomain = options["library"]
        library = find_library_by_subdomain(subdomain) if subdomain else None
        if subdomain and library is None:
            raise CommandError(f"There is no library {subdomain}.")
        with in_public() if library is None else in_library(library):
            user = people.user_with_email(options["email"])
            if user is None:
                raise CommandError(f"There is no account {options['email']} here.")
            gone = reset_factors(user=user, by=SYSTEM, now=clock.now())
        self.stdout.write(f"Taken away: {gone}. Every session of {user.email} has ended.")
