"""Every address of both sites is known: who may call it, what another library's token or id meets, what a repeat does."""

from __future__ import annotations

import pytest

from saas.core.api.views import undeclared_handlers
from tenant_apps.access.rules import STANDARD_ROLES
from tests.isolation.cases import CASES
from tests.permissions.examples import EXAMPLES
from tests.permissions.inventory import Endpoint, endpoints, functions_without_methods, of_site
from tests.permissions.matrix import ADMIN, ANONYMOUS, LIBRARIAN, LIBRARY_ROLES, MATRIX, READER

# POSTs that lend, return, sign up, pay or make something that a lost answer would make twice (api.md).
IDEMPOTENT = {
    ("library", "POST /api/v1/loans/"),
    ("library", "POST /api/v1/returns/"),
    ("library", "POST /api/v1/patrons/"),
    ("library", "POST /api/v1/imports/"),
    ("public", "POST /api/v1/signup/"),
    ("public", "POST /api/v1/signup/verify/"),
}
ROLE_CODES = {ANONYMOUS: "guest", READER: "reader", LIBRARIAN: "librarian", ADMIN: "admin"}
HELD = {role.code: role.permissions for role in STANDARD_ROLES}


def test_the_inventory_sees_both_sites() -> None:
    assert len(of_site("library")) > 50
    assert len(of_site("public")) > 20
    assert "GET /api/v1/titles/{pk}/" in {endpoint.key for endpoint in of_site("library")}


def test_every_plain_function_says_its_methods() -> None:
    assert functions_without_methods() == [], "add its name to tests/permissions/inventory.py"


@pytest.mark.parametrize("site", ["library", "public"])
def test_every_route_has_a_row_and_every_row_a_route(site: str) -> None:
    routes = {endpoint.key for endpoint in of_site(site)}
    rows = set(MATRIX[site])
    assert routes - rows == set(), "these routes need a row in tests/permissions/matrix.py"
    assert rows - routes == set(), "these rows of tests/permissions/matrix.py have no route"


@pytest.mark.parametrize("site", ["library", "public"])
def test_every_route_has_an_example_request(site: str) -> None:
    routes = {endpoint.key for endpoint in of_site(site)}
    assert routes - set(EXAMPLES[site]) == set(), (
        "these routes need a request in tests/permissions/examples.py"
    )
    assert set(EXAMPLES[site]) - routes == set()


def test_every_view_declares_a_permission_for_everything_it_handles() -> None:
    assert {
        str(e): undeclared_handlers(e.view)
        for e in endpoints()
        if (e.is_api_view or e.is_page) and _undeclared(e)
    } == {}


def _undeclared(endpoint: Endpoint) -> bool:
    return endpoint.action not in endpoint.view.permissions


def test_everything_below_api_v1_is_an_api_view() -> None:
    """Another kind of view would have no limits, no strict parameters and no declared permission."""
    offences = [str(e) for e in endpoints() if e.path.startswith("/api/v1/") and not e.is_api_view]
    assert offences == []


@pytest.mark.parametrize(
    "endpoint",
    [e for e in of_site("library") if e.is_api_view or e.is_page],
    ids=lambda endpoint: endpoint.key,
)
def test_the_matrix_says_what_declared_permissions_and_standard_roles_give(endpoint: Endpoint) -> None:
    row = MATRIX["library"].get(endpoint.key, frozenset())
    if endpoint.declared is None:
        assert row >= frozenset({READER, LIBRARIAN, ADMIN}), "who declares no permission lets every member in"
        return
    holders = {role for role in LIBRARY_ROLES if endpoint.declared in HELD[ROLE_CODES[role]]}
    assert row == holders


def test_every_route_that_names_a_row_has_a_foreign_library_case() -> None:
    named = {endpoint.key for endpoint in of_site("library") if set(endpoint.parameters) - {"code"}}
    assert named - set(CASES) == set(), "these routes need a case in tests/isolation/cases.py"
    assert set(CASES) - named == set()


def test_what_must_not_happen_twice_is_idempotent() -> None:
    marked = {
        (e.site, e.key)
        for e in endpoints()
        if e.method == "POST" and getattr(e.handler, "idempotent", False) is True
    }
    assert marked >= IDEMPOTENT
    # The OpenAPI document promises it exactly where the mechanism stands.
    promised = {
        (e.site, e.key)
        for e in endpoints()
        if e.is_api_view and e.method == "POST" and getattr(e.view, "idempotent", False)
    }
    assert marked == promised


def test_api_addresses_are_plural_nouns_with_a_slash() -> None:
    assert [str(e) for e in endpoints() if e.path.startswith("/api/v1/") and not e.path.endswith("/")] == []
    assert [str(e) for e in endpoints() if e.path.lower() != e.path] == []
