"""From requests to rows, with servers that answer from memory."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
import psycopg
import pytest

from saas.core.tenancy import LibraryContext
from tests import database
from tests.benchmarks.registry import BenchmarkRefused, Options
from tests.benchmarks.requests import choices, measure
from tests.benchmarks.requests.cases import CHECKOUT, LIST, RETURN, Call, Case, cases, mix, refusals
from tests.benchmarks.requests.data import Desk
from tests.benchmarks.requests.load import Load
from tests.benchmarks.requests.run import ONE_RUN, database_url, notes, scratch_database
from tests.benchmarks.requests.servers import PROJECT, Answer, Variant
from tests.benchmarks.requests.sizes import (
    CLIENTS,
    FULL,
    OURS,
    PEERS,
    PLAIN,
    QUICK,
    USUAL,
    VARIANTS,
    size_of,
    variants,
)
from tests.benchmarks.requests.targets import TARGETS

DESK = Desk([7, 8], ["B1", "B2"], ["C1", "C2"], "B9", "C-lost", "C-full", {"titles": 2_000})


class Fake:
    """A server that answers each call with its status and one body, and remembers the order of calls."""

    def __init__(
        self, variant: Variant, order: list[str], body: Any = None, milliseconds: float = 1.0
    ) -> None:
        self.variant, self.order, self.milliseconds = variant, order, milliseconds
        self.body = {"code": "refused"} if body is None else body
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        self.statuses: dict[str, int] = {}
        self.whole: list[bool] = []
        self.paths: list[str] = []

    def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        self.order.append(self.variant.name)
        self.paths.append(path)
        return Answer(self.status or self.statuses.get(path, 200), orjson.dumps(self.body))

    def timed(self, method: str, path: str, body: bytes | None = None) -> tuple[float, Answer]:
        return self.milliseconds, self.send(method, path, body)

    def ask(self, question: str) -> Any:
        self.asked.append(question)
        stopped = question == "trace/stop" and self.whole
        return {"statements": 4, "whole": self.whole.pop(0) if stopped else True, "texts": []}

    def log_tail(self) -> str:
        return "the log"


def servers(**options: Any) -> dict[str, Any]:
    order: list[str] = []
    return {variant.name: Fake(variant, order, **options) for variant in VARIANTS}


def one_call(row: str = LIST) -> Case:
    return Case("list", row, 2, lambda _number: [Call(row, "GET", "/list/")])


def test_equal_answers_pass_the_comparison() -> None:
    running = servers(body={"results": []})
    measure.compare(running, one_call())
    assert running[OURS.name].order[:3] == [OURS.name, USUAL.name, PLAIN.name]


def test_a_different_answer_ends_the_run_before_anything_is_timed() -> None:
    running = servers(body={"results": []})
    running[PLAIN.name].body = {"results": [1]}
    with pytest.raises(BenchmarkRefused, match="list of 50 titles: the answers of ours and plain Django"):
        measure.compare(running, one_call())


def test_an_error_ends_the_run_with_the_servers_log() -> None:
    running = servers(body={"results": []})
    running[USUAL.name].status = 500
    with pytest.raises(
        BenchmarkRefused, match=r"usual DRF answers 500 and not 200: .*; its log ends with: the log"
    ):
        measure.compare(running, one_call())


def test_refusing_for_another_reason_ends_the_run() -> None:
    call = Call("a copy on loan", "POST", "/loans/", b"{}", 409)
    running = servers(body={"code": "copy_on_loan"})
    for server in running.values():
        server.status = 409
    measure.compare_refusals(running, [call])
    running[USUAL.name].body = {"code": "no_rule"}
    with pytest.raises(BenchmarkRefused, match="a copy on loan: refused with different codes"):
        measure.compare_refusals(running, [call])


def test_lending_what_must_be_refused_ends_the_run() -> None:
    running = servers(body={"code": "copy_on_loan"})
    running[OURS.name].status, running[PLAIN.name].status = 409, 409
    running[USUAL.name].status = 201
    with pytest.raises(BenchmarkRefused, match="a copy on loan: usual DRF"):
        measure.compare_refusals(running, [Call("a copy on loan", "POST", "/loans/", b"{}", 409)])


def test_variants_are_timed_in_turns() -> None:
    running = servers(body={})
    order = running[OURS.name].order
    said: list[str] = []
    times, rounds = measure.time_all(running, [one_call()], Options(quick=True, say=said.append))
    assert rounds == QUICK.rounds
    assert order == [name for _round in range(rounds) for variant in VARIANTS for name in [variant.name] * 2]
    assert times == {variant.name: {LIST: 1.0} for variant in VARIANTS}
    assert said == ["timing: list of 50 titles ..."]


def test_statements_are_counted_for_each_request_on_its_own() -> None:
    running = servers(body={})
    pair = Case(
        "checkout", CHECKOUT, 1, lambda _number: [Call(CHECKOUT, "GET", "/a/"), Call(RETURN, "GET", "/b/")]
    )
    assert measure.statements_of(running[OURS.name], [pair]) == {CHECKOUT: 4, RETURN: 4}
    assert running[OURS.name].asked == ["trace/start", "trace/stop"] * 2


def test_a_session_begins_with_a_sign_in_at_the_librarys_host() -> None:
    server: Any = Fake(OURS, [], body={"access": "a-token"})
    measure.sign_in(server)
    assert server.headers["Host"] == "north.localhost"
    assert server.headers["Authorization"] == "Bearer a-token"
    server.status = 401
    with pytest.raises(BenchmarkRefused, match="signing in: ours answers 401"):
        measure.sign_in(server)


def test_where_a_connection_was_opened_the_whole_case_is_sent_again() -> None:
    server: Any = Fake(OURS, [], body={})
    pair = Case(
        "checkout",
        CHECKOUT,
        1,
        lambda number: [Call(CHECKOUT, "GET", f"/lend/{number}/"), Call(RETURN, "GET", f"/return/{number}/")],
    )
    server.whole = [False, True, True, True]
    assert measure.statements_of_case(server, pair) == {CHECKOUT: 4, RETURN: 4}
    first = measure.WARM_UP
    # What was lent is returned before another copy is lent, though the first count was no good.
    assert server.paths == [
        f"/lend/{first}/",
        f"/return/{first}/",
        f"/lend/{first + 1}/",
        f"/return/{first + 1}/",
    ]
    server.whole = [False] * 2 * measure.TRIES
    with pytest.raises(BenchmarkRefused, match="checkout: ours opens a connection for each request"):
        measure.statements_of_case(server, pair)


def test_rows_compare_ours_with_each_peer_and_each_peer_has_its_targets() -> None:
    times = {OURS.name: {LIST: 2.0}, USUAL.name: {LIST: 20.0}, PLAIN.name: {LIST: 10.0}}
    statements = {OURS.name: {LIST: 2}, USUAL.name: {LIST: 8}, PLAIN.name: {LIST: 4}}
    rows = measure.rows_of(times, statements)
    assert [(row.name, row.unit, row.peer_name, row.ratio, row.met) for row in rows] == [
        (LIST, "ms", USUAL.name, 10.0, True),
        (LIST, "ms", PLAIN.name, 5.0, None),
        (f"{LIST}: statements", "statements", USUAL.name, 4.0, None),
        (f"{LIST}: statements", "statements", PLAIN.name, 2.0, None),
    ]


def test_without_peers_ours_is_shown_alone() -> None:
    rows = measure.rows_of({OURS.name: {LIST: 2.0}}, {OURS.name: {LIST: 3}})
    assert [(row.name, row.ours, row.peer_name, row.ratio) for row in rows] == [
        (LIST, 2.0, None, None),
        (f"{LIST}: statements", 3, None, None),
    ]


def test_the_memory_of_ours_has_a_target_and_what_is_not_known_has_no_row() -> None:
    memory = {
        OURS.name: {"rss": 161.0, "pss": None},
        USUAL.name: {"rss": 80.5, "pss": None},
    }
    rows = measure.rows_of_memory(memory)
    assert [(row.name, row.peer_name, row.ratio, row.met) for row in rows] == [
        ("memory of the worker", None, None, False),
        ("memory of the worker", USUAL.name, 0.5, None),
    ]
    known = measure.rows_of_memory({OURS.name: {"rss": 160.0, "pss": 100.0}})
    assert [(row.name, row.ours, row.met) for row in known] == [
        ("memory of the worker", 160.0, True),
        ("memory of the worker, its part of what is shared", 100.0, None),
    ]
    assert measure.in_mebibytes({"rss": 3 * 2**20, "pss": None}) == {"rss": 3.0, "pss": None}


def test_every_target_belongs_to_a_peer_and_a_measured_row() -> None:
    rows = {call.row for case in cases(DESK) for call in case.calls(0)}
    for peer, targets in TARGETS.items():
        assert peer in {variant.name for variant in PEERS.values()}
        assert targets.keys() <= rows
    assert RETURN in rows


def test_the_names_of_the_command_line_are_those_of_cases_and_peers() -> None:
    assert (*(case.key for case in cases(DESK)), choices.LOAD) == choices.ROWS
    assert tuple(PEERS) == choices.PEERS


def test_ours_is_served_as_the_image_serves_it() -> None:
    image = (PROJECT / "Dockerfile").read_text()
    (command,) = (orjson.loads(line[4:]) for line in image.splitlines() if line.startswith('CMD ["granian'))
    assert command[-1] == OURS.serves
    assert command[command.index("--blocking-threads") + 1] == str(OURS.threads)
    at = command.index(OURS.arguments[0])
    assert tuple(command[at : at + len(OURS.arguments)]) == OURS.arguments


def test_peers_are_chosen_by_name() -> None:
    assert variants(None) == VARIANTS
    assert variants([]) == (OURS,)
    assert variants(["plain"]) == (OURS, PLAIN)


def test_clients_at_once_never_share_a_copy_or_a_card_and_return_what_they_lend() -> None:
    desk = Desk([1], [f"B{n}" for n in range(100)], [f"C{n}" for n in range(20)], "", "", "", {})
    lent: dict[str, set[int]] = {}
    for client in range(CLIENTS):
        for unit in mix(desk, client, CLIENTS):
            assert len(unit) == (2 if unit[0].row == CHECKOUT else 1)
            if unit[0].row == CHECKOUT:
                body = orjson.loads(unit[0].body or b"")
                assert orjson.loads(unit[1].body or b"")["copy_barcode"] == body["copy_barcode"]
                for named in (body["copy_barcode"], body["card_number"]):
                    lent.setdefault(named, set()).add(client)
    assert len(lent) == 4 * CLIENTS
    assert all(len(clients) == 1 for clients in lent.values())


def test_a_checkout_is_always_followed_by_its_return() -> None:
    (desk,) = (case for case in cases(DESK) if case.name == CHECKOUT)
    for number in range(5):
        lent, returned = desk.calls(number)
        assert lent.body is not None
        assert returned.body is not None
        assert (lent.path, returned.path) == ("/api/v1/loans/", "/api/v1/returns/")
        assert orjson.loads(lent.body)["copy_barcode"] == orjson.loads(returned.body)["copy_barcode"]


def test_refusals_expect_no_success() -> None:
    assert {call.status for call in refusals(DESK)} == {404, 409}


def test_quick_is_smaller_in_every_way() -> None:
    assert size_of(quick=True) is QUICK
    assert size_of(quick=False) is FULL
    assert (QUICK.titles, QUICK.rounds, QUICK.seconds) < (FULL.titles, FULL.rounds, FULL.seconds)
    # Under three minutes with the data and the starts, which take a third of that on two busy cores.
    assert QUICK.seconds <= 60


def found(rounds: int, load: dict[str, Load] | None = None) -> measure.Found:
    return measure.Found(statements={}, times={}, rounds=rounds, load=load or {}, memory={})


def test_notes_say_the_size_and_that_it_is_sized_down() -> None:
    quick = notes({"titles": 2_470, "copies": 6_175}, found(7), quick=True)
    assert quick[0].startswith("Sized down by --quick: 2,470 titles, 6,175 copies; 7 rounds")
    assert notes({"titles": 20_254}, found(21), quick=False)[0].startswith("Full size: 20,254 titles")
    assert len(quick) == 2


def test_notes_say_what_the_clients_at_once_cost() -> None:
    load = {OURS.name: Load(100, 1, 2, 3, 0.03), USUAL.name: Load(100, 1, 2, 3, 0.12)}
    assert "it used up to 12% of a core" in notes({}, found(7, load), quick=True)[2]


def test_the_scratch_database_is_on_the_same_server() -> None:
    socket = "postgresql://postgres@:5432/libraryhub?host=/run/somewhere"
    assert database_url(socket, "scratch") == "postgresql://postgres@:5432/scratch?host=/run/somewhere"
    assert database_url("postgresql://u:p@db:5433/lh", "scratch") == "postgresql://u:p@db:5433/scratch"


def test_no_policy_of_the_product_can_end_a_run() -> None:
    from django.conf import settings

    from saas.core.tenancy import in_library
    from tests.benchmarks.requests.limits import OUT_OF_REACH, resolve
    from tests.benchmarks.requests.ours import RATE_LIMIT_RESOLVER, RATE_LIMITS

    assert set(RATE_LIMITS) == set(settings.RATE_LIMITS)
    assert {quota for quota, _seconds in RATE_LIMITS.values()} == {OUT_OF_REACH}
    assert f"{resolve.__module__}.{resolve.__name__}" == RATE_LIMIT_RESOLVER
    with in_library(library_of_plan("free")):
        assert resolve("library", "lib_north") == (OUT_OF_REACH, 60)
        assert resolve("burst", "lib_north") is None


def library_of_plan(plan: str) -> LibraryContext:
    return LibraryContext(uuid.uuid4(), "lib_north", "north", "North", "active", plan, "north.localhost")


def test_a_server_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise psycopg.OperationalError("connection refused")

    monkeypatch.setattr(database, "maintenance_connection", fails)
    with pytest.raises(BenchmarkRefused, match="PostgreSQL does not answer: connection refused"):
        with scratch_database():
            pytest.fail("there is no database")


@pytest.mark.django_db
def test_one_run_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "copy_template", lambda *_: pytest.fail("the second run made a database"))
    with database.maintenance_connection() as first:
        # Held by us or by a benchmark that is running now.
        first.execute("SELECT pg_try_advisory_lock(%s)", [ONE_RUN])
        with pytest.raises(BenchmarkRefused, match="another run is measuring"):
            with scratch_database():
                pytest.fail("two runs at once")
