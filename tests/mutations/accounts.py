"""What keeps accounts, codes and sessions their owners'."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_TESTS = "tests/shared_apps/accounts"
_CODES = "shared_apps/accounts/services/codes.py"
_REGISTRATION = "shared_apps/accounts/services/registration.py"

ACCOUNTS = (
    Mutation(
        name="code-tried-without-end",
        file=_CODES,
        old=" and code.tries < MAX_TRIES",
        new="",
        tests=(f"{_TESTS}/test_registration.py::test_five_wrong_tries_end_a_code",),
        why="a mailed code could be guessed",
    ),
    Mutation(
        name="code-tried-at-once",
        file=_REGISTRATION,
        old='rows = MailedCode.objects.select_for_update(of=("self",))',
        new="rows = MailedCode.objects.all()",
        tests=(f"{_TESTS}/test_codes_at_once.py",),
        why="fifty guesses at the same moment would all be looked at",
    ),
    Mutation(
        name="code-true-everywhere",
        file=_CODES,
        old="hmac.new(key, subject.encode(), hashlib.sha256)",
        new='hmac.new(b"one for all", subject.encode(), hashlib.sha256)',
        tests=(f"{_TESTS}/test_registration.py::test_a_code_of_another_library_or_address_is_worth_nothing",),
        why="a code of one library would open an account in another",
    ),
    Mutation(
        name="code-works-again",
        file=_REGISTRATION,
        old="    code.delete()\n    user = selectors",
        new="    user = selectors",
        tests=(f"{_TESTS}/test_registration.py::test_a_used_registration_is_gone",),
        why="a code would be good twice, and a registration kept with its password",
    ),
    Mutation(
        name="registration-behind-a-closed-door",
        file=_REGISTRATION,
        old="    if ports.registration_mode() == ports.CLOSED:\n        raise RegistrationClosed\n",
        new="",
        tests=(f"{_TESTS}/test_registration.py::test_a_new_library_takes_none",),
        why="a library that takes no registrations would take them",
    ),
    Mutation(
        name="registration-tells-of-an-account",
        file="shared_apps/accounts/services/signing_in.py",
        old='waiting = selectors.registration_of(credentials.email or "")',
        new='waiting = None if user else selectors.registration_of(credentials.email or "")',
        tests=(
            f"{_TESTS}/test_sign_in_timing.py"
            "::test_who_registers_with_an_address_is_not_told_whether_somebody_has_it",
        ),
        why="whoever registers with an address would learn at sign-in whether somebody has it",
    ),
    Mutation(
        name="sessions-of-everybody",
        file="shared_apps/accounts/selectors.py",
        old="return UserSession.objects.filter(is_open, user=user_id)",
        new="return UserSession.objects.filter(is_open)",
        tests=(f"{_TESTS}/test_own_sessions.py::test_nobody_ends_the_session_of_another",),
        why="people would see and end the sessions of others",
    ),
    Mutation(
        name="address-changed-without-password",
        file="shared_apps/accounts/services/email_change.py",
        old='    user = require_password(user_id=user_id, password=password, field="password", address=address)\n',
        new="    user = selectors.users().get(pk=user_id)\n",
        tests=(f"{_TESTS}/test_email_change.py::test_the_password_is_asked_again",),
        why="a stolen token would be enough to take an account over",
    ),
    Mutation(
        name="erasure-with-open-loans",
        file="shared_apps/accounts/services/erasure.py",
        old="        ports.require_may_erase(user.pk)\n",
        new="",
        tests=(
            f"{_TESTS}/test_own_account.py::test_who_has_something_on_loan_stays",
            f"{_TESTS}/test_own_account.py::test_the_last_admin_stays",
        ),
        why="books would be lent to nobody, and a library could be left without an admin",
    ),
)
