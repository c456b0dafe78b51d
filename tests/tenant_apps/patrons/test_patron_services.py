"""Registering and changing patrons and their cards."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.utils import translation

from saas.core.db.questions import Questions
from saas.core.errors import NotFound, PreconditionFailed
from saas.core.principals import SYSTEM
from saas.core.seeding import LibrarySeed
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry, AuditPersonalValues
from tenant_apps.patrons import selectors
from tenant_apps.patrons.errors import AccountLinked, CardNumberTaken, PatronCategoryTaken
from tenant_apps.patrons.models import Card, Patron, PatronCategory
from tenant_apps.patrons.services import (
    create_category,
    create_patron,
    link_account,
    report_card_lost,
    seed_library,
    update_patron,
)
from tests.tenant_apps.circulation.factories import (
    BranchFactory,
    CardFactory,
    PatronFactory,
    category,
    everything,
    main_branch,
)

pytestmark = pytest.mark.usefixtures("in_north")
NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)


def register(*numbers: str, **more: Any) -> Patron:
    values = {
        "name": "Ada Lovelace",
        "category": category("adult"),
        "home_branch": main_branch(),
        "card_numbers": list(numbers),
        "by": SYSTEM,
        "now": NOW,
        **more,
    }
    return create_patron(**values)


def change(patron: Patron, **changes: Any) -> Patron:
    return update_patron(patron_id=patron.pk, changes=changes, by=SYSTEM, now=LATER)  # type: ignore[arg-type]


def cards(patron: Patron) -> dict[str, bool]:
    """Number to whether it is valid."""
    return {card.number: card.lost_at is None for card in Card.objects.filter(patron=patron)}


def test_a_new_library_has_adults_and_children() -> None:
    assert set(PatronCategory.objects.values_list("code", flat=True)) == {"adult", "child"}


@pytest.mark.parametrize(("language", "adult"), [("en", "Adult"), ("it", "Adulto")])
def test_the_categories_are_named_in_the_librarys_language(in_north: Any, language: str, adult: str) -> None:
    with translation.override(language):
        seed_library(LibrarySeed(in_north, "a@b.example", "A", "!", language, "IT", "Europe/Rome", NOW))

    assert PatronCategory.objects.get(code="adult").name == adult
    assert PatronCategory.objects.count() == 2


def test_a_category_is_made_once() -> None:
    create_category(code="student", name="Student", by=SYSTEM, now=NOW)
    before = everything()

    with pytest.raises(PatronCategoryTaken):
        create_category(code="student", name="Pupil", by=SYSTEM, now=NOW)

    assert everything() == before


def test_a_patron_has_all_cards_from_the_start() -> None:
    patron = register("C1", "C2", email="ada@example.org", expires_on=dt.date(2027, 1, 1))

    patron.refresh_from_db()
    assert cards(patron) == {"C1": True, "C2": True}
    assert (patron.email, patron.expires_on, patron.created_at, patron.version) == (
        "ada@example.org",
        dt.date(2027, 1, 1),
        NOW,
        1,
    )


def test_personal_values_stand_apart_from_the_audit_entry() -> None:
    patron = register("C-SECRET", email="ada@example.org", birth_date=dt.date(1990, 12, 10))
    change(
        patron,
        name="Ada King",
        email="king@example.org",
        card_numbers=["C-NEWER"],
        expires_on=dt.date(2028, 1, 1),
    )

    made, changed = AuditEntry.objects.filter(
        target_id=str(patron.pk), target_type="patrons.patron"
    ).order_by("id")
    for entry in (made, changed):
        for value in ("Ada", "ada@", "king@", "1990", "C-SECRET", "C-NEWER"):
            assert value not in str(entry.changes)
    assert AuditPersonalValues.objects.get(entry=made).values == {
        "name": "Ada Lovelace",
        "email": "ada@example.org",
        "birth_date": "1990-12-10",
        "card_numbers": ["C-SECRET"],
    }
    assert AuditPersonalValues.objects.get(entry=changed).values == {
        "name": ["Ada Lovelace", "Ada King"],
        "email": ["ada@example.org", "king@example.org"],
        "card_numbers": ["C-NEWER"],
    }
    assert changed.changes == {"expires_on": [None, "2028-01-01"], "cards": 1}


@pytest.mark.parametrize(
    ("numbers", "fields"),
    [
        (["FREE", "TAKEN"], ["card_numbers.1"]),
        (["X", "Y", "X"], ["card_numbers.2"]),
        (["LOST"], ["card_numbers.0"]),
    ],
)
def test_a_card_number_is_given_once_for_ever(numbers: list[str], fields: list[str]) -> None:
    other = PatronFactory(card="TAKEN")
    CardFactory(patron=other, number="LOST", lost_at=NOW)
    before = everything()

    with pytest.raises(CardNumberTaken) as refused:
        register(*numbers)

    assert [problem.field for problem in refused.value.errors] == fields
    assert {problem.code for problem in refused.value.errors} == {"card_number_taken"}
    assert everything() == before
    assert register("FREE").pk


def test_the_index_is_the_last_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another desk may give the number away between our look and our insert."""
    PatronFactory(card="TAKEN")
    before = everything()
    original = Card.objects.filter
    monkeypatch.setattr(
        Card.objects,
        "filter",
        lambda **wanted: original(pk=None) if "number__in" in wanted else original(**wanted),
    )

    with pytest.raises(CardNumberTaken) as refused:
        register("TAKEN")

    assert [problem.field for problem in refused.value.errors] == ["card_numbers"]
    assert everything() == before


