"""Asking the DNS for TXT records. `settings.DNS_RESOLVER` names who is asked: `SystemResolver`, or one of the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

# (Imported where somebody is asked: most web processes never do.)
if TYPE_CHECKING:
    import dns.nameserver
    import dns.resolver

# More records than anybody has for one name are an attack on whoever reads them.
MAX_RECORDS = 50


class NoAnswer(Exception):
    """The name servers did not answer in time, refused, or answered what cannot be read. Says nothing of the name."""


class Resolver(Protocol):
    """Whoever can be asked for TXT records."""

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name, each joined to one text; none where there is no such name. Raises NoAnswer."""


class SystemResolver:
    """Asks the servers of settings.DNS_NAMESERVERS ("ADDRESS" or "ADDRESS:PORT"), by default the machine's own.

    Waits settings.DNS_SECONDS in all, over retries and servers. Aliases (CNAME) are followed, as in every other use of
    TXT records for proof. Records of another name than the one asked for count for nothing.
    """

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name. Raises NoAnswer."""
        import dns.exception
        import dns.resolver

        try:
            answer = _resolver().resolve(f"{name}.", "TXT", lifetime=settings.DNS_SECONDS, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise NoAnswer(type(error).__name__) from error
        return [b"".join(record.strings).decode("utf-8", "replace") for record in list(answer)[:MAX_RECORDS]]


def _resolver() -> dns.resolver.Resolver:
    import dns.resolver

    servers = list(settings.DNS_NAMESERVERS)
    resolver = dns.resolver.Resolver(configure=not servers)
    # No cache: who has just written the record asks again at once.
    if servers:
        resolver.nameservers = [_nameserver(one) for one in servers]
    resolver.timeout = settings.DNS_SECONDS / 2
    return resolver


def _nameserver(text: str) -> dns.nameserver.Nameserver:
    import dns.nameserver

    host, colon, port = text.rpartition(":")
    # A bare IPv6 address has colons too; with a port it stands in brackets.
    if colon and (host.startswith("[") or ":" not in host):
        return dns.nameserver.Do53Nameserver(host.strip("[]"), int(port))
    return dns.nameserver.Do53Nameserver(text.strip("[]"))


def texts_of(name: str) -> list[str]:
    """The TXT records of a name, by the resolver of the settings. Raises NoAnswer."""
    return cast(Resolver, import_string(settings.DNS_RESOLVER)()).texts(name)
