"""What keeps a fleet run from doing a library twice, by halves, or not at all."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_SERVICES = "shared_apps/fleet/services"
_TESTS = "tests/shared_apps/fleet/services"
_FAILING = f"{_TESTS}/test_failing_libraries.py"
_KILLED = f"{_TESTS}/test_killed_runs.py"
_MIGRATE = f"{_TESTS}/test_migrate.py"

FLEETS = (
    Mutation(
        name="library-migrated-by-two-runs",
        file=f"{_SERVICES}/applying.py",
        old="WHERE name = {name} AND release = {old} RETURNING 1",
        new="WHERE name = {name} RETURNING 1",
        tests=(f"{_KILLED}::test_two_runs_at_once_do_each_library_once",),
        why="two runs at once would write the rows of a migration twice",
    ),
    Mutation(
        name="claim-of-the-ordinary-path",
        file=f"{_SERVICES}/alone.py",
        old="AND release = %s FOR UPDATE SKIP LOCKED",
        new="AND release >= %s",
        tests=(f"{_KILLED}::test_two_runs_at_once_by_the_ordinary_path_do_each_library_once",),
        why="two runs would work in one schema at once, and one of them would die of the other's table",
    ),
    Mutation(
        name="locks-without-another-try",
        file=f"{_SERVICES}/applying.py",
        old='frozenset({"55P03", "40P01",',
        new='frozenset({"40P01",',
        tests=(f"{_FAILING}::test_a_reader_that_ends_in_time_is_no_failure",),
        why="every deploy would leave the libraries behind in which somebody happened to read",
    ),
    Mutation(
        name="drifted-by-the-script",
        file=f"{_SERVICES}/groups.py",
        old="if release is None or found.get(name) == release.shape]",
        new="if release is None or name in found]",
        tests=(f"{_FAILING}::test_a_drifted_library_is_named_and_the_others_are_done",),
        why="a script made for other tables would run, and nobody would hear of the drift",
    ),
    Mutation(
        name="one-bad-library-stops-all",
        file=f"{_SERVICES}/waves.py",
        old="CANARIES = 3",
        new="CANARIES = 1",
        tests=(f"{_FAILING}::test_a_library_that_cannot_be_a_canary_stops_nobody",),
        why="the first library with bad rows would keep the fleet at its old release",
    ),
    Mutation(
        name="ids-of-the-scratch",
        file=f"{_SERVICES}/collecting.py",
        old="            wanted = read_rows(cursor, scratch_schema(wrapper, release))\n",
        new="            pass\n",
        tests=(f"{_MIGRATE}::test_content_types_and_permissions_have_the_same_ids_in_every_library",),
        why="libraries that skipped a release would number their permissions differently",
    ),
    Mutation(
        name="one-secret-for-all",
        file=f"{_SERVICES}/collecting.py",
        old="callable(default) and default is not models.NOT_PROVIDED and default not in _SHAREABLE_DEFAULTS",
        new="callable(default) and default is models.NOT_PROVIDED",
        tests=(f"{_MIGRATE}::test_a_default_that_is_drawn_differs_between_libraries",),
        why="what is drawn at random for each row would be the same in every library",
    ),
    Mutation(
        name="pending-events-between-migrations",
        file=f"{_SERVICES}/collecting.py",
        old="                statements.append(_BETWEEN_MIGRATIONS)\n",
        new="                pass\n",
        tests=(f"{_MIGRATE}::test_rows_written_by_sql_do_not_hold_up_the_next_migration",),
        why="rows that one migration writes would keep the next one from altering their table",
    ),
    Mutation(
        name="public-schema-without-permissions",
        file=f"{_SERVICES}/public_schema.py",
        old=" and _permissions() <= seen.public_permissions",
        new="",
        tests=(
            "tests/shared_apps/tenants/management/test_migrate_schemas.py"
            "::test_a_public_schema_without_its_permissions_is_not_current",
        ),
        why="a run killed after its last migration would never make the permissions",
    ),
    Mutation(
        name="backfill-without-a-lease",
        file=f"{_SERVICES}/backfills.py",
        old="        ours = Backfill.objects.filter(pk=row.pk, running_until=before)\n        return bool(",
        new="        ours = Backfill.objects.filter(pk=row.pk)\n        return bool(",
        tests=(f"{_TESTS}/test_backfills.py::test_who_lost_the_lease_stops",),
        why="a process that woke up late would set the place back, and rows would be done again and again",
    ),
    Mutation(
        name="backfill-from-the-start",
        file=f"{_SERVICES}/backfills.py",
        old="ours.update(last_id=row.last_id, batches",
        new="ours.update(batches",
        tests=(f"{_TESTS}/test_backfills.py::test_killed_in_a_batch_it_goes_on_there",),
        why="a backfill of millions of rows that is stopped would never come to its end",
    ),
)
