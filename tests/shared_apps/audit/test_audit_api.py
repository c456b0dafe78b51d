"""/api/v1/audit/ of a library and /api/v1/platform/audit/: filters, pages, files, and who sees what."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core.logging import start_log_context
from saas.core.principals import ANONYMOUS, SYSTEM, Actor, Principal
from saas.core.tenancy import in_library
from shared_apps.audit.api import views
from shared_apps.audit.models import AuditEntry
from shared_apps.audit.services import record
from tenant_apps.access.models import Role
from tenant_apps.branches.models import Branch
from tests.factories import StaffRoleFactory
from tests.permissions.inventory import endpoints

URL, PLATFORM = "/api/v1/audit/", "/api/v1/platform/audit/"
DAY = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
ACTORS = {
    "person": Actor("person", user_id=4711),
    "staff": Actor("staff", label="Stella Staff"),
    "key": Actor("key", label="website/lhk1"),
    "system": SYSTEM,
    "anonymous": ANONYMOUS,
}


@pytest.fixture
def written(north: Any) -> dict[str, int]:
    """One entry of each kind of actor, a day apart; ids by kind."""
    ids = {}
    with in_library(north):
        branch = Branch.objects.get(code="main")
        for days, (kind, actor) in enumerate(ACTORS.items()):
            start_log_context(f"request-of-{kind}")
            entry = record(
                action=f"test.{kind}",
                by=actor,
                target=branch if kind == "person" else None,
                changes={"n": days},
                personal={"name": "Rita Reader"} if kind == "person" else None,
                now=DAY + dt.timedelta(days=days),
            )
            ids[kind] = entry.pk
    start_log_context("")
    return ids


def found(client: Any, query: str, url: str = URL) -> list[str]:
    answer = client.get(f"{url}?{query}")
    assert answer.status_code == 200, answer.content
    return [row["action"] for row in answer.json()["results"]]


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        *(
            (f"actor_kind={kind}&from=2026-05-01T00:00:00Z&to=2026-06-01T00:00:00Z", [kind])
            for kind in ACTORS
        ),
        ("action=test.key", ["key"]),
        ("action=test", []),
        ("actor=4711", ["person"]),
        ("actor=4712", []),
        ("target_type=branches.branch&action=test.person", ["person"]),
        ("target_type=branches.other&action=test.person", []),
        ("request_id=request-of-staff", ["staff"]),
        ("from=2026-05-03T12:00:00Z&to=2026-05-05T12:00:00Z", ["system", "key"]),
        ("from=2026-05-03T14:00:00%2B02:00&to=2026-05-03T12:00:00.000001Z", ["key"]),
        ("actor=4711&actor_kind=system", []),
    ],
)
def test_filters(api: Any, north: Any, written: Any, query: str, kinds: list[str]) -> None:
    assert found(api(north, "admin"), query) == [f"test.{kind}" for kind in kinds]


def test_a_target_is_found_by_its_id(api: Any, north: Any, written: Any) -> None:
    with in_library(north):
        branch = Branch.objects.get(code="main").pk
    assert "test.person" in found(api(north, "admin"), f"target_type=branches.branch&target_id={branch}")
    assert found(api(north, "admin"), "target_type=branches.branch&target_id=999999") == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("actor_kind=robot", "invalid_parameter"),
        ("actor=me", "invalid_parameter"),
        ("actor=0", "invalid_parameter"),
        ("actor=99999999999999999999", "invalid_parameter"),
        ("from=yesterday", "invalid_parameter"),
        ("from=2026-05-01", "invalid_parameter"),
        ("from=2026-05-01T10:00:00", "invalid_parameter"),
        ("to=2026-13-01T10:00:00Z", "invalid_parameter"),
        ("from=2026-05-01T10:00:00Z&from=2026-05-01T10:00:00Z", "invalid_parameter"),
        ("actions=x", "unknown_parameter"),
        ("changes__contains=x", "unknown_parameter"),
        ("action=%00", "invalid_parameter"),
        ("ordering=action", "invalid_parameter"),
    ],
)
def test_bad_parameters(api: Any, north: Any, query: str, code: str) -> None:
    answer = api(north, "admin").get(f"{URL}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_an_entry_in_full(api: Any, north: Any, written: dict[str, int]) -> None:
    (row,) = api(north, "admin").get(f"{URL}?action=test.person").json()["results"]
    with in_library(north):
        branch = Branch.objects.get(code="main").pk
    assert row == {
        "id": str(written["person"]),
        "at": "2026-05-01T12:00:00Z",
        "action": "test.person",
        "actor": {"kind": "person", "id": "4711", "label": ""},
        "target_type": "branches.branch",
        "target_id": str(branch),
        "request_id": "request-of-person",
        "changes": {"n": 0},
        "personal": {"name": "Rita Reader"},
    }


def test_personal_values_need_a_permission_of_their_own(api: Any, north: Any, written: Any) -> None:
    with in_library(north):
        Role.objects.filter(code="librarian").update(permissions=["audit.view"], edited=True)
    answer = api(north, "librarian").get(f"{URL}?action=test.person")
    assert (answer.status_code, answer.json()["results"][0]["personal"]) == (200, None)
    for form in ("text/csv", "application/x-ndjson"):
        file = api(north, "librarian").get(URL, headers={"Accept": form}).content.decode()
        assert "test.person" in file
        assert "Rita" not in file
        assert "Rita" in api(north, "admin").get(URL, headers={"Accept": form}).content.decode()


def test_the_newest_come_first_in_pages_without_gap_or_repeat(api: Any, north: Any) -> None:
    with in_library(north):
        AuditEntry.objects.all().delete()
        # Two of each moment, written in another order than that of their moments.
        for day in (3, 1, 2):
            for _twin in range(2):
                record(action=f"day.{day}", by=SYSTEM, now=DAY + dt.timedelta(days=day))
    client, seen, url = api(north, "admin"), [], f"{URL}?page_size=1"
    while url:
        page = client.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    with in_library(north):
        assert seen == [
            str(pk) for pk in AuditEntry.objects.order_by("-at", "-pk").values_list("pk", flat=True)
        ]
    assert len(seen) == 6


def test_a_page_costs_the_same_for_few_and_for_many(
    api: Any, north: Any, django_assert_num_queries: Any
) -> None:
    client = api(north, "admin")
    for count in (1, 30):
        with in_library(north):
            for _entry in range(count):
                record(action="x.happened", by=SYSTEM, personal={"name": "x"})
        for form in ("application/json", "text/csv"):
            with django_assert_num_queries(3):  # the host, the caller, the entries
                assert client.get(URL, headers={"Accept": form}).status_code == 200


def test_each_site_shows_its_own_log(api: Any, public_api: Any, north: Any, south: Any, written: Any) -> None:
    record(action="only.platform", by=SYSTEM)
    owner = public_api(StaffRoleFactory(role="owner").user)
    assert found(owner, "action=only.platform", PLATFORM) == ["only.platform"]
    assert found(owner, "action=test.person", PLATFORM) == []
    assert found(api(north, "admin"), "action=only.platform") == []
    assert found(api(south, "admin"), "action=test.person") == []
    assert api(north, "admin").get(PLATFORM).status_code == 404
    assert owner.get(URL).status_code == 404


@pytest.mark.parametrize(("role", "sees"), [("support", False), ("operations", True), ("owner", True)])
def test_personal_values_of_the_platform(public_api: Any, role: str, sees: bool) -> None:
    record(action="only.platform", by=SYSTEM, personal={"reason": "Rita asked"})
    client = public_api(StaffRoleFactory(role=role).user)
    (row,) = client.get(f"{PLATFORM}?action=only.platform").json()["results"]
    assert row["personal"] == ({"reason": "Rita asked"} if sees else None)


# -- files ------------------------------------------------------------------------------------------------------------


def test_csv_of_a_range(api: Any, north: Any, written: Any) -> None:
    answer = api(north, "admin").get(
        f"{URL}?from=2026-05-01T00:00:00Z&to=2026-05-03T00:00:00Z", headers={"Accept": "text/csv"}
    )
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["action"] for row in rows] == ["test.staff", "test.person"]
    assert (rows[1]["actor.id"], json.loads(rows[1]["changes"])) == ("4711", {"n": 0})
    assert json.loads(rows[1]["personal"]) == {"name": "Rita Reader"}
    assert (rows[0]["actor.label"], rows[0]["personal"]) == ("Stella Staff", "")


def test_json_lines_have_the_shape_of_the_list(api: Any, north: Any, written: Any) -> None:
    client = api(north, "admin")
    answer = client.get(f"{URL}?actor=4711", headers={"Accept": "application/x-ndjson"})
    assert answer["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.content.decode().splitlines()]
    assert lines == client.get(f"{URL}?actor=4711").json()["results"]


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x")', "+1", "-1+1", "@x", "\tx", "\rx"])
def test_a_cell_is_no_formula(api: Any, north: Any, text: str) -> None:
    with in_library(north):
        record(action="x.happened", by=Actor("key", label=text))
    answer = api(north, "admin").get(f"{URL}?action=x.happened", headers={"Accept": "text/csv"})
    (row,) = csv.DictReader(io.StringIO(answer.content.decode(), newline=""))
    assert row["actor.label"] == f"'{text}"


@pytest.mark.parametrize("form", ["text/csv", "application/x-ndjson"])
def test_a_file_has_pages_where_somebody_asks_for_one(api: Any, north: Any, written: Any, form: str) -> None:
    client = api(north, "admin")
    whole = client.get(URL, headers={"Accept": form})
    assert "Link" not in whole
    page = client.get(f"{URL}?page_size=1", headers={"Accept": form})
    assert page.content != whole.content
    assert 'rel="next"' in page["Link"]
    answer = client.get(f"{URL}?cursor=x", headers={"Accept": form})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


def test_a_file_of_everything_has_an_end(
    api: Any, north: Any, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = api(north, "admin")
    assert client.get(URL, headers={"Accept": "image/png"}).status_code == 406
    monkeypatch.setattr(views, "EXPORT_LIMIT", 2)
    whole = "from=2026-05-01T00:00:00Z&to=2026-05-06T00:00:00Z"
    answer = client.get(f"{URL}?{whole}", headers={"Accept": "text/csv"})
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (
        400,
        "audit_export_too_large",
        2,
    )
    part = "from=2026-05-01T00:00:00Z&to=2026-05-03T00:00:00Z"
    assert client.get(f"{URL}?{part}", headers={"Accept": "text/csv"}).status_code == 200


# -- who ----------------------------------------------------------------------------------------------------------------


def test_nothing_but_reading() -> None:
    methods = {(e.site, e.method) for e in endpoints() if "/audit/" in e.path}
    assert methods == {("library", "GET"), ("public", "GET")}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_no_method_changes_the_log(api: Any, north: Any, written: dict[str, int], method: str) -> None:
    client = api(north, "admin")
    with in_library(north):
        before = list(AuditEntry.objects.order_by("pk").values())
    for address in (URL, f"{URL}{written['person']}/"):
        answer = getattr(client, method)(address, {"action": "forged"}, format="json")
        assert answer.status_code in (404, 405)
    with in_library(north):
        assert list(AuditEntry.objects.order_by("pk").values()) == before


def test_every_kind_of_actor_can_be_asked_for() -> None:
    from shared_apps.audit.selectors import ACTOR_KINDS

    kinds = {actor.kind for actor in ACTORS.values()}
    kinds |= {Principal(user_id=1).actor.kind, Principal().actor.kind, Principal(kind="key").actor.kind}
    assert kinds == set(ACTOR_KINDS)


# -- indexes ------------------------------------------------------------------------------------------------------------

RANGE = "from=2026-05-01T00:00:00Z&to=2026-05-03T00:00:00Z"


@pytest.mark.parametrize(
    "query",
    [
        "",
        RANGE,
        f"{RANGE}&request_id=request-of-staff",
        f"{RANGE}&actor=4711",
        f"{RANGE}&action=test.key",
        "target_type=branches.branch&target_id=1",
    ],
)
def test_a_page_of_a_long_log_is_found_by_an_index(api: Any, north: Any, written: Any, query: str) -> None:
    """20,000 entries: the newest, those of a range of time with any filter, and those of a row."""
    with in_library(north), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditentry (at, action, target_type, target_id, actor_kind, actor_user_id,"
            " actor_label, request_id, changes) SELECT now() - n * interval '1 minute', 'filler.' || n % 40,"
            " 'catalog.title', n::text, 'person', n % 200, '', 'filler-' || n, '{}'"
            " FROM generate_series(1, 20000) n"
        )
    client = api(north, "admin")
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"{URL}?{query}").status_code == 200
    with in_library(north), connection.cursor() as cursor:
        # Requests may not ANALYZE, and nobody else sees these rows: without statistics the planner guesses how many.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {queries[-1]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert re.search(r"(using|Scan on) audit_(auditentry_at|entry_target)", plan), plan
