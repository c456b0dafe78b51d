"""Every address takes the statements that docs/queries.md gives it, with one row and with fifty, in every library."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core.tenancy import hosts
from tests.budget.conftest import Stage
from tests.budget.measuring import Measured, measure
from tests.budget.page import COLUMNS, PAGE, page, read
from tests.budget.requests import REFUSALS
from tests.budget.rows import SCOPED
from tests.permissions.inventory import Endpoint, endpoints
from tests.permissions.matrix import ADMIN, OWNER

pytestmark = pytest.mark.django_db
TABLE = read()
RENEW = "look why; if it is meant: uv run python -m tests.budget"
CELLS = [
    pytest.param(endpoint, caller, id=f"{endpoint}-{caller}")
    for endpoint in endpoints()
    for caller in ([ADMIN, SCOPED] if endpoint.site == "library" else [ADMIN])
]
# Lists of the release or of the platform's configuration, which have no fifty rows.
OF_FIXED_LENGTH = {
    "GET /api/v1/plans/",
    "GET /api/v1/permissions/",
    "GET /api/v1/platform/migrations/",
}
# Lists of which the scoped caller sees as many as the admin.
SHOWN_TO_DESKS = {f"GET /api/v1/{name}/" for name in ("titles", "search", "copies", "patrons", "loans")}


@pytest.fixture(autouse=True)
def _hosts_are_known(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in production, where the process knows the hosts that it has served."""
    settings.LIBRARY_HOST_CACHE_SECONDS = 60
    monkeypatch.setattr(hosts, "_cache", None)
    monkeypatch.setattr(hosts.watch, "has_changed", lambda: False)


def taken(stage: Stage, endpoint: Endpoint, caller: str) -> Measured:
    """Of an endpoint in north or on the public site."""
    name = OWNER if endpoint.site == "public" else caller
    return measure(stage.scenes, endpoint, stage.scenes.of(endpoint.site), name, stage.rows)


@pytest.mark.parametrize(("endpoint", "caller"), CELLS)
def test_it_takes_what_the_table_says(stage: Stage, endpoint: Endpoint, caller: str, found: Any) -> None:
    measured = taken(stage, endpoint, caller)
    if caller == ADMIN:
        assert measured.status == measured.expected
        assert measured.status < 400 or (endpoint.site, endpoint.key) in REFUSALS
    shows_all = caller == ADMIN or endpoint.key in SHOWN_TO_DESKS
    if measured.listed is not None and shows_all and endpoint.key not in OF_FIXED_LENGTH:
        assert measured.listed >= stage.rows, "tests/budget/rows.py makes too few of what this list shows"
    if found(endpoint.site, endpoint.key, caller, stage.rows, measured.cell):
        return
    row = TABLE[endpoint.site].get(endpoint.key)
    assert row is not None, f"docs/queries.md knows nothing of {endpoint}: {RENEW}"
    expected = row[COLUMNS.index((caller, stage.rows))]
    assert measured.cell == expected, "\n".join([RENEW, *measured.sent.commands])


@pytest.mark.parametrize("stage", [1], ids=["1 row"], indirect=True)
@pytest.mark.parametrize("endpoint", [e for e in endpoints() if e.site == "library"], ids=str)
def test_in_the_second_library_it_takes_as_much(stage: Stage, endpoint: Endpoint) -> None:
    """The process has served north before: what it remembers of one library is no use to another, and no harm."""
    measured = measure(stage.scenes, endpoint, stage.scenes.south, ADMIN, stage.rows)
    assert measured.status == measured.expected
    assert measured.cell == TABLE["library"][endpoint.key][0], "\n".join(measured.sent.commands)


def test_fifty_rows_take_no_more_than_one() -> None:
    grown = {
        f"{site} {key}": row
        for site, rows in TABLE.items()
        for key, row in rows.items()
        if row[0] != row[1] or (row[2] != row[3])
    }
    assert grown == {}


def test_every_line_is_of_an_address() -> None:
    known = {(e.site, e.key) for e in endpoints()}
    assert {(site, key) for site, rows in TABLE.items() for key in rows} == known
    assert set(REFUSALS) <= known


def test_the_page_is_as_it_would_be_written() -> None:
    assert PAGE.read_text() == page(TABLE)
