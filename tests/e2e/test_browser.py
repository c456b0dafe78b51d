"""The pages in a real browser: the whole path of a new library, and each page for every eye and hand.

Needs Debian's Chromium. `LIBRARYHUB_SCREENSHOTS=folder` keeps a picture of each page, wide and narrow.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail

from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library, in_public
from tests.conftest import _context, _empty
from tests.e2e import looks
from tests.e2e.live import PHONE, Site, Window, screenshot, window
from tests.pages import PASSWORD
from tests.tenant_apps.catalog.records import NOW, add_copy, add_title, marc, request, run

pytestmark = [pytest.mark.browser, pytest.mark.deep]
PICTURES = os.environ.get("LIBRARYHUB_SCREENSHOTS")


# -- the path of a new library ------------------------------------------------------------------------------------------


@pytest.fixture
def harbour(site: Site) -> Iterator[str]:
    """A subdomain that is free, and whose library is gone afterwards."""
    yield "harbour"
    _drop_library("harbour")


def _drop_library(subdomain: str) -> None:
    from saas.core.db.owner import owner_connection
    from saas.core.tenancy.hosts import forget_hosts
    from shared_apps.fleet.services import drop_schema
    from shared_apps.tenants.models import Library

    with in_public():
        schemas = list(Library.objects.filter(subdomain=subdomain).values_list("schema_name", flat=True))
        Library.objects.filter(subdomain=subdomain).delete()
    for schema in schemas:
        drop_schema(schema)
    with owner_connection() as owner, owner.cursor() as cursor:
        cursor.execute("TRUNCATE signup_signup, audit_auditentry, delivery_outboxmessage CASCADE")
    forget_hosts()


def test_from_the_sign_up_to_a_returned_book(chromium: Any, site: Site, harbour: str, tmp_path: Path) -> None:
    with window(chromium, site, "localhost") as public:
        _sign_up(public, harbour)
        public.page.goto(_mailed_link())
        public.press("Open my library")
        assert "Harbour Library is open" in public.text()
        with public.page.expect_navigation():
            public.page.get_by_role("link", name="Sign in").click()
        assert public.complaints() == []
        staff = Window(public.page, site, f"{harbour}.localhost", public.wrong)
        staff.fill(id_identifier="hanna@harbour.example", id_password="otters-swim-at-dawn")
        staff.press("Sign in")
        assert "Hanna Harbour" in staff.text()
        _import_a_file(staff, tmp_path)
        _find_the_title(staff)
        _add_a_copy(staff)
        _register_a_patron(staff)
        _lend_and_return(staff)
        assert staff.complaints() == []


def _sign_up(public: Window, subdomain: str) -> None:
    public.go("/")
    public.fill(
        id_library_name="Harbour Library",
        id_subdomain=subdomain,
        id_admin_name="Hanna Harbour",
        id_admin_email="hanna@harbour.example",
        id_password="otters-swim-at-dawn",
    )
    public.page.select_option("#id_country", "IT")
    public.page.select_option("#id_time_zone", "America/New_York")
    public.press("Mail me the link")
    assert "Check your mail" in public.text()


def _mailed_link() -> str:
    [letter] = mail.outbox
    assert letter.to == ["hanna@harbour.example"]
    return next(word for word in str(letter.body).split() if "/signup/verify/?token=" in word)


def _import_a_file(staff: Window, folder: Path) -> None:
    file = folder / "books.mrc"
    broken = marc("Broken").replace(b"\x1e", b"?")
    file.write_bytes(
        marc("The Name of the Rose", control_number="rose") + broken + marc("Emma", control_number="emma")
    )
    staff.go("/imports/")
    staff.page.set_input_files("#id_file", file)
    staff.press("Upload")
    staff.page.get_by_text("done", exact=True).wait_for()
    assert "Read 3 New 2 Updated 0 Unchanged 0 Rejected 1" in staff.text()
    staff.page.get_by_role("link", name="Rejected (1)").click()
    staff.page.wait_for_url("**/?outcome=rejected")
    assert staff.page.locator("section tbody tr").count() == 1


def _find_the_title(staff: Window) -> None:
    staff.go("/")
    staff.fill(q="name rose")
    staff.press("Search")
    assert "1 title found." in staff.text()
    with staff.page.expect_navigation():
        staff.page.get_by_role("link", name="The Name of the Rose").click()
    assert "No copies in this library yet" in staff.text()


def _add_a_copy(staff: Window) -> None:
    with staff.page.expect_navigation():
        staff.page.get_by_role("link", name="Add a copy").click()
    staff.fill(id_barcode="30001", id_call_number="FIC ECO")
    staff.press("Add the copy")
    assert "Copy 30001 stands at" in staff.text()


def _register_a_patron(staff: Window) -> None:
    staff.go("/patrons/new/")
    staff.fill(id_name="Ada Lovelace", id_card_number="C-1001", id_email="ada@harbour.example")
    staff.press("Register")
    assert "Ada Lovelace is registered and can borrow." in staff.text()


def _lend_and_return(staff: Window) -> None:
    """As with a scanner: each scan ends with Enter, and the next one goes where the focus is."""
    staff.go("/desk/")
    _scan(staff, "C-1001")
    assert "Lending to Ada Lovelace" in staff.text()
    _scan(staff, "30001")
    today = dt.datetime.now(ZoneInfo("America/New_York"))
    shown = staff.page.get_by_role("status").inner_text()
    assert "Lent" in shown
    assert "The Name of the Rose" in shown
    assert "Ada Lovelace" in shown
    days = _loan_days("harbour")
    due = (today + dt.timedelta(days=days)).strftime("%A %-d %B %Y, 23:59")
    assert due in shown, shown
    _scan(staff, "30001")
    assert "This copy is on loan already." in staff.text()
    staff.fill(id_return="30001")
    staff.press("Return")
    assert "Returned The Name of the Rose Put it on the shelf." in staff.text()


def _scan(staff: Window, code: str) -> None:
    staff.page.locator(".scan input:focus").wait_for()
    staff.page.keyboard.type(code)
    with staff.page.expect_navigation():
        staff.page.keyboard.press("Enter")


def _loan_days(subdomain: str) -> int:
    from tenant_apps.circulation.models import Loan

    with in_library(_context(subdomain)):
        rules = Loan.objects.get().rules
    return int(rules["loan_period_days"]["value"])


# -- every page, for every eye and hand -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def east(site: Site) -> Iterator[Any]:
    """A library with something on every page; emptied afterwards."""
    library = _context("east")
    with in_library(library):
        rows = _fill()
    yield library, rows
    _empty(library)


def _fill() -> dict[str, int]:
    from saas.core import clock
    from shared_apps.accounts.models import User
    from tenant_apps.branches.selectors import all_branches
    from tenant_apps.catalog.models import ImportJob
    from tenant_apps.circulation.services import check_out
    from tenant_apps.patrons import services as patrons
    from tenant_apps.patrons.selectors import all_categories

    emma = add_title(
        "Emma",
        subtitle="a novel in three volumes",
        by=["Austen, Jane"],
        subjects=["Matchmaking", "England -- Social life and customs -- 19th century"],
        isbns=["9780141439587"],
        year=1815,
        language="eng",
        summary="Handsome, clever and rich, Emma Woodhouse is sure that she knows what is best for everybody.",
    )
    rose = add_title("Il nome della rosa", by=["Eco, Umberto"], language="ita", year=1980)
    for at in range(24):
        add_title(f"Persuasion, volume {at}", by=["Austen, Jane"], language="eng", year=1900 + at)
    for at, title in enumerate((emma, emma, rose), start=1):
        add_copy(title, f"3000{at}", call_number="FIC")
    add_copy(emma, "30004", branch="harbour", damaged_at=NOW)
    job = run(
        marc("Sanditon", control_number="s1") + marc("Broken").replace(b"\x1e", b"?") + marc("Lady Susan")
    )
    waiting = request(marc("Waiting", control_number="w1"), file_name="a file that waits.mrc")
    # Tasks run at once in tests; this one is put back to where a worker would find it.
    ImportJob.objects.filter(pk=waiting.pk).update(
        state="running", next_offset=waiting.file_size // 3, created=0
    )
    main = all_branches().get(code="main")
    reader = User.objects.get(email="reader@east.example")
    ada = patrons.create_patron(
        name="Ada Lovelace",
        category=all_categories().get(code="adult"),
        home_branch=main,
        card_numbers=["C-1001"],
        email="ada@east.example",
        by=SYSTEM,
        now=NOW,
    )
    patrons.link_account(patron_id=ada.pk, user_id=reader.pk, by=SYSTEM, now=NOW)
    now = clock.now()
    for barcode, when in (("30001", now), ("30003", now - dt.timedelta(days=400))):
        check_out(copy_barcode=barcode, card_number="C-1001", branch=main, by=SYSTEM, now=when)
    return {"title": emma.pk, "job": job.pk, "waiting": waiting.pk}


def look(opened: Window, name: str, path: str | None = None) -> list[str]:
    """What is wrong with a page, wide and narrow; `path` None looks at the page that is open."""
    if path is not None:
        opened.go(path)
    wrong = looks.offences(opened.page) + looks.low_contrast(opened.page)
    if PICTURES:
        screenshot(opened, Path(PICTURES), f"{name}-1280")
    opened.page.set_viewport_size(PHONE)
    if looks.scrolls_sideways(opened.page):
        wrong.append("scrolls sideways at 320 px")
    wrong += looks.tab_order_problems(opened.page)
    if PICTURES:
        screenshot(opened, Path(PICTURES), f"{name}-320")
    opened.page.set_viewport_size({"width": 1280, "height": 800})
    return [f"{name}: {problem}" for problem in wrong]


def test_the_public_pages(chromium: Any, site: Site) -> None:
    with window(chromium, site, "localhost") as opened:
        wrong = look(opened, "public-home", "/")
        wrong += look(opened, "public-mail", "/signup/check-your-mail/")
        wrong += look(opened, "public-bad-link", "/signup/verify/?token=bad")
        opened.go("/signup/")
        opened.press("Mail me the link")
        assert opened.page.evaluate("document.activeElement.id") == "errors"
        wrong += look(opened, "public-refused")
        assert wrong + _unexpected(opened) == []


def test_the_pages_for_readers(chromium: Any, site: Site, east: Any) -> None:
    _library, rows = east
    with window(chromium, site, "east.localhost") as opened:
        wrong = look(opened, "catalogue", "/")
        wrong += look(opened, "results", "/?q=austen&language=eng")
        wrong += look(opened, "nothing-found", "/?q=austin")
        wrong += look(opened, "title", f"/titles/{rows['title']}/")
        wrong += look(opened, "not-found", "/titles/999999/")
        wrong += look(opened, "forgotten-password", "/password/reset/")
        opened.sign_in("reader@east.example", "wrong")
        assert opened.page.evaluate("document.activeElement.id") == "errors"
        wrong += look(opened, "sign-in-refused")
        opened.sign_in("reader@east.example", PASSWORD)
        wrong += look(opened, "account")
        wrong += look(opened, "not-allowed", "/desk/")
        assert wrong + _unexpected(opened) == []


def test_the_pages_for_staff(chromium: Any, site: Site, east: Any) -> None:
    _library, rows = east
    with window(chromium, site, "east.localhost") as opened:
        opened.sign_in("librarian@east.example", PASSWORD)
        wrong = look(opened, "desk-where", "/desk/")
        opened.press("Begin")
        wrong += look(opened, "desk-ready")
        opened.fill(id_card="C-1001", id_copy="30002")
        opened.press("Check out")
        wrong += look(opened, "desk-lent")
        opened.fill(id_copy="30001")
        opened.press("Check out")
        wrong += look(opened, "desk-refused")
        opened.fill(id_copy="30004")
        opened.press("Check out")
        wrong += look(opened, "desk-asked")
        opened.fill(id_return="30002")
        opened.press("Return")
        wrong += look(opened, "desk-returned")
        for name, path in _staff_paths(rows):
            wrong += look(opened, name, path)
        opened.go("/patrons/new/")
        opened.press("Register")
        wrong += look(opened, "patron-refused")
        assert wrong + _unexpected(opened) == []


def _staff_paths(rows: dict[str, int]) -> list[tuple[str, str]]:
    return [
        ("imports", "/imports/"),
        ("import-done", f"/imports/{rows['job']}/"),
        ("import-waiting", f"/imports/{rows['waiting']}/"),
        ("patrons", "/patrons/"),
        ("patrons-none", "/patrons/?search=nobody"),
        ("patron-new", "/patrons/new/"),
        ("copy-new", f"/titles/{rows['title']}/copies/new/"),
        ("title-staff", f"/titles/{rows['title']}/"),
    ]


def _unexpected(opened: Window) -> list[str]:
    """Complaints but for those that the console makes about our own refusals (4xx)."""
    return [text for text in opened.complaints() if "server responded with a status of 4" not in text]


def test_dark_colours_can_be_read(chromium: Any, site: Site, east: Any) -> None:
    _library, rows = east
    with window(chromium, site, "east.localhost", color_scheme="dark") as opened:
        opened.sign_in("librarian@east.example", PASSWORD)
        opened.go("/desk/")
        wrong = []
        for name, path in [("desk", "/desk/"), ("catalogue", "/?q=austen"), *_staff_paths(rows)]:
            opened.go(path)
            wrong += [f"{name}: {problem}" for problem in looks.low_contrast(opened.page)]
            if PICTURES:
                screenshot(opened, Path(PICTURES), f"dark-{name}")
        dark = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert wrong == []
        assert dark == "rgb(23, 21, 18)"


def test_a_running_import_is_followed(chromium: Any, site: Site, east: Any) -> None:
    """The page keeps itself fresh, without a reload while it runs and with the report once it has ended."""
    from tenant_apps.catalog.models import ImportJob

    library, rows = east
    with window(chromium, site, "east.localhost") as opened:
        opened.sign_in("librarian@east.example", PASSWORD)
        opened.go(f"/imports/{rows['waiting']}/")
        opened.page.evaluate("window.isStillThere = true")
        with in_library(library):
            ImportJob.objects.filter(pk=rows["waiting"]).update(created=1)
        opened.page.locator("#progress dd", has_text="1").first.wait_for()
        assert opened.page.evaluate("window.isStillThere") is True
        with opened.page.expect_navigation(), in_library(library):
            ImportJob.objects.filter(pk=rows["waiting"]).update(state="done")
        assert "State done Read 1" in opened.text()
        assert opened.complaints() == []
