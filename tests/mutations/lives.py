"""What keeps a library's name, its domains and its end in order."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_TENANTS = "tests/shared_apps/tenants"
_DOMAINS = f"{_TENANTS}/test_domains.py"
_ERASURE = f"{_TENANTS}/test_erasure.py"
_RENAMING = f"{_TENANTS}/test_renaming.py"

LIVES = (
    Mutation(
        name="domain-without-proof",
        file="shared_apps/tenants/selectors.py",
        old="Domain.objects.filter(domain=host, proven_at__isnull=False)",
        new="Domain.objects.filter(domain=host)",
        tests=(f"{_DOMAINS}::test_a_new_domain_leads_nowhere_yet",),
        why="whoever writes another's name down would answer under it, and get a certificate for it",
    ),
    Mutation(
        name="domain-proven-by-two",
        file="shared_apps/tenants/services/domains.py",
        old='Domain.objects.select_for_update(of=("self",))\n            .select_related("tenant")\n            .filter(domain=',
        new='Domain.objects.select_related("tenant")\n            .filter(domain=',
        tests=("tests/races/test_domain_races.py::test_of_two_that_prove_a_name_at_once_one_has_it",),
        why="the later of two proofs would fail with an error of the database, and nobody could mend it",
    ),
    Mutation(
        name="old-proof-goes-on-counting",
        file="shared_apps/tenants/services/domains.py",
        old="row.token, row.checked_at, row.last_problem = domain_names.new_token(), now, MISSING",
        new="row.token, row.checked_at, row.last_problem = row.token, now, MISSING",
        tests=(
            f"{_DOMAINS}::test_an_old_record_that_was_left_does_not_take_it_back",
            f"{_DOMAINS}::test_a_record_that_is_gone_costs_the_domain_after_a_week",
        ),
        why="a library that has lost a name would take it back with a record that nobody has cleared away",
    ),
    Mutation(
        name="no-token-proves",
        file="shared_apps/tenants/domain_names.py",
        old="return bool(token) and any(",
        new="return any(",
        tests=(f"{_TENANTS}/test_domain_names.py::test_the_proof",),
        why="a row without a token would be proven by a record that says nothing",
    ),
    Mutation(
        name="certificates-for-closed-libraries",
        file="shared_apps/tenants/api/certificates.py",
        old='return library.is_open or library.status == "suspended"',
        new="return True",
        tests=(f"{_TENANTS}/test_certificates.py::test_a_library_by_its_status",),
        why="certificates would be ordered for names that nobody may serve",
    ),
    Mutation(
        name="name-given-up-is-free",
        file="shared_apps/tenants/services/provisioning.py",
        old="    require_not_held(subdomain, library_id=library.id)\n",
        new="",
        tests=(f"{_RENAMING}::test_a_new_library_does_not_get_it",),
        why="links of one library would lead to another that took its old name",
    ),
    Mutation(
        name="restored-while-it-is-erased",
        file="shared_apps/tenants/rules.py",
        old=" or (life.is_being_erased and command is not Command.ERASE)",
        new="",
        tests=(f"{_TENANTS}/test_life_rules.py::test_nothing_leads_back_once_the_erasure_has_begun",),
        why="a library would be open again without its tables or files",
    ),
    Mutation(
        name="erased-before-its-day",
        file="shared_apps/tenants/services/erasure.py",
        old="if not possible or not (at_once or library.status == LibraryStatus.DELETED or _is_due(library, now)):",
        new="if not possible:",
        tests=(
            f"{_ERASURE}::test_it_is_kept_until_its_day",
            f"{_ERASURE}::test_a_library_that_was_restored_meanwhile_is_left_alone",
        ),
        why="data that can still be asked back would be lost",
    ),
    Mutation(
        name="erasure-that-passes-over-the-cache",
        file="shared_apps/tenants/services/erasure.py",
        old='        cast(Any, cache).client.delete_pattern("*")\n',
        new="",
        tests=(f"{_ERASURE}::test_nothing_is_left_and_the_neighbour_has_everything",),
        why="what a deleted library kept in Redis would outlive it",
    ),
    Mutation(
        name="change-that-is-not-announced",
        file="saas/core/tenancy/hosts.py",
        old="        announce()\n",
        new="        pass\n",
        tests=("tests/saas/core/tenancy/test_announcements.py::test_another_process_follows_by_itself",),
        why="a suspended library would go on in every other process",
    ),
    Mutation(
        name="believed-for-long-without-redis",
        file="saas/core/tenancy/hosts.py",
        old="BLIND_SECONDS if watch.is_blind else math.inf",
        new="math.inf",
        tests=(
            "tests/saas/core/tenancy/test_announcements.py"
            "::test_without_redis_a_host_is_believed_for_seconds_only",
        ),
        why="a change would be missed for a minute while Redis is away",
    ),
)
