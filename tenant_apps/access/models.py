"""Who may do what inside one library."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from saas.core.fields import Versioned
from tenant_apps.access.rules import SHARED, effective_permissions, is_standard
from tenant_apps.branches.models import Branch
from tenant_apps.collections.models import Collection
from tenant_apps.keys.models import ServiceAccount


class Role(Versioned):
    """A named set of permissions. The standard four are made with the library and may be edited there.

    What is stored for a standard role that is not `edited` is what the release said when the library was made; what it
    allows is what this release says.
    """

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    permissions = ArrayField(models.CharField(max_length=60), default=list)
    edited = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        return self.code

    @property
    def allows(self) -> frozenset[str]:
        """The permissions that the role gives under this release."""
        return effective_permissions(self.code, self.permissions, edited=self.edited)

    @property
    def is_standard(self) -> bool:
        """Whether every library has this role."""
        return is_standard(self.code)


class RoleAssignment(models.Model):
    """Gives a role to a user or a service account: for a branch, for a collection, or (neither) for the whole library.

    Look a service account's up by `user=None` as well: both columns lead the one index.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="role_assignments"
    )
    service_account = models.ForeignKey(
        ServiceAccount, on_delete=models.CASCADE, null=True, db_index=False, related_name="+"
    )
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="assignments")
    branch = models.ForeignKey(Branch, on_delete=models.CASCADE, null=True, related_name="+")
    collection = models.ForeignKey(
        Collection, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "service_account", "role", "branch", "collection"],
                nulls_distinct=False,
                name="access_assignment_once",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False, service_account__isnull=True)
                | Q(user__isnull=True, service_account__isnull=False),
                name="access_assignment_one_holder",
            ),
            models.CheckConstraint(
                condition=Q(branch__isnull=True) | Q(collection__isnull=True),
                name="access_assignment_one_scope",
            ),
        ]

    def __str__(self) -> str:
        holder = self.user_id or f"machine {self.service_account_id}"
        return f"{holder} {self.role_id} {self.branch_id or self.collection_id or 'library'}"

    @property
    def is_for_the_library(self) -> bool:
        """Whether it holds everywhere."""
        return self.branch_id is None and self.collection_id is None


class BranchGrant(GroupObjectPermissionBase):
    """What a group of django.contrib.auth may do at a branch, as django-guardian reads it (services.projection)."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, db_index=False)
    permission = models.ForeignKey(Permission, on_delete=models.CASCADE, db_index=False)
    content_object = models.ForeignKey(Branch, on_delete=models.CASCADE, db_index=False)

    class Meta(GroupObjectPermissionBase.Meta):
        default_permissions = ()


class CollectionGrant(GroupObjectPermissionBase):
    """The same for a collection."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, db_index=False)
    permission = models.ForeignKey(Permission, on_delete=models.CASCADE, db_index=False)
    content_object = models.ForeignKey(Collection, on_delete=models.CASCADE, db_index=False)

    class Meta(GroupObjectPermissionBase.Meta):
        default_permissions = ()


class Share(UserObjectPermissionBase):
    """One row of one table shared with one person, as django-guardian reads it (services.sharing).

    An app whose rows can be shared has a model that adds `content_object`, a foreign key to the row; the permissions
    are Django's own of that row's model, view and change.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False)
    permission = models.ForeignKey(Permission, on_delete=models.CASCADE, db_index=False)

    class Meta(UserObjectPermissionBase.Meta):
        abstract = True
        default_permissions = ()


def share_codename(model: type[Share], permission: str) -> str:
    """The codename of what is shared ("view" or "edit"): Django's own permission of the row's model, "view_title"."""
    options: Any = model._meta
    row = options.get_field("content_object").related_model
    return f"{SHARED[permission]}_{row._meta.model_name}"
