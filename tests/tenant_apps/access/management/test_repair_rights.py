"""`manage.py repair_rights`."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from tests.factories import RoleAssignmentFactory

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    said = StringIO()
    call_command("repair_rights", *arguments, stdout=said)
    return said.getvalue()


def damage(library: Any) -> int:
    """Take the admins' group from a library, and give it an assignment that no service has made."""
    with in_library(library):
        Group.objects.filter(name__startswith="role:").delete()
        return int(RoleAssignmentFactory().user.pk)


def is_sound(library: Any, user_id: int) -> bool:
    with in_library(library):
        admin = User.objects.get(email=f"admin@{library.subdomain}.example")
        return admin.has_perm("branches.roles.manage") and User.objects.get(pk=user_id).groups.count() == 1


def test_one_library_or_all_of_them_are_mended(north: Any, south: Any) -> None:
    users = {library: damage(library) for library in (north, south)}
    assert not any(is_sound(library, user) for library, user in users.items())

    assert run("north") == "1 library looked at.\n"
    assert (is_sound(north, users[north]), is_sound(south, users[south])) == (True, False)
    assert "libraries looked at" in run()
    assert is_sound(south, users[south])


def test_an_unknown_library_is_said_to_be_one() -> None:
    with pytest.raises(CommandError, match="no library with the subdomain"):
        run("nowhere")
