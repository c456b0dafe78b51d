"""Who may call what: each address and method of both sites, and the standard roles that it lets in.

Written by hand, on purpose: the views declare permissions, the roles hold permissions, and this table says what must
come of both. docs/permissions.md is made from it (`python -m tests.permissions.page`).
"""

from __future__ import annotations

ANONYMOUS, READER, LIBRARIAN, ADMIN = "anonymous", "reader", "librarian", "admin"
# A member of staff without a role, one of each role, and an owner by `createsuperuser`.
STAFF, OPERATOR = "staff", "operator"
SUPPORT, BILLING, OPERATIONS, OWNER = "support", "billing", "operations", "owner"
LIBRARY_ROLES = (ANONYMOUS, READER, LIBRARIAN, ADMIN)
PUBLIC_ROLES = (ANONYMOUS, STAFF, SUPPORT, BILLING, OPERATIONS, OWNER, OPERATOR)
ROLES = {"library": LIBRARY_ROLES, "public": PUBLIC_ROLES}

EVERYBODY = frozenset(LIBRARY_ROLES)
SIGNED_IN = frozenset({READER, LIBRARIAN, ADMIN})
DESK = frozenset({LIBRARIAN, ADMIN})
ADMINS = frozenset({ADMIN})
WORLD = frozenset(PUBLIC_ROLES)
PLATFORM = WORLD - {ANONYMOUS}
OWNERS = frozenset({OWNER, OPERATOR})
OPERATORS = OWNERS | {OPERATIONS}
VISITORS = OPERATORS | {SUPPORT}
CONSOLE = VISITORS | {BILLING}

# While the library shows its catalogue to guests (setting `guests_may_search`, on in a new library).
CATALOGUE = EVERYBODY

