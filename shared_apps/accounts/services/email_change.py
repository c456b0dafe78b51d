"""Giving one's account another e-mail address: password again, a code to the new one, word to the old one."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils.translation import gettext as _

from saas.core.api.throttling import check_limit
from saas.core.db.inserts import insert
from saas.core.db.integrity import refused_if_taken
from saas.core.errors import FieldProblem, NotAuthenticated, ValidationFailed
from saas.core.principals import Actor
from saas.core.security_events import Kind, security_event
from shared_apps.accounts import selectors
from shared_apps.accounts.errors import ChangeCodeInvalid
from shared_apps.accounts.models import MailedCode, User
from shared_apps.accounts.services import attempts, codes, notices
from shared_apps.accounts.services.own_sessions import end_other_sessions
from shared_apps.accounts.services.passwords import require_password
from shared_apps.accounts.services.registration import MAILBOX
from shared_apps.audit import services as audit
from shared_apps.delivery import services as delivery

MAIL: Final = "accounts.email_change_mail"


def request_email_change(
    *, user_id: int, email: str, password: str, address: str, by: Actor, now: datetime
) -> None:
    """Mail a code to the new address, and word of it to the old one, which stays until the code comes back.

    An address that another account has gets no mail, and nothing tells. Raises ValidationFailed for a wrong password
    and for the address that the account has, and RateLimited.
    """
    user = require_password(user_id=user_id, password=password, field="password", address=address)
    wanted = email.strip().lower()
    if wanted == user.email.lower():
        text = _("This is the address that your account has.")
        raise ValidationFailed(text, errors=[FieldProblem("email", "unchanged", text)])
    check_limit(MAILBOX, wanted)
    check_limit(MAILBOX, f"user:{user.pk}")
    code = MailedCode(purpose=MailedCode.Purpose.CHANGE, address=wanted, user=user)
    with transaction.atomic():
        user.mailed_codes.exclude(address=wanted).delete()
        codes.renew(code, now=now)
        delivery.publish(kind=MAIL, payload={"code": code.pk}, now=now)
        notices.publish(notices.EMAIL_CHANGE_REQUESTED, user=user, now=now)
        audit.record(
            action="user.email_change_requested", target=user, by=by, personal={"email": wanted}, now=now
        )


def confirm_email_change(
    *, user_id: int, code: str, session: str | None, address: str, by: Actor, now: datetime
) -> User:
    """Give the account its new address; every other session ends, and reset links to the old address are dead.

    `session` is the one that asks. Raises ChangeCodeInvalid, also where another account has the address by now, and
    RateLimited.
    """
    attempt = attempts.begin(name=f"code of user {user_id}", user=None, address=address)
    try:
        with transaction.atomic():
            user = _use(user_id, code, by, now)
            if user is not None:
                end_other_sessions(user_id=user_id, keep=session, reason="user.email_changed", by=by, now=now)
    except _Taken as taken:
        raise ChangeCodeInvalid from taken
    # Outside of the transaction: a wrong try stays counted.
    if user is None:
        purpose = MailedCode.Purpose.CHANGE.value
        security_event(Kind.CODE_REFUSED, user_id=user_id, by=by, address=address, now=now, purpose=purpose)
        raise ChangeCodeInvalid
    attempts.succeeded(attempt)
    return user


class _Taken(Exception):
    pass


def _use(user_id: int, text: str, by: Actor, now: datetime) -> User | None:
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id, is_active=True).first()
    if user is None:
        raise NotAuthenticated
    rows = MailedCode.objects.select_for_update(of=("self",))
    code = rows.filter(purpose=MailedCode.Purpose.CHANGE, user=user).first()
    if not codes.is_right(code, text, now=now) or code is None:
        return None
    code.delete()
    other = selectors.user_with_email(code.address)
    if other is not None and other.pk != user.pk:
        return None
    _replace(user, code.address, by, now)
    return user


def _replace(user: User, address: str, by: Actor, now: datetime) -> None:
    before, user.email = user.email, address
    user.bump()
    with refused_if_taken(_Taken, savepoint=False):
        user.save(update_fields=["email", "version"])
    EmailAddress.objects.filter(user=user).delete()
    insert(EmailAddress(user=user, email=address, verified=True, primary=True))
    security_event(Kind.EMAIL_CHANGED, user_id=user.pk, by=by, now=now)
    audit.record(
        action="user.email_changed", target=user, by=by, personal={"email": [before, address]}, now=now
    )
