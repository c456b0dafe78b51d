"""Taking a request for a library."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction

from saas.core.errors import ValidationFailed
from saas.core.principals import ANONYMOUS
from saas.core.tenancy import in_public
from shared_apps.audit.services import record
from shared_apps.delivery.services import publish
from shared_apps.signup import rules, tokens
from shared_apps.signup.applications import Application, problems_of
from shared_apps.signup.models import SignUp

VERIFICATION_MAIL = "signup.verification_mail"


def request_library(*, application: Application, password: str, now: datetime) -> SignUp:
    """Store a request and have its link mailed; the library is made when the link is used.

    Whether the address is known to us plays no part, so nobody can find out. Beyond 20 requests an hour for
    one address the mail is left out, silently. Raises ValidationFailed with every problem, and with
    `suggestions` where the subdomain is one.
    """
    wanted = application.normalised()
    problems, found = problems_of(wanted, password)
    if problems or found.label is None:
        more = {"suggestions": list(found.suggestions)} if found.reason else {}
        raise ValidationFailed(problems[0].detail, errors=problems, **more)
    with in_public(), transaction.atomic():
        sign_up = _insert(wanted, found.label, password, now)
        changes = {"subdomain": found.label, "plan": wanted.plan, "country": wanted.country}
        record(action="signup.requested", target=sign_up, by=ANONYMOUS, changes=changes, now=now)
        if _mails_lately(wanted.admin_email, now) <= rules.MAILS_PER_ADDRESS:
            identifier = str(sign_up.pk)
            publish(
                kind=VERIFICATION_MAIL,
                payload={"sign_up_id": identifier},
                dedupe_key=f"{VERIFICATION_MAIL}:{identifier}",
                now=now,
            )
    return sign_up


def _insert(wanted: Application, label: str, password: str, now: datetime) -> SignUp:
    identifier, nonce = uuid.uuid4(), tokens.new_nonce()
    return SignUp.objects.create(
        id=identifier,
        library_name=wanted.library_name,
        subdomain=label,
        admin_name=wanted.admin_name,
        admin_email=wanted.admin_email,
        password_hash=make_password(password),
        plan=wanted.plan,
        country=wanted.country,
        language=wanted.language,
        time_zone=wanted.time_zone,
        token_nonce=nonce,
        token_digest=tokens.digest_of(tokens.token_for(identifier, nonce)),
        created_at=now,
        expires_at=now + rules.LINK_LIFETIME,
    )


def _mails_lately(email: str, now: datetime) -> int:
    since = now - rules.MAIL_WINDOW
    return SignUp.objects.filter(created_at__gt=since, admin_email__iexact=email).count()
