"""Who holds a role somewhere else: what each address of a library says to people whose branch or collection it is not.

Written by hand, like the matrix, and complete like it: an address without a decision fails. A route that is open to a
role held anywhere must keep its rows to where the role is held; what it does then is said here.
"""

from __future__ import annotations

from typing import Any

from saas.core.tenancy import in_library
from tenant_apps.access.models import Role
from tests import factories
from tests.permissions.scene import Scene

# The standard roles, held for a branch, or a collection, to which nothing of the scene belongs.
CALLERS = {
    "branch-librarian": ("librarian", "branch"),
    "branch-admin": ("admin", "branch"),
    "keeper": ("librarian", "collection"),
    "keeper-admin": ("admin", "collection"),
}

# The request of the examples, which names rows of the library or of other branches and no collection ...
OK = "ok"  # ... is answered as to anybody who may;
EMPTY = "empty"  # ... gives a list without a row, where the whole library's librarian or admin finds some;
HIDDEN = "hidden"  # ... names what does not exist for the caller: 404;
INVALID = "invalid"  # ... chooses what the form does not offer to them: 400;
REFUSED = "refused"  # ... is not theirs to make: 403.

Decision = tuple[str, str, str, str]  # in the order of CALLERS
# Everybody's, the catalogue's, or the caller's own.
OPEN: Decision = (OK, OK, OK, OK)
# The whole library's, or a write at somebody else's place.
CLOSED: Decision = (REFUSED, REFUSED, REFUSED, REFUSED)
# What is the library's and every desk may see; a desk belongs to a branch.
DESKS: Decision = (OK, OK, REFUSED, REFUSED)
NO_ROWS_OF_OTHERS: Decision = (EMPTY, EMPTY, REFUSED, REFUSED)
NO_ROW_OF_OTHERS: Decision = (HIDDEN, HIDDEN, REFUSED, REFUSED)
NOT_OFFERED_TO_DESKS: Decision = (INVALID, INVALID, REFUSED, REFUSED)
NOT_OFFERED: Decision = (INVALID, INVALID, INVALID, INVALID)
NO_ROW_FOR_KEEPERS: Decision = (REFUSED, REFUSED, HIDDEN, HIDDEN)
# Who manages roles or members in one place sees those of that place.
ADMINS_SEE: Decision = (REFUSED, OK, REFUSED, OK)
NO_ROWS_FOR_ADMINS: Decision = (REFUSED, EMPTY, REFUSED, EMPTY)
NO_ROW_FOR_ADMINS: Decision = (REFUSED, HIDDEN, REFUSED, HIDDEN)

