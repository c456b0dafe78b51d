"""Which title an incoming record is, decided without a database."""

from __future__ import annotations

from tenant_apps.catalog.rules.matching import KnownTitles, Outcome
from tenant_apps.catalog.rules.rows import Record
from tests.tenant_apps.catalog.records import parsed


def record(title: str, number: str = "") -> Record:
    return Record(parsed(title, control_number=number))


def test_an_unknown_record_is_created() -> None:
    outcome, slot = KnownTitles().place(record("Emma", "n1"))
    assert outcome is Outcome.CREATED
    assert slot.title_id is None
    assert slot.record is not None


def test_an_equal_record_is_unchanged_and_not_written() -> None:
    known, emma = KnownTitles(), record("Emma", "n1")
    known.add(title_id=7, version=3, number="n1", hash=emma.hash)
    outcome, slot = known.place(emma)
    assert outcome is Outcome.UNCHANGED
    assert (slot.title_id, slot.record) == (7, None)


def test_the_same_number_with_another_text_is_an_update() -> None:
    known, emma = KnownTitles(), record("Emma, revised", "n1")
    known.add(title_id=7, version=3, number="n1", hash="old")
    outcome, slot = known.place(emma)
    assert outcome is Outcome.UPDATED
    assert (slot.title_id, slot.version, slot.record) == (7, 3, emma)


def test_a_later_record_of_the_same_number_updates_the_one_before() -> None:
    known = KnownTitles()
    first, second = record("Emma", "n1"), record("Emma 2", "n1")
    (created, slot), (updated, same) = known.place(first), known.place(second)
    assert (created, updated) == (Outcome.CREATED, Outcome.UPDATED)
    assert same is slot
    assert slot.record is second


def test_a_record_that_comes_twice_in_a_file_is_unchanged_the_second_time() -> None:
    known = KnownTitles()
    outcomes = [known.place(record("Emma", number))[0] for number in ("n1", "n1", "", "")]
    assert outcomes == [Outcome.CREATED, Outcome.UNCHANGED, Outcome.CREATED, Outcome.UNCHANGED]


def test_back_to_the_stored_text_is_an_update_too() -> None:
    known, stored = KnownTitles(), record("Emma", "n1")
    known.add(title_id=7, version=1, number="n1", hash=stored.hash)
    assert known.place(record("Emma 2", "n1"))[0] is Outcome.UPDATED
    outcome, slot = known.place(stored)
    assert outcome is Outcome.UPDATED, "the title has another text by now, whatever is stored"
    assert slot.record is stored


def test_two_titles_without_a_number_and_with_different_texts_are_two() -> None:
    known = KnownTitles()
    assert known.place(record("Emma"))[1] is not known.place(record("Persuasion"))[1]


def test_what_the_lock_shows_counts_until_the_run_has_decided() -> None:
    known = KnownTitles()
    known.add(title_id=7, version=1, number="n1", hash="a")
    known.add(title_id=7, version=2, number="n1", hash="b")  # changed by hand between look and lock
    _, slot = known.place(record("Emma", "n1"))
    assert slot.version == 2
    known.add(title_id=7, version=9, number="n1", hash="c")  # the run knows better now
    assert slot.version == 2


def test_only_what_is_not_known_is_looked_up() -> None:
    known, emma, other = KnownTitles(), record("Emma", "n1"), record("Persuasion", "n2")
    assert sorted(known.missing_hashes([emma, other])) == sorted([emma.hash, other.hash])
    known.add(title_id=7, version=1, number="n1", hash=emma.hash)
    assert known.missing_hashes([emma, other]) == [other.hash]
    assert known.missing_numbers([emma, other, record("No number")]) == ["n2"]


def test_a_title_that_is_about_to_change_is_locked_although_it_is_known_by_its_text() -> None:
    known, stored, changed = KnownTitles(), record("Emma", "n1"), record("Emma 2", "n1")
    known.add(title_id=7, version=1, number="n1", hash=stored.hash)
    assert known.missing_numbers([changed, stored]) == ["n1"]


def test_a_dry_run_keeps_titles_and_lets_their_text_go() -> None:
    known = KnownTitles()
    _, slot = known.place(record("Emma", "n1"))
    known.forget_records()
    assert slot.record is None
    assert known.place(record("Emma", "n1"))[0] is Outcome.UNCHANGED
