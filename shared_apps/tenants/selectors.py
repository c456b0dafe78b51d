"""Reading libraries. Every function looks in the public schema, whichever is current, but for two that say so."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from django.conf import settings
from django.db.models import QuerySet, Value

from saas.core.tenancy import LibraryContext, in_public
from saas.core.tenancy.hosts import subdomain_of
from shared_apps.tenants import subdomains
from shared_apps.tenants.models import Domain, FormerSubdomain, Library, LibraryStatus

RUNNING = (
    LibraryStatus.TRIALING,
    LibraryStatus.ACTIVE,
    LibraryStatus.PAST_DUE,
    LibraryStatus.RESTRICTED,
)
_BATCH = 200


def context_of(library: Library, host: str | None = None) -> LibraryContext:
    """What a request, a task or a link needs of a library; `host` where it is reached by a domain of its own."""
    return LibraryContext(
        id=library.id,
        schema_name=library.schema_name,
        subdomain=library.subdomain,
        name=library.name,
        status=library.status,
        plan=library.plan,
        primary_host=host or f"{library.subdomain}.{settings.BASE_DOMAINS[0]}",
        language=library.language,
        allowed_origins=tuple(library.allowed_origins.split()),
    )


def find_library(host: str) -> LibraryContext | None:
    """The library at a normalised host name: a subdomain of a base domain, or a proven domain of the library's own.

    A subdomain that the library gave up finds it too, while it is held. The caller is in the public schema.
    """
    label = subdomain_of(host)
    if label is not None:
        library = Library.objects.filter(subdomain=label).first() or _library_formerly(label)
        return context_of(library) if library else None
    domain = Domain.objects.filter(domain=host, proven_at__isnull=False).select_related("tenant").first()
    return context_of(domain.tenant, host) if domain else None


def _library_formerly(label: str) -> Library | None:
    return Library.objects.filter(former_subdomains__subdomain=label).first()


def find_library_by_id(identifier: uuid.UUID) -> LibraryContext | None:
    """The library with this id, whatever its status, or None."""
    with in_public():
        library = Library.objects.filter(pk=identifier).first()
    return context_of(library) if library else None


def find_library_by_subdomain(subdomain: str) -> LibraryContext | None:
    """The library with this subdomain, whatever its status, or None."""
    with in_public():
        library = Library.objects.filter(subdomain=subdomain).first()
    return context_of(library) if library else None


def open_libraries() -> Iterator[LibraryContext]:
    """Libraries whose background work goes on (not suspended, closed or half made), in pages of 200 by id."""
    last: uuid.UUID | None = None
    while True:
        with in_public():
            page = Library.objects.filter(status__in=RUNNING).order_by("id")
            rows = list(page.filter(id__gt=last)[:_BATCH] if last else page[:_BATCH])
        yield from (context_of(row) for row in rows)
        if len(rows) < _BATCH:
            return
        last = rows[-1].id


def subdomain_state(subdomain: str, *, besides: uuid.UUID | None = None) -> str:
    """ "free", "taken", or "recently_closed" for the name of a library that has closed and may be restored.

    A name that reads like another library's (`ríverside` beside `riverside`) is that library's, and one that a library
    gave up is taken while it is held. Names of the library `besides` do not count.
    """
    names = {subdomain, subdomains.lookalike(subdomain)}
    with in_public():
        held = FormerSubdomain.objects.filter(subdomain__in=names)
        had = Library.objects.filter(subdomain__in=names)
        if besides is not None:
            held, had = held.exclude(library_id=besides), had.exclude(pk=besides)
        statuses = had.values_list("status", flat=True)
        found = set(statuses.union(held.values_list(Value("held"), flat=True)))
    if not found:
        return "free"
    return "recently_closed" if found == {LibraryStatus.CLOSED} else "taken"


def all_libraries() -> QuerySet[Library]:
    """Every library, whatever its status, for platform staff; filters and pages are the caller's.

    The query set runs where it is evaluated: in the public schema, or there are no libraries.
    """
    return Library.objects.all()


def library_statuses() -> tuple[str, ...]:
    """Every status that a library can have."""
    return tuple(LibraryStatus.values)


def domains_of(library_id: uuid.UUID) -> list[Domain]:
    """A library's own domains, proven or not, by name; there are few of them."""
    with in_public():
        return list(Domain.objects.filter(tenant_id=library_id).order_by("domain"))


def library_row(library_id: uuid.UUID) -> Library | None:
    """The row of a library, whatever its status, for platform staff; None where there is none."""
    with in_public():
        return Library.objects.filter(pk=library_id).first()
