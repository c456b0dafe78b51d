"""What the fleet is made of: releases of the library apps' migrations, and every library-shaped schema."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Release(models.Model):
    """One state of the library apps' migrations, and how to make a schema of it without running them.

    `key` is the SHA-256 (hex) of the sorted "app.name" of every migration of the library apps; `script` replays into
    an empty schema (saas.core.schemas), and is "" where schemas have to be made by the ordinary migrations;
    `fingerprint` and `shape` are those of a schema made by them (`fingerprint` "" where it holds an unknown object), as
    PostgreSQL of the major version `server` prints its catalogue.
    """

    key = models.CharField(primary_key=True, max_length=64)
    migrations = models.JSONField()
    script = models.TextField()
    fingerprint = models.CharField(max_length=64)
    shape = models.CharField(max_length=64)
    server = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.key)[:12]


class SchemaState(models.TextChoices):
    """Whose a schema is."""

    SPARE = "spare", _("spare")
    TAKEN = "taken", _("taken")
    UNFINISHED = "unfinished", _("unfinished")


class LibrarySchema(models.Model):
    """One library-shaped schema: a spare that waits for its library, or a library's.

    An unfinished one is being made by migrations that need several transactions; where its maker died, the refill of
    the spares drops it.

    `release` is the key of the release whose migrations it has, written in the transaction that migrates it. `error`
    is what its last migration died of ("" once it succeeded).
    """

    name = models.CharField(primary_key=True, max_length=63)
    state = models.CharField(max_length=10, choices=SchemaState.choices)
    release = models.CharField(max_length=64, db_index=True)
    made_at = models.DateTimeField(default=timezone.now)
    migrated_at = models.DateTimeField(default=timezone.now)
    error = models.TextField(blank=True, default="", db_default="")
    failed_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=SchemaState.values), name="fleet_libraryschema_state"
            ),
        ]
        # Claims look for spares of the current release; there are few of them among thousands of rows.
        indexes: ClassVar = [
            models.Index(fields=["release", "name"], condition=models.Q(state="spare"), name="fleet_spares"),
        ]

    def __str__(self) -> str:
        return str(self.name)


class Backfill(models.Model):
    """How far one backfill has come in one library's schema.

    `last_id` is the key after which its next batch begins (None: at the first row); `running_until` is the lease of
    the process that works on it, in UTC; `error` is what its last batch died of ("" once one succeeded).
    """

    name = models.CharField(max_length=100)
    schema = models.CharField(max_length=63)
    last_id = models.BigIntegerField(null=True, blank=True)
    batches = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    running_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "schema"], name="fleet_backfill_once_a_schema"),
        ]

    def __str__(self) -> str:
        return f"{self.name} in {self.schema}"