LIBRARY: dict[str, frozenset[str]] = {
    # signing in
    "POST /api/v1/auth/login/": EVERYBODY,
    "POST /api/v1/auth/logout/": EVERYBODY,
    "POST /api/v1/auth/refresh/": EVERYBODY,
    "GET /api/v1/auth/mfa/": SIGNED_IN,
    "POST /api/v1/auth/mfa/totp/": SIGNED_IN,
    "DELETE /api/v1/auth/mfa/totp/": SIGNED_IN,
    "POST /api/v1/auth/mfa/totp/confirm/": SIGNED_IN,
    "POST /api/v1/auth/mfa/recovery-codes/": SIGNED_IN,
    "POST /api/v1/auth/mfa/webauthn/": SIGNED_IN,
    "POST /api/v1/auth/mfa/webauthn/options/": SIGNED_IN,
    "GET /api/v1/auth/mfa/webauthn/{pk}/": SIGNED_IN,
    "DELETE /api/v1/auth/mfa/webauthn/{pk}/": SIGNED_IN,
    "POST /api/v1/auth/webauthn/": EVERYBODY,
    "POST /api/v1/auth/webauthn/options/": EVERYBODY,
    "POST /api/v1/auth/registration/": EVERYBODY,
    "POST /api/v1/auth/registration/verify-email/": EVERYBODY,
    "POST /api/v1/auth/registration/resend/": EVERYBODY,
    "GET /api/v1/auth/sessions/": SIGNED_IN,
    "DELETE /api/v1/auth/sessions/": SIGNED_IN,
    "DELETE /api/v1/auth/sessions/{pk}/": SIGNED_IN,
    "POST /api/v1/auth/email/change/": SIGNED_IN,
    "POST /api/v1/auth/email/change/confirm/": SIGNED_IN,
    "POST /api/v1/auth/password/change/": SIGNED_IN,
    "POST /api/v1/auth/password/reset/": EVERYBODY,
    "POST /api/v1/auth/password/reset/confirm/": EVERYBODY,
    # signing in with a provider
    "GET /api/v1/auth/social/": EVERYBODY,
    "POST /api/v1/auth/social/{code}/": EVERYBODY,
    "GET /api/v1/auth/social/{code}/callback/": EVERYBODY,
    "POST /api/v1/auth/social/{code}/callback/": EVERYBODY,
    "POST /api/v1/auth/social/second-factor/": EVERYBODY,
    "POST /api/v1/auth/social/link/": SIGNED_IN,
    "GET /api/v1/auth/social/identities/": SIGNED_IN,
    "DELETE /api/v1/auth/social/identities/{pk}/": SIGNED_IN,
    "GET /api/v1/identity-providers/": ADMINS,
    "POST /api/v1/identity-providers/": ADMINS,
    "GET /api/v1/identity-providers/{pk}/": ADMINS,
    "PATCH /api/v1/identity-providers/{pk}/": ADMINS,
    "DELETE /api/v1/identity-providers/{pk}/": ADMINS,
    # people who work here
    "GET /api/v1/me/": SIGNED_IN,
    "PATCH /api/v1/me/": SIGNED_IN,
    "GET /api/v1/permissions/": SIGNED_IN,
    "GET /api/v1/permissions/explain/": SIGNED_IN,
    "GET /api/v1/me/export/": SIGNED_IN,
    "POST /api/v1/me/erase/": SIGNED_IN,
    "GET /api/v1/roles/": ADMINS,
    "POST /api/v1/roles/": ADMINS,
    "GET /api/v1/roles/{pk}/": ADMINS,
    "PATCH /api/v1/roles/{pk}/": ADMINS,
    "DELETE /api/v1/roles/{pk}/": ADMINS,
    "GET /api/v1/role-assignments/": ADMINS,
    "POST /api/v1/role-assignments/": ADMINS,
    "DELETE /api/v1/role-assignments/{pk}/": ADMINS,
    "GET /api/v1/members/": ADMINS,
    "GET /api/v1/members/{pk}/": ADMINS,
    "PATCH /api/v1/members/{pk}/": ADMINS,
    "POST /api/v1/members/{pk}/deactivate/": ADMINS,
    "POST /api/v1/members/{pk}/reactivate/": ADMINS,
    "POST /api/v1/members/{pk}/approve/": ADMINS,
    "POST /api/v1/members/{pk}/refuse/": ADMINS,
    "DELETE /api/v1/members/{pk}/sessions/": ADMINS,
    "GET /api/v1/invitations/": ADMINS,
    "POST /api/v1/invitations/": ADMINS,
    "POST /api/v1/invitations/accept/": EVERYBODY,
    "GET /api/v1/invitations/{pk}/": ADMINS,
    "DELETE /api/v1/invitations/{pk}/": ADMINS,
    "POST /api/v1/invitations/{pk}/resend/": ADMINS,
    # machines
    "GET /api/v1/service-accounts/": ADMINS,
    "POST /api/v1/service-accounts/": ADMINS,
    "GET /api/v1/service-accounts/{pk}/": ADMINS,
    "PATCH /api/v1/service-accounts/{pk}/": ADMINS,
    "DELETE /api/v1/service-accounts/{pk}/": ADMINS,
    "GET /api/v1/api-keys/": ADMINS,
    "POST /api/v1/api-keys/": ADMINS,
    "GET /api/v1/api-keys/{pk}/": ADMINS,
    "DELETE /api/v1/api-keys/{pk}/": ADMINS,
    "POST /api/v1/api-keys/{pk}/rotate/": ADMINS,
    # who was here, and who did what
    "GET /api/v1/visits/": ADMINS,
    "POST /api/v1/visits/{visit_id}/end/": ADMINS,
    "GET /api/v1/audit/": ADMINS,
    "GET /api/v1/security-events/": ADMINS,
    # settings and places
    "GET /api/v1/settings/": DESK,
    "PATCH /api/v1/settings/": ADMINS,
    "GET /api/v1/domains/": ADMINS,
    "POST /api/v1/domains/": ADMINS,
    "DELETE /api/v1/domains/{pk}/": ADMINS,
    "POST /api/v1/domains/{pk}/verify/": ADMINS,
    "GET /api/v1/branches/": CATALOGUE,
    "POST /api/v1/branches/": ADMINS,
    "GET /api/v1/branches/{pk}/": CATALOGUE,
    "PATCH /api/v1/branches/{pk}/": ADMINS,
    "GET /api/v1/collections/": CATALOGUE,
    "POST /api/v1/collections/": ADMINS,
    "GET /api/v1/collections/{pk}/": CATALOGUE,
    "PATCH /api/v1/collections/{pk}/": ADMINS,
    "DELETE /api/v1/collections/{pk}/": ADMINS,
    # catalogue
    "GET /api/v1/search/": CATALOGUE,
    "GET /api/v1/titles/": CATALOGUE,
    "POST /api/v1/titles/": DESK,
    "GET /api/v1/titles/{pk}/": CATALOGUE,
    "PATCH /api/v1/titles/{pk}/": DESK,
    "GET /api/v1/titles/{pk}/marc/": CATALOGUE,
    "GET /api/v1/titles/{pk}/availability/": CATALOGUE,
    "GET /api/v1/item-types/": CATALOGUE,
    "POST /api/v1/item-types/": DESK,
    "GET /api/v1/copies/": CATALOGUE,
    "POST /api/v1/copies/": DESK,
    "GET /api/v1/copies/by-barcode/{barcode}/": DESK,
    "GET /api/v1/copies/{pk}/": CATALOGUE,
    "PATCH /api/v1/copies/{pk}/": DESK,
    "GET /api/v1/imports/": DESK,
    "POST /api/v1/imports/": DESK,
    "GET /api/v1/imports/{pk}/": DESK,
    "GET /api/v1/imports/{pk}/records/": DESK,
    "POST /api/v1/imports/{pk}/cancel/": DESK,
    # people who borrow
    "GET /api/v1/patron-categories/": DESK,
    "POST /api/v1/patron-categories/": DESK,
    "GET /api/v1/patrons/": DESK,
    "POST /api/v1/patrons/": DESK,
    "GET /api/v1/patrons/by-card/{card}/": DESK,
    "GET /api/v1/patrons/{pk}/": DESK,
    "PATCH /api/v1/patrons/{pk}/": DESK,
    "GET /api/v1/patrons/{pk}/loans/": DESK,
    # circulation
    "GET /api/v1/loans/": DESK,
    "POST /api/v1/loans/": DESK,
    "GET /api/v1/loans/{pk}/": DESK,
    "POST /api/v1/returns/": DESK,
    "GET /api/v1/loan-rules/": DESK,
    "POST /api/v1/loan-rules/": ADMINS,
    "GET /api/v1/loan-rules/explain/": DESK,
    "GET /api/v1/loan-rules/{pk}/": DESK,
    "PATCH /api/v1/loan-rules/{pk}/": ADMINS,
    "DELETE /api/v1/loan-rules/{pk}/": ADMINS,
    # pages; without a session whoever is not allowed is sent to /sign-in/
    "GET /": CATALOGUE,
    "GET /titles/{pk}/": CATALOGUE,
    "GET /sign-in/": EVERYBODY,
    "POST /sign-in/": EVERYBODY,
    "POST /sign-in/with/{code}/": EVERYBODY,
    "GET /sign-in/second-factor/": EVERYBODY,
    "POST /sign-in/second-factor/": EVERYBODY,
    "GET /sign-in/connect/": EVERYBODY,
    "POST /sign-in/connect/": EVERYBODY,
    "POST /sign-out/": EVERYBODY,
    "GET /password/reset/": EVERYBODY,
    "POST /password/reset/": EVERYBODY,
    "GET /password/reset/confirm/": EVERYBODY,
    "POST /password/reset/confirm/": EVERYBODY,
    "GET /invitations/accept/": EVERYBODY,
    "POST /invitations/accept/": EVERYBODY,
    "GET /account/": SIGNED_IN,
    "GET /titles/{pk}/copies/new/": DESK,
    "POST /titles/{pk}/copies/new/": DESK,
    "GET /imports/": DESK,
    "POST /imports/": DESK,
    "GET /imports/{pk}/": DESK,
    "POST /imports/{pk}/cancel/": DESK,
    "GET /patrons/": DESK,
    "GET /patrons/new/": DESK,
    "POST /patrons/new/": DESK,
    "GET /desk/": DESK,
    "POST /desk/branch/": DESK,
    "POST /desk/checkouts/": DESK,
    "POST /desk/returns/": DESK,
    # documents and health
    "GET /api/schema/": EVERYBODY,
    "GET /api/docs/": EVERYBODY,
    "GET /api/redoc/": EVERYBODY,
    "GET /api/problems/{code}/": EVERYBODY,
    "GET /health/live/": EVERYBODY,
    "GET /health/ready/": EVERYBODY,
}

