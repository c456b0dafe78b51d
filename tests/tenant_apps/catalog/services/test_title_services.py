"""Adding and changing titles: record, columns, links, vectors and audit move together or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core.errors import NotFound, PreconditionFailed
from saas.core.principals import SYSTEM, Actor
from shared_apps.audit.models import AuditEntry
from tenant_apps.catalog import selectors, services
from tenant_apps.catalog.errors import RecordNotWritable
from tenant_apps.catalog.marc import extract
from tenant_apps.catalog.models import Contributor, Subject, Title, TitleContributor, Word
from tenant_apps.catalog.rules.editing import read_stored
from tests.tenant_apps.catalog.records import NOW, add_title, draft

CATALOGUER = Actor(kind="person", user_id=7)


def test_a_title_is_written_whole(in_north: Any) -> None:
    title = add_title(
        "Emma",
        subtitle="a novel",
        by=["Austen, Jane"],
        subjects=["Matchmaking"],
        isbns=["0141439580"],
        year=1815,
        language="eng",
    )
    assert (title.title, title.year, title.language, title.isbns) == ("Emma", 1815, "eng", ["9780141439587"])
    assert (title.version, title.material_type, title.sort_title) == (1, "book", "emma a novel")
    assert [part.contributor.name for part in title.contributions.all()] == ["Austen, Jane"]
    assert [link.subject.heading for link in title.subject_links.all()] == ["Matchmaking"]
    assert set(Word.objects.values_list("word", flat=True)) == {
        "emma",
        "novel",
        "austen",
        "jane",
        "matchmaking",
    }
    assert extract(read_stored(selectors.marc_of(title))).isbns == ("9780141439587",)


def test_two_titles_share_their_author_and_subject(in_north: Any) -> None:
    add_title("Emma", by=["Austen, Jane"], subjects=["Marriage"])
    add_title("Persuasion", by=["AUSTEN, Jane"], subjects=["marriage"])
    assert Contributor.objects.count() == 1
    assert Subject.objects.count() == 1
    assert TitleContributor.objects.count() == 2


def test_adding_is_audited(in_north: Any) -> None:
    title = services.add_title(draft=draft("Emma"), by=CATALOGUER, now=NOW)
    entry = AuditEntry.objects.get(action="title.created")
    assert (entry.target_id, entry.actor_user_id) == (str(title.pk), 7)


def test_what_does_not_fit_into_a_record_changes_nothing(in_north: Any) -> None:
    with pytest.raises(RecordNotWritable):
        add_title("ab", summary="x" * 5_000, by=[f"{'n' * 290}{at}" for at in range(400)])
    assert not Title.objects.exists()
    assert not Word.objects.exists()


def test_a_change_writes_the_next_version(in_north: Any) -> None:
    title = add_title("Emma", by=["Austen, Jane"], subjects=["Marriage"])
    changed = services.change_title(
        title_id=title.pk, changes={"title": "Persuasion", "subjects": ["Bath"]}, by=CATALOGUER, now=NOW
    )
    assert (changed.title, changed.version) == ("Persuasion", 2)
    assert [link.subject.heading for link in changed.subject_links.all()] == ["Bath"]
    assert [part.contributor.name for part in changed.contributions.all()] == ["Austen, Jane"]
    assert changed.created_at == title.created_at
    entry = AuditEntry.objects.get(action="title.changed")
    assert entry.changes == {"fields": ["subjects", "title"]}


def test_a_change_that_changes_nothing_keeps_version_and_log(in_north: Any) -> None:
    title = add_title("Emma", isbns=["9780141439587"])
    same = services.change_title(title_id=title.pk, changes={"isbns": ["9780141439587"]}, by=SYSTEM, now=NOW)
    assert same.version == 1
    assert not AuditEntry.objects.filter(action="title.changed").exists()


def test_year_and_publisher_are_kept_where_one_of_them_changes(in_north: Any) -> None:
    title = add_title("Emma", publisher="Murray", place="London", year=1815)
    changed = services.change_title(title_id=title.pk, changes={"year": 1816}, by=SYSTEM, now=NOW)
    assert (changed.publisher, changed.place, changed.year) == ("Murray", "London", 1816)


def test_a_refused_version_changes_nothing(in_north: Any) -> None:
    title = add_title("Emma")

    def refuse(_row: Title) -> None:
        raise PreconditionFailed

    with pytest.raises(PreconditionFailed):
        services.change_title(title_id=title.pk, changes={"title": "X"}, by=SYSTEM, now=NOW, expect=refuse)
    title.refresh_from_db()
    assert (title.title, title.version) == ("Emma", 1)


def test_a_title_that_is_not_there(in_north: Any) -> None:
    with pytest.raises(NotFound):
        services.change_title(title_id=1, changes={"title": "X"}, by=SYSTEM, now=NOW)


def test_a_title_of_one_library_is_not_in_another(in_north: Any, south: Any) -> None:
    from saas.core.tenancy import in_library

    title = add_title("Emma")
    with in_library(south):
        assert not Title.objects.exists()
        with pytest.raises(NotFound):
            services.change_title(title_id=title.pk, changes={"title": "X"}, by=SYSTEM, now=NOW)
