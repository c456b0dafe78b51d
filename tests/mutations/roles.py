"""Protections around roles, taken out one at a time: nobody gives more than they have, and somebody stays admin."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_ACCESS = "tests/tenant_apps/access"
_SERVICES = "tenant_apps/access/services"
_RACES = "tests/races/test_admin_races.py"
_REVOCATIONS = "tests/races/test_revocations.py"
ROLES = (
    Mutation(
        name="anybody-grants-anything",
        file=f"{_SERVICES}/granting.py",
        old="        if not granter.may(permission, branch_id=branch_id, collection_id=collection_id):\n",
        new="        if not granter.may_anywhere(MANAGE):\n",
        tests=(f"{_ACCESS}/test_access_services.py::test_nobody_gives_what_they_do_not_have",),
        why="who manages roles could make themselves admin",
    ),
    Mutation(
        name="roles-are-given-beyond-the-branch",
        file=f"{_SERVICES}/granting.py",
        old="        if not granter.may(permission, branch_id=branch_id, collection_id=collection_id):\n",
        new="        if not granter.may_anywhere(permission):\n",
        tests=(
            f"{_ACCESS}/test_access_services.py::test_a_branch_admin_gives_roles_at_that_branch_alone",
            f"{_ACCESS}/test_access_services.py::test_a_keeper_of_a_collection_gives_roles_for_it_alone",
        ),
        why="the admin of one branch could make themselves admin of the library",
    ),
    Mutation(
        name="last-admin-leaves",
        file=f"{_SERVICES}/assignments.py",
        old="        if _is_last_admin(assignment):\n            raise LastAdmin\n",
        new="",
        tests=(f"{_ACCESS}/test_access_services.py::test_the_last_admin_stays",),
        why="a library would be locked out of itself",
    ),
    Mutation(
        name="two-admins-at-once",
        file=f"{_SERVICES}/granting.py",
        old="    Role.objects.select_for_update(no_key=True).filter(code=ADMIN).first()\n",
        new="",
        tests=(_RACES,),
        why="two admins could remove each other at the same moment",
    ),
    Mutation(
        name="admins-of-a-collection-count",
        file=f"{_SERVICES}/granting.py",
        old="role__code=ADMIN, branch=None, collection=None, user__is_active=True",
        new="role__code=ADMIN, branch=None, user__is_active=True",
        tests=(
            f"{_ACCESS}/test_access_services.py::test_an_inactive_admin_and_an_admin_of_a_part_do_not_count",
        ),
        why="the last admin could leave behind one who manages a shelf",
    ),
    Mutation(
        name="roles-grow-while-they-are-given",
        file=f"{_SERVICES}/assignments.py",
        old='_named(Role.objects.select_for_update(no_key=True), "code", role)',
        new='_named(Role.objects.all(), "code", role)',
        tests=(f"{_RACES}::test_a_role_does_not_grow_between_the_check_and_the_gift",),
        why="a role could be given that an admin is widening at that moment",
    ),
    Mutation(
        name="own-role-is-widened",
        file=f"{_SERVICES}/roles.py",
        old="require_may_grant(granter, before | after)",
        new="require_may_grant(granter, before)",
        tests=(f"{_ACCESS}/test_roles.py::test_nobody_widens_a_role_beyond_themselves",),
        why="who manages roles could put everything into the one they hold",
    ),
    Mutation(
        name="greater-roles-are-stripped",
        file=f"{_SERVICES}/roles.py",
        old="require_may_grant(granter, before | after)",
        new="require_may_grant(granter, after)",
        tests=(f"{_ACCESS}/test_roles.py::test_nobody_edits_a_role_that_allows_more_than_they_may",),
        why="a deputy could take the librarians' rights away",
    ),
    Mutation(
        name="admin-is-edited",
        file=f"{_SERVICES}/roles.py",
        old="        if role.code == ADMIN:\n            raise RoleIsStandard\n",
        new="",
        tests=(f"{_ACCESS}/test_roles.py::test_admin_can_always_do_everything",),
        why="the role that keeps a library open could be renamed away",
    ),
    Mutation(
        name="held-roles-are-deleted",
        file=f"{_SERVICES}/roles.py",
        old="        if role.assignments.exists():\n            raise RoleInUse\n",
        new="",
        tests=(f"{_ACCESS}/test_roles.py::test_a_role_is_removed_once_nobody_holds_it",),
        why="a role would end for its holders without a word, or with a failure of ours",
    ),
    Mutation(
        name="the-librarys-is-held-at-a-branch",
        file="tenant_apps/access/rules.py",
        old="    return frozenset(name for name in permissions if scope in SCOPES.get(name, ()))\n",
        new="    return permissions\n",
        tests=(
            f"{_ACCESS}/test_access_selectors.py::test_what_is_the_librarys_is_not_opened_by_a_role_at_a_branch",
        ),
        why="the admin of a branch could change the library's settings",
    ),
    Mutation(
        name="a-branch-key-opens-the-library",
        file="tenant_apps/access/machines.py",
        old="_together(at_branches, given.by_branch)",
        new="_together(own.by_branch, given.by_branch)",
        tests=(f"{_ACCESS}/test_me_api.py::test_a_key_for_a_branch_opens_nothing_of_the_librarys",),
        why="a key for one branch could change the library's settings",
    ),
    Mutation(
        name="rights-outlive-the-request",
        file="tenant_apps/access/callers.py",
        old="    meaning = meaning_of(held)\n    principal",
        new="    meaning = _principal.__dict__.setdefault(user_id, meaning_of(held))\n    principal",
        tests=(
            f"{_REVOCATIONS}::test_a_role_that_is_taken_away",
            f"{_REVOCATIONS}::test_a_role_that_allows_less",
            f"{_REVOCATIONS}::test_a_library_that_is_made_anew_in_the_same_schema",
        ),
        why="a process would go on with the rights that it has once read of somebody",
    ),
    Mutation(
        name="rights-of-a-key-outlive-the-request",
        file="tenant_apps/access/machines.py",
        old="    rights = _rights(held, ",
        new="    held = _principal.__dict__.setdefault(row.pk, held)\n    rights = _rights(held, ",
        tests=(f"{_REVOCATIONS}::test_a_key_that_is_revoked_or_whose_account_loses_a_role",),
        why="a key would keep a role that its service account has lost",
    ),
    Mutation(
        name="ended-sessions-call",
        file="tenant_apps/access/callers.py",
        old="session is None or is_open)",
        new="True)",
        tests=(f"{_REVOCATIONS}::test_a_session_that_is_ended",),
        why="an access token would outlive its session",
    ),
    Mutation(
        name="strangers-ask-about-others",
        file="tenant_apps/access/api/me_views.py",
        old="if not own and not self.principal.may(selectors.MANAGE):",
        new="if not own and not self.principal.is_authenticated:",
        tests=(f"{_ACCESS}/test_explanations.py::test_a_manager_asks_about_anybody_and_nobody_else_does",),
        why="a reader could find out who works here and what they may do",
    ),
)
