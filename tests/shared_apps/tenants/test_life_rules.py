"""The table of a library's life: every command in every status, and what a way there and back leads to."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_apps.tenants.models import LibraryStatus
from shared_apps.tenants.rules import STANDINGS, TRANSITIONS, Command, Life, after, is_due_for_erasure

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)
STATUSES = tuple(LibraryStatus.values)
C = Command
# status: what each command leads to; "-" is refused. In the order of Command.
TABLE = {
    "provisioning": "trialing active - - - - - - provisioning",
    "trialing": "trialing active past_due restricted suspended trialing closed trialing -",
    "active": "- active past_due restricted suspended active closed active -",
    "past_due": "- active past_due restricted suspended past_due closed past_due -",
    "restricted": "- active restricted restricted suspended trialing closed restricted -",
    "suspended": "- suspended suspended - suspended trialing closed suspended -",
    "closed": "- - - - - - closed trialing closed",
    "deleted": "- - - - - - - - deleted",
}


def a_life(status: str, standing: str = "trialing") -> Life:
    holds = {status: NOW} if status in ("restricted", "suspended", "closed") else {}
    return Life(status=status, standing=standing, holds=holds)


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(STATUSES)
    assert set(TRANSITIONS) == set(Command)
    assert all(len(row.split()) == len(Command) for row in TABLE.values())


@pytest.mark.parametrize(("status", "command"), list(itertools.product(STATUSES, Command)))
def test_every_command_in_every_status(status: str, command: Command) -> None:
    expected = TABLE[status].split()[list(Command).index(command)]
    found = after(a_life(status), command, NOW)
    assert ("-" if found is None else found.status) == expected


@pytest.mark.parametrize("standing", sorted(STANDINGS))
@pytest.mark.parametrize(
    "way",
    [
        (C.SUSPEND, C.RESUME),
        (C.RESTRICT, C.RESUME),
        (C.RESTRICT, C.SUSPEND, C.RESUME),
        (C.CLOSE, C.RESTORE),
        (C.SUSPEND, C.CLOSE, C.RESTORE, C.RESUME),
        (C.RESTRICT, C.SUSPEND, C.CLOSE, C.RESTORE, C.RESUME),
    ],
)
def test_there_and_back_is_where_it_was(standing: str, way: tuple[Command, ...]) -> None:
    life: Life | None = a_life(standing, standing="past_due")  # what the row says besides is old
    for command in way:
        assert life is not None
        life = after(life, command, NOW)
    assert life is not None
    assert (life.status, dict(life.holds)) == (standing, {})


def test_restoring_does_not_lift_a_suspension() -> None:
    life = after(a_life("active"), C.SUSPEND, NOW)
    assert life is not None
    closed = after(life, C.CLOSE, NOW + dt.timedelta(days=1))
    assert closed is not None
    restored = after(closed, C.RESTORE, NOW + dt.timedelta(days=2))
    assert restored is not None
    assert (restored.status, dict(restored.holds)) == ("suspended", {"suspended": NOW})


def test_what_billing_learns_during_a_suspension_holds_after_it() -> None:
    life = after(a_life("active"), C.SUSPEND, NOW)
    assert life is not None
    late = after(life, C.MARK_PAST_DUE, NOW)
    assert late is not None
    assert (late.status, late.standing) == ("suspended", "past_due")
    resumed = after(late, C.RESUME, NOW)
    assert resumed is not None
    assert resumed.status == "past_due"


@given(st.sampled_from(sorted(STANDINGS)), st.lists(st.sampled_from(sorted(Command))))
def test_a_command_that_was_carried_out_may_be_repeated(standing: str, commands: list[str]) -> None:
    life = a_life(standing)
    for name in commands:
        found = after(life, Command(name), NOW)
        if found is None:
            continue
        assert after(found, Command(name), NOW + dt.timedelta(seconds=9)) == found or name == C.ERASE
        life = found
    assert life.status in STATUSES
    # What shows is what holds it back most.
    strongest = next((hold for hold in ("closed", "suspended", "restricted") if hold in life.holds), None)
    assert life.status == (strongest or life.standing if life.holds else life.status)


@pytest.mark.parametrize("command", [c for c in Command if c not in (C.ERASE, C.CLOSE)])
def test_nothing_leads_back_once_the_erasure_has_begun(command: Command) -> None:
    life = Life("closed", "active", {"closed": NOW}, is_being_erased=True)
    assert after(life, command, NOW) is None
    assert after(life, C.ERASE, NOW) is not None


@pytest.mark.parametrize(
    ("life", "due"),
    [
        (Life("closed", "active", {"closed": NOW - dt.timedelta(days=30)}), True),
        (Life("closed", "active", {"closed": NOW - dt.timedelta(days=29, hours=23)}), False),
        (Life("closed", "active", {"closed": NOW}, is_being_erased=True), True),
        (Life("closed", "active", {}), False),
        (Life("suspended", "active", {"suspended": NOW - dt.timedelta(days=400)}), False),
        (Life("active", "active", {}), False),
        (Life("provisioning", "active", {}), True),
        (Life("deleted", "active", {"closed": NOW - dt.timedelta(days=400)}), False),
    ],
)
def test_when_a_library_is_erased(life: Life, due: bool) -> None:
    assert is_due_for_erasure(life, kept=dt.timedelta(days=30), now=NOW) is due
