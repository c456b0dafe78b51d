"""Models drawn at random, made by Django's schema editor: later migrations do to the copy what they do to the original."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, IntegerRangeField, RangeOperators
from django.contrib.postgres.indexes import BrinIndex, GinIndex, GistIndex, HashIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    AlterModelTableComment,
    AlterUniqueTogether,
    CreateModel,
    RemoveConstraint,
    RemoveField,
    RemoveIndex,
    RenameField,
    RenameIndex,
)
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import F, Q, Value
from django.db.models.functions import Lower, Now, Upper
from hypothesis import HealthCheck, Phase, currently_in_test_context, given, note, settings
from hypothesis import strategies as st

APP = "catalog"  # any app of a library: the routers ask for the app
DRAWN = settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
# Each is what a field was, and what AlterField makes of it.
FIELDS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "code": (lambda: models.CharField(max_length=20, unique=True), lambda: models.CharField(max_length=30)),
    "state": (
        lambda: models.CharField(max_length=10, db_index=True, default="open"),
        lambda: models.CharField(max_length=10, unique=True, null=True),
    ),
    "slug": (lambda: models.SlugField(), lambda: models.TextField(db_index=True)),
    "sorted": (
        lambda: models.CharField(max_length=9, db_collation="C"),
        lambda: models.CharField(max_length=9, db_collation="POSIX", db_comment="sorted"),
    ),
    "note": (
        lambda: models.TextField(null=True, db_comment="it's a note"),
        lambda: models.TextField(default=""),
    ),
    "size": (lambda: models.PositiveIntegerField(db_default=3), lambda: models.BigIntegerField(null=True)),
    "small": (
        lambda: models.PositiveSmallIntegerField(null=True),
        lambda: models.PositiveBigIntegerField(db_default=1),
    ),
    "fee": (
        lambda: models.DecimalField(max_digits=6, decimal_places=2),
        lambda: models.DecimalField(max_digits=8, decimal_places=3, db_default=1),
    ),
    "made": (
        lambda: models.DateTimeField(db_default=Now()),
        lambda: models.DateTimeField(null=True, db_index=True),
    ),
    "due": (lambda: models.DateField(db_index=True), lambda: models.DateField(null=True)),
    "key": (lambda: models.UUIDField(unique=True), lambda: models.UUIDField(null=True)),
    "doc": (lambda: models.JSONField(default=dict), lambda: models.JSONField(null=True)),
    "list": (
        lambda: ArrayField(models.CharField(max_length=5)),
        lambda: ArrayField(models.CharField(max_length=7), null=True),
    ),
    "grid": (
        lambda: ArrayField(ArrayField(models.IntegerField())),
        lambda: ArrayField(ArrayField(models.IntegerField()), size=3, null=True),
    ),
    "raw": (lambda: models.BinaryField(), lambda: models.BinaryField(null=True)),
    "flag": (lambda: models.BooleanField(db_default=Value(True)), lambda: models.BooleanField(null=True)),
    "length": (
        lambda: models.DurationField(null=True),
        lambda: models.DurationField(default=None, null=False),
    ),
    "host": (lambda: models.GenericIPAddressField(), lambda: models.GenericIPAddressField(null=True)),
    "span": (lambda: IntegerRangeField(), lambda: IntegerRangeField(null=True)),
    "open": (lambda: DateTimeRangeField(null=True), lambda: DateTimeRangeField(db_comment="opening hours")),
    "words": (lambda: SearchVectorField(null=True), lambda: SearchVectorField(default="")),
    "parent": (
        lambda: models.ForeignKey(f"{APP}.Shelf", models.CASCADE),
        lambda: models.ForeignKey(
            f"{APP}.Shelf", models.CASCADE, null=True, db_constraint=False, db_index=False
        ),
    ),
    "again": (
        lambda: models.ForeignKey("self", models.SET_NULL, null=True, related_name="+"),
        lambda: models.OneToOneField("self", models.SET_NULL, null=True, related_name="+"),
    ),
    "only": (
        lambda: models.OneToOneField(f"{APP}.Shelf", models.CASCADE, related_name="+"),
        lambda: models.ForeignKey(f"{APP}.Shelf", models.CASCADE, related_name="+"),
    ),
    "doubled": (
        lambda: models.GeneratedField(
            expression=F("base") * 2, output_field=models.IntegerField(), db_persist=True
        ),
        lambda: models.GeneratedField(
            expression=F("base") * 2, output_field=models.IntegerField(), db_persist=True, db_comment="twice"
        ),
    ),
}
# What each needs, by field; they all stand on `base`, `name`, `period` and `tags`, which every model has.
CONSTRAINTS: dict[str, Callable[[str], Any]] = {
    "in": lambda n: models.CheckConstraint(condition=Q(name__in=["a", "it's", "100%"]), name=n),
    "not in": lambda n: models.CheckConstraint(condition=~Q(name__in=["a", "b"]) | Q(base__gt=1), name=n),
    "compared": lambda n: models.CheckConstraint(condition=Q(base__gte=0) & Q(base__lt=F("other")), name=n),
    "pattern": lambda n: models.CheckConstraint(condition=Q(name__startswith="50%_") | Q(name=""), name=n),
    "upper": lambda n: models.CheckConstraint(condition=Q(name=Upper("name")), name=n),
    "unique": lambda n: models.UniqueConstraint(fields=["name", "base"], name=n),
    "partial": lambda n: models.UniqueConstraint(fields=["name"], condition=Q(name__in=["x", "y"]), name=n),
    "covering": lambda n: models.UniqueConstraint(fields=["base"], include=["name"], name=n),
    "deferred": lambda n: models.UniqueConstraint(
        fields=["other"], deferrable=models.Deferrable.DEFERRED, name=n
    ),
    "nulls": lambda n: models.UniqueConstraint(fields=["other", "base"], nulls_distinct=False, name=n),
    "expression": lambda n: models.UniqueConstraint(Lower("name").desc(), "base", name=n),
    "opclass": lambda n: models.UniqueConstraint(fields=["name"], opclasses=["varchar_pattern_ops"], name=n),
    "exclusion": lambda n: ExclusionConstraint(
        name=n, expressions=[("period", RangeOperators.OVERLAPS)], condition=Q(base__gt=0)
    ),
    "deferred exclusion": lambda n: ExclusionConstraint(
        name=n,
        expressions=[("period", RangeOperators.ADJACENT_TO)],
        index_type="SPGIST",
        deferrable=models.Deferrable.IMMEDIATE,
    ),
}
INDEXES: dict[str, Callable[[str], Any]] = {
    "plain": lambda n: models.Index(fields=["name", "-base"], name=n),
    "partial": lambda n: models.Index(fields=["base"], condition=Q(name__in=["a", "b"]), name=n),
    "covering": lambda n: models.Index(fields=["base"], include=["name"], name=n),
    "expression": lambda n: models.Index(Lower("name"), F("base").desc(nulls_last=True), name=n),
    "opclass": lambda n: models.Index(OpClass(Upper("name"), name="varchar_pattern_ops"), name=n),
    "trigrams": lambda n: GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name=n, fastupdate=False),
    "gin": lambda n: GinIndex(fields=["tags"], name=n),
    "gist": lambda n: GistIndex(fields=["period"], name=n, fillfactor=70),
    "hash": lambda n: HashIndex(fields=["name"], name=n),
    "brin": lambda n: BrinIndex(fields=["base"], name=n, pages_per_range=8, autosummarize=True),
}


class Migrated:
    """The state of the models, and every operation run in one schema after another."""

    def __init__(self, workshop: Any) -> None:
        self.workshop = workshop
        self.state = ProjectState()

    def run(self, operation: Operation, *schemas: str) -> None:
        if currently_in_test_context():
            note(str(operation))
        before, after = self.state, self.state.clone()
        operation.state_forwards(APP, after)
        for schema in schemas:
            with self.workshop.in_schema(schema), self.workshop.wrapper.schema_editor() as editor:
                operation.database_forwards(APP, editor, before, after)
        self.state = after


def _operations(fields: list[str], constraints: list[str], indexes: list[str]) -> list[Operation]:
    key = models.BigAutoField(primary_key=True)
    shelf = CreateModel("Shelf", [("id", key.clone()), ("mark", models.CharField(max_length=3))])
    book = CreateModel(
        "Book",
        [
            ("id", key),
            ("base", models.IntegerField()),
            ("other", models.IntegerField(null=True)),
            ("name", models.CharField(max_length=40)),
            ("period", IntegerRangeField()),
            ("tags", ArrayField(models.TextField())),
            ("shelves", models.ManyToManyField(f"{APP}.Shelf", related_name="+")),
            *((name, FIELDS[name][0]()) for name in fields[::2]),
        ],
        options={
            "unique_together": {("base", "other"), ("name", "other")},
            "db_table_comment": "all \\ of 'them'",
        },
    )
    return [
        shelf,
        book,
        # Some as the model is made, some afterwards, as migrations do.
        *(AddField("Book", name, FIELDS[name][0](), preserve_default=False) for name in fields[1::2]),
        *(AddConstraint("Book", CONSTRAINTS[name](f"con_{place}")) for place, name in enumerate(constraints)),
        *(AddIndex("Book", INDEXES[name](f"idx_{place}")) for place, name in enumerate(indexes)),
    ]


def _later(fields: list[str], constraints: list[str], indexes: list[str]) -> list[Operation]:
    return [
        *(RemoveConstraint("Book", f"con_{place}") for place in range(len(constraints))),
        *(
            RenameIndex("Book", f"named_{place}", old_name=f"idx_{place}")
            for place in range(0, len(indexes), 2)
        ),
        *(RemoveIndex("Book", f"{'idx' if place % 2 else 'named'}_{place}") for place in range(len(indexes))),
        *(AlterField("Book", name, FIELDS[name][1]()) for name in fields),
        AlterUniqueTogether("Book", {("base", "name")}),
        AlterUniqueTogether("Book", set()),
        AlterModelTableComment("Book", None),
        AlterField("Shelf", "mark", models.CharField(max_length=4, unique=True)),
        *(RemoveField("Book", name) for name in fields[::3]),
        RenameField("Book", "other", "another"),
        AlterField(
            "Book", "shelves", models.ManyToManyField(f"{APP}.Shelf", db_table="odd", related_name="+")
        ),
    ]


@DRAWN
@given(
    fields=st.lists(st.sampled_from(sorted(FIELDS)), unique=True, min_size=3, max_size=12),
    constraints=st.lists(st.sampled_from(sorted(CONSTRAINTS)), unique=True, min_size=1, max_size=7),
    indexes=st.lists(st.sampled_from(sorted(INDEXES)), unique=True, min_size=1, max_size=5),
)
def test_later_migrations_find_in_the_copy_what_they_find_in_the_original(
    workshop: Any, fields: list[str], constraints: list[str], indexes: list[str]
) -> None:
    with workshop.undone():
        _go_through(workshop, fields, constraints, indexes)


def test_all_kinds_of_fields_constraints_and_indexes_at_once(workshop: Any) -> None:
    _go_through(workshop, sorted(FIELDS), sorted(CONSTRAINTS), sorted(INDEXES))


def _go_through(workshop: Any, fields: list[str], constraints: list[str], indexes: list[str]) -> None:
    migrated = Migrated(workshop)
    for operation in _operations(fields, constraints, indexes):
        migrated.run(operation, "lib_original")
    workshop.copy()
    workshop.require_likeness()
    before = workshop.facts()
    for operation in _later(fields, constraints, indexes):
        migrated.run(operation, "lib_original", "lib_copy")
    workshop.require_likeness()
    assert workshop.facts() != before
