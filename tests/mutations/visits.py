"""What keeps the platform's staff where they may be, and everything they do in two logs."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_VISITS = "tests/tenant_apps/visits"
_KERNEL = "saas/core/api/visits.py"
_PLATFORM = "shared_apps/platform/services/visits.py"
_INTERRUPTED = "tests/shared_apps/platform/test_interrupted_visits.py"

VISITS = (
    Mutation(
        name="visit-without-end",
        file="tenant_apps/visits/selectors.py",
        old="ended_at=None, expires_at__gt=now)",
        new="ended_at=None)",
        tests=(f"{_VISITS}/test_visit_tokens.py::test_it_ends_at_its_time",),
        why="staff would stay in a library for ever",
    ),
    Mutation(
        name="ended-visit-goes-on",
        file="tenant_apps/visits/selectors.py",
        old="ended_at=None, expires_at__gt=now)",
        new="expires_at__gt=now)",
        tests=(
            f"{_VISITS}/test_visit_tokens.py::test_an_admin_of_the_library_ends_it_from_the_next_request_on",
        ),
        why="an admin could not send a visitor away",
    ),
    Mutation(
        name="visit-token-of-any-library",
        file="tenant_apps/visits/tokens.py",
        old='for key in library_keys("visit")]',
        new='for key in (b"visit",)]',
        tests=(
            f"{_VISITS}/test_visit_tokens.py::test_a_row_that_is_copied_to_another_library_opens_nothing_there",
        ),
        why="a clone of a library would be open to those who visit the original",
    ),
    Mutation(
        name="visit-writes-unasked",
        file=_KERNEL,
        old="if request.method not in _READS and not visitor.may_write:",
        new="if False:",
        tests=(f"{_VISITS}/test_visit_rights.py::test_write_has_to_be_asked_for_and_admitted",),
        why="a visit that is said to be read-only would reach every view that changes something",
    ),
    Mutation(
        name="visit-keeps-its-way-in",
        file="tenant_apps/visits/rules.py",
        old="return frozenset(known) - KEPT_FROM_VISITS",
        new="return frozenset(known)",
        tests=(f"{_VISITS}/test_visit_rights.py::test_a_visit_cannot_let_itself_in_for_longer",),
        why="a visitor could make themselves a key, or change what visits are admitted",
    ),
    Mutation(
        name="library-setting-overlooked",
        file="tenant_apps/visits/selectors.py",
        old="may = rules.effective_access(setting, access_given)",
        new="may = access_given",
        tests=(f"{_VISITS}/test_visit_tokens.py::test_a_library_that_admits_none_ends_what_goes_on",),
        why="a library that closes its door would still have visitors",
    ),
    Mutation(
        name="request-of-a-visit-copied-twice",
        file="shared_apps/platform/services/visits.py",
        old="        if known.filter(changes__entry=entry_id).exists():\n            return\n",
        new="",
        tests=(f"{_VISITS}/test_visit_requests.py::test_a_message_that_comes_twice_is_written_once",),
        why="the platform's log would tell of requests that were never made",
    ),
    Mutation(
        name="card-numbers-in-the-log",
        file=_KERNEL,
        old='return str(value) if is_id else f"{{{name}}}"',
        new="return str(value)",
        tests=(f"{_VISITS}/test_visit_requests.py::test_card_numbers_and_queries_are_in_no_log",),
        why="numbers of readers' cards would leave their library",
    ),
    Mutation(
        name="visit-ended-while-it-begins",
        file=_PLATFORM,
        old="    if is_ended or not may_visit:\n",
        new="    if False:\n",
        tests=(
            f"{_INTERRUPTED}::test_a_visit_that_ends_while_it_begins_opens_nothing",
            f"{_INTERRUPTED}::test_who_loses_the_right_while_a_visit_begins_gets_none",
        ),
        why="who was dismissed at that moment would have a token that nobody ends",
    ),
    Mutation(
        name="visit-cut-short-keeps-the-others",
        file=_PLATFORM,
        old="    except NotFound:\n        return False\n",
        new="    except ZeroDivisionError:\n        return False\n",
        tests=(f"{_INTERRUPTED}::test_a_visit_cut_short_keeps_no_other_one_alive",),
        why="one visit that a killed process left half begun would keep all others of its visitor open",
    ),
    Mutation(
        name="visits-read-one-by-one",
        file="shared_apps/platform/selectors.py",
        old='return Visit.objects.select_related("library", "staff")',
        new="return Visit.objects.all()",
        tests=(
            "tests/budget/test_budget.py"
            "::test_it_takes_what_the_table_says[50 rows-public GET /api/v1/platform/visits/-admin]",
        ),
        why="a list would ask the database again for each of its rows",
    ),
    Mutation(
        name="owners-remove-each-other",
        file="shared_apps/platform/services/staff.py",
        old="accounts.users().select_for_update(no_key=True).filter(is_staff=True)",
        new="accounts.users().filter(is_staff=True)",
        tests=("tests/races/test_staff_races.py::test_all_owners_leave_at_once_and_one_stays",),
        why="the platform would be left without anybody who may run it",
    ),
    Mutation(
        name="two-eyes",
        file="shared_apps/platform/services/deletions.py",
        old="        if request.requested_by_id == by.user_id:\n            raise FourEyes\n",
        new="",
        tests=("tests/shared_apps/platform/test_deletions_api.py::test_nobody_approves_what_they_asked_for",),
        why="one person could delete a library for good",
    ),
    Mutation(
        name="old-approval-of-a-restored-library",
        file="shared_apps/platform/services/deletions.py",
        old="if library.closed_at is None or library.closed_at > request.requested_at:",
        new="if library.closed_at is None:",
        tests=(
            "tests/shared_apps/platform/test_deletions_api.py"
            "::test_a_library_that_was_restored_is_not_deleted_by_an_old_request",
        ),
        why="a library that came back would be deleted for what was asked before",
    ),
)
