"""What keeps one library's data from another."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_PATH = "tests/saas/core/db/test_search_path.py"
_CACHES = "tests/saas/core/tenancy/test_caches.py"
_STORES = "tests/saas/core/tenancy/test_cache_and_files.py"
_HOSTS = "tests/saas/core/tenancy/test_hosts.py"
_JWT = "tests/saas/core/test_jwt.py"
_VERIFIED = "tests/saas/core/test_verified_tokens.py"

LEAKS = (
    Mutation(
        name="search-path-that-was-not-set",
        file="saas/core/db/switching.py",
        old="        if result.status != ExecStatus.COMMAND_OK:\n            raise _refused(self.path, result.error_message)\n"
        '        if reported is not None and pgconn.parameter_status(b"search_path") != self.path:\n'
        '            raise _refused(self.path, b"the server reports another one")\n',
        new="",
        tests=(f"{_PATH}::test_where_the_path_cannot_be_set_nothing_is_read",),
        why="a SET that the server refuses would leave the next query in the library before",
    ),
    Mutation(
        name="switch-inside-a-transaction",
        file="saas/core/tenancy/context.py",
        old=(
            "        if not self._same_transaction:\n"
            "            _require_no_transaction(wrapper, self._tenant.schema_name)\n"
        ),
        new="",
        tests=(f"{_PATH}::test_no_switch_inside_an_open_transaction",),
        why="rows of two libraries would be one transaction, which two nodes cannot keep",
    ),
    Mutation(
        name="set-config-for-all",
        file="saas/core/db/roles.py",
        old='        cursor.execute(f"REVOKE EXECUTE ON FUNCTION {_SET_CONFIG} FROM PUBLIC")\n',
        new="",
        tests=("tests/hazards/test_injection.py",),
        why="an injected SELECT could switch role and path",
    ),
    Mutation(
        name="schema-not-given-back",
        file="saas/core/tenancy/context.py",
        old="self._wrapper.set_tenant(self._before)",
        new="pass",
        tests=(f"{_PATH}::test_nested_switches_come_back",),
        why="the next request on the connection would run in the last one's library",
    ),
    Mutation(
        name="content-types-shared",
        file="saas/core/tenancy/caches.py",
        old="        schema = current_schema()\n        contents",
        new='        schema = "one for all"\n        contents',
        tests=(f"{_CACHES}::test_content_types_are_cached_for_each_library",),
        why="content type ids differ: a grant would name another model",
    ),
    Mutation(
        name="guardian-cache-shared",
        file="saas/core/tenancy/caches.py",
        old="return look_up(current_schema(), app_label, codename)",
        new='return look_up("one for all", app_label, codename)',
        tests=(f"{_CACHES}::test_guardian_answers_for_the_library_it_is_asked_in",),
        why="the same in guardian's own copy of the cache",
    ),
    Mutation(
        name="cache-keys-without-library",
        file="saas/core/tenancy/cache.py",
        old='return f"{current_schema()}:{key_prefix}:{version}:{key}"',
        new='return f"all:{key_prefix}:{version}:{key}"',
        tests=(f"{_STORES}::test_an_entry_of_one_library_is_not_seen_by_another",),
        why="one library would read what another has cached",
    ),
    Mutation(
        name="cache-clear-flushes-all",
        file="saas/core/tenancy/cache.py",
        old='return self.delete_pattern("*")',
        new="return super().clear()",
        tests=(f"{_STORES}::test_clear_empties_one_library_alone",),
        why="one library would empty everybody's cache",
    ),
    Mutation(
        name="files-without-prefix",
        file="saas/core/tenancy/storage.py",
        old="return str(Path(settings.MEDIA_ROOT) / current_schema())",
        new="return str(Path(settings.MEDIA_ROOT))",
        tests=(f"{_STORES}::test_files_live_under_the_librarys_prefix",),
        why="a file name of one library would open another's file",
    ),
    Mutation(
        name="one-jwt-key-for-all",
        file="saas/core/jwt.py",
        old='context = f"{purpose}:{current_schema()}:{library_name()}"',
        new="context = purpose",
        tests=(f"{_JWT}::test_a_neighbours_name_does_not_help_without_its_key",),
        why="a token could be made for another library by writing its name into it",
    ),
    Mutation(
        name="jwt-audience-unchecked",
        file="saas/core/jwt.py",
        old='options={"require": _REQUIRED, "strict_aud": True},',
        new='options={"require": _REQUIRED, "verify_aud": False, "verify_iss": False},',
        tests=(f"{_JWT}::test_issuer_and_audience_are_checked_beside_the_key",),
        why="the second wall behind the key",
    ),
    Mutation(
        name="tokens-remembered-for-all-libraries",
        file="saas/core/jwt.py",
        old='hmac.digest(b"".join(library_keys("jwt")), raw, "sha256")',
        new='hmac.digest(b"", raw, "sha256")',
        tests=(f"{_VERIFIED}::test_a_token_of_one_library_is_unknown_in_another",),
        why="a token that was verified in one library would open the others",
    ),
    Mutation(
        name="remembered-tokens-live-on",
        file="saas/core/jwt.py",
        old="_copy(token, raw) if _is_in_time(token.payload) else None",
        new="_copy(token, raw)",
        tests=(f"{_VERIFIED}::test_its_times_are_looked_at_each_time",),
        why="a token that was used before it expired would never expire",
    ),
    Mutation(
        name="unknown-host-is-public",
        file="saas/core/tenancy/hosts.py",
        old="    if library is None:\n        raise UnknownHost(raw_host[:MAX_HOST_LENGTH])\n    return library",
        new="    return library",
        tests=(
            "tests/isolation/test_hosts.py::test_a_strange_host_is_nobody",
            f"{_HOSTS}::test_every_other_name_is_unknown",
        ),
        why="any name would be served the public site",
    ),
    Mutation(
        name="host-cache-unkeyed",
        file="saas/core/tenancy/hosts.py",
        old="entry = self._entries.get(host) or self._misses.get(host)",
        new="entry = next(iter(self._entries.values()), None)",
        tests=(f"{_HOSTS}::test_names_that_nobody_has_push_no_library_out",),
        why="the first host that was asked for would be everybody's library",
    ),
    Mutation(
        name="any-label-is-the-library",
        file="saas/core/tenancy/hosts.py",
        old="if dot and rest == base:",
        new="if dot and rest.endswith(base):",
        tests=(f"{_HOSTS}::test_only_one_label_below_a_base_domain_is_a_subdomain",),
        why="south.north.localhost would be south",
    ),
    Mutation(
        name="forwarded-host-believed",
        file="saas/core/tenancy/middleware.py",
        old='host = request.META.get("HTTP_HOST", "")',
        new='host = request.META.get("HTTP_X_FORWARDED_HOST") or request.META.get("HTTP_HOST", "")',
        tests=("tests/isolation/test_hosts.py::test_no_other_header_names_a_library",),
        why="a header that anybody may send would choose the library",
    ),
    Mutation(
        name="cursors-without-library",
        file="saas/core/api/cursors.py",
        old="cursor:{CURSOR_FORMAT}:{current_schema()}:{path}",
        new="cursor:{CURSOR_FORMAT}:{path}",
        tests=("tests/isolation/test_cursors.py::test_a_cursor_of_another_library_is_refused",),
        why="sort values of one library's rows could be tried out in another",
    ),
    Mutation(
        name="search-cursors-without-library",
        file="tenant_apps/catalog/api/parameters.py",
        old='salt=f"search:{current_schema()}:{urlencode(bound)}"',
        new='salt=f"search:{urlencode(bound)}"',
        tests=("tests/isolation/test_cursors.py::test_a_cursor_of_another_library_is_refused",),
        why="the same for the pages of a search",
    ),
    Mutation(
        name="every-branch-sees-all-loans",
        file="tenant_apps/circulation/selectors/loans.py",
        old="return EVERYTHING.with_values() if branches is None else _OF_BRANCHES.with_values(branches=branches)",
        new="return EVERYTHING.with_values()",
        tests=(
            "tests/tenant_apps/circulation/api/test_loans_api.py::test_staff_of_one_branch_see_the_loans_made_there_alone",
        ),
        why="staff of one branch would read the loans of all",
    ),
    Mutation(
        name="every-branch-sees-all-patrons",
        file="tenant_apps/patrons/selectors.py",
        old="return patrons if branches is None else patrons.filter(home_branch__in=branches)",
        new="return patrons",
        tests=("tests/tenant_apps/patrons/test_patrons_api.py",),
        why="staff of one branch would read the patrons of all",
    ),
    Mutation(
        name="bugs-tell-what-they-are",
        file="saas/core/api/problems.py",
        old="    return InternalError()",
        new="    return InternalError(str(exception))",
        tests=("tests/contract/test_problems.py::test_a_bug_of_ours_says_nothing_of_itself",),
        why="texts of exceptions quote rows, schemas and statements",
    ),
    Mutation(
        name="secrets-in-the-log",
        file="saas/core/logging.py",
        old='            event[key] = "***"',
        new="            event[key] = event[key]",
        tests=("tests/saas/core/test_logging.py::test_secrets_never_reach_a_line",),
        why="a log is read by more people than a password",
    ),
)
