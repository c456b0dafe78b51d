"""The whole path of a library as a client that knows nothing but the contract walks it, over HTTP alone.

Sign up, use the mailed link, sign in, import, search, register, lend, take back: each step uses only what answers
before it said. What a worker does between two requests, `deliver` does here.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from saas.core.tenancy import in_library
from shared_apps.delivery.services import relay
from shared_apps.tenants.selectors import find_library_by_subdomain
from tenant_apps.catalog import tasks
from tests.tenant_apps.catalog.records import marc

FOUNDER = {
    "library_name": "Lakeside Library",
    "subdomain": "lakeside",
    "admin_name": "Lara Lake",
    "admin_email": "lara@lakeside.example",
    "password": "herons-stand-at-dusk",
    "country": "IT",
    "time_zone": "Europe/Rome",
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
PROBLEM = {"type", "title", "status", "detail", "code", "request_id"}
LOAN = {"id", "copy_barcode", "card_number", "branch", "checked_out_at", "due_at", "renewals", "returned_at"}
HIT = {
    *("id", "title", "subtitle", "contributors", "year", "language", "isbns", "material_type"),
    *("available", "copies_total"),
}
pytestmark = [pytest.mark.django_db(databases=["default", "owner"]), pytest.mark.deep]


@pytest.fixture(autouse=True)
def _limits_are_on(settings: Any) -> None:
    settings.RATE_LIMITS_ENABLED = True


class Caller:
    """A client of one site that checks what every answer must have."""

    def __init__(self, host: str, token: str = "") -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self.client = APIClient(headers={"host": host, **headers})

    def ask(self, method: str, path: str, body: Any = None, *, expect: int, **sent: Any) -> Any:
        """Send a request, check status and form of the answer, and return it."""
        answer = getattr(self.client, method)(f"/api/v1/{path}", body, **sent)
        assert answer.status_code == expect, answer.content
        assert answer["X-Request-ID"]
        assert answer["RateLimit-Policy"].startswith('"')
        if expect >= 400:
            told = answer.json()
            assert answer["Content-Type"] == "application/problem+json"
            assert set(told) >= PROBLEM
            assert (told["status"], told["request_id"]) == (expect, answer["X-Request-ID"])
        return answer

    def get(self, path: str, expect: int = 200, **sent: Any) -> Any:
        return self.ask("get", path, expect=expect, **sent).json()

    def post(self, path: str, body: Any, expect: int = 201, **sent: Any) -> Any:
        return self.ask("post", path, body, expect=expect, **sent).json()

    def refused(self, method: str, path: str, body: Any, expect: int, **sent: Any) -> str:
        return str(self.ask(method, path, body, expect=expect, **sent).json()["code"])


def deliver(monkeypatch: pytest.MonkeyPatch, subdomain: str = "") -> None:
    """Deliver what waits on the public site or in a library, and run the imports that this starts."""
    monkeypatch.setattr(tasks.run_import, "enqueue", lambda import_id: tasks.run_import(import_id=import_id))
    if not subdomain:
        relay()
        return
    library = find_library_by_subdomain(subdomain)
    assert library is not None
    with in_library(library):
        relay()


def signed_up(monkeypatch: pytest.MonkeyPatch) -> Caller:
    """The founder of a new library, signed in there."""
    public = Caller("localhost")
    assert public.get("signup/availability/?subdomain=lakeside")["available"] is True
    asked = public.post("signup/", FOUNDER, 202)
    assert asked == {"id": asked["id"], "status": "pending_verification"}
    deliver(monkeypatch)
    (link,) = re.findall(r"\S+/signup/verify/\?token=(\S+)", str(mail.outbox[-1].body))
    assert public.refused("post", "signup/verify/", {"token": "nonsense"}, 400) == "token_invalid"
    made = public.post("signup/verify/", {"token": link})
    assert set(made["library"]) >= {"id", "name", "subdomain", "url", "status"}
    assert made["sign_in_url"].startswith(made["library"]["url"])
    assert public.refused("post", "signup/verify/", {"token": link}, 409) == "token_used"
    assert public.get(f"signup/{asked['id']}/")["library"] == made["library"]
    assert public.get("signup/availability/?subdomain=lakeside")["reason"] == "taken"

    credentials = {"email": FOUNDER["admin_email"], "password": FOUNDER["password"]}
    door = Caller("lakeside.localhost")
    wrong = {**credentials, "password": "herons"}
    assert door.refused("post", "auth/login/", wrong, 401) == "invalid_credentials"
    session = door.post("auth/login/", credentials, 200)
    assert (set(session), session["user"]["email"]) == ({"access", "refresh", "user"}, FOUNDER["admin_email"])
    assert door.refused("get", "me/", None, 401) == "not_authenticated"
    return Caller("lakeside.localhost", session["access"])


def imported(desk: Caller, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of the one good title of a file with a bad record in it."""
    data = marc("Emma", control_number="n1", by=["Austen, Jane"]) + b"not a record\x1d"

    def upload(expect: int = 202) -> Any:
        body = {"file": SimpleUploadedFile("books.mrc", data)}
        return desk.ask("post", "imports/", body, expect=expect, format="multipart")

    counted = ("state", "total", "created", "updated", "unchanged", "rejected")
    for expected in (("done", 2, 1, 0, 0, 1), ("done", 2, 0, 0, 1, 1)):
        accepted = upload()
        assert accepted.json()["state"] == "queued"
        assert upload(409).json()["code"] == "import_in_progress"
        deliver(monkeypatch, "lakeside")
        job = desk.get(accepted["Location"].removeprefix("/api/v1/"))
        assert tuple(job[name] for name in counted) == expected
    (bad,) = desk.get(f"imports/{job['id']}/records/?outcome=rejected")["results"]
    assert set(bad) >= {"number", "offset", "outcome", "code", "detail", "title"}
    assert desk.refused("post", f"imports/{job['id']}/cancel/", None, 409) == "import_finished"

    found = desk.get("search/?q=emma")
    assert set(found) == {
        *("count", "count_is_exact", "next", "previous", "results", "facets", "suggestions")
    }
    (hit,) = found["results"]
    assert set(hit) >= HIT
    assert found["facets"]["language"]["exact"] is True
    assert desk.get("search/?q=ema")["suggestions"] == ["emma"]
    return str(hit["id"])


