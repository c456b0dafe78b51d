"""What keeps the pages in a browser safe: sessions, forms, links."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_SIGN_IN = "tests/shared_apps/accounts/test_sign_in_page.py"
_ENDS = f"{_SIGN_IN}::test_a_session_ends_with_what_it_rests_on"
_SESSION = "saas/core/browser_session.py"

PAGES = (
    Mutation(
        name="page-open-to-all",
        file="saas/core/pages.py",
        old="return self.principal.may_anywhere(permission)",
        new="return True",
        tests=("tests/saas/core/test_pages.py::test_who_gets_in",),
        why="every page of the staff would be everybody's",
    ),
    Mutation(
        name="planted-session-kept",
        file=_SESSION,
        old="    request.session.flush()\n    request.session.update(",
        new="    request.session.update(",
        tests=("tests/saas/core/test_browser_session.py::test_a_number_that_was_there_before_is_not_used",),
        why="who planted a session number would be signed in as its victim",
    ),
    Mutation(
        name="session-of-a-copied-library",
        file=_SESSION,
        old="return request.session.get(_SITE) == library_name() and",
        new="return",
        tests=(f"{_ENDS}[copied]",),
        why="a library made from a copy would take the other one's sessions",
    ),
    Mutation(
        name="session-outlives-the-password",
        file=_SESSION,
        old="and matches_password(request.session.get(_PASSWORD), user.password)",
        new="and True",
        tests=(f"{_ENDS}[password]",),
        why="a new password would not put out whoever knew the old one",
    ),
    Mutation(
        name="session-outlives-its-end",
        file=_SESSION,
        old="and caller.session_open",
        new="and True",
        tests=(f"{_ENDS}[all_sessions]",),
        why="sessions ended by accounts would go on in the browser",
    ),
    Mutation(
        name="session-without-an-age",
        file=_SESSION,
        old="return _is_of_this_site(request) and not _is_too_old(request)",
        new="return _is_of_this_site(request)",
        tests=(f"{_ENDS}[too_old]",),
        why="a desk that never rests would be signed in for ever",
    ),
    Mutation(
        name="led-to-another-site",
        file="saas/core/pages.py",
        old="    if not url_has_allowed_host_and_scheme(address, allowed_hosts=None):\n        return None\n",
        new="",
        tests=(f"{_SIGN_IN}::test_it_leads_to_no_other_site",),
        why="a link to our sign-in page could end on a page that asks for the password again",
    ),
    Mutation(
        name="form-done-twice",
        file="shared_apps/delivery/services/forms.py",
        old="    if not _NUMBER.fullmatch(number) or not principal.is_authenticated:",
        new="    if number is not None:",
        tests=("tests/shared_apps/delivery/test_once.py::test_the_second_answer_is_the_first",),
        why="a double click would register a patron twice and call a fresh loan a refusal",
    ),
    Mutation(
        name="desk-lends-anywhere",
        file="tenant_apps/circulation/pages/desk.py",
        old=(
            '        require_at_branch(self.principal, LEND, values["branch"].pk)\n'
            "        return outcomes.lent("
        ),
        new="        return outcomes.lent(",
        tests=(
            "tests/tenant_apps/circulation/pages/test_desk_page.py::test_staff_of_one_branch_lend_there_alone",
        ),
        why="staff of one branch would lend at every other",
    ),
    Mutation(
        name="upload-read-before-the-right",
        file="saas/core/middleware.py",
        old="int(announced[:20]) > most",
        new="int(announced[:20]) < 0",
        tests=("tests/saas/core/test_pages.py::test_a_form_that_is_too_large_is_refused_before_it_is_read",),
        why="anybody could make us write gigabytes to disk to look for a CSRF token",
    ),
)
