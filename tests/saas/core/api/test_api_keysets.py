"""Pages over real rows in SQLite: every row once, in order, whatever is null, equal, added or removed."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connections, models
from django.db.models.functions import Length
from django.test.utils import CaptureQueriesContext, isolate_apps
from rest_framework.response import Response

from saas.core.api import cursors
from saas.core.api.pagination import KeysetPagination
from saas.core.api.views import ApiViewSet

Call = Callable[..., Any]
ALIAS = "keysets"

with isolate_apps("saas.core"):

    class Branch(models.Model):  # noqa: DJ008
        name = models.CharField(max_length=20)

        class Meta:
            app_label = "core"

    class Copy(models.Model):  # noqa: DJ008
        branch = models.ForeignKey(Branch, models.CASCADE)
        shelf = models.CharField(max_length=20)
        due_at = models.DateTimeField(null=True)
        price = models.DecimalField(max_digits=6, decimal_places=2, default=Decimal("1.00"))

        class Meta:
            app_label = "core"


@pytest.fixture(scope="module")
def database(django_db_blocker: Any) -> Iterator[str]:
    connections.databases[ALIAS] = {
        **connections.databases["default"],
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "OPTIONS": {},
        "HOST": "",
    }
    with django_db_blocker.unblock():
        with connections[ALIAS].schema_editor() as editor:
            editor.create_model(Branch)
            editor.create_model(Copy)
        yield ALIAS
        connections[ALIAS].close()
    del connections[ALIAS]
    del connections.databases[ALIAS]


@pytest.fixture
def copies(database: str) -> models.QuerySet[Copy]:
    """Twenty-three copies: two branches, three shelves, every fourth without a due date, equal prices."""
    Copy.objects.using(database).all().delete()
    Branch.objects.using(database).all().delete()
    branches = [Branch.objects.using(database).create(name=name) for name in ("north", "south")]
    start = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    for n in range(23):
        Copy.objects.using(database).create(
            branch=branches[n % 2],
            shelf="abc"[n % 3],
            due_at=None if n % 4 == 0 else start + dt.timedelta(hours=n * 7 % 5),
        )
    return Copy.objects.using(database)


class CopyViewSet(ApiViewSet):
    permissions = {"list": None}
    pagination_class = KeysetPagination
    query_parameters = frozenset({"shelf"})
    ordering_fields = {"shelf": "shelf", "due_at": "due_at", "branch": "branch__name", "price": "price"}
    default_ordering = "shelf"
    rows: Any = None
    as_dicts = False

    def get_queryset(self) -> Any:
        rows = type(self).rows.all()
        shelf = self.request.query_params.get("shelf")
        return rows.filter(shelf=shelf) if shelf else rows

    def list(self, request: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response([{"id": copy.pk, "shelf": copy.shelf} for copy in page or []])


@pytest.fixture
def view(copies: Any) -> type[CopyViewSet]:
    return type("Copies", (CopyViewSet,), {"rows": copies})


@pytest.fixture
def fetch(call: Call, view: type[CopyViewSet]) -> Callable[[str], Any]:
    def get(address: str) -> Any:
        return call(view, address=address, actions={"get": "list"})

    return get


Fetch = Callable[[str], Any]


def walk(fetch: Fetch, address: str, way: str = "next") -> tuple[list[list[int]], str]:
    """Follow `way` to the end. Return the ids of each page and the address of the last one."""
    pages = []
    while True:
        body = json.loads(fetch(address).content)
        pages.append([row["id"] for row in body["results"]])
        if body[way] is None:
            return pages, address
        address = body[way]


@pytest.mark.parametrize(
    "ordering",
    [
        "shelf", "-shelf", "due_at", "-due_at", "branch", "-branch,due_at", "due_at,-shelf", "-due_at,-branch",
        "price,-due_at,shelf",
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 4, 23, 100])
def test_every_row_once_in_order_forth_and_back(fetch: Fetch, copies: Any, ordering: str, size: int) -> None:
    expected = [copy.pk for copy in sorted(copies.select_related("branch"), key=sort_key(ordering))]
    pages, last = walk(fetch, f"/api/v1/copies/?ordering={ordering}&page_size={size}")
    assert [pk for page in pages for pk in page] == expected
    assert {len(page) for page in pages[:-1]} <= {size}
    back, _first = walk(fetch, last, "previous")
    assert [pk for page in reversed(back) for pk in page] == expected


def sort_key(ordering: str) -> Callable[[Any], Any]:
    """What the pages must equal, said in plain Python: nulls last ascending, first descending."""
    names = ordering.split(",")

    def key(copy: Any) -> list[Any]:
        parts: list[Any] = []
        for name in names:
            bare = name.removeprefix("-")
            value = copy.branch.name if bare == "branch" else getattr(copy, bare)
            rank = (1, 0) if value is None else (0, number(value))
            parts.append(tuple(-part for part in rank) if name.startswith("-") else rank)
        parts.append(-copy.pk if names[-1].startswith("-") else copy.pk)
        return parts

    return key


def number(value: Any) -> float:
    if isinstance(value, dt.datetime):
        return value.timestamp()
    if isinstance(value, str):
        return float(sum(ord(char) * 256**-at for at, char in enumerate(value)))
    return float(value)


def test_one_query_a_page_and_no_count(fetch: Fetch, copies: Any) -> None:
    address = "/api/v1/copies/?ordering=branch,due_at&page_size=5"
    for _page in range(3):
        with CaptureQueriesContext(connections[ALIAS]) as queries:
            body = json.loads(fetch(address).content)
        assert len(queries) == 1
        sql = queries[0]["sql"].upper()
        assert "COUNT(" not in sql
        assert "OFFSET" not in sql
        assert "LIMIT 6" in sql
        address = body["next"]


def test_the_cost_of_a_page_does_not_grow_with_its_rows(fetch: Fetch, copies: Any) -> None:
    for size in (1, 20):
        with CaptureQueriesContext(connections[ALIAS]) as queries:
            fetch(f"/api/v1/copies/?page_size={size}")
        assert len(queries) == 1


def test_rows_added_before_and_removed_do_not_shift_the_next_page(fetch: Fetch, copies: Any) -> None:
    first = json.loads(fetch("/api/v1/copies/?ordering=shelf&page_size=5").content)
    expected = json.loads(fetch(first["next"]).content)["results"]
    branch = Branch.objects.using(ALIAS).first()
    assert branch is not None
    for _row in range(3):
        Copy.objects.using(ALIAS).create(branch=branch, shelf="A")  # sorts before everything
    copies.filter(pk=first["results"][0]["id"]).delete()
    copies.filter(pk=first["results"][-1]["id"]).delete()  # the row that the cursor stands on
    assert json.loads(fetch(first["next"]).content)["results"] == expected


def test_an_empty_page_leads_back_to_the_last_rows(fetch: Fetch, copies: Any) -> None:
    first = json.loads(fetch("/api/v1/copies/?page_size=20").content)
    copies.exclude(pk__in=[row["id"] for row in first["results"]]).delete()
    beyond = json.loads(fetch(first["next"]).content)
    assert (beyond["results"], beyond["next"]) == ([], None)
    again = json.loads(fetch(beyond["previous"]).content)
    assert again["results"] == first["results"]


def test_an_empty_list_has_no_neighbours(fetch: Fetch, copies: Any) -> None:
    copies.all().delete()
    assert json.loads(fetch("/api/v1/copies/").content) == {"next": None, "previous": None, "results": []}


def test_filters_stay_in_the_addresses(fetch: Fetch, copies: Any) -> None:
    pages, last = walk(fetch, "/api/v1/copies/?shelf=b&page_size=3")
    assert sum(map(len, pages)) == copies.filter(shelf="b").count()
    assert parse_qs(urlsplit(last).query)["shelf"] == ["b"]


def test_the_page_size_may_change_on_the_way(fetch: Fetch) -> None:
    first = json.loads(fetch("/api/v1/copies/?page_size=2").content)
    second = fetch(first["next"].replace("page_size=2", "page_size=7"))
    assert len(json.loads(second.content)["results"]) == 7


@pytest.mark.parametrize("size", ["0", "101", "-1", "1.5", "x", "", "99999999999999999999", "٣", "1e1"])
def test_a_page_size_outside_1_to_100_is_refused(fetch: Fetch, size: str) -> None:
    response = fetch(f"/api/v1/copies/?page_size={size}")
    assert (response.status_code, response.data["code"]) == (400, "invalid_parameter")
    assert response.data["errors"][0]["field"] == "page_size"


@pytest.mark.parametrize("size", ["1", "100"])
def test_a_page_size_at_the_edge_is_taken(fetch: Fetch, size: str) -> None:
    assert fetch(f"/api/v1/copies/?page_size={size}").status_code == 200


def test_25_rows_unless_told(fetch: Fetch, copies: Any) -> None:
    Copy.objects.using(ALIAS).bulk_create(
        Copy(branch_id=copies.first().branch_id, shelf="z") for _ in range(9)
    )
    assert len(json.loads(fetch("/api/v1/copies/").content)["results"]) == 25


@pytest.mark.parametrize(
    "ordering",
    ["password", "branch__name", "-", "shelf,shelf", "shelf,-shelf", "--shelf", "shelf,,due_at", "pk"],
)
def test_only_declared_names_order(fetch: Fetch, ordering: str) -> None:
    response = fetch(f"/api/v1/copies/?ordering={ordering}")
    assert (response.status_code, response.data["errors"][0]["field"]) == (400, "ordering")
    assert "shelf" in response.data["detail"]


def cursor_of(fetch: Fetch, address: str = "/api/v1/copies/?page_size=3&ordering=shelf") -> str:
    address = json.loads(fetch(address).content)["next"]
    return parse_qs(urlsplit(address).query)["cursor"][0]


def refused(response: Any) -> bool:
    return response.status_code == 400 and response.data["code"] == "invalid_cursor"


def test_a_cursor_works_where_it_was_made(fetch: Fetch) -> None:
    assert fetch(f"/api/v1/copies/?ordering=shelf&cursor={cursor_of(fetch)}").status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/copies/?ordering=-shelf&cursor={}",
        "/api/v1/copies/?cursor={}",
        "/api/v1/copies/?ordering=shelf&shelf=a&cursor={}",
        "/api/v1/copies/elsewhere/?ordering=shelf&cursor={}",
        "/api/v1/copies/?ordering=shelf&cursor=x{}",
        "/api/v1/copies/?ordering=shelf&cursor={}x",
        "/api/v1/copies/?ordering=shelf&cursor=",
        "/api/v1/copies/?ordering=shelf&cursor=nonsense",
        "/api/v1/copies/?ordering=shelf&cursor=" + "x" * 4096,
        "/api/v1/copies/?ordering=shelf&cursor=" + "%C3%A8" * 10,
    ],
)
def test_a_cursor_works_nowhere_else(fetch: Fetch, address: str) -> None:
    assert refused(fetch(address.format(cursor_of(fetch))))


def test_every_changed_character_is_noticed(fetch: Fetch) -> None:
    cursor = cursor_of(fetch)
    for at in range(0, len(cursor), 7):
        swapped = "A" if cursor[at] != "A" else "B"
        assert refused(
            fetch(f"/api/v1/copies/?ordering=shelf&cursor={cursor[:at]}{swapped}{cursor[at + 1 :]}")
        )


def test_a_cursor_of_one_library_is_nothing_in_another(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursors, "current_schema", lambda: "library_a")
    cursor = cursor_of(fetch)
    address = f"/api/v1/copies/?ordering=shelf&cursor={cursor}"
    assert fetch(address).status_code == 200
    monkeypatch.setattr(cursors, "current_schema", lambda: "library_b")
    assert refused(fetch(address))


def test_rows_as_dicts_and_annotated_orderings(call: Call, copies: Any) -> None:
    class Dicts(CopyViewSet):
        ordering_fields = ("length",)
        default_ordering = ("-length", "shelf")
        rows = copies.annotate(length=Length("shelf")).values("id", "shelf", "length")

        def list(self, request: Any) -> Response:
            return self.get_paginated_response(self.paginate_queryset(self.get_queryset()))

    def get(address: str) -> Any:
        return call(Dicts, address=address, actions={"get": "list"})

    pages, _last = walk(get, "/api/v1/copies/?page_size=10")
    assert [pk for page in pages for pk in page] == [c.pk for c in copies.order_by("shelf", "pk")]


def test_the_document_of_a_page() -> None:
    pages = KeysetPagination()
    schema = pages.get_paginated_response_schema({"type": "array"})
    assert schema["required"] == ["next", "previous", "results"]
    named = {p["name"] for p in pages.get_schema_operation_parameters(CopyViewSet)}
    assert named == KeysetPagination.query_parameters
