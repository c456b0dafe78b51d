"""What tells of attacks, keeps them from filling anything, and says which pages may call."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_FLOODING = "tests/shared_apps/security/test_flooding.py"

WATCH = (
    Mutation(
        name="origins-by-suffix",
        file="saas/core/cors.py",
        old='    return request.META.get("HTTP_ORIGIN") in library.allowed_origins',
        new='    return request.META.get("HTTP_ORIGIN", "").endswith(\n'
        '        tuple(origin.removeprefix("https://") for origin in library.allowed_origins)\n'
        "    )",
        tests=("tests/saas/core/test_cors.py::test_no_other_origin_may",),
        why="a page of evil-www.example.org could read what a reader may read",
    ),
    Mutation(
        name="cookies-for-other-origins",
        file="saas/settings/security.py",
        old="CORS_ALLOW_CREDENTIALS = False",
        new="CORS_ALLOW_CREDENTIALS = True",
        tests=("tests/saas/core/test_cors.py::test_a_listed_origin_may_read_the_answer",),
        why="a listed page could act with the cookies of whoever looks at it",
    ),
    Mutation(
        name="events-without-limit",
        file="shared_apps/security/services.py",
        old="    if outcome.allowed:\n        insert(_row(event))",
        new="    if True:\n        insert(_row(event))",
        tests=(f"{_FLOODING}::test_one_subject_has_so_many_rows_and_the_rest_is_counted",),
        why="an attacker would decide how large a library's database becomes",
    ),
    Mutation(
        name="one-subject-drowns-the-others",
        file="shared_apps/security/services.py",
        old='_charge(rules.PER_SUBJECT, f"{event.kind.value}:{subject}")',
        new='_charge(rules.PER_SUBJECT, f"{event.kind.value}")',
        tests=(f"{_FLOODING}::test_one_subject_has_so_many_rows_and_the_rest_is_counted",),
        why="who makes noise from one address would hide what is tried from another",
    ),
    Mutation(
        name="metrics-for-everybody",
        file="saas/core/metrics_page.py",
        old="    if not settings.METRICS_TOKEN or not constant_time_compare(",
        new="    if settings.METRICS_TOKEN and not constant_time_compare(",
        tests=("tests/saas/core/test_metrics.py::test_without_a_token_in_the_settings_nobody_reads_them",),
        why="an installation without a token would show its counters to the world",
    ),
    Mutation(
        name="window-forgets-early",
        file="saas/core/api/windows.py",
        old="if stored[at] + window > now then",
        new="if stored[at] + window / 2 > now then",
        tests=(
            "tests/saas/core/api/test_api_windows.py::test_a_unit_counts_for_its_whole_window_and_no_longer",
        ),
        why="twice as many guesses would fit into a window",
    ),
    Mutation(
        name="light-chain-without-headers",
        file="saas/core/api/middleware.py",
        old="        add_fixed(response, self._always)\n",
        new="",
        tests=("tests/permissions/test_chains.py::test_every_refusal",),
        why="answers of the API could be framed, sniffed and cached",
    ),
    Mutation(
        name="strangers-take-all",
        file="saas/core/api/throttling.py",
        old="of_library = (LIBRARY,) if caller else (LIBRARY, GUESTS)",
        new="of_library = (LIBRARY,)",
        tests=(
            "tests/isolation/test_rate_limits.py::test_strangers_leave_the_people_of_a_library_their_half",
        ),
        why="strangers could keep a library's people from working",
    ),
)
