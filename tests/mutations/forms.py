"""What keeps lists in other forms, and what is asked of them, harmless."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

FORMS = (
    Mutation(
        name="formulas-in-cells",
        file="saas/core/api/tables.py",
        old='return text if _NUMBER.fullmatch(text) else _RISKY.sub("\'", text)',
        new="return text",
        tests=(
            "tests/saas/core/api/test_api_tables.py::test_no_part_that_a_spreadsheet_may_see_is_a_formula",
        ),
        why="a name that a reader gave would run in the spreadsheet of whoever opens the list",
    ),
    Mutation(
        name="neighbours-outside-the-tag",
        file="saas/core/api/etags.py",
        old='    links = response.get("Link", "").encode()\n',
        new='    links = b""\n',
        tests=("tests/saas/core/api/test_api_tables.py::test_the_tag_of_a_page_tells_form_and_neighbours",),
        why="who has the last page would never be told that another follows",
    ),
    Mutation(
        name="empty-filters-overlooked",
        file="saas/core/api/parameters.py",
        old="if not value and name not in may_be_empty",
        new="if False",
        tests=("tests/contract/test_bad_parameters.py::test_an_empty_value_is_refused",),
        why="a filter that was not filled in would answer with everything",
    ),
    Mutation(
        name="broken-text-searched-for",
        file="saas/core/api/parameters.py",
        old=" or _NOT_UTF_8 in value",
        new="",
        tests=(
            "tests/contract/test_bad_parameters.py::test_control_characters_and_broken_utf_8_are_refused",
        ),
        why="bytes that are no text would be compared as another one",
    ),
    Mutation(
        name="deprecations-unsaid",
        file="saas/core/api/views.py",
        old="        announce(self, request, final)\n",
        new="",
        tests=("tests/contract/test_deprecations.py::test_an_answer_says_so_where_its_document_does",),
        why="what goes would go without notice",
    ),
)
