"""What the hazards' own tests hold apart; the matrix has broken backends instead (tests/hazards/broken.py)."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_BASE = "saas/core/db/base.py"
_GUARDS = "saas/core/db/guards.py"
_ROUTERS = "saas/core/db/routers.py"
_CONTEXT = "saas/core/tenancy/context.py"
_REFUSALS = "tests/hazards/test_refusals.py"
_INJECTION = "tests/hazards/test_injection.py"
_THREADS = "tests/hazards/test_threads.py"
_WRONG = "tests/hazards/test_wrong_library.py"
_SETS = f"{_WRONG}::test_a_query_set_of_one_library_is_not_evaluated_in_another"
_ROWS = f"{_WRONG}::test_a_row_of_one_library_is_of_no_use_in_another"

HAZARDS = (
    Mutation(
        name="public-on-the-path",
        file="saas/core/db/switching.py",
        old='path = f"{_quoted(schema)}, {EXTENSIONS}"',
        new='path = f"{_quoted(schema)}, public, {EXTENSIONS}"',
        tests=(
            f"{_REFUSALS}::test_a_missing_table_is_an_error_and_never_the_public_row[directly-no roles]",
            f"{_REFUSALS}::test_a_missing_table_is_an_error_and_never_the_public_row[behind PgBouncer-no roles]",
        ),
        why="a missing table would be the public one, with somebody else's rows",
    ),
    Mutation(
        name="no-role-in-a-library",
        file=_BASE,
        old="if self.alias == OWNER or not roles_are_on():",
        new="if True:",
        tests=(
            f"{_REFUSALS}::test_a_librarys_role_may_not_name_another_schema[directly-select]",
            f"{_INJECTION}::test_behind_a_pooler_the_role_refuses[a neighbour's table]",
        ),
        why="code that names another schema, and SQL injected into ours, would read it",
    ),
    Mutation(
        name="second-statement-let-in",
        file="saas/core/db/cursors.py",
        old='options["force_extended"] = True',
        new="pass",
        tests=(f"{_INJECTION}::test_the_database_refuses[another role, then the neighbour]",),
        why="injected SQL would take another library's role and read on",
    ),
    Mutation(
        name="pooler-not-noticed",
        file=_BASE,
        old="if not pooled and not getattr(",
        new="if False and not getattr(",
        tests=(f"{_REFUSALS}::test_a_pooler_that_nobody_told_of_is_refused",),
        why="a switch and the query after it would go to different sessions of the server",
    ),
    Mutation(
        name="thread-begins-in-public",
        file=_BASE,
        old="self.set_tenant(None)",
        new="pass",
        tests=(f"{_THREADS}::test_without_a_library_a_query_fails[raw_mark-an_executor]",),
        why="work moved to a thread would read the public tables of the same names",
    ),
    Mutation(
        name="carried-work-leaves-its-session",
        file=_CONTEXT,
        old="if threading.get_ident() != home:",
        new="if False:",
        tests=(f"{_THREADS}::test_carried_work_leaves_its_thread_as_it_was",),
        why="each thread of an executor would hold a session of the server for ever",
    ),
    Mutation(
        name="broken-session-kept",
        file=_BASE,
        old="return self.connection is not None and answers(self.connection.pgconn)",
        new="return super().is_usable()",
        tests=(f"{_THREADS}::test_a_session_that_has_broken_is_given_up_where_no_library_is_chosen",),
        why="between requests no library is chosen: the look at the session would fail, and the request with it",
    ),
    Mutation(
        name="query-set-forgets-its-library",
        file=_GUARDS,
        old='    _wrap(QuerySet, "__init__", after=_remember_schema)\n',
        new="",
        tests=(f"{_SETS}[list]", f"{_SETS}[update]", f"{_SETS}[delete]"),
        why="a query set built in one library would read, change or delete in the next",
    ),
    Mutation(
        name="raw-query-set-read-anywhere",
        file=_GUARDS,
        old='    _wrap(RawQuerySet, "iterator", before=_require_here)\n',
        new="",
        tests=(f"{_WRONG}::test_a_raw_query_set_of_one_library_is_not_evaluated_in_another",),
        why="the same for raw ones",
    ),
    Mutation(
        name="query-set-within-another",
        file=_GUARDS,
        old='    _wrap(QuerySet, "resolve_expression", before=lambda rows, *args, **kwargs: _require_here(rows))\n',
        new="",
        tests=(f"{_WRONG}::test_a_query_set_within_another_is_looked_at_too",),
        why="the same for one that is a condition of another",
    ),
    Mutation(
        name="bulk-writes-not-looked-at",
        file=_GUARDS,
        old="        setattr(QuerySet, name, _looking_at_each(getattr(QuerySet, name)))\n",
        new="        pass\n",
        tests=(f"{_ROWS}[bulk_create]", f"{_ROWS}[bulk_update]", f"{_ROWS}[bulk_update, one by one]"),
        why="a row would be written over the one of its number in another library",
    ),
    Mutation(
        name="row-of-another-library-as-a-condition",
        file=_GUARDS,
        old='    _wrap(Query, "check_related_objects", before=lambda _query, _field, value, *args: _require_own(value))\n',
        new="",
        tests=(f"{_ROWS}[related, filtered by]", f"{_ROWS}[related, in a list]"),
        why="a condition would mean the row of that number in another library",
    ),
    Mutation(
        name="row-of-another-library-as-a-value",
        file=_GUARDS,
        old='    _wrap(Model, "prepare_database_save", before=lambda row, *args: _require_own(row))\n',
        new="",
        tests=(f"{_ROWS}[related, update]",),
        why="a reference would lead to the row of that number in another library",
    ),
    Mutation(
        name="rows-saved-anywhere",
        file=_ROUTERS,
        old="            _require_own(instance, schema)\n        _require(",
        new="            pass\n        _require(",
        tests=(f"{_ROWS}[save]", f"{_ROWS}[delete]", f"{_ROWS}[refresh]"),
        why="a row would be written over, deleted or read as the one of its number in another library",
    ),
    Mutation(
        name="reference-to-another-library",
        file=_ROUTERS,
        old="                    _require_own(related, alias.schema)\n",
        new="                    pass\n",
        tests=(f"{_ROWS}[related, granted on]",),
        why="a saved row would refer to the row of that number in its own library",
    ),
)
