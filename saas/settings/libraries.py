"""The life of a library: how long data, names and proofs are kept, and who is asked about domains."""

# A closed library can be restored for so long; then it is erased.
CLOSED_LIBRARY_DAYS = 30
# A subdomain that a library gave up leads to it for so long, and nobody else may have it.
FORMER_SUBDOMAIN_DAYS = 30

DOMAINS_PER_LIBRARY = 10
# A proven domain is looked at again after so long; without its record for so many days it leads nowhere.
DOMAIN_CHECK_HOURS = 24
DOMAIN_GRACE_DAYS = 7
DNS_RESOLVER = "shared_apps.tenants.txt_records.SystemResolver"
# "ADDRESS" or "ADDRESS:PORT"; none: the machine's own. An answer is waited for so many seconds in all.
DNS_NAMESERVERS: tuple[str, ...] = ()
DNS_SECONDS = 4.0
