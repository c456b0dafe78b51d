"""Imports and copies as staff use them in a browser: uploads, progress, reports, and a copy that is added once."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core.tenancy import in_library
from tenant_apps.catalog.models import Copy, ImportJob, Title
from tests.pages import Browser, check_outline, hidden_fields, open_session, statements_of, text_of
from tests.tenant_apps.catalog.records import add_copy, add_title, counts, lend, marc, marc_file, request, run
from tests.tenant_apps.circulation.factories import BranchFactory, everything
from tests.tenant_apps.circulation.members import librarian_at

pytestmark = pytest.mark.django_db
BROKEN = marc("Broken").replace(b"\x1e", b"?")


def business(library: Any) -> dict[str, Any]:
    with in_library(library):
        quiet = {"django_session", "delivery_idempotentanswer"}
        return {name: row for name, row in everything().items() if name not in quiet}


def upload(browser: Browser, data: bytes, name: str = "books.mrc", **fields: str) -> Any:
    return browser.submit("/imports/", {"file": SimpleUploadedFile(name, data), **fields})


@pytest.fixture
def staff(north: Any, settings: Any, tmp_path: Any) -> Browser:
    settings.MEDIA_ROOT = tmp_path
    return Browser(north, "librarian")


# -- uploads --------------------------------------------------------------------------------------------------------------


def test_a_file_becomes_an_import_with_a_report(
    staff: Browser, north: Any, django_capture_on_commit_callbacks: Any
) -> None:
    data = marc("Emma", control_number="1") + BROKEN + marc("Persuasion", control_number="2")
    with django_capture_on_commit_callbacks(execute=True):
        answer = upload(staff, data)
    with in_library(north):
        job = ImportJob.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/imports/{job.pk}/")
    page = staff.get(answer["Location"])
    check_outline(page)
    words = text_of(page)
    assert "State done Read 3 New 2 Updated 0 Unchanged 0 Rejected 1" in words
    assert "1 new Emma" in words
    assert "2 rejected Broken" in words
    assert "bad_directory , at byte" in words
    assert "irectory" in words.split("bad_directory")[0].split("Broken")[1], "why, in words"
    assert "3 new Persuasion" in words
    assert 'http-equiv="refresh"' not in page.content.decode(), "it has ended: nothing to wait for"
    assert "books.mrc done 3 1" in text_of(staff.get("/imports/"))


def test_a_trial_writes_its_report_alone(
    staff: Browser, north: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = upload(staff, marc_file(2), dry_run="on")
    assert "a trial: nothing is written" in text_of(staff.get(answer["Location"]))
    with in_library(north):
        assert counts(ImportJob.objects.get()) == (2, 0, 0, 0)
        assert not Title.objects.exists()


def test_the_same_file_that_waits_leads_to_its_import(staff: Browser, north: Any) -> None:
    first = upload(staff, marc_file(1))
    before = business(north)
    second = upload(staff, marc_file(1), "the same under another name.mrc")
    assert (second.status_code, second["Location"]) == (303, first["Location"])
    assert business(north) == before


@pytest.mark.parametrize(
    ("fields", "status", "complaint"),
    [
        ({}, 400, "File : This field is required."),
        ({"file": (b"", "empty.mrc")}, 400, "The file is empty."),
        # A little more than allowed: within what the middleware lets a form have around its file.
        ({"file": (b"x" * (1024 * 1024 + 1), "big.mrc")}, 413, "larger than 1 MB"),
    ],
)
def test_what_cannot_be_imported_is_said(
    staff: Browser, north: Any, settings: Any, fields: Any, status: int, complaint: str, tmp_path: Any
) -> None:
    settings.IMPORT_MAX_BYTES = 1024 * 1024
    before = business(north)
    sent = {name: SimpleUploadedFile(file, data) for name, (data, file) in fields.items()}
    page = staff.submit("/imports/", sent)
    assert page.status_code == status
    assert complaint in text_of(page)
    assert business(north) == before
    assert not [path for path in tmp_path.rglob("*") if path.is_file()], "nothing is kept of it"


def test_not_one_readable_record(staff: Browser, north: Any, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = upload(staff, b"this is no MARC file")
    words = text_of(staff.get(answer["Location"]))
    assert "State failed" in words
    assert "State failed This is not MARC 21" in words


def test_an_upload_of_another_site_is_refused(staff: Browser, north: Any) -> None:
    before = business(north)
    assert staff.post("/imports/", {"file": SimpleUploadedFile("x.mrc", marc_file(1))}).status_code == 403
    assert business(north) == before


@pytest.mark.parametrize(("role", "status"), [(None, 303), ("reader", 403)])
def test_imports_are_for_staff(north: Any, role: str | None, status: int) -> None:
    with in_library(north):
        job = run(marc_file(1))
        waiting = request(marc_file(2))
    browser = Browser(north, role)
    at, form = ("/sign-in/", "/sign-in/") if role is None else ("/account/", "/sign-out/")
    fields = hidden_fields(browser.get(at), form)
    before = business(north)
    for path in ("/imports/", f"/imports/{job.pk}/"):
        assert browser.get(path).status_code == status
    file = {"file": SimpleUploadedFile("x.mrc", marc_file(3))}
    assert browser.post("/imports/", {**fields, **file}).status_code == status
    assert browser.post(f"/imports/{waiting.pk}/cancel/", fields).status_code == status
    assert business(north) == before


# -- one import -----------------------------------------------------------------------------------------------------------


def test_a_running_import_shows_how_far_it_is(staff: Browser, north: Any) -> None:
    with in_library(north):
        job = request(marc_file(4))
        ImportJob.objects.filter(pk=job.pk).update(state="running", next_offset=job.file_size // 4, created=1)
    page = staff.get(f"/imports/{job.pk}/")
    outline = check_outline(page)
    assert outline.all("progress")[0]["value"] == "25"
    assert "State running Read 1 New 1" in text_of(page).replace("25% ", "")
    assert [script["src"] for script in outline.all("script")] == ["/static/catalog/progress.js"]
    assert '<noscript><meta http-equiv="refresh" content="4"></noscript>' in page.content.decode()


def test_a_waiting_import_can_be_stopped(staff: Browser, north: Any) -> None:
    with in_library(north):
        job = request(marc_file(1))
    address = f"/imports/{job.pk}/"
    answer = staff.submit(address, {}, to=f"{address}cancel/")
    assert (answer.status_code, answer["Location"]) == (303, address)
    assert "State cancelled" in text_of(staff.get(address))
    hidden = hidden_fields(staff.get("/account/"), "/sign-out/")
    assert staff.post(f"{address}cancel/", hidden)["Location"] == address, "twice is as once"


def test_an_import_that_has_ended_stays_as_it_is(staff: Browser, north: Any) -> None:
    with in_library(north):
        job = run(marc_file(1))
    hidden = hidden_fields(staff.get("/account/"), "/sign-out/")
    before = business(north)
    assert staff.post(f"/imports/{job.pk}/cancel/", hidden)["Location"] == f"/imports/{job.pk}/"
    assert business(north) == before


def test_the_report_keeps_what_one_looks_for(staff: Browser, north: Any) -> None:
    with in_library(north):
        job = run(marc_file(2) + BROKEN)
    page = staff.get(f"/imports/{job.pk}/?outcome=rejected")
    words = text_of(page)
    assert "3 rejected Broken" in words
    assert "Title 1" not in words
    chosen = [a["href"] for a in check_outline(page).all("a") if a.get("aria-current") == "true"]
    assert chosen == ["?outcome=rejected"]
    assert "No record of this file had this outcome." in text_of(
        staff.get(f"/imports/{job.pk}/?outcome=updated")
    )
    assert staff.get(f"/imports/{job.pk}/?outcome=eaten").status_code == 400


def test_reports_and_lists_go_on(staff: Browser, north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenant_apps.catalog.staff_pages.PAGE_SIZE", 2)
    with in_library(north):
        job = run(marc_file(5))
        for at in range(2):
            run(marc_file(1, prefix=f"p{at}"))
    for address, last in ((f"/imports/{job.pk}/?outcome=created", "Title 3"), ("/imports/", "done 5 0")):
        first = staff.get(address)
        assert last not in text_of(first)
        [forward] = [a["href"] for a in check_outline(first).all("a") if a.get("rel") == "next"]
        assert last in text_of(staff.get(str(forward)))


def test_markup_in_a_file_is_text_on_the_page(
    staff: Browser, north: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = upload(staff, marc("<script>alert(1)</script>"), "<img src=x>.mrc")
    for address in (answer["Location"], "/imports/"):
        page = staff.get(address).content.decode()
        assert "<script>alert" not in page
        assert "<img" not in page


def test_the_import_of_another_library_is_none(staff: Browser, north: Any, south: Any) -> None:
    with in_library(south):
        for at in range(3):
            job = run(marc_file(1, prefix=f"s{at}"))
    hidden = hidden_fields(staff.get("/account/"), "/sign-out/")
    before = business(south)
    assert staff.get(f"/imports/{job.pk}/").status_code == 404
    assert staff.post(f"/imports/{job.pk}/cancel/", hidden).status_code == 404
    assert staff.get("/imports/x/").status_code == 404
    assert business(south) == before


def test_longer_reports_cost_no_more_statements(staff: Browser, north: Any) -> None:
    def counted(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            staff.get(address)
        return len(statements_of(queries))

    with in_library(north):
        short, long = run(marc_file(1)), run(marc_file(8, prefix="m"))
    # the session, the person with their rights, the import, its records
    assert [counted(f"/imports/{job.pk}/") for job in (short, long)] == [4, 4]
    assert counted("/imports/") == 3


# -- copies ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def emma(north: Any) -> Title:
    with in_library(north):
        return add_title("Emma")


def form_of(title: Title, **changes: str) -> tuple[str, dict[str, str]]:
    fields = {
        "barcode": "30001",
        "item_type": "book",
        "home_branch": "main",
        "call_number": "FIC AUS",
        **changes,
    }
    return f"/titles/{title.pk}/copies/new/", fields


def test_a_copy_is_added(staff: Browser, north: Any, emma: Title) -> None:
    assert f'href="/titles/{emma.pk}/copies/new/"' in staff.get(f"/titles/{emma.pk}/").content.decode()
    address, fields = form_of(emma, not_for_loan="on")
    check_outline(staff.get(address))
    answer = staff.submit(address, fields)
    with in_library(north):
        copy = Copy.objects.get()
    assert (copy.title_id, copy.barcode, copy.call_number, copy.not_for_loan) == (
        emma.pk,
        "30001",
        "FIC AUS",
        True,
    )
    assert answer["Location"] == f"{address}?added={copy.pk}"
    words = text_of(staff.get(answer["Location"]))
    assert "Copy 30001 stands at Main." in words
    assert "30001 for use in the library Main FIC AUS" in words


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("barcode", "", "Barcode : This field is required."),
        ("barcode", "TAKEN", "Barcode : Another copy has this barcode."),
        ("barcode", "3\u00071", "U+0007"),
        ("barcode", "3" * 65, "at most 64"),
        ("item_type", "elephant", "Select a valid choice."),
        ("home_branch", "moon", "Select a valid choice."),
        ("call_number", "x" * 101, "at most 100"),
    ],
)
def test_a_copy_that_is_refused(
    staff: Browser, north: Any, emma: Title, field: str, value: str, complaint: str
) -> None:
    with in_library(north):
        add_copy(emma, "TAKEN")
    before = business(north)
    address, fields = form_of(emma, **{field: value})
    page = staff.submit(address, fields)
    assert page.status_code == 400
    assert complaint in text_of(page)
    check_outline(page)
    assert business(north) == before


def test_a_double_click_adds_one_copy(staff: Browser, north: Any, emma: Title) -> None:
    address, fields = form_of(emma)
    sent = {**hidden_fields(staff.get(address), address), **fields}
    first, second = staff.post(address, sent), staff.post(address, sent)
    assert (second.status_code, second["Location"]) == (303, first["Location"])
    with in_library(north):
        assert Copy.objects.count() == 1


def test_staff_of_a_branch_add_copies_there_alone(north: Any, emma: Title) -> None:
    with in_library(north):
        BranchFactory(code="harbour", name="Harbour")
        person = librarian_at("harbour")
    browser = Browser(north)
    open_session(browser, north, person)
    before = business(north)
    address, fields = form_of(emma)
    assert browser.submit(address, fields).status_code == 400
    assert business(north) == before
    assert browser.submit(address, {**fields, "home_branch": "harbour"}).status_code == 303


def test_copies_show_how_they_are(staff: Browser, north: Any, emma: Title) -> None:
    with in_library(north):
        lend(add_copy(emma, "30001"))
        add_copy(emma, "30002")
    address, _fields = form_of(emma)
    words = text_of(staff.get(address))
    assert "30002 on the shelf" in words
    assert "30001 on loan" in words


def test_readers_see_no_barcodes_and_add_nothing(north: Any, emma: Title) -> None:
    with in_library(north):
        add_copy(emma, "SECRET-1")
    address, fields = form_of(emma)
    reader = Browser(north, "reader")
    hidden = hidden_fields(reader.get("/account/"), "/sign-out/")
    before = business(north)
    assert "copies/new" not in reader.get(f"/titles/{emma.pk}/").content.decode()
    for answer in (reader.get(address), reader.post(address, {**hidden, **fields})):
        assert answer.status_code == 403
        assert b"SECRET" not in answer.content
    assert business(north) == before


def test_a_title_of_another_library_gets_no_copy(staff: Browser, north: Any, south: Any, emma: Title) -> None:
    with in_library(south):
        for at in range(3):
            foreign = add_title(f"Southern {at}")
    address, fields = form_of(foreign)
    hidden = hidden_fields(staff.get("/account/"), "/sign-out/")
    before = business(south)
    assert staff.get(address).status_code == 404
    assert staff.post(address, {**hidden, **fields}).status_code == 404
    assert business(south) == before


def test_an_empty_catalogue_leads_staff_to_the_import(staff: Browser, north: Any) -> None:
    assert 'href="/imports/">Import a file</a>' in staff.get("/").content.decode()
    assert "/imports/" not in Browser(north).get("/").content.decode()