def test_a_card_left_out_is_lost_and_one_listed_again_is_found() -> None:
    patron = register("OLD", "KEPT")

    change(patron, card_numbers=["KEPT", "NEW"])
    assert cards(patron) == {"OLD": False, "KEPT": True, "NEW": True}
    assert Card.objects.get(number="OLD").lost_at == LATER

    change(patron, card_numbers=["OLD"])
    assert cards(patron) == {"OLD": True, "KEPT": False, "NEW": False}
    assert Patron.objects.get(pk=patron.pk).version == 3


def test_a_failing_list_of_cards_changes_nothing_at_all() -> None:
    PatronFactory(card="TAKEN")
    patron = register("MINE")
    before = everything()

    with pytest.raises(CardNumberTaken) as refused:
        change(patron, name="Other", card_numbers=["NEW", "TAKEN"])
    assert [problem.field for problem in refused.value.errors] == ["card_numbers.1"]
    with pytest.raises(CardNumberTaken):
        change(patron, card_numbers=["MINE", "MINE"])

    assert everything() == before


def test_a_change_that_changes_nothing_writes_nothing() -> None:
    patron = register("C1")
    before = everything()

    change(patron, name="Ada Lovelace", home_branch=main_branch(), card_numbers=["C1"])

    assert everything() == before


def test_a_move_to_another_branch_is_recorded_by_code() -> None:
    patron = register("C1")

    change(patron, home_branch=BranchFactory(code="harbour"), category=category("child"))

    entry = AuditEntry.objects.get(action="patron.changed")
    assert entry.changes == {"home_branch": ["main", "harbour"], "category": ["adult", "child"]}


def test_a_failed_expectation_changes_nothing() -> None:
    patron = register("C1")
    before = everything()

    def refuse(row: Patron) -> None:
        raise PreconditionFailed

    with pytest.raises(PreconditionFailed):
        update_patron(patron_id=patron.pk, changes={"name": "X"}, by=SYSTEM, now=NOW, expect=refuse)

    assert everything() == before


def test_who_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        update_patron(patron_id=999_999, changes={"name": "X"}, by=SYSTEM, now=NOW)
    with pytest.raises(NotFound):
        report_card_lost(card_number="nothing", by=SYSTEM, now=NOW)
    with pytest.raises(NotFound):
        link_account(patron_id=999_999, user_id=1, by=SYSTEM, now=NOW)


def test_a_card_is_reported_lost_once() -> None:
    patron = register("C1", "C2")

    report_card_lost(card_number="C1", by=SYSTEM, now=LATER)
    before = everything()
    report_card_lost(card_number="C1", by=SYSTEM, now=LATER + dt.timedelta(days=1))

    assert everything() == before
    assert cards(patron) == {"C1": False, "C2": True}
    entry = AuditEntry.objects.get(action="patron.card_lost")
    assert "C1" not in str(entry.changes)


def test_an_account_acts_as_one_patron() -> None:
    reader = User.objects.get(email="reader@north.example")
    patron, other = register("C1"), register("C2")

    link_account(patron_id=patron.pk, user_id=reader.pk, by=SYSTEM, now=NOW)
    before = everything()
    link_account(patron_id=patron.pk, user_id=reader.pk, by=SYSTEM, now=NOW)
    with pytest.raises(AccountLinked):
        link_account(patron_id=other.pk, user_id=reader.pk, by=SYSTEM, now=NOW)

    assert everything() == before
    patron.refresh_from_db()
    assert (patron.user, patron.version) == (reader, 2)


def test_a_reader_is_told_which_patron_they_are() -> None:
    reader = User.objects.get(email="reader@north.example")
    own = Questions(lambda: {"patron": selectors.own_patron()})
    assert own.answers(user=reader.pk) == {"patron": None}
    patron = register("C2", "C1", "GONE")
    link_account(patron_id=patron.pk, user_id=reader.pk, by=SYSTEM, now=NOW)
    report_card_lost(card_number="GONE", by=SYSTEM, now=NOW)

    told = json.loads(own.answers(user=reader.pk)["patron"])
    assert told == {"id": str(patron.pk), "card_numbers": ["C2", "C1"]}


def test_a_valid_card_signs_its_patrons_account_in_and_a_lost_one_does_not() -> None:
    reader = User.objects.get(email="reader@north.example")
    patron = register("C1", "LOST")
    register("UNLINKED")
    link_account(patron_id=patron.pk, user_id=reader.pk, by=SYSTEM, now=NOW)
    report_card_lost(card_number="LOST", by=SYSTEM, now=NOW)

    found = {number: selectors.user_id_for_card(number) for number in ("C1", "LOST", "UNLINKED", "nothing")}

    assert found == {"C1": reader.pk, "LOST": None, "UNLINKED": None, "nothing": None}