def stocked(desk: Caller, title: str) -> tuple[str, str]:
    """Barcode and card number of a copy and a patron."""
    price = {"amount": "12.50", "currency": "EUR"}
    copy = {"title": title, "barcode": "L1", "item_type": "book", "home_branch": "main"}
    made = desk.post("copies/", {**copy, "replacement_price": price})
    assert (made["barcode"], made["status"], made["replacement_price"]) == ("L1", "available", price)
    assert desk.refused("post", "copies/", copy, 400) == "barcode_taken"
    patron = {"name": "Pia", "category": "adult", "home_branch": "main", "card_numbers": ["C1"]}
    assert isinstance(desk.post("patrons/", patron)["id"], str)
    assert desk.refused("post", "patrons/", patron, 400) == "card_number_taken"
    return "L1", "C1"


def test_from_nothing_to_a_lent_and_returned_book(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    desk = signed_up(monkeypatch)
    title = imported(desk, monkeypatch)
    barcode, card = stocked(desk, title)
    wanted = {"copy_barcode": barcode, "card_number": card, "branch": "main"}
    for name, code in (("copy_barcode", "unknown_barcode"), ("card_number", "unknown_card")):
        assert desk.refused("post", "loans/", {**wanted, name: "nope"}, 404) == code
    key = {"HTTP_IDEMPOTENCY_KEY": "first-loan"}
    lent = desk.ask("post", "loans/", wanted, expect=201, **key)
    loan = lent.json()["loan"]
    assert set(loan) >= LOAN
    assert all(MOMENT.fullmatch(loan[name]) for name in ("checked_out_at", "due_at"))
    again = desk.ask("post", "loans/", wanted, expect=201, **key)
    assert (again["Idempotent-Replayed"], again.content) == ("true", lent.content)
    other = {**wanted, "card_number": "C2"}
    assert desk.refused("post", "loans/", other, 422, **key) == "idempotency_key_reused"
    assert desk.refused("post", "loans/", wanted, 409) == "copy_on_loan"
    assert desk.get(f"titles/{title}/availability/")["copies_available"] == 0

    due = dt.datetime.fromisoformat(loan["due_at"])
    assert due.astimezone(ZoneInfo(FOUNDER["time_zone"])).time() == dt.time(23, 59, 59)
    back = desk.post("returns/", {"copy_barcode": barcode, "branch": "main"})
    assert set(back) >= {"loan", "action", "hold", "transfer", "charges", "messages"}
    assert (back["action"], MOMENT.fullmatch(back["loan"]["returned_at"]) is not None) == ("shelve", True)
    assert desk.get(f"copies/by-barcode/{barcode}/")["status"] == "available"


def test_every_reason_why_a_copy_is_not_lent(north: Any, api: Any) -> None:
    token = api(north, "admin")._credentials["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    desk = Caller("north.localhost", token)
    title = desk.post("titles/", {"title": "Persuasion"})["id"]
    desk.post("item-types/", {"code": "map", "name": "Map"})
    for barcode, kind in (("M1", "map"), ("B1", "book"), ("B2", "book"), ("B3", "book")):
        copy = {"title": title, "barcode": barcode, "item_type": kind, "home_branch": "main"}
        made = desk.post("copies/", copy)
    for card, until in (("C1", None), ("C2", "2020-01-01")):
        patron = {"name": "Pia", "category": "adult", "home_branch": "main", "card_numbers": [card]}
        desk.post("patrons/", {**patron, "expires_on": until})
    for rule in desk.get("loan-rules/")["results"]:
        desk.ask("delete", f"loan-rules/{rule['id']}/", expect=204, HTTP_IF_MATCH="*")
    desk.post("loan-rules/", {"name": "loan_period_days", "value": 14, "item_type": "book"})
    desk.post("loan-rules/", {"name": "loan_limit", "value": 1})

    def lend(barcode: str, card: str = "C1") -> str:
        return desk.refused(
            "post", "loans/", {"copy_barcode": barcode, "card_number": card, "branch": "main"}, 409
        )

    assert lend("M1") == "no_rule"
    assert lend("B1", "C2") == "patron_expired"
    desk.post("loans/", {"copy_barcode": "B1", "card_number": "C1", "branch": "main"})
    assert lend("B1") == "copy_on_loan"
    assert lend("B2") == "limit_reached"
    path = f"copies/{made['id']}/"
    assert desk.refused("patch", path, {"withdrawn": True}, 428) == "precondition_required"
    tag = desk.ask("get", path, expect=200)["ETag"]
    desk.ask("patch", path, {"withdrawn": True}, expect=200, HTTP_IF_MATCH=tag)
    assert desk.refused("patch", path, {"withdrawn": False}, 412, HTTP_IF_MATCH=tag) == "precondition_failed"
    assert lend("B3") == "copy_withdrawn"
    explained = desk.get("loan-rules/explain/?branch=main&category=adult&item_type=map")
    assert explained["lendable"] is False


def test_what_no_address_knows_is_refused_with_the_nearest_name(north: Any, api: Any) -> None:
    anybody = Caller("north.localhost")
    wrong = anybody.ask("get", "search/?langauge=eng", expect=400).json()
    assert (wrong["code"], '"language"' in wrong["detail"]) == ("unknown_parameter", True)
    wrong = anybody.ask("post", "auth/login/", {"emial": "x", "password": "y"}, expect=400).json()
    assert (wrong["code"], '"email"' in wrong["detail"]) == ("unknown_field", True)
    italian = anybody.ask("get", "titles/999999/", expect=404, HTTP_ACCEPT_LANGUAGE="it").json()
    assert (italian["code"], italian["title"]) == ("not_found", "Non trovato")
    for page in ("titles/?cursor=x", "titles/?page_size=101", "titles/?page_size=0"):
        anybody.ask("get", page, expect=400)
