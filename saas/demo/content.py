"""The demo's two libraries: made once, found again on every later start. Killed anywhere, the next start goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.db import transaction

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import LibraryContext, in_library, in_public
from saas.demo import accounts
from saas.demo.books import BOOKS_FILE, book_count
from saas.demo.progress import Progress
from shared_apps.accounts import selectors as people
from shared_apps.accounts import services as account_services
from shared_apps.tenants import selectors as libraries
from shared_apps.tenants import services as tenants
from tenant_apps.access.services import create_member
from tenant_apps.branches import selectors as branches
from tenant_apps.branches.services import create_branch, update_branch
from tenant_apps.catalog import selectors as catalog
from tenant_apps.catalog.errors import ImportInProgress
from tenant_apps.catalog.services import add_copy, request_import, resume_stalled_imports, run_import
from tenant_apps.patrons import selectors as patrons
from tenant_apps.patrons.services import create_patron, link_account

TIME_ZONE = "Europe/Rome"
COPIES_AT_ONCE = 50
CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a library's demo data looks like: its second branch, and the digit that its barcodes begin with."""

    main: str
    second_code: str
    second: str
    digit: str


SHELVES = {
    "riverside": Shelf("Main Library", "east", "East Branch", "1"),
    "hillcrest": Shelf("School Library", "annex", "Annex", "2"),
}
# name, category, last digits of the card; the first one belongs to the reader's account.
PATRONS = (
    ("Rita Reader", "adult", "0001"),
    ("Bruno Bianchi", "adult", "0002"),
    ("Clara Conti", "adult", "0003"),
    ("Davide Dini", "child", "0004"),
    ("Emma Esposito", "child", "0005"),
)


def prepare_libraries(*, records: Path | None, progress: Progress) -> None:
    """Bring the database up to date and both libraries to their starting point; import `records` into each as well."""
    with progress.step("Public tables"):
        tenants.migrate_where_needed()
    with progress.step("Platform staff"):
        _make_staff()
    for subdomain, name in accounts.LIBRARIES.items():
        library = libraries.find_library_by_subdomain(subdomain)
        if library is None:
            with progress.step(f"{name}: schema"):
                library = _provision(subdomain, name)
        else:
            with in_library(library):
                tenants.migrate_where_needed()
        with in_library(library):
            _fill(library, name, progress)
            if records is not None:
                _import_file(records, f"{name}: {records.name}", progress)


def _make_staff() -> None:
    with in_public():
        if people.user_with_email(accounts.STAFF) is None:
            account_services.create_user(
                email=accounts.STAFF,
                name="Stella Staff",
                password=accounts.PASSWORD,
                verified=True,
                is_staff=True,
                is_superuser=True,
                now=clock.now(),
                by=SYSTEM,
            )


def _provision(subdomain: str, name: str) -> LibraryContext:
    return tenants.provision_library(
        name=name,
        subdomain=subdomain,
        plan="pro",
        country="IT",
        language="en",
        time_zone=TIME_ZONE,
        admin_email=accounts.email("admin", subdomain),
        admin_name="Anna Admin",
        admin_password_hash=make_password(accounts.PASSWORD),
        now=clock.now(),
    )


def _fill(library: LibraryContext, name: str, progress: Progress) -> None:
    shelf = SHELVES[library.subdomain]
    _make_branches(shelf)
    _make_members(library.subdomain)
    _make_patrons(library.subdomain, shelf)
    if catalog.all_titles().count() < book_count():
        _import_file(BOOKS_FILE, f"{name}: books", progress)
    _make_copies(shelf, f"{name}: copies", progress)


def _make_branches(shelf: Shelf) -> None:
    """Name the first branch and make the second, once: a name that somebody has given since stays."""
    if branches.all_branches().filter(code=shelf.second_code).exists():
        return
    now = clock.now()
    main = branches.all_branches().get(code="main")
    with transaction.atomic():
        update_branch(branch_id=main.pk, changes={"name": shelf.main}, by=SYSTEM, now=now)
        create_branch(code=shelf.second_code, name=shelf.second, time_zone=TIME_ZONE, by=SYSTEM, now=now)


def _make_members(subdomain: str) -> None:
    names = {"librarian": "Livia Librarian", "reader": "Rita Reader"}
    for role, name in names.items():
        email = accounts.email(role, subdomain)
        if people.user_with_email(email) is None:
            create_member(
                email=email, name=name, password=accounts.PASSWORD, role=role, now=clock.now(), by=SYSTEM
            )


def _make_patrons(subdomain: str, shelf: Shelf) -> None:
    categories = {category.code: category for category in patrons.all_categories()}
    main = branches.all_branches().get(code="main")
    for name, category, digits in PATRONS:
        card = accounts.card_number(shelf.digit, digits)
        if patrons.card_exists(card):
            continue
        with transaction.atomic():
            patron = create_patron(
                name=name,
                category=categories[category],
                home_branch=main,
                card_numbers=[card],
                by=SYSTEM,
                now=clock.now(),
            )
            reader = people.user_with_email(accounts.email("reader", subdomain))
            if digits == "0001" and reader is not None:
                link_account(patron_id=patron.pk, user_id=reader.pk, by=SYSTEM, now=clock.now())


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            yield chunk


def _import_file(file: Path, description: str, progress: Progress) -> None:
    """Import in this process. What an earlier start left half done is finished first."""
    # The demo is one supervised process tree: whoever ran these imports has died with the last start.
    for import_id in resume_stalled_imports(now=clock.now(), stalled_after=timedelta(0)):
        run_import(import_id=import_id, clock=clock.now)
    size = max(file.stat().st_size, 1)
    with progress.step(description, total=size) as done:
        try:
            job = request_import(
                chunks=_chunks(file), file_name=file.name, by=SYSTEM, now=clock.now(), in_background=False
            )
        except ImportInProgress:
            return
        run_import(import_id=job.pk, clock=clock.now, progress=lambda now: done(now.next_offset))


def _make_copies(shelf: Shelf, description: str, progress: Progress) -> None:
    """One or two copies of each book that the project ships, in both branches."""
    titles = list(catalog.all_titles().filter(control_number__contains="lhb").order_by("control_number"))
    present = set(catalog.all_copies().values_list("barcode", flat=True))
    places = list(branches.all_branches().order_by("pk"))
    book = catalog.all_item_types().get(code="book")
    wanted: list[Callable[[], object]] = []
    for number, title in enumerate(titles, start=1):
        for copy in range(1 + (number % 3 == 0)):
            barcode = f"{shelf.digit}{number:05d}{copy + 1}"
            if barcode not in present:
                place = places[(number + copy) % len(places)]
                wanted.append(
                    lambda t=title, b=barcode, p=place: add_copy(  # type: ignore[misc]
                        title=t,
                        barcode=b,
                        item_type=book,
                        home_branch=p,
                        call_number=t.classification,
                        by=SYSTEM,
                        now=clock.now(),
                    )
                )
    if wanted:
        with progress.step(description, total=len(wanted)) as done:
            for start in range(0, len(wanted), COPIES_AT_ONCE):
                with transaction.atomic():
                    for make in wanted[start : start + COPIES_AT_ONCE]:
                        make()
                done(start)
