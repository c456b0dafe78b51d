"""What keeps strangers and hostile input out."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_MATRIX = "tests/permissions/test_matrix.py::test_who_is_not_allowed_is_refused_and_changes_nothing"

DOORS = (
    Mutation(
        name="undeclared-means-allowed",
        file="saas/core/api/permissions.py",
        old="            raise PermissionDenied\n        permission = declared[key]",
        new="            return True\n        permission = declared[key]",
        tests=("tests/saas/core/api/test_api_views.py::test_a_view_that_declares_nothing_refuses_everybody",),
        why="a view whose author forgot its permissions would be open",
    ),
    Mutation(
        name="permissions-unchecked",
        file="saas/core/api/permissions.py",
        old="if principal.may_anywhere(permission):",
        new="if principal is not None:",
        tests=(_MATRIX,),
        why="everybody could do everything",
    ),
    Mutation(
        name="guests-always-let-in",
        file="tenant_apps/access/callers.py",
        old='if not preferences.or_default(GUESTS_MAY_SEARCH, found["open"]):',
        new="if not found:",
        tests=(
            "tests/tenant_apps/access/test_access_selectors.py::test_a_library_may_close_its_catalogue_to_guests",
        ),
        why="a catalogue that a library has closed would be open",
    ),
    Mutation(
        name="ended-sessions-live-on",
        file="saas/core/api/authentication.py",
        old="if caller is None or not caller.user.is_active or not caller.session_open:",
        new="if caller is None or not caller.user.is_active:",
        tests=("tests/saas/core/api/test_api_authentication.py::test_an_ended_session_is_over_at_once",),
        why="signing out would leave the access token good",
    ),
    Mutation(
        name="old-password-tokens-live-on",
        file="saas/core/api/authentication.py",
        old="    if not matches_password(token.get(api_settings.REVOKE_TOKEN_CLAIM), caller.user.password):\n"
        "        raise InvalidToken\n",
        new="",
        tests=("tests/shared_apps/accounts/test_sessions.py", "tests/shared_apps/accounts/test_passwords.py"),
        why="a changed password would not end what was opened with the old one",
    ),
    Mutation(
        name="cookies-without-csrf-token",
        file="saas/core/api/authentication.py",
        old="            if raw:\n                require_csrf_token(request)\n",
        new="",
        tests=("tests/shared_apps/accounts/test_cookies.py::test_changing_needs_the_csrf_token",),
        why="another site's form would act as the signed-in reader",
    ),
    Mutation(
        name="closed-library-served",
        file="saas/core/tenancy/middleware.py",
        old='    if library.status in {"closed", "deleted"}:\n        return LibraryClosed()\n',
        new="",
        tests=("tests/saas/core/tenancy/test_middleware.py::test_status_decides",),
        why="a closed library's data would still be read",
    ),
    Mutation(
        name="unknown-fields-dropped",
        file="saas/core/api/serializers.py",
        old="            problems = self._unknown_names(data)\n",
        new="            problems: dict[str, Any] = {}\n",
        tests=("tests/contract/test_problems.py::test_an_unknown_field_is_named_with_the_nearest_known_one",),
        why="a misspelt or forbidden field would vanish in silence (mass assignment)",
    ),
    Mutation(
        name="unknown-parameters-dropped",
        file="saas/core/api/views.py",
        old="        check_query_parameters(request.query_params, self.allowed_query_parameters(), self.may_be_empty)\n",
        new="",
        tests=(
            "tests/contract/test_problems.py::test_an_unknown_parameter_is_named_with_the_nearest_known_one",
        ),
        why="a misspelt filter would answer with everything",
    ),
    Mutation(
        name="json-of-any-depth",
        file="saas/core/json.py",
        old="    _check_depth(text)\n    try:",
        new="    try:",
        tests=("tests/contract/test_hostile_bodies.py::test_a_bomb_is_refused_in_time_and_writes_nothing",),
        why="a body of brackets would be a RecursionError, a 500 for anybody who asks",
    ),
    Mutation(
        name="json-with-nul",
        file="saas/core/json.py",
        old='        if "\\\\u" in text:  # only an escape can spell NUL or a lone surrogate\n'
        "            _check_strings(value)\n",
        new="",
        tests=("tests/saas/core/test_json.py::test_what_is_refused_says_why_and_where",),
        why="jsonb refuses NUL and lone surrogates with an error of the database",
    ),
    Mutation(
        name="stripe-signature-unchecked",
        file="billing/gateway.py",
        old="if not any(_is_signed(payload, signature, secret) for secret in usable):",
        new="if not usable:",
        tests=("tests/billing/test_webhook.py::test_without_a_good_signature_nothing_is_stored",),
        why="anybody could report payments",
    ),
    Mutation(
        name="stripe-old-signatures",
        file="billing/gateway.py",
        old="TOLERANCE_SECONDS = 300",
        new="TOLERANCE_SECONDS = 10**9",
        tests=(
            "tests/billing/test_gateway.py::test_an_old_signature_is_refused_and_one_just_in_time_is_not",
        ),
        why="a request that was overheard once could be sent for ever",
    ),
)
