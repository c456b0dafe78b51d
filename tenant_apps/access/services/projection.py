"""Role assignments as django.contrib.auth and django-guardian know them (docs/adr/0020).

A group for each role and scope in use; whoever holds the role there is a member. A role for the whole library gives its
group permissions of the models Branch and Collection, one for a branch or collection gives rows of BranchGrant and
CollectionGrant. `user.has_perm("branches.copies.manage", branch)` and `get_objects_for_user` then answer what
Principal.may and Principal.branches_for answer; requests are decided by the Principal, which needs one query.

Called in the transaction of the change. Whoever adds to groups holds the lock of the role, so that groups and what
they may do are written by one transaction at a time. Nobody removes a group while a member may be added: the last
assignment that ends leaves an empty group behind, which the next change of the role takes away. Service accounts have
no user and are not projected.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import Group, Permission
from django.db import connection, models, transaction
from django.db.models import Q
from psycopg import sql

from shared_apps.accounts.services import User
from tenant_apps.access.models import BranchGrant, CollectionGrant, Role, RoleAssignment
from tenant_apps.access.rules import ADMIN, BRANCH, COLLECTION, PERMISSIONS, held_at

_MEMBERSHIP: Final = User.groups.through
_OF_GROUP: Final = Group.permissions.through
# Where rights are written, and by which columns of a row.
_GRANTS: Final[Mapping[type[models.Model], tuple[str, ...]]] = {
    _OF_GROUP: ("group_id", "permission_id"),
    BranchGrant: ("group_id", "permission_id", "content_object_id"),
    CollectionGrant: ("group_id", "permission_id", "content_object_id"),
}
_PERMISSION_IDS = Q(content_type__app_label="branches", content_type__model="branch") | Q(
    content_type__app_label="collections", content_type__model="collection"
)
_TABLES: Final = {
    "assignments": sql.Identifier(RoleAssignment._meta.db_table),
    "groups": sql.Identifier(Group._meta.db_table),
    "members": sql.Identifier(_MEMBERSHIP._meta.db_table),
    "roles": sql.Identifier(Role._meta.db_table),
    # The name of an assignment's group (_Scope.group).
    "name": sql.SQL(
        "'role:' || a.role_id || CASE WHEN a.branch_id IS NOT NULL THEN ':branch:' || a.branch_id"
        " WHEN a.collection_id IS NOT NULL THEN ':collection:' || a.collection_id ELSE '' END"
    ),
}
_ADD_MEMBERS = sql.SQL("""
INSERT INTO {members} (user_id, group_id)
SELECT DISTINCT a.user_id, g.id FROM {assignments} a JOIN {groups} g ON g.name = {name}
WHERE a.user_id IS NOT NULL ON CONFLICT DO NOTHING
""").format(**_TABLES)
_REMOVE_MEMBERS = sql.SQL("""
DELETE FROM {members} m USING {groups} g WHERE g.id = m.group_id AND g.name LIKE 'role:%'
AND NOT EXISTS (SELECT 1 FROM {assignments} a WHERE a.user_id = m.user_id AND {name} = g.name)
""").format(**_TABLES)
_JOIN_ADMINS = sql.SQL("""
WITH member AS (
    INSERT INTO {members} (user_id, group_id)
    SELECT %s, g.id FROM {groups} g JOIN {roles} r ON g.name = 'role:' || r.id WHERE r.code = 'admin'
)
SELECT * FROM {roles} WHERE code = %s
""").format(**_TABLES)


@dataclass(frozen=True, slots=True)
class _Scope:
    """A role in one scope: the whole library, where neither branch nor collection is given."""

    role_id: int
    branch_id: int | None = None
    collection_id: int | None = None

    @classmethod
    def of(cls, assignment: RoleAssignment) -> _Scope:
        return cls(assignment.role_id, assignment.branch_id, assignment.collection_id)

    @property
    def group(self) -> str:
        """The name of its group."""
        if self.branch_id is not None:
            return f"role:{self.role_id}:{BRANCH}:{self.branch_id}"
        if self.collection_id is not None:
            return f"role:{self.role_id}:{COLLECTION}:{self.collection_id}"
        return f"role:{self.role_id}"

    def rights(
        self, role: Role, group_id: int, ids: _Ids
    ) -> Iterable[tuple[type[models.Model], tuple[int, ...]]]:
        """What the group may do, as a table and the values of a row in it."""
        held = held_at(
            role.allows, branch=self.branch_id is not None, collection=self.collection_id is not None
        )
        for name in held:
            if self.branch_id is not None:
                yield BranchGrant, (group_id, ids[BRANCH, name], self.branch_id)
            elif self.collection_id is not None:
                yield CollectionGrant, (group_id, ids[COLLECTION, name], self.collection_id)
            else:
                yield _OF_GROUP, (group_id, ids[BRANCH, name])
                yield _OF_GROUP, (group_id, ids[COLLECTION, name])


_Ids = Mapping[tuple[str, str], int]


def project_assignment(assignment: RoleAssignment) -> None:
    """Make a user who has been given a role a member of its group; the caller holds the lock of the role."""
    if assignment.user_id is None:
        return
    scope = _Scope.of(assignment)
    group = Group.objects.filter(name=scope.group).first()
    if group is None:
        group = Group.objects.create(name=scope.group)
        _write_rights({scope: group.pk}, {assignment.role_id: assignment.role})
    _MEMBERSHIP.objects.bulk_create(
        [_MEMBERSHIP(user_id=assignment.user_id, group_id=group.pk)], ignore_conflicts=True
    )


def withdraw_assignment(assignment: RoleAssignment) -> None:
    """Take a user out of the group of a role that is taken away."""
    if assignment.user_id is not None:
        group = _Scope.of(assignment).group
        _MEMBERSHIP.objects.filter(user=assignment.user_id, group__name=group).delete()


def withdraw_all(assignments: Collection[RoleAssignment], *, user_id: int) -> None:
    """Take a user out of the groups of all these roles, which are taken away together."""
    groups = [_Scope.of(assignment).group for assignment in assignments]
    _MEMBERSHIP.objects.filter(user=user_id, group__name__in=groups).delete()


def project_role(role: Role) -> None:
    """Write what a role allows now into its groups; the caller holds its lock."""
    _project({role.pk: role})


def withdraw_role(role_id: int) -> None:
    """Remove the groups of a role that is deleted."""
    Group.objects.filter(_groups_of([role_id])).delete()


def repair_projection() -> None:
    """Make all groups of roles, what they may do and who is in them what the assignments of this library say.

    For a library that comes from a release without groups, or after one that gives a standard role something new. Can
    be run at any time; groups with other names are left alone.
    """
    with transaction.atomic():
        roles = {role.pk: role for role in Role.objects.select_for_update(no_key=True).order_by("pk")}
        gone = Group.objects.filter(name__startswith="role:").exclude(_groups_of(roles))
        gone.delete()
        _project(roles)
        with connection.cursor() as cursor:
            for statement in (_ADD_MEMBERS, _REMOVE_MEMBERS):
                cursor.execute(statement)


def prepare_projection(admin: Role, using: str) -> None:
    """Give a new schema the group of its admins, so that the first one only has to join it."""
    group = Group.objects.using(using).create(name=_Scope(admin.pk).group)
    rights = _Scope(admin.pk).rights(admin, group.pk, _permission_ids(using))
    rows = [_OF_GROUP(**dict(zip(_GRANTS[_OF_GROUP], values, strict=True))) for _model, values in rights]
    _OF_GROUP.objects.using(using).bulk_create(rows)


def first_admin_role(user_id: int) -> Role:
    """The role Admin of a new library, whose first user joins its group: one statement, for a sign-up waits."""
    return Role.objects.raw(_JOIN_ADMINS.as_string(None), [user_id, ADMIN])[0]


def _project(roles: Mapping[int, Role]) -> None:
    """Make the groups of these roles those that are in use, with the rights that the roles give."""
    assignments = RoleAssignment.objects.filter(role__in=roles, user__isnull=False)
    scopes = assignments.order_by().values_list("role_id", "branch_id", "collection_id").distinct()
    used = {scope.group: scope for scope in (_Scope(*row) for row in scopes)}
    found = dict(Group.objects.filter(_groups_of(roles)).values_list("name", "pk"))
    Group.objects.filter(pk__in=[pk for name, pk in found.items() if name not in used]).delete()
    made = Group.objects.bulk_create([Group(name=name) for name in sorted(used.keys() - found.keys())])
    groups = found | {group.name: group.pk for group in made}
    _write_rights({scope: groups[name] for name, scope in used.items()}, roles)


def _write_rights(groups: Mapping[_Scope, int], roles: Mapping[int, Role]) -> None:
    """Make the rights of these groups what their roles give: what is missing is added, what is too much removed."""
    ids = _permission_ids()
    wanted: dict[type[models.Model], set[tuple[int, ...]]] = {model: set() for model in _GRANTS}
    for scope, group_id in groups.items():
        for model, values in scope.rights(roles[scope.role_id], group_id, ids):
            wanted[model].add(values)
    for model, columns in _GRANTS.items():
        rows = model._default_manager.filter(group__in=groups.values())
        found: dict[tuple[Any, ...], Any] = {row[1:]: row[0] for row in rows.values_list("pk", *columns)}
        if gone := [pk for values, pk in found.items() if values not in wanted[model]]:
            rows.filter(pk__in=gone).delete()
        missing = sorted(wanted[model] - found.keys())
        model._default_manager.bulk_create(
            [model(**dict(zip(columns, values, strict=True))) for values in missing]
        )


def _permission_ids(using: str | None = None) -> _Ids:
    rows = Permission.objects.using(using).filter(_PERMISSION_IDS, codename__in=PERMISSIONS)
    named = rows.values_list("content_type__model", "codename", "pk")
    return {(model, codename): pk for model, codename, pk in named}


def _groups_of(role_ids: Iterable[int]) -> Q:
    named = Q(pk__in=())
    for role_id in role_ids:
        named |= Q(name=f"role:{role_id}") | Q(name__startswith=f"role:{role_id}:")
    return named
