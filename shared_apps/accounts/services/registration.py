"""Registering at a library, and proving an address by a mailed code.

A registration is a row that waits for its code; the account is made when the code comes back. So an address that
nobody has proved is no account, and to register writes the same rows whether the address has an account or not: what
differs is the mail. Of two registrations with one address the later counts, and the code of the earlier is dead.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import transaction

from saas.core.api.throttling import check_limit
from saas.core.principals import ANONYMOUS, Actor
from saas.core.security_events import Kind, security_event
from shared_apps.accounts import ports, selectors
from shared_apps.accounts.errors import CodeInvalid, EmailTaken, RegistrationClosed
from shared_apps.accounts.models import MailedCode, User
from shared_apps.accounts.services import attempts, codes
from shared_apps.accounts.services.passwords import check_new_password
from shared_apps.accounts.services.users import create_user
from shared_apps.audit import services as audit
from shared_apps.delivery import services as delivery

MAIL: Final = "accounts.verification_mail"
# Registrations and new codes from one address of the network; mails to one mailbox.
REGISTRATION, MAILBOX = "registration", "email-code"


class Verified(StrEnum):
    """What a proved address leads to."""

    ACTIVE = "active"
    AWAITING_APPROVAL = "awaiting_approval"


def register(
    *, email: str, name: str, password: str, language: str = "", address: str, now: datetime
) -> None:
    """Keep a registration at the current library, and mail its code; whoever has an account is told so by mail.

    `address` names where the request came from (throttling.address_subject). Raises RegistrationClosed,
    ValidationFailed for a weak password, and RateLimited.
    """
    if ports.registration_mode() == ports.CLOSED:
        raise RegistrationClosed
    check_limit(REGISTRATION, address)
    code = MailedCode(purpose=MailedCode.Purpose.VERIFY, address=email.strip().lower(), name=name)
    check_new_password(password, User(email=code.address, name=name), field="password")
    check_limit(MAILBOX, code.address)
    code.language, code.password_hash = language, make_password(password)
    with transaction.atomic():
        codes.renew(code, now=now, update=["name", "language", "password_hash"])
        delivery.publish(kind=MAIL, payload={"code": code.pk}, now=now)
        audit.record(action="registration.requested", by=ANONYMOUS, personal={"address": address}, now=now)


def register_proved(*, email: str, name: str, language: str, by: Actor, now: datetime) -> User:
    """Make the account, without a password, of somebody whose address an identity provider has verified.

    In the caller's transaction. Raises RegistrationClosed, and EmailTaken where there is an account. One that awaits
    approval cannot be signed in to yet.
    """
    mode = ports.registration_mode()
    if mode == ports.CLOSED:
        raise RegistrationClosed
    waits = mode == ports.APPROVAL
    user = create_user(
        email=email, name=name, language=language, verified=True, awaiting_approval=waits, now=now, by=by
    )
    if not waits:
        ports.admit_reader(user_id=user.pk, by=by, now=now)
    return user


def resend_code(*, email: str, address: str, now: datetime) -> None:
    """Mail a new code to an address that waits to be verified; the old one is dead, and nothing tells who waits.

    Raises RateLimited.
    """
    check_limit(REGISTRATION, address)
    code = MailedCode(purpose=MailedCode.Purpose.VERIFY, address=email.strip().lower())
    check_limit(MAILBOX, code.address)
    with transaction.atomic():
        codes.renew(code, now=now)
        delivery.publish(kind=MAIL, payload={"code": code.pk}, now=now)
        audit.record(
            action="registration.code_requested", by=ANONYMOUS, personal={"address": address}, now=now
        )


def verify_email(*, email: str, code: str, address: str, now: datetime) -> Verified:
    """Prove an address by its code, which makes the account that was registered with it; signs nobody in.

    Raises CodeInvalid, whatever is wrong with it, and RateLimited.
    """
    mailbox = email.strip().lower()
    attempt = attempts.begin(name=f"code {mailbox}", user=None, address=address)
    try:
        with transaction.atomic():
            status = _use(mailbox, code, now)
    except EmailTaken as taken:
        raise CodeInvalid from taken
    # Outside of the transaction: a wrong try stays counted.
    if status is None:
        security_event(Kind.CODE_REFUSED, address=address, now=now, purpose=MailedCode.Purpose.VERIFY.value)
        raise CodeInvalid
    attempts.succeeded(attempt)
    return status


def awaits_verification(code: MailedCode, user: User | None) -> bool:
    """Whether the code of this row would prove anything: of a registration, or of an account's unproved address.

    `user` is who has the row's address.
    """
    if user is None:
        return bool(code.password_hash)
    return user.is_active and not selectors.has_verified_email(user)


def _use(mailbox: str, text: str, now: datetime) -> Verified | None:
    rows = MailedCode.objects.select_for_update(of=("self",))
    code = rows.filter(purpose=MailedCode.Purpose.VERIFY, address=mailbox, user=None).first()
    if not codes.is_right(code, text, now=now) or code is None:
        return None
    code.delete()
    user = selectors.user_with_email(mailbox)
    if not awaits_verification(code, user):
        return None
    return _open(code, now) if user is None else _confirm(user, now)


def _open(code: MailedCode, now: datetime) -> Verified | None:
    mode = ports.registration_mode()
    if mode == ports.CLOSED:
        return None
    waits = mode == ports.APPROVAL
    user = create_user(
        email=code.address,
        name=code.name,
        language=code.language,
        password_hash=code.password_hash,
        verified=True,
        awaiting_approval=waits,
        by=ANONYMOUS,
        now=now,
    )
    if waits:
        return Verified.AWAITING_APPROVAL
    ports.admit_reader(user_id=user.pk, by=_self(user), now=now)
    return Verified.ACTIVE


def _confirm(user: User, now: datetime) -> Verified:
    EmailAddress.objects.filter(user=user, email__iexact=user.email).delete()
    EmailAddress.objects.create(user=user, email=user.email.lower(), verified=True, primary=True)
    audit.record(action="user.email_verified", target=user, by=_self(user), now=now)
    return Verified.ACTIVE


def _self(user: User) -> Actor:
    return Actor(kind="person", user_id=user.pk)
