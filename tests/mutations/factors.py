"""What keeps second factors from being walked around."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_CODES, _OWN, _PASSKEYS = (
    f"shared_apps/accounts/services/{name}.py" for name in ("second_factors", "own_factors", "passkeys")
)
_OWN_TESTS = "tests/shared_apps/accounts/test_own_factors.py::"
_KEY_TESTS = "tests/shared_apps/accounts/test_passkeys.py::"
_DUTY_TESTS = "tests/shared_apps/accounts/test_required_factor.py::"
_RACES = "tests/races/test_factor_races.py::"

FACTORS = (
    Mutation(
        name="code-spent-without-a-lock",
        file=_CODES,
        old="Authenticator.objects.select_for_update(no_key=True).filter(user=user)",
        new="Authenticator.objects.filter(user=user)",
        tests=(f"{_RACES}test_one_code_opens_one_session",),
        why="one code, sent many times at once, would open many sessions",
    ),
    Mutation(
        name="code-good-twice",
        file=_CODES,
        old="        if step > after and compare_user_code(",
        new="        if compare_user_code(",
        tests=(
            f"{_OWN_TESTS}test_the_code_that_confirmed_signs_nobody_in",
            "tests/shared_apps/accounts/test_second_factor.py::test_a_code_works_once",
        ),
        why="who looks over a shoulder could use a code again",
    ),
    Mutation(
        name="guessed-codes-uncounted",
        file=_CODES,
        old="    taken = _charge(user)\n",
        new="    taken = None\n",
        tests=(
            f"{_OWN_TESTS}test_guesses_share_one_budget_wherever_they_are_made",
            f"{_RACES}test_parallel_guesses_are_all_counted",
        ),
        why="who knows a password could guess the code",
    ),
    Mutation(
        name="factor-changed-without-a-code",
        file=_OWN,
        old="    if methods_of(user):\n        if not proof.otp:",
        new="    if False:\n        if not proof.otp:",
        tests=(f"{_OWN_TESTS}test_every_change_needs_the_person_again",),
        why="who has a session and the password could take the factor away",
    ),
    Mutation(
        name="last-factor-taken-away",
        file=_OWN,
        old="        if needed and not others:\n            raise FactorNeeded\n",
        new="",
        tests=(f"{_DUTY_TESTS}test_enrolling_opens_everything_at_the_next_request",),
        why="who must have a factor could go on without one",
    ),
    Mutation(
        name="other-sessions-survive-a-new-factor",
        file=_OWN,
        old="    end_other_sessions(user_id=user.pk, keep=asker.session, reason=what, by=asker.by, now=now)\n",
        new="",
        tests=(f"{_OWN_TESTS}test_a_change_is_audited_mailed_and_ends_other_sessions",),
        why="a thief would stay in after the owner has added a factor",
    ),
    Mutation(
        name="missing-factor-forgiven",
        file="saas/core/principals.py",
        old="        if held:\n            return replace(self, needs_factor=True)\n",
        new="        return replace(self, needs_factor=True)\n",
        tests=(
            f"{_DUTY_TESTS}test_no_way_in_leads_around_it",
            f"{_DUTY_TESTS}test_platform_staff_always_must",
        ),
        why="admins and staff would work with the password alone",
    ),
    Mutation(
        name="passkey-of-another-origin",
        file=_PASSKEYS,
        old="        verify_origin=lambda origin: origin == site.origin,\n",
        new="",
        tests=(
            f"{_KEY_TESTS}test_a_lie_signs_nobody_in",
            f"{_KEY_TESTS}test_a_key_of_another_place_or_without_its_user_is_not_accepted",
        ),
        why="a page below the host could ask for its passkeys",
    ),
    Mutation(
        name="challenge-good-twice",
        file="shared_apps/accounts/services/ceremonies.py",
        old="    return found if found is not None and tickets.spend(_key(kind, who)) else None",
        new="    return found",
        tests=(
            f"{_KEY_TESTS}test_a_challenge_works_once_and_in_its_browser_alone",
            f"{_RACES}test_one_confirmation_makes_one_app",
        ),
        why="an answer that was overheard could be sent again",
    ),
    Mutation(
        name="begun-without-a-place-to-keep-it",
        file="saas/core/tickets.py",
        old="    if not kept.set(place, stored, timeout=int(lasts.total_seconds())):\n        raise ServiceUnavailable\n",
        new="    kept.set(place, stored, timeout=int(lasts.total_seconds()))\n",
        tests=(
            "tests/shared_apps/accounts/test_nowhere_to_keep.py::test_nothing_begins_that_could_not_be_finished",
        ),
        why="people would scan the secret of an app that can never be confirmed",
    ),
    Mutation(
        name="copied-passkey-unnoticed",
        file=_PASSKEYS,
        old="is_copied = bool(counter or seen) and counter <= seen",
        new="is_copied = False",
        tests=(f"{_KEY_TESTS}test_a_counter_that_goes_back_is_a_copy",),
        why="a key that was copied would go on working unseen",
    ),
    Mutation(
        name="passkey-without-its-user",
        file=_PASSKEYS,
        old="_server(site).authenticate_begin(user_verification=UserVerificationRequirement.REQUIRED)",
        new="_server(site).authenticate_begin()",
        tests=(f"{_KEY_TESTS}test_a_lie_signs_nobody_in",),
        why="who finds a key could sign in with it",
    ),
    Mutation(
        name="passkey-of-another-library",
        file=_PASSKEYS,
        old="    return int(number) if site == library_name() and is_number else None",
        new="    return int(number) if is_number else None",
        tests=(f"{_KEY_TESTS}test_a_key_says_which_library_it_is_for",),
        why="a copied row would open an account of the same number elsewhere",
    ),
)
