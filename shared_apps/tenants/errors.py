"""Refusals about libraries, their names and their domains."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import Conflict, DomainError, NotFound, RetryableError


class SubdomainTaken(Conflict):
    """Another library has this subdomain, or had it not long ago."""

    code = "subdomain_taken"
    title = _("Subdomain taken")
    detail = _("Another library has this subdomain by now. Choose another one.")


class SubdomainNotAllowed(DomainError):
    """The subdomain breaks a rule: `reason` is too_short, too_long, bad_characters, mixed_script or reserved."""

    code, status = "subdomain_not_allowed", 400
    title = _("Subdomain not allowed")


class LibraryUnknown(NotFound):
    """There is no library with this id."""


class InvalidTransition(Conflict):
    """The library is in a status from which this cannot be done; `library_status` says in which."""

    code = "invalid_transition"
    title = _("Not possible in this status")


class DomainNotAllowed(DomainError):
    """The name cannot be a library's own domain: an IP address, one of ours, not a host name."""

    code, status = "domain_not_allowed", 400
    title = _("Domain not allowed")


class DomainAdded(Conflict):
    """The library has this domain in its list already."""

    code = "domain_added_already"
    title = _("Domain added already")
    detail = _("This domain is in the list already.")


class DomainLimit(Conflict):
    """The library has as many domains as one may have."""

    code = "domain_limit"
    title = _("Too many domains")
    detail = _("Remove a domain before you add another one.")


class DomainNotProven(Conflict):
    """The TXT record that proves the domain was not found; `found` counts the records that were."""

    code = "domain_not_proven"
    title = _("Domain not proven")


class DnsUnavailable(RetryableError):
    """The name servers of a domain do not answer, or answer nonsense."""

    code = "dns_unavailable"
    title = _("No answer from the domain's name servers")
    detail = _("The name servers of this domain did not answer. Try again in a few minutes.")
    retry_after = 60
