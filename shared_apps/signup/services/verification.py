"""Using the mailed link: the library is made here."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from saas.core.principals import ANONYMOUS
from saas.core.tenancy import LibraryContext, in_public
from shared_apps.audit.services import record, recorded_together
from shared_apps.entitlements import selectors as plans
from shared_apps.signup import tokens
from shared_apps.signup.errors import TokenExpired, TokenInvalid, TokenUsed
from shared_apps.signup.models import SignUp, SignUpStatus
from shared_apps.tenants.errors import SubdomainTaken
from shared_apps.tenants.selectors import subdomain_state
from shared_apps.tenants.services import provision_library


def verify(*, token: str, now: datetime) -> LibraryContext:
    """Make the library that a mailed link asks for, with its schema and its admin, and mark the link as used.

    All of it is one transaction: killed anywhere, nothing is left and the link works again. The sign-up's
    row is locked first, so of two clicks at once the second finds it used. Raises TokenInvalid,
    TokenExpired, TokenUsed, or SubdomainTaken where somebody else was faster; then the sign-up stays as it
    was.
    """
    with in_public(), transaction.atomic(), recorded_together():
        row = _locked(token)
        _check_usable(row, now)
        library = provision_library(
            name=row.library_name,
            subdomain=row.subdomain,
            plan=row.plan,
            status=plans.first_status(row.plan),
            country=row.country,
            language=row.language,
            time_zone=row.time_zone,
            admin_email=row.admin_email,
            admin_name=row.admin_name,
            admin_password_hash=row.password_hash,
            now=now,
        )
        row.status, row.library_id, row.password_hash = SignUpStatus.VERIFIED, library.id, ""
        row.save(update_fields=["status", "library_id", "password_hash"])
        changes = {"library_id": str(library.id), "subdomain": row.subdomain}
        record(action="signup.verified", target=row, by=ANONYMOUS, changes=changes, now=now)
    return library


def _locked(token: str) -> SignUp:
    row = SignUp.objects.select_for_update().filter(token_digest=tokens.digest_of(token)).first()
    if row is None:
        raise TokenInvalid
    return row


def _check_usable(row: SignUp, now: datetime) -> None:
    if row.status == SignUpStatus.VERIFIED:
        raise TokenUsed
    if row.status == SignUpStatus.EXPIRED or row.expires_at <= now:
        raise TokenExpired
    if subdomain_state(row.subdomain) != "free":
        raise SubdomainTaken
