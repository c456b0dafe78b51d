"""What keeps the word of an identity provider from being taken for more than it is."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_FLOWS, _IDENTITIES = (f"tenant_apps/federation/services/{name}.py" for name in ("sign_in", "identities"))
_OPENID, _RULES = "tenant_apps/federation/openid.py", "tenant_apps/federation/rules.py"
_ATTACKS = "tests/tenant_apps/federation/test_sign_in_attacks.py::"
_TOKENS = "tests/tenant_apps/federation/test_id_tokens.py::test_what_is_wrong_is_not_believed"

FEDERATION = (
    Mutation(
        name="sign-in-finished-by-anybody",
        file=_FLOWS,
        old='if flow is None or not constant_time_compare(flow["binding"], tickets.digest(binding or "")):',
        new="if flow is None:",
        tests=(
            f"{_ATTACKS}test_an_answer_brought_by_who_did_not_begin",
            f"{_ATTACKS}test_a_browser_that_did_not_begin_is_not_signed_in",
        ),
        why="a link could sign a victim in to an attacker's account",
    ),
    Mutation(
        name="sign-in-finished-twice",
        file=_FLOWS,
        old="    if not tickets.spend(FLOW, state):\n        raise FlowInvalid\n",
        new="",
        tests=(f"{_ATTACKS}test_an_answer_brought_twice",),
        why="an answer of a provider could be brought again",
    ),
    Mutation(
        name="providers-mixed-up",
        file=_FLOWS,
        old='if provider is None or provider.code != code or issuer_of(provider) != flow["issuer"]:',
        new="if provider is None:",
        tests=(
            f"{_ATTACKS}test_two_providers_cannot_be_mixed_up",
            f"{_ATTACKS}test_a_flow_that_was_begun_before_the_issuer_changed_is_over",
        ),
        why="a bad provider would get the codes of an honest one",
    ),
    Mutation(
        name="providers-name-unchecked",
        file=_FLOWS,
        old="    if sent != issuer_of(provider):\n",
        new="    if False:\n",
        tests=(f"{_ATTACKS}test_a_provider_that_names_itself_must_be_the_one_that_was_meant",),
        why="another provider's answer would be taken",
    ),
    Mutation(
        name="nonce-unchecked",
        file=_RULES,
        old="if not isinstance(sent, str) or not constant_time_compare(sent, nonce):",
        new="if sent is None:",
        tests=(_TOKENS, f"{_ATTACKS}test_the_nonce_holds_where_a_provider_knows_no_pkce"),
        why="somebody else's code could be put into one's own flow",
    ),
    Mutation(
        name="audience-of-a-token-unchecked",
        file=_OPENID,
        old='options={"require": _REQUIRED},',
        new='options={"require": _REQUIRED, "verify_aud": False},',
        tests=(_TOKENS,),
        why="a token made for another site of the same provider would open an account here",
    ),
    Mutation(
        name="issuer-of-a-token-unchecked",
        file=_OPENID,
        old="            issuer=issuer_of(provider),\n            leeway",
        new="            leeway",
        tests=(_TOKENS,),
        why="a token of another issuer with the same keys would be believed",
    ),
    Mutation(
        name="signature-of-a-token-unchecked",
        file=_OPENID,
        old='options={"require": _REQUIRED},',
        new='options={"require": _REQUIRED, "verify_signature": False, "verify_aud": True, "verify_iss": True},',
        tests=(_TOKENS,),
        why="anybody could write a token",
    ),
    Mutation(
        name="userinfo-of-another-person",
        file=_OPENID,
        old='if not isinstance(more, dict) or more.get("sub") != proved.subject:',
        new="if not isinstance(more, dict):",
        tests=(
            "tests/tenant_apps/federation/test_id_tokens.py::test_details_of_another_person_are_not_taken",
        ),
        why="somebody would get an account with another person's address",
    ),
    Mutation(
        name="address-opens-the-account",
        file=_IDENTITIES,
        old="    raise AccountExists(link_token=binding)\n",
        new="    return owner.pk\n",
        tests=(f"{_ATTACKS}test_a_providers_word_on_an_address_opens_no_account",),
        why="whoever runs a provider could sign in as the library's admin",
    ),
    Mutation(
        name="unverified-address-counts",
        file=_RULES,
        old='if claims.get("email_verified") is not True or not isinstance(email, str):',
        new="if not isinstance(email, str):",
        tests=(
            "tests/tenant_apps/federation/test_sign_in_elsewhere.py::test_an_address_that_was_not_verified_is_no_address",
        ),
        why="an address that anybody may type would make an account in its owner's name",
    ),
    Mutation(
        name="link-confirmed-by-somebody-else",
        file=_IDENTITIES,
        old='if waiting is None or waiting["user"] != user_id or not tickets.spend(LINK, token):',
        new="if waiting is None or not tickets.spend(LINK, token):",
        tests=(
            "tests/tenant_apps/federation/test_sign_in_elsewhere.py::test_a_link_token_is_of_one_account_for_one_use",
        ),
        why="an identity would be linked to an account that its owner never named",
    ),
    Mutation(
        name="provider-instead-of-the-second-factor",
        file="shared_apps/accounts/services/signing_in.py",
        old="        require_code(user, otp, now=now)\n",
        new="",
        tests=(
            "tests/tenant_apps/federation/test_sign_in_pages.py::test_the_second_factor_is_asked_for_in_a_client",
        ),
        why="a provider would be a way around the second factor",
    ),
    Mutation(
        name="names-that-lead-inside",
        file="saas/core/outgoing.py",
        old="    _require_allowed(addresses, target)\n    raw",
        new="    raw",
        tests=("tests/saas/core/test_outgoing.py::test_a_name_of_the_world_that_leads_inside_is_refused",),
        why="a library's admin could have our own network asked",
    ),
    Mutation(
        name="answers-without-end",
        file="saas/core/outgoing.py",
        old="        self._socket.settimeout(_left(self._deadline))\n        return self._socket.recv_into(buffer)",
        new="        return self._socket.recv_into(buffer)",
        tests=(
            "tests/tenant_apps/federation/test_provider_faults.py::test_a_provider_out_of_order_is_a_clear_problem_soon",
        ),
        why="a byte now and then would hold a web process for as long as its sender likes",
    ),
)
