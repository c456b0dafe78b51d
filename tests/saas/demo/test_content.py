"""The demo's own rows are made once; what people have changed since is left as it is."""

from __future__ import annotations

from typing import Any

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.demo import content
from shared_apps.audit.models import AuditEntry
from tenant_apps.branches import selectors as branches
from tenant_apps.branches.services import update_branch
from tenant_apps.patrons.models import Patron

SHELF = content.SHELVES["riverside"]


def names() -> dict[str, str]:
    return dict(branches.all_branches().values_list("code", "name"))


def test_a_second_start_keeps_the_names_that_people_gave(in_north: Any) -> None:
    content._make_branches(SHELF)
    assert names() == {"main": "Main Library", "east": "East Branch"}
    main = branches.all_branches().get(code="main")
    update_branch(branch_id=main.pk, changes={"name": "Old Town"}, by=SYSTEM, now=clock.now())
    audited = AuditEntry.objects.count()
    content._make_branches(SHELF)
    assert names() == {"main": "Old Town", "east": "East Branch"}
    assert AuditEntry.objects.count() == audited


def test_a_second_start_makes_nobody_twice(in_north: Any) -> None:
    content._make_branches(SHELF)
    for _ in range(2):
        content._make_members("riverside")
        content._make_patrons("riverside", SHELF)
    assert Patron.objects.count() == len(content.PATRONS)
    assert content.people.users().filter(email__endswith="@riverside.example").count() == 2
    reader = content.people.user_with_email("reader@riverside.example")
    assert Patron.objects.filter(user=reader).count() == 1
