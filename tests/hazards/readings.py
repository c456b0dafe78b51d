"""Every way in which rows leave or enter the database. Each notes with `visit.saw` what it has read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import orjson
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from saas.core.reads import EVERYTHING
from saas.core.reads.read import Variant
from tenant_apps.branches.api.reads import BRANCHES
from tenant_apps.branches.models import Branch
from tests.hazards.scene import ROWS, TABLE
from tests.hazards.visits import NAMES, Visit, rows

Reading = Callable[[Visit], None]
_INSERT = f"INSERT INTO {TABLE} (code, name, time_zone, version) VALUES (%s, %s, 'UTC', 1)"


def execute(visit: Visit) -> None:
    visit.saw(rows(NAMES))


def with_parameters(visit: Visit) -> None:
    visit.saw(rows(f"SELECT name FROM {TABLE} WHERE version >= %s AND time_zone = %s", [1, "UTC"]))


def model(visit: Visit) -> None:
    visit.saw(branch.name for branch in Branch.objects.order_by("id"))


def model_of_equal_id(visit: Visit) -> None:
    """The row with the same id is in every library."""
    visit.saw([Branch.objects.get(pk=1).name])


def cursor_made_in_another_library(visit: Visit) -> None:
    with visit_of_other(visit):
        cursor = connection.cursor()
    with cursor:
        cursor.execute(NAMES)
        visit.saw(row[0] for row in cursor.fetchall())


def rows_fetched_after_a_switch(visit: Visit) -> None:
    with connection.cursor() as cursor:
        cursor.execute(NAMES)
        first = cursor.fetchone()
        visit.glance()
        visit.saw(row[0] for row in [first, *cursor.fetchall()])


def many(visit: Visit) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            _INSERT, [(f"{visit.serial}/{number}", visit.library.schema_name) for number in range(3)]
        )
    _see_written(visit, 3)


def copy_out(visit: Visit) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {TABLE} (name) TO STDOUT") as copy:
        visit.saw([row[0] for row in copy.rows()])


def copy_in(visit: Visit) -> None:
    columns = "(code, name, time_zone, version)"
    with connection.cursor() as cursor, cursor.copy(f"COPY {TABLE} {columns} FROM STDIN") as copy:
        for number in range(3):
            copy.write_row((f"{visit.serial}/{number}", visit.library.schema_name, "UTC", 1))
    _see_written(visit, 3)


def stream(visit: Visit) -> None:
    with connection.cursor() as cursor:
        visit.saw([row[0] for row in cursor.stream(NAMES)])


def iterator(visit: Visit) -> None:
    """In pieces of two rows: at least three fetches from a cursor on the server, and a switch before the second."""
    names = []
    for branch in Branch.objects.order_by("id").iterator(chunk_size=2):
        if len(names) == 1:
            visit.glance()
        names.append(branch.name)
    visit.saw(names)


def server_side_cursor(visit: Visit) -> None:
    with connection.chunked_cursor() as cursor:
        cursor.execute(NAMES)
        first = cursor.fetchmany(2)
        visit.glance()
        visit.saw([row[0] for row in [*first, *cursor.fetchall()]])


def server_side_cursor_made_in_another_library(visit: Visit) -> None:
    with visit_of_other(visit):
        cursor = connection.chunked_cursor()
    with cursor:
        cursor.execute(NAMES)
        visit.saw([row[0] for row in [*cursor.fetchmany(2), *cursor.fetchall()]])


def bulk_create(visit: Visit) -> None:
    name = visit.library.schema_name
    Branch.objects.bulk_create(
        [Branch(code=f"{visit.serial}/{number}", name=name, time_zone="UTC") for number in range(3)]
    )
    _see_written(visit, 3)


def update(visit: Visit) -> None:
    """A row of the visit's own is made, changed and read back by the ORM."""
    name = visit.library.schema_name
    branch = Branch.objects.create(code=f"{visit.serial}/0", name=name, time_zone="UTC")
    branch.version = 2
    branch.save(update_fields=["version"])
    branch.refresh_from_db()
    visit.saw([branch.name] if branch.version == 2 else ["a row that was not changed"])
    _see_written(visit, 1)


def prepared(visit: Visit) -> None:
    """The same text in every library: the server has parsed and planned it for another one, often enough."""
    with cast(Any, connection).prepared_cursor() as cursor:
        cursor.execute(f"SELECT name FROM {TABLE} WHERE version >= %s::bigint ORDER BY id", ["1"])
        visit.saw(row[0] for row in cursor.fetchall())


def prepared_cursor_made_in_another_library(visit: Visit) -> None:
    with visit_of_other(visit):
        cursor = cast(Any, connection).prepared_cursor()
    with cursor:
        cursor.execute(NAMES)
        visit.saw(row[0] for row in cursor.fetchall())


def compiled_read(visit: Visit) -> None:
    statement = BRANCHES.statement(Variant(EVERYTHING, ordering=("code",)))
    assert statement is not None
    page = statement.run({}, limit=ROWS, prepared=True)
    visit.saw([orjson.loads(page.get_value(at, 0))["name"] for at in range(page.ntuples)])


def content_type(visit: Visit) -> None:
    """Cached by the process; the ids differ from library to library."""
    here = rows("SELECT id FROM django_content_type WHERE app_label = 'branches' AND model = 'branch'")
    cached = ContentType.objects.get_for_model(Branch).pk
    visit.saw([visit.library.schema_name if [cached] == here else f"content type {cached} for {here}"])


def visit_of_other(visit: Visit) -> Any:
    """The other library, to make a cursor in; a transaction forbids that, so there the cursor is made in this one."""
    return visit.switch(visit.library if connection.in_atomic_block else visit.other)


def _see_written(visit: Visit, count: int) -> None:
    """The rows of this visit are all here; they are deleted, so that what is left at the end lies elsewhere."""
    found = rows(f"DELETE FROM {TABLE} WHERE code LIKE %s RETURNING name", [f"{visit.serial}/%"])
    visit.saw(found if len(found) == count else [f"{len(found)} rows of {count}"])


READINGS: tuple[Reading, ...] = (
    execute,
    with_parameters,
    model,
    model_of_equal_id,
    cursor_made_in_another_library,
    rows_fetched_after_a_switch,
    many,
    copy_out,
    copy_in,
    stream,
    iterator,
    server_side_cursor,
    server_side_cursor_made_in_another_library,
    bulk_create,
    update,
    prepared,
    prepared_cursor_made_in_another_library,
    compiled_read,
    content_type,
)
assert ROWS > 4
