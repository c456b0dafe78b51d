"""What a library has: titles, the people and subjects they are found by, copies, and the imports they came
from.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q

from saas.core.fields import Versioned
from tenant_apps.access.models import Share
from tenant_apps.branches.models import Branch
from tenant_apps.collections.models import Collection


class Contributor(models.Model):
    """A person, body or meeting with a part in titles; one row for each normalised name of a kind."""

    kind = models.CharField(max_length=10)
    name = models.CharField(max_length=500)
    normalised_name = models.CharField(max_length=500)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "normalised_name"], name="catalog_contributor_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Subject(models.Model):
    """A subject heading."""

    heading = models.CharField(max_length=500)
    normalised_heading = models.CharField(max_length=500, unique=True)

    def __str__(self) -> str:
        return self.heading


class Title(Versioned):
    """A bibliographic record: the MARC record unharmed, and the columns read from it.

    `marc` is the zlib-compressed canonical ISO 2709 record. `control_number` is unique where the record has
    one.
    """

    control_number = models.CharField(max_length=120, blank=True)
    title = models.CharField(max_length=1000)
    subtitle = models.CharField(max_length=1000, blank=True)
    statement = models.CharField(max_length=1000, blank=True)
    sort_title = models.CharField(max_length=200)
    publisher = models.CharField(max_length=500, blank=True)
    place = models.CharField(max_length=500, blank=True)
    year = models.SmallIntegerField(null=True)
    language = models.CharField(max_length=3, blank=True)
    material_type = models.CharField(max_length=20)
    edition = models.CharField(max_length=500, blank=True)
    extent = models.CharField(max_length=500, blank=True)
    series = models.CharField(max_length=500, blank=True)
    classification = models.CharField(max_length=100, blank=True)
    summary = models.TextField(blank=True)
    isbns = ArrayField(models.CharField(max_length=13), default=list)
    issns = ArrayField(models.CharField(max_length=9), default=list)
    urls = ArrayField(models.CharField(max_length=1000), default=list)
    contributors = models.ManyToManyField(Contributor, through="TitleContributor", related_name="titles")
    subjects = models.ManyToManyField(Subject, through="TitleSubject", related_name="titles")
    marc = models.BinaryField()
    marc_hash = models.CharField(max_length=64)
    search = SearchVectorField()
    title_search = SearchVectorField()
    # No index: a page of one collection's titles is read along the primary key, and to add one would lock the table.
    collection = models.ForeignKey(
        Collection, on_delete=models.PROTECT, null=True, db_index=False, related_name="titles"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["control_number"],
                condition=~Q(control_number=""),
                name="catalog_title_control_number",
            ),
        ]
        indexes: ClassVar = [
            GinIndex(fields=["search"], name="catalog_title_search"),
            GinIndex(fields=["title_search"], name="catalog_title_title_search"),
            GinIndex(fields=["isbns"], name="catalog_title_isbns"),
            models.Index(fields=["sort_title", "id"], name="catalog_title_sort"),
            # An incoming record that equals a stored one is found by its hash, before anything is read out of
            # it.
            models.Index(fields=["marc_hash"], name="catalog_title_marc_hash"),
        ]

    def __str__(self) -> str:
        return self.title


class TitleShare(Share):
    """A title shared with a person: `view_title`, and beside it `change_title` where they may edit it."""

    content_object = models.ForeignKey(Title, on_delete=models.CASCADE, related_name="shares")

    class Meta(Share.Meta):
        abstract = False


class Word(models.Model):
    """A folded word that stands in some title, name or subject: what misspelt searches are compared with.

    Words are added with their titles and never taken away; a suggestion is checked for hits before it is
    made.
    """

    word = models.CharField(max_length=40, primary_key=True)

    class Meta:
        indexes: ClassVar = [
            GinIndex(fields=["word"], opclasses=["gin_trgm_ops"], name="catalog_word_trigrams"),
        ]

    def __str__(self) -> str:
        return self.word


class TitleContributor(models.Model):
    """A contributor's part in a title, in the record's order."""

    title = models.ForeignKey(Title, on_delete=models.CASCADE, related_name="contributions")
    contributor = models.ForeignKey(Contributor, on_delete=models.CASCADE, related_name="contributions")
    role = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["title", "position"], name="catalog_contribution_position"),
        ]

    def __str__(self) -> str:
        return f"{self.contributor_id} {self.role} {self.title_id}"


class TitleSubject(models.Model):
    """A subject of a title, in the record's order."""

    title = models.ForeignKey(Title, on_delete=models.CASCADE, related_name="subject_links")
    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="title_links")
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["title", "subject"], name="catalog_title_subject_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.subject_id} {self.title_id}"


class ItemType(Versioned):
    """What loan rules tell copies apart by: book, dvd, ..."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.code


class Copy(Versioned):
    """A physical copy of a title. Availability is computed, never stored: a lost and lent copy is both."""

    title = models.ForeignKey(Title, on_delete=models.PROTECT, related_name="copies")
    barcode = models.CharField(max_length=64, unique=True)
    item_type = models.ForeignKey(ItemType, on_delete=models.PROTECT, related_name="copies")
    home_branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+")
    current_branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+")
    call_number = models.CharField(max_length=100, blank=True)
    replacement_price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    lost_at = models.DateTimeField(null=True, blank=True)
    damaged_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    not_for_loan = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "copies"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(replacement_price=None) | Q(replacement_price__gte=0), name="catalog_copy_price"
            ),
        ]

    def __str__(self) -> str:
        return self.barcode


class ImportState(models.TextChoices):
    """An import is queued, then running, then one of the three ends."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ImportJob(models.Model):
    """One uploaded file. `next_number` and `next_offset` say where a killed worker's successor goes on.

    `attempts` counts the starts since the last batch that was kept: a job that never gets on is given up.
    """

    state = models.CharField(max_length=12, choices=ImportState.choices, default=ImportState.QUEUED)
    file = models.CharField(max_length=200)
    file_name = models.CharField(max_length=255)
    file_size = models.BigIntegerField()
    file_sha256 = models.CharField(max_length=64, db_index=True)
    format = models.CharField(max_length=20, blank=True)
    dry_run = models.BooleanField(default=False)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    next_number = models.PositiveIntegerField(default=1)
    next_offset = models.BigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    error_detail = models.CharField(max_length=500, blank=True)
    cancel_requested = models.BooleanField(default=False)
    created_by = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=ImportState.values), name="catalog_import_state"),
            # The same file can wait or run once only; afterwards it may come again and changes nothing.
            models.UniqueConstraint(
                fields=["file_sha256", "dry_run"],
                condition=Q(state__in=["queued", "running"]),
                name="catalog_import_same_file_once",
            ),
        ]

    def __str__(self) -> str:
        return f"import {self.pk} ({self.state})"

    @property
    def total(self) -> int:
        """Records read so far: the sum of the four outcomes."""
        return self.created + self.updated + self.unchanged + self.rejected


class ImportRecord(models.Model):
    """What became of one record of the file: its number (from 1), byte offset, outcome and reason."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="records")
    number = models.PositiveIntegerField()
    offset = models.BigIntegerField()
    outcome = models.CharField(max_length=10)
    code = models.CharField(max_length=60, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    # What the record calls itself, also where no title came of it (rejected, dry run).
    label = models.CharField(max_length=200, blank=True)
    title = models.ForeignKey(Title, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "number"], name="catalog_import_record_number"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["job", "outcome", "number"], name="catalog_import_record_outcome")
        ]

    def __str__(self) -> str:
        return f"record {self.number} of import {self.job_id}: {self.outcome}"