SCOPED: dict[str, Decision] = {
    # signing in
    "POST /api/v1/auth/login/": OPEN,
    "POST /api/v1/auth/logout/": OPEN,
    "POST /api/v1/auth/refresh/": OPEN,
    "GET /api/v1/auth/mfa/": OPEN,
    "POST /api/v1/auth/mfa/totp/": OPEN,
    "DELETE /api/v1/auth/mfa/totp/": OPEN,
    "POST /api/v1/auth/mfa/totp/confirm/": OPEN,
    "POST /api/v1/auth/mfa/recovery-codes/": OPEN,
    "POST /api/v1/auth/mfa/webauthn/": OPEN,
    "POST /api/v1/auth/mfa/webauthn/options/": OPEN,
    "GET /api/v1/auth/mfa/webauthn/{pk}/": OPEN,
    "DELETE /api/v1/auth/mfa/webauthn/{pk}/": OPEN,
    "POST /api/v1/auth/webauthn/": OPEN,
    "POST /api/v1/auth/webauthn/options/": OPEN,
    "POST /api/v1/auth/registration/": OPEN,
    "POST /api/v1/auth/registration/verify-email/": OPEN,
    "POST /api/v1/auth/registration/resend/": OPEN,
    "GET /api/v1/auth/sessions/": OPEN,
    "DELETE /api/v1/auth/sessions/": OPEN,
    "DELETE /api/v1/auth/sessions/{pk}/": OPEN,
    "POST /api/v1/auth/email/change/": OPEN,
    "POST /api/v1/auth/email/change/confirm/": OPEN,
    "POST /api/v1/auth/password/change/": OPEN,
    "POST /api/v1/auth/password/reset/": OPEN,
    "POST /api/v1/auth/password/reset/confirm/": OPEN,
    # signing in with a provider
    "GET /api/v1/auth/social/": OPEN,
    "POST /api/v1/auth/social/{code}/": OPEN,
    "GET /api/v1/auth/social/{code}/callback/": OPEN,
    "POST /api/v1/auth/social/{code}/callback/": OPEN,
    "POST /api/v1/auth/social/second-factor/": OPEN,
    "POST /api/v1/auth/social/link/": OPEN,
    "GET /api/v1/auth/social/identities/": OPEN,
    "DELETE /api/v1/auth/social/identities/{pk}/": OPEN,
    "GET /api/v1/identity-providers/": CLOSED,
    "POST /api/v1/identity-providers/": CLOSED,
    "GET /api/v1/identity-providers/{pk}/": CLOSED,
    "PATCH /api/v1/identity-providers/{pk}/": CLOSED,
    "DELETE /api/v1/identity-providers/{pk}/": CLOSED,
    # people who work here
    "GET /api/v1/me/": OPEN,
    "PATCH /api/v1/me/": OPEN,
    "GET /api/v1/permissions/": OPEN,
    "GET /api/v1/permissions/explain/": OPEN,
    "GET /api/v1/me/export/": OPEN,
    "POST /api/v1/me/erase/": OPEN,
    "GET /api/v1/roles/": ADMINS_SEE,
    "POST /api/v1/roles/": CLOSED,
    "GET /api/v1/roles/{pk}/": ADMINS_SEE,
    "PATCH /api/v1/roles/{pk}/": CLOSED,
    "DELETE /api/v1/roles/{pk}/": CLOSED,
    "GET /api/v1/role-assignments/": ADMINS_SEE,
    "POST /api/v1/role-assignments/": CLOSED,
    "DELETE /api/v1/role-assignments/{pk}/": NO_ROW_FOR_ADMINS,
    "GET /api/v1/members/": ADMINS_SEE,
    "GET /api/v1/members/{pk}/": NO_ROW_FOR_ADMINS,
    "PATCH /api/v1/members/{pk}/": NO_ROW_FOR_ADMINS,
    "POST /api/v1/members/{pk}/deactivate/": NO_ROW_FOR_ADMINS,
    "POST /api/v1/members/{pk}/reactivate/": NO_ROW_FOR_ADMINS,
    "POST /api/v1/members/{pk}/approve/": NO_ROW_FOR_ADMINS,
    "POST /api/v1/members/{pk}/refuse/": NO_ROW_FOR_ADMINS,
    "DELETE /api/v1/members/{pk}/sessions/": NO_ROW_FOR_ADMINS,
    "GET /api/v1/invitations/": NO_ROWS_FOR_ADMINS,
    "POST /api/v1/invitations/": CLOSED,
    "POST /api/v1/invitations/accept/": OPEN,
    "GET /api/v1/invitations/{pk}/": NO_ROW_FOR_ADMINS,
    "DELETE /api/v1/invitations/{pk}/": NO_ROW_FOR_ADMINS,
    "POST /api/v1/invitations/{pk}/resend/": NO_ROW_FOR_ADMINS,
    # machines
    "GET /api/v1/service-accounts/": CLOSED,
    "POST /api/v1/service-accounts/": CLOSED,
    "GET /api/v1/service-accounts/{pk}/": CLOSED,
    "PATCH /api/v1/service-accounts/{pk}/": CLOSED,
    "DELETE /api/v1/service-accounts/{pk}/": CLOSED,
    "GET /api/v1/api-keys/": CLOSED,
    "POST /api/v1/api-keys/": CLOSED,
    "GET /api/v1/api-keys/{pk}/": CLOSED,
    "DELETE /api/v1/api-keys/{pk}/": CLOSED,
    "POST /api/v1/api-keys/{pk}/rotate/": CLOSED,
    # who was here, and who did what
    "GET /api/v1/visits/": CLOSED,
    "POST /api/v1/visits/{visit_id}/end/": CLOSED,
    "GET /api/v1/audit/": CLOSED,
    "GET /api/v1/security-events/": CLOSED,
    # settings and places
    "GET /api/v1/settings/": DESKS,
    "PATCH /api/v1/settings/": CLOSED,
    "GET /api/v1/domains/": CLOSED,
    "POST /api/v1/domains/": CLOSED,
    "DELETE /api/v1/domains/{pk}/": CLOSED,
    "POST /api/v1/domains/{pk}/verify/": CLOSED,
    "GET /api/v1/branches/": OPEN,
    "POST /api/v1/branches/": CLOSED,
    "GET /api/v1/branches/{pk}/": OPEN,
    "PATCH /api/v1/branches/{pk}/": CLOSED,
    "GET /api/v1/collections/": OPEN,
    "POST /api/v1/collections/": CLOSED,
    "GET /api/v1/collections/{pk}/": OPEN,
    "PATCH /api/v1/collections/{pk}/": CLOSED,
    "DELETE /api/v1/collections/{pk}/": CLOSED,
    # catalogue
    "GET /api/v1/search/": OPEN,
    "GET /api/v1/titles/": OPEN,
    "POST /api/v1/titles/": CLOSED,
    "GET /api/v1/titles/{pk}/": OPEN,
    "PATCH /api/v1/titles/{pk}/": CLOSED,
    "GET /api/v1/titles/{pk}/marc/": OPEN,
    "GET /api/v1/titles/{pk}/availability/": OPEN,
    "GET /api/v1/titles/{pk}/shares/": CLOSED,
    "POST /api/v1/titles/{pk}/shares/": CLOSED,
    "DELETE /api/v1/title-shares/{pk}/": NO_ROW_FOR_KEEPERS,
    "GET /api/v1/item-types/": OPEN,
    "POST /api/v1/item-types/": CLOSED,
    "GET /api/v1/copies/": OPEN,
    "POST /api/v1/copies/": CLOSED,
    "GET /api/v1/copies/by-barcode/{barcode}/": DESKS,
    "GET /api/v1/copies/{pk}/": OPEN,
    "PATCH /api/v1/copies/{pk}/": CLOSED,
    "GET /api/v1/imports/": CLOSED,
    "POST /api/v1/imports/": CLOSED,
    "GET /api/v1/imports/{pk}/": CLOSED,
    "GET /api/v1/imports/{pk}/records/": CLOSED,
    "POST /api/v1/imports/{pk}/cancel/": CLOSED,
    # people who borrow
    "GET /api/v1/patron-categories/": DESKS,
    "POST /api/v1/patron-categories/": CLOSED,
    "GET /api/v1/patrons/": NO_ROWS_OF_OTHERS,
    "POST /api/v1/patrons/": CLOSED,
    "GET /api/v1/patrons/by-card/{card}/": NO_ROW_OF_OTHERS,
    "GET /api/v1/patrons/{pk}/": NO_ROW_OF_OTHERS,
    "PATCH /api/v1/patrons/{pk}/": NO_ROW_OF_OTHERS,
    "GET /api/v1/patrons/{pk}/loans/": NO_ROW_OF_OTHERS,
    # circulation
    "GET /api/v1/loans/": NO_ROWS_OF_OTHERS,
    "POST /api/v1/loans/": CLOSED,
    "GET /api/v1/loans/{pk}/": NO_ROW_OF_OTHERS,
    "POST /api/v1/returns/": CLOSED,
    "GET /api/v1/loan-rules/": DESKS,
    "POST /api/v1/loan-rules/": CLOSED,
    "GET /api/v1/loan-rules/explain/": DESKS,
    "GET /api/v1/loan-rules/{pk}/": DESKS,
    "PATCH /api/v1/loan-rules/{pk}/": CLOSED,
    "DELETE /api/v1/loan-rules/{pk}/": CLOSED,
    # pages; without a session whoever is not allowed is sent to /sign-in/
    "GET /": OPEN,
    "GET /titles/{pk}/": OPEN,
    "GET /sign-in/": OPEN,
    "POST /sign-in/": OPEN,
    "POST /sign-in/with/{code}/": OPEN,
    "GET /sign-in/second-factor/": OPEN,
    "POST /sign-in/second-factor/": OPEN,
    "GET /sign-in/connect/": OPEN,
    "POST /sign-in/connect/": OPEN,
    "POST /sign-out/": OPEN,
    "GET /password/reset/": OPEN,
    "POST /password/reset/": OPEN,
    "GET /password/reset/confirm/": OPEN,
    "POST /password/reset/confirm/": OPEN,
    "GET /invitations/accept/": OPEN,
    "POST /invitations/accept/": OPEN,
    "GET /account/": OPEN,
    "GET /account/security/": OPEN,
    "GET /account/security/app/": OPEN,
    "POST /account/security/app/": OPEN,
    "GET /account/security/app/confirm/": OPEN,
    "POST /account/security/app/confirm/": OPEN,
    "GET /account/security/app/remove/": OPEN,
    "POST /account/security/app/remove/": OPEN,
    "GET /account/security/codes/": OPEN,
    "POST /account/security/codes/": OPEN,
    "GET /account/security/passkeys/": OPEN,
    "POST /account/security/passkeys/": OPEN,
    "GET /account/security/passkeys/add/": OPEN,
    "POST /account/security/passkeys/add/": OPEN,
    "GET /account/security/passkeys/{pk}/remove/": OPEN,
    "POST /account/security/passkeys/{pk}/remove/": OPEN,
    "POST /sign-in/passkey/": OPEN,
    "GET /titles/{pk}/copies/new/": OPEN,
    "POST /titles/{pk}/copies/new/": NOT_OFFERED,
    "GET /imports/": CLOSED,
    "POST /imports/": CLOSED,
    "GET /imports/{pk}/": CLOSED,
    "POST /imports/{pk}/cancel/": CLOSED,
    "GET /patrons/": DESKS,
    "GET /patrons/new/": DESKS,
    "POST /patrons/new/": NOT_OFFERED_TO_DESKS,
    "GET /desk/": DESKS,
    "POST /desk/branch/": NO_ROW_OF_OTHERS,
    "POST /desk/checkouts/": CLOSED,
    "POST /desk/returns/": CLOSED,
    # documents and health
    "GET /api/schema/": OPEN,
    "GET /api/docs/": OPEN,
    "GET /api/redoc/": OPEN,
    "GET /api/deprecations/": OPEN,
    "GET /api/problems/{code}/": OPEN,
    "GET /health/live/": OPEN,
    "GET /health/ready/": OPEN,
}


def make_callers(scene: Scene) -> None:
    """Make an account for each caller, named as the standard ones are: CALLER@SUBDOMAIN.example."""
    with in_library(scene.library):
        elsewhere: dict[str, Any] = {
            "branch": factories.BranchFactory(),
            "collection": factories.CollectionFactory(),
        }
        for caller, (role, scope) in CALLERS.items():
            user = factories.UserFactory(email=f"{caller}@{scene.library.subdomain}.example")
            factories.RoleAssignmentFactory(
                user=user, role=Role.objects.get(code=role), **{scope: elsewhere[scope]}
            )