PUBLIC: dict[str, frozenset[str]] = {
    # signing in
    "POST /api/v1/auth/login/": WORLD,
    "POST /api/v1/auth/logout/": WORLD,
    "POST /api/v1/auth/refresh/": WORLD,
    "GET /api/v1/auth/mfa/": PLATFORM,
    "POST /api/v1/auth/mfa/totp/": PLATFORM,
    "DELETE /api/v1/auth/mfa/totp/": PLATFORM,
    "POST /api/v1/auth/mfa/totp/confirm/": PLATFORM,
    "POST /api/v1/auth/mfa/recovery-codes/": PLATFORM,
    "POST /api/v1/auth/mfa/webauthn/": PLATFORM,
    "POST /api/v1/auth/mfa/webauthn/options/": PLATFORM,
    "GET /api/v1/auth/mfa/webauthn/{pk}/": PLATFORM,
    "DELETE /api/v1/auth/mfa/webauthn/{pk}/": PLATFORM,
    "POST /api/v1/auth/webauthn/": WORLD,
    "POST /api/v1/auth/webauthn/options/": WORLD,
    "GET /api/v1/auth/sessions/": PLATFORM,
    "DELETE /api/v1/auth/sessions/": PLATFORM,
    "DELETE /api/v1/auth/sessions/{pk}/": PLATFORM,
    "POST /api/v1/auth/email/change/": PLATFORM,
    "POST /api/v1/auth/email/change/confirm/": PLATFORM,
    "POST /api/v1/auth/password/change/": PLATFORM,
    "POST /api/v1/auth/password/reset/": WORLD,
    "POST /api/v1/auth/password/reset/confirm/": WORLD,
    # signing up
    "GET /api/v1/plans/": WORLD,
    "GET /api/v1/signup/availability/": WORLD,
    "POST /api/v1/signup/": WORLD,
    "POST /api/v1/signup/verify/": WORLD,
    "GET /api/v1/signup/{sign_up_id}/": WORLD,
    # the platform
    "GET /metrics": WORLD,
    "GET /api/v1/platform/libraries/": CONSOLE,
    "GET /api/v1/platform/migrations/": CONSOLE,
    "GET /api/v1/platform/libraries/{library_id}/": CONSOLE,
    "GET /api/v1/platform/security-events/": VISITORS,
    "POST /api/v1/platform/libraries/{library_id}/suspend/": OPERATORS,
    "POST /api/v1/platform/libraries/{library_id}/resume/": OPERATORS,
    "POST /api/v1/platform/libraries/{library_id}/restrict/": OPERATORS,
    "POST /api/v1/platform/libraries/{library_id}/close/": OPERATORS,
    "POST /api/v1/platform/libraries/{library_id}/restore/": OPERATORS,
    "POST /api/v1/platform/libraries/{library_id}/impersonate/": VISITORS,
    "GET /api/v1/platform/visits/": VISITORS,
    "POST /api/v1/platform/visits/{visit_id}/end/": VISITORS,
    "POST /api/v1/platform/libraries/{library_id}/delete/": OPERATORS,
    "GET /api/v1/platform/deletions/": OPERATORS,
    "POST /api/v1/platform/deletions/{request_id}/approve/": OWNERS,
    "POST /api/v1/platform/deletions/{request_id}/reject/": OPERATORS,
    "GET /api/v1/platform/staff/": OWNERS,
    "POST /api/v1/platform/staff/": OWNERS,
    "PATCH /api/v1/platform/staff/{pk}/": OWNERS,
    "POST /api/v1/platform/staff/{pk}/deactivate/": OWNERS,
    "GET /api/v1/platform/audit/": VISITORS,
    "POST /billing/stripe/webhook/": WORLD,
    "GET /internal/tls/ask": WORLD,
    # pages
    "GET /": WORLD,
    "GET /signup/": WORLD,
    "POST /signup/": WORLD,
    "GET /signup/check-your-mail/": WORLD,
    "GET /signup/verify/": WORLD,
    "POST /signup/verify/": WORLD,
    "GET /password/reset/confirm/": WORLD,
    "POST /password/reset/confirm/": WORLD,
    "GET /robots.txt": WORLD,
    # documents and health
    "GET /api/schema/": WORLD,
    "GET /api/docs/": WORLD,
    "GET /api/redoc/": WORLD,
    "GET /api/problems/{code}/": WORLD,
    "GET /health/live/": WORLD,
    "GET /health/ready/": WORLD,
}

MATRIX = {"library": LIBRARY, "public": PUBLIC}


def allowed(site: str, key: str) -> frozenset[str]:
    """The roles that an endpoint lets in. Raises KeyError for one without a row."""
    return MATRIX[site][key]
