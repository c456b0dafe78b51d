"""What opens a library to staff, where it does, and until when."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from saas.core import clock
from saas.core.tenancy import in_library, in_public
from shared_apps.platform import services as platform
from shared_apps.platform.models import Visit as PlatformVisit
from tenant_apps.visits import tokens
from tenant_apps.visits.models import Visit
from tenant_apps.visits.selectors import load_visit
from tests.snapshots import differences, snapshot
from tests.tenant_apps.visits.visitors import PRIVATE, admit, begin, delivered, visitor


def refused(answer: Any) -> bool:
    return (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


def test_a_token_opens_its_own_library_and_no_other_site(north: Any, south: Any) -> None:
    begun = begin(north)
    assert visitor(north, begun.token).get(PRIVATE).status_code == 200
    before = snapshot("lib_south", "public")
    assert refused(visitor(south, begun.token).get(PRIVATE))
    assert refused(visitor(None, begun.token).get("/api/v1/platform/libraries/"))
    # Also where nobody needs to sign in: a credential that is wrong here is refused, not overlooked.
    assert refused(visitor(south, begun.token).get("/api/v1/titles/"))
    assert refused(visitor(None, begun.token).get("/api/v1/plans/"))
    assert differences(before, snapshot("lib_south", "public")) == {}


def test_a_row_that_is_copied_to_another_library_opens_nothing_there(north: Any, south: Any) -> None:
    begun = begin(north)
    with in_library(north):
        (row,) = Visit.objects.values()
    with in_library(south):
        Visit(**row).save(force_insert=True)
    assert refused(visitor(south, begun.token).get(PRIVATE))
    assert visitor(north, begun.token).get(PRIVATE).status_code == 200


def test_the_token_is_stored_nowhere(north: Any) -> None:
    token = begin(north).token
    assert len(token) == 43
    for schema, where in (("lib_north", lambda: in_library(north)), ("public", in_public)):
        with where(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                " WHERE nspname = %s AND relkind = 'r'",
                [schema],
            )
            for (table,) in cursor.fetchall():
                cursor.execute(
                    f'SELECT count(*) FROM "{schema}"."{table}" t WHERE t::text LIKE %s', [f"%{token}%"]
                )
                assert cursor.fetchone() == (0,), table


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 5000, "a b", "\x00", "ä" * 43, "lhk_1.2"])
def test_what_is_no_token_is_refused(north: Any, token: str) -> None:
    begun = begin(north)
    assert refused(visitor(north, token).get(PRIVATE))
    assert refused(visitor(north, begun.token + "x").get(PRIVATE))
    assert refused(visitor(north, begun.token[:-1]).get(PRIVATE))


def test_the_scheme_is_read_in_any_case_and_other_schemes_are_other_callers(north: Any) -> None:
    token = begin(north).token

    def ask(header: str) -> Any:
        return APIClient(HTTP_HOST="north.localhost").get(PRIVATE, headers={"Authorization": header})

    assert ask(f"VISIT  {token}").status_code == 200
    for scheme in ("Bearer", "Api-Key"):
        assert refused(ask(f"{scheme} {token}"))
    for header in (token, f"Visitor {token}", f"Basic {token}"):
        assert (ask(header).status_code, ask(header).json()["code"]) == (401, "not_authenticated")


def test_it_ends_at_its_time(north: Any) -> None:
    begun = begin(north, minutes=60)
    assert begun.visit.expires_at - begun.visit.started_at == dt.timedelta(minutes=60)
    client = visitor(north, begun.token)
    assert client.get(PRIVATE).status_code == 200
    with in_library(north):
        now = clock.now()
        assert load_visit(begun.token, now=begun.visit.expires_at - dt.timedelta(seconds=1)) is not None
        assert load_visit(begun.token, now=begun.visit.expires_at) is None
        Visit.objects.update(started_at=now - dt.timedelta(hours=1), expires_at=now)
    assert refused(client.get(PRIVATE))


def test_staff_end_it_from_the_next_request_on(north: Any) -> None:
    begun = begin(north)
    client = visitor(north, begun.token)
    assert client.get(PRIVATE).status_code == 200
    platform.end_visit(visit_id=begun.visit.pk, by=begun_by(begun), now=clock.now())
    assert refused(client.get(PRIVATE))
    with in_library(north):
        assert Visit.objects.get().ended_by == "staff"
    assert PlatformVisit.objects.get(pk=begun.visit.pk).ended_by == "staff"


def begun_by(begun: Any) -> Any:
    from saas.core.principals import Actor

    return Actor("person", user_id=begun.visit.staff_id)


def test_an_admin_of_the_library_ends_it_from_the_next_request_on(north: Any, api: Any) -> None:
    begun = begin(north)
    client = visitor(north, begun.token)
    assert client.get(PRIVATE).status_code == 200
    for _twice in range(2):
        answer = api(north, "admin").post(f"/api/v1/visits/{begun.visit.pk}/end/", {}, format="json")
        assert (answer.status_code, answer.json()["ended_by"]) == (200, "library")
    assert refused(client.get(PRIVATE))
    assert PlatformVisit.objects.get(pk=begun.visit.pk).ended_at is None
    delivered(north)
    row = PlatformVisit.objects.get(pk=begun.visit.pk)
    assert (row.ended_by, row.ended_at is not None) == ("library", True)


def test_a_library_that_admits_none_ends_what_goes_on(north: Any) -> None:
    client = visitor(north, begin(north).token)
    assert client.get(PRIVATE).status_code == 200
    admit(north, "none")
    assert refused(client.get(PRIVATE))
    admit(north, "read")
    assert client.get(PRIVATE).status_code == 200


def test_who_visits_costs_one_query(north: Any, django_assert_num_queries: Any) -> None:
    token = begin(north).token
    with in_library(north):
        with django_assert_num_queries(1):
            found = load_visit(token, now=clock.now())
    assert found is not None
    assert found.principal.label == "Stella Staff"


def test_a_token_of_an_older_secret_key_still_opens(north: Any, settings: Any) -> None:
    token = begin(north).token
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-" + "0123456789" * 6
    assert visitor(north, token).get(PRIVATE).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert refused(visitor(north, token).get(PRIVATE))


def test_digests_differ_between_libraries(north: Any, south: Any) -> None:
    with in_library(north):
        here = tokens.digest("a")
    with in_library(south):
        assert tokens.digest("a") != here
