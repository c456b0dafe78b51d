"""The asynchronous peers: what both share decides as the product does, and both serve every measured address."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest

from saas.core import clock
from saas.core.tenancy import LibraryContext, in_library
from tenant_apps.access.rules import NEED_FACTOR, PERMISSIONS
from tests.benchmarks.peers.asgi_parts import loan_rules, pages, permissions, refusals, tokens
from tests.benchmarks.peers.asgi_parts.libraries import Libraries, Library
from tests.benchmarks.peers.asgi_parts.refusals import Refused
from tests.benchmarks.registry import BenchmarkRefused
from tests.benchmarks.requests import run
from tests.benchmarks.requests.ours import SECRET_KEY
from tests.benchmarks.requests.servers import Variant
from tests.benchmarks.requests.sizes import FASTAPI, LITESTAR, OURS

NOW = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
PROJECT = Path(__file__).resolve().parents[2]


def refuses(code: str, work: Callable[[], Any]) -> None:
    with pytest.raises(Refused) as refused:
        work()
    assert refused.value.code == code


@pytest.fixture
def of_north(north: LibraryContext) -> Library:
    return Library(str(north.id), north.schema_name)


def token_of(north: LibraryContext, settings: Any, **changes: Any) -> str:
    """A token as the product makes it, under the key of the benchmark."""
    from saas.core.jwt import LibraryTokenBackend

    settings.SECRET_KEY = SECRET_KEY
    now = int(time.time())
    claims = {"token_type": "access", "exp": now + 600, "iat": now, "jti": "a", "sub": "2", **changes}
    with in_library(north):
        return LibraryTokenBackend().encode(claims)


def test_a_token_of_the_product_is_taken_and_others_are_refused(
    north: LibraryContext, south: LibraryContext, of_north: Library, settings: Any
) -> None:
    good = token_of(north, settings)
    assert tokens.claims_of(f"Bearer {good}", of_north)["sub"] == "2"
    neighbour = Library(str(south.id), south.schema_name)
    refuses("token_invalid", lambda: tokens.claims_of(f"Bearer {good}", neighbour))
    refuses("token_invalid", lambda: tokens.claims_of(f"Bearer {good[:-2]}", of_north))
    refuses("not_authenticated", lambda: tokens.claims_of(None, of_north))
    refuses("not_authenticated", lambda: tokens.claims_of(f"Basic {good}", of_north))
    old = token_of(north, settings, exp=int(time.time()) - 60)
    refuses("token_invalid", lambda: tokens.claims_of(f"Bearer {old}", of_north))
    refresh = token_of(north, settings, token_type="refresh")
    refuses("token_invalid", lambda: tokens.claims_of(f"Bearer {refresh}", of_north))
    unsigned = jwt.encode(jwt.decode(good, options={"verify_signature": False}), "", algorithm="none")
    refuses("token_invalid", lambda: tokens.claims_of(f"Bearer {unsigned}", of_north))


def test_a_token_ends_with_the_password(north: LibraryContext, of_north: Library, settings: Any) -> None:
    from saas.core.jwt import password_fingerprint

    settings.SECRET_KEY = SECRET_KEY
    with in_library(north):
        claims = {"pwd": password_fingerprint("the hash")}
    tokens.require_password(claims, of_north, "the hash")
    refuses("token_invalid", lambda: tokens.require_password(claims, of_north, "another hash"))
    refuses("token_invalid", lambda: tokens.require_password({}, of_north, "the hash"))


def test_permissions_are_those_of_the_product() -> None:
    assert set(permissions.ALL_PERMISSIONS) == set(PERMISSIONS)
    assert frozenset(NEED_FACTOR) == permissions.NEED_FACTOR


def grant(role: str = "librarian", branch: str | None = None, collection: str | None = None) -> Any:
    names = ["catalog.view", "circulation.lend"]
    return SimpleNamespace(id="1", role=role, permissions=names, branch=branch, collection=collection)


def caller(*grants: Any) -> permissions.Caller:
    return permissions.Caller(2, "a@b.example", "A", "", grants)


def test_a_role_holds_where_it_was_given() -> None:
    at_east = caller(grant(branch="east")).combine(factor_asked=False, has_factor=False)
    at_east.require("circulation.lend", "east")
    refuses("permission_denied", lambda: at_east.require("circulation.lend", "main"))
    refuses("permission_denied", lambda: at_east.require("circulation.lend"))
    everywhere = caller(grant()).combine(factor_asked=True, has_factor=False)
    everywhere.require("circulation.lend", "main")
    refuses("permission_denied", lambda: everywhere.require("rules.manage"))


def test_an_admin_without_the_factor_that_is_asked_for_may_do_nothing() -> None:
    caller(grant("admin")).combine(factor_asked=True, has_factor=True).require("roles.manage")
    caller(grant("admin")).combine(factor_asked=False, has_factor=False).require("roles.manage")
    lacking = caller(grant("admin")).combine(factor_asked=True, has_factor=False)
    refuses("permission_denied", lambda: lacking.require("catalog.view"))


def rule(name: str, value: Any, **scope: int) -> Any:
    return SimpleNamespace(
        **{"id": 7, "name": name, "value": value, "branch_id": None, "category_id": None}
        | {"item_type_id": None}
        | scope
    )


def terms(rules: list[Any], loans: int = 0) -> tuple[datetime, dict[str, Any]]:
    lent = [SimpleNamespace(branch_id=1, item_type_id=2)] * loans
    return loan_rules.terms(rules, lent, branch_id=1, item_type_id=2, time_zone="Europe/Rome", now=NOW)


def test_the_most_specific_rule_decides_and_the_day_ends_by_the_branchs_clock() -> None:
    rules = [rule("loan_period_days", 28), rule("loan_period_days", 21, branch_id=1), rule("loan_limit", 3)]
    due_at, decided = terms(rules)
    # 23:30 in UTC is the 21st in Rome.
    assert due_at == datetime(2026, 12, 12, 22, 59, 59, tzinfo=UTC)
    assert decided["loan_period_days"]["value"] == 21
    terms(rules, loans=2)
    refuses("limit_reached", lambda: terms(rules, loans=3))
    refuses("limit_reached", lambda: terms([*rules[:2], rule("overall_loan_limit", 1)], loans=1))
    refuses("no_rule", lambda: terms([]))


def test_who_may_not_borrow_is_refused() -> None:
    loan_rules.require_patron(None, date(2026, 11, 21), "Europe/Rome", NOW)
    refuses("patron_expired", lambda: loan_rules.require_patron(None, date(2026, 11, 20), "Europe/Rome", NOW))
    refuses("patron_blocked", lambda: loan_rules.require_patron(clock.now(), None, "Europe/Rome", NOW))


def test_cursors_come_back_as_they_went() -> None:
    address = pages.address("http", "north", "/api/v1/titles/", 50, 2421)
    assert address.startswith("http://north/api/v1/titles/?page_size=50&cursor=")
    cursor = address.rpartition("=")[2]
    assert pages.title_position(cursor) == 2421
    assert pages.title_position(None) == pages.LAST_ID
    refuses("invalid_cursor", lambda: pages.title_position("bm8"))
    refuses("invalid_cursor", lambda: pages.position("\xff"))


def test_a_refusal_is_a_problem_document() -> None:
    found = refusals.problem(Refused("copy_on_loan"), "an-id")
    assert (found["code"], found["status"], found["request_id"]) == ("copy_on_loan", 409, "an-id")


def test_a_host_is_looked_up_once_and_an_unknown_one_is_refused() -> None:
    import asyncio

    asked: list[str] = []

    async def look_up(host: str) -> Library | None:
        asked.append(host)
        return Library("1", "lib_north") if host == "north.localhost" else None

    libraries = Libraries(look_up)

    async def work() -> None:
        for host in ("North.localhost:80", "north.localhost"):
            assert (await libraries.at(host)).search_path == "lib_north, extensions"
        with pytest.raises(Refused):
            await libraries.at("elsewhere.localhost")

    asyncio.run(work())
    assert asked == ["north.localhost", "elsewhere.localhost"]


def test_without_their_packages_the_benchmark_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    run.require_packages([OURS, Variant("there", needs=("orjson",))])
    absent = [Variant("absent", needs=("no_such_package", "orjson"))]
    with pytest.raises(
        BenchmarkRefused, match=r"no_such_package not installed. Once `uv sync --group peers`"
    ):
        run.require_packages(absent)


def test_what_the_peers_need_is_in_their_group_alone() -> None:
    import tomllib

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    names = {line.partition(">=")[0].partition("[")[0] for line in groups["peers"]}
    assert {*FASTAPI.needs, *LITESTAR.needs} == names
    assert "peers" not in project["tool"]["uv"]["default-groups"]
    others = [*project["project"]["dependencies"], *groups["dev"], *groups["embedded"]]
    assert names.isdisjoint(line.partition(">=")[0].partition("[")[0].lower() for line in others)


@pytest.mark.slow
@pytest.mark.parametrize("peer", [FASTAPI, LITESTAR], ids=lambda peer: peer.needs[0])
def test_every_measured_address_is_served_without_django(peer: Variant) -> None:
    if any(find_spec(need) is None for need in peer.needs):
        # (not in .ci/run, which installs the group)
        with pytest.raises(BenchmarkRefused, match="uv sync --group peers"):
            run.require_packages([peer])
        return
    module, _, name = peer.serves.partition(":")
    script = f"""
import os, sys
os.environ |= {{"REDIS_URL": "redis://localhost", "DATABASE_OWNER_URL": "postgresql://u@localhost/none"}}
from {module} import {name} as served
assert "django" not in sys.modules
app = served.app
paths = app.openapi()["paths"] if hasattr(app, "openapi") else [route.path for route in app.routes]
paths = {{path.rstrip("/") for path in paths}}
for path in ("titles", "branches", "me", "loans", "returns"):
    assert f"/api/v1/{{path}}" in paths, (path, paths)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
