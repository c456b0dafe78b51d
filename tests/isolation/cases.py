"""Which row each address names: the foreign-library tests ask for one that exists only in the other library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from saas.core.tenancy import in_library
from tests.permissions.scene import Scene

# Well-formed values that exist in no library.
NOWHERE = {
    "pk": "4611686018427387904",
    "barcode": "nowhere-0001",
    "card": "C-nowhere-1",
    "visit_id": "00000000-0000-4000-8000-000000000000",
}


@dataclass(frozen=True)
class Case:
    """The row of the scene that the path's parameter names, and by which of its columns."""

    row: str
    column: str = "pk"
    # The public site keeps the row, with the library's id.
    is_public: bool = False

    def of(self, scene: Scene) -> Any:
        """The row itself."""
        return getattr(scene, self.row)

    def is_in(self, library: Any, row: Any) -> bool:
        """Whether a library has the row that this one's column names."""
        wanted = {self.column: getattr(row, self.column)}
        if self.is_public:
            return bool(type(row)._default_manager.filter(tenant_id=library.id, **wanted).exists())
        with in_library(library):
            return bool(type(row)._default_manager.filter(**wanted).exists())

    def value(self, scene: Scene) -> str:
        """What stands in the path."""
        return str(getattr(self.of(scene), self.column))


CASES: dict[str, Case] = {
    "GET /api/v1/auth/mfa/webauthn/{pk}/": Case("passkey"),
    "DELETE /api/v1/auth/mfa/webauthn/{pk}/": Case("passkey"),
    "GET /api/v1/roles/{pk}/": Case("role"),
    "PATCH /api/v1/roles/{pk}/": Case("role"),
    "DELETE /api/v1/roles/{pk}/": Case("role"),
    "DELETE /api/v1/auth/sessions/{pk}/": Case("session"),
    "DELETE /api/v1/role-assignments/{pk}/": Case("assignment"),
    "GET /api/v1/members/{pk}/": Case("user"),
    "PATCH /api/v1/members/{pk}/": Case("user"),
    "POST /api/v1/members/{pk}/deactivate/": Case("user"),
    "POST /api/v1/members/{pk}/reactivate/": Case("applicant"),
    "POST /api/v1/members/{pk}/approve/": Case("applicant"),
    "POST /api/v1/members/{pk}/refuse/": Case("applicant"),
    "DELETE /api/v1/members/{pk}/sessions/": Case("user"),
    "GET /api/v1/invitations/{pk}/": Case("invitation"),
    "DELETE /api/v1/invitations/{pk}/": Case("invitation"),
    "POST /api/v1/invitations/{pk}/resend/": Case("invitation"),
    "GET /api/v1/service-accounts/{pk}/": Case("service_account"),
    "PATCH /api/v1/service-accounts/{pk}/": Case("service_account"),
    "DELETE /api/v1/service-accounts/{pk}/": Case("service_account"),
    "GET /api/v1/api-keys/{pk}/": Case("api_key"),
    "DELETE /api/v1/api-keys/{pk}/": Case("api_key"),
    "POST /api/v1/api-keys/{pk}/rotate/": Case("api_key"),
    "POST /api/v1/visits/{visit_id}/end/": Case("visit"),
    "DELETE /api/v1/domains/{pk}/": Case("domain", is_public=True),
    "POST /api/v1/domains/{pk}/verify/": Case("domain", is_public=True),
    "DELETE /api/v1/auth/social/identities/{pk}/": Case("identity"),
    "GET /api/v1/identity-providers/{pk}/": Case("provider"),
    "PATCH /api/v1/identity-providers/{pk}/": Case("provider"),
    "DELETE /api/v1/identity-providers/{pk}/": Case("provider"),
    "GET /api/v1/branches/{pk}/": Case("branch"),
    "PATCH /api/v1/branches/{pk}/": Case("branch"),
    "GET /api/v1/collections/{pk}/": Case("collection"),
    "PATCH /api/v1/collections/{pk}/": Case("collection"),
    "DELETE /api/v1/collections/{pk}/": Case("collection"),
    "GET /api/v1/titles/{pk}/": Case("title"),
    "PATCH /api/v1/titles/{pk}/": Case("title"),
    "GET /api/v1/titles/{pk}/marc/": Case("title"),
    "GET /api/v1/titles/{pk}/availability/": Case("title"),
    "GET /api/v1/titles/{pk}/shares/": Case("title"),
    "POST /api/v1/titles/{pk}/shares/": Case("title"),
    "DELETE /api/v1/title-shares/{pk}/": Case("share"),
    "GET /api/v1/copies/{pk}/": Case("copy"),
    "PATCH /api/v1/copies/{pk}/": Case("copy"),
    "GET /api/v1/copies/by-barcode/{barcode}/": Case("copy", "barcode"),
    "GET /api/v1/imports/{pk}/": Case("job"),
    "GET /api/v1/imports/{pk}/records/": Case("job"),
    "POST /api/v1/imports/{pk}/cancel/": Case("queued_job"),
    "GET /api/v1/patrons/{pk}/": Case("patron"),
    "PATCH /api/v1/patrons/{pk}/": Case("patron"),
    "GET /api/v1/patrons/{pk}/loans/": Case("patron"),
    "GET /api/v1/patrons/by-card/{card}/": Case("card", "number"),
    "GET /api/v1/loans/{pk}/": Case("loan"),
    "GET /api/v1/loan-rules/{pk}/": Case("rule"),
    "PATCH /api/v1/loan-rules/{pk}/": Case("rule"),
    "DELETE /api/v1/loan-rules/{pk}/": Case("rule"),
    "GET /account/security/passkeys/{pk}/remove/": Case("passkey"),
    "POST /account/security/passkeys/{pk}/remove/": Case("passkey"),
    "GET /titles/{pk}/": Case("title"),
    "GET /titles/{pk}/copies/new/": Case("title"),
    "POST /titles/{pk}/copies/new/": Case("title"),
    "GET /imports/{pk}/": Case("job"),
    "POST /imports/{pk}/cancel/": Case("queued_job"),
}
