"""Subdomains that no library may have, by reason. Before one is removed, look at who links to it."""

from __future__ import annotations

import re

# Names that the platform uses itself, or may want to.
_PLATFORM = """
    about account accounts admin administrator admins api apis app apps asset assets auth beta billing
    blog calendar careers cdn chat checkout citus cloud community config console contact content cookie
    css customer customers dashboard demo dev developer developers development docs documentation
    download downloads email embed event events export exports faq favicon feed feedback file files
    flower forum forums ftp gateway git grafana graphql health hello help home hook hooks hosting hub
    image images img import imports info internal intranet invoice invoices javascript job jobs js key
    keys landing legal libraries library library-hub libraryhub live login logout mail manage manager
    marketing me media member members metrics mfa mobile monitor monitoring my new news newsletter null
    oauth office oidc ops order orders partner partners password pay payment payments pgbouncer ping
    plan plans platform portal postgres postgresql pricing privacy prod production profile prometheus
    proxy public queue redis register registration release rest root rss sales saml sandbox search
    secure security self sentry server service services session sessions settings setup shop sign-in
    sign-up signin signout signup site sitemap social sql ssl sso staff stage staging static statistics
    stats status store stripe subdomain subscribe subscription subscriptions super superuser support
    swagger sync sys sysadmin system team teams tenant tenants terms test testing tests tls token tokens
    tool tools undefined update updates upload uploads url user users vendor version web webdav webhook
    webhooks webmail website websocket welcome wiki worker ws www xml
"""
# Host names that mail programs, browsers and certificate authorities trust by their name alone: mailboxes of
# RFC 2142, RFC 8461 (mta-sts), autoconfiguration, proxy discovery (wpad, isatap), names of RFC 6761.
_TRUSTED_BY_NAME = """
    abuse autoconfig autodiscover broadcasthost caldav carddav dns example firewall hostmaster imap
    imap4 invalid ip isatap local localdomain localhost mta mta-sts mx nntp noc ns openpgpkey pop pop3
    postmaster router sftp smtp ssh usenet uucp vpn webmaster wpad
"""
# Words of SQL and of PostgreSQL: a name that ends up unquoted somewhere must not mean something.
_LANGUAGE_WORDS = """
    all alter analyse analyze and any array as asc asymmetric both case cast check collate column
    constraint create cross current database default deferrable delete desc distinct do drop else end
    except execute extensions false fetch foreign from function grant group having index
    information-schema inner insert intersect into join lateral leading left like limit nan natural none
    not offset on only or outer pg placing primary procedure references returning revoke right role
    rollback row schema select sequence session-user similar some symmetric table template template0
    template1 then to trailing transaction trigger true truncate union unique user using vacuum values
    variadic view when where window with
"""

RESERVED = frozenset(f"{_PLATFORM} {_TRUSTED_BY_NAME} {_LANGUAGE_WORDS}".split())
# Numbered machines (www2, ns1, mx01) and PostgreSQL's own prefix, which reads pg- in a host name.
RESERVED_PATTERN = re.compile(
    r"(?:www|web|api|app|cdn|db|dns|ftp|imap|lib|mail|mta|mx|ns|pop|smtp|static|vpn|ws)-?[0-9]*|pg-.*|xn"
)


def is_reserved(name: str) -> bool:
    """Whether a lower-case ASCII name belongs to the platform or would be trusted for its name alone."""
    return name in RESERVED or RESERVED_PATTERN.fullmatch(name) is not None
