"""Changing a password, and setting a new one by mail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from saas.core.errors import FieldProblem, NotAuthenticated, ValidationFailed
from saas.core.jwt import library_name
from saas.core.own_words import is_mostly_own_words
from saas.core.principals import ANONYMOUS, Actor
from saas.core.security_events import Kind, security_event
from saas.core.tenancy import current_schema
from shared_apps.accounts import ports, selectors
from shared_apps.accounts.clients import Client
from shared_apps.accounts.errors import ResetTokenInvalid
from shared_apps.accounts.models import User
from shared_apps.accounts.services import attempts
from shared_apps.accounts.services.sessions import SessionTokens, end_all_sessions, start_session
from shared_apps.audit import services as audit
from shared_apps.delivery import services as delivery

RESET_MAIL = "accounts.password_reset_mail"
MAX_LENGTH = 256


class _LibraryResetTokens(EmailAwarePasswordResetTokenGenerator):
    """allauth's tokens, true in one library alone.

    The salt names it, and the same user id elsewhere does not help.
    """

    @property
    def key_salt(self) -> str:  # type: ignore[override]
        """Salt of the signature."""
        return f"accounts.password_reset:{current_schema()}:{library_name()}"


reset_tokens = _LibraryResetTokens()


def check_new_password(password: str, user: User, *, field: str) -> None:
    """Raise ValidationFailed, naming `field`, with every rule for passwords that this one breaks."""
    if len(password) > MAX_LENGTH:
        # Hashing is slow on purpose; a megabyte of password is an attack and not a password.
        text = _("At most %(limit)d characters.") % {"limit": MAX_LENGTH}
        raise ValidationFailed(f"{field}: {text}", errors=[FieldProblem(field, "max_length", text)])
    problems: list[FieldProblem] = []
    try:
        validate_password(password, user)
    except ValidationError as error:
        problems += [
            FieldProblem(field, found.code or "invalid", " ".join(found.messages))
            for found in error.error_list
        ]
    if is_mostly_own_words(password, [*ports.library_words(), user.name, user.email]):
        text = _("The password is little more than your library's or your own name.")
        problems.append(FieldProblem(field, "password_own_words", text))
    if problems:
        raise ValidationFailed(f"{field}: {problems[0].detail}", errors=problems)


def change_password(
    *, user_id: int, old_password: str, new_password: str, client: Client, by: Actor, now: datetime
) -> tuple[User, SessionTokens]:
    """Give a signed-in user a new password, end all their sessions, and open one for the device that asked.

    Raises ValidationFailed for a wrong old password or a weak new one, RateLimited when the old one is
    guessed.
    """
    found = require_password(
        user_id=user_id, password=old_password, field="old_password", address=client.address
    )
    check_new_password(new_password, found, field="new_password1")
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=user_id)
        _set_password(user, new_password, action="password.changed", by=by, now=now)
        return user, start_session(user=user, now=now, client=client, opened_with="password_change")


def require_password(*, user_id: int, password: str, field: str, address: str) -> User:
    """The signed-in user, who has typed their password again.

    Raises ValidationFailed, naming `field`, for a wrong password, RateLimited when it is guessed, and
    NotAuthenticated for a user who is gone or inactive.
    """
    found = selectors.users().filter(pk=user_id, is_active=True).first()
    if found is None:
        raise NotAuthenticated
    attempt = attempts.begin(name=found.email, user=found, address=address)
    if not found.check_password(password):
        by = Actor(kind="person", user_id=user_id)
        security_event(Kind.PASSWORD_CHANGE_REFUSED, user_id=user_id, by=by, address=address, field=field)
        text = _("This is not your present password.")
        raise ValidationFailed(text, errors=[FieldProblem(field, "wrong_password", text)])
    attempts.succeeded(attempt)
    return found


def request_password_reset(*, email: str, address: str, now: datetime) -> None:
    """Mail a link to whoever has a confirmed account with this address.

    The same rows are written and nothing is said where there is none. Raises RateLimited.
    """
    user = selectors.user_with_email(email)
    # A budget of its own: asking for mails must not use up the attempts to sign in.
    attempts.begin(name=f"reset {email}", user=None, address=address)
    may = user is not None and user.is_active and selectors.has_verified_email(user)
    recipient = user if may else None
    with transaction.atomic():
        delivery.publish(kind=RESET_MAIL, payload={"user": recipient.pk if recipient else None}, now=now)
        audit.record(action="password.reset_requested", target=recipient, by=ANONYMOUS, now=now)


def check_reset_link(*, uid: str, token: str) -> None:
    """Raise ResetTokenInvalid unless this link would let its holder set a new password now."""
    with transaction.atomic():
        user: User | None = _owner_of_link(uid)
        if user is None or not reset_tokens.check_token(user, token):
            raise ResetTokenInvalid


def reset_password(*, uid: str, token: str, new_password: str, now: datetime) -> User:
    """Set a new password by a mailed link and end every session; nobody is signed in by it.

    Raises ResetTokenInvalid for a link that was used, has expired or is another library's, ValidationFailed
    for a weak password, after which the link still works.
    """
    try:
        return _reset_password(uid=uid, token=token, new_password=new_password, now=now)
    except ResetTokenInvalid:
        security_event(Kind.PASSWORD_RESET_REFUSED, now=now)
        raise


def _reset_password(*, uid: str, token: str, new_password: str, now: datetime) -> User:
    with transaction.atomic():
        user: User | None = _owner_of_link(uid)
        if user is None or not reset_tokens.check_token(user, token):
            raise ResetTokenInvalid
        check_new_password(new_password, user, field="new_password1")
        _set_password(
            user, new_password, action="password.reset", by=Actor(kind="person", user_id=user.pk), now=now
        )
    return user


def reset_link_parts(user: User) -> dict[str, str]:
    """`uid` and `token` of a link that lets this user set a new password; for the mail alone."""
    return {"uid": str(user.pk), "token": reset_tokens.make_token(user)}


def _owner_of_link(uid: str) -> Any:
    if not (uid.isascii() and uid.isdigit() and len(uid) < 19):
        return None
    return User.objects.select_for_update(no_key=True).filter(pk=int(uid), is_active=True).first()


def _set_password(user: User, password: str, *, action: str, by: Actor, now: datetime) -> None:
    user.set_password(password)
    user.bump()
    user.save(update_fields=["password", "version"])
    # A code for a new address was asked for with the old password.
    user.mailed_codes.all().delete()
    end_all_sessions(user=user, reason=action, by=by, now=now)
    audit.record(action=action, target=user, by=by, now=now)
    security_event(Kind.PASSWORD_CHANGED, user_id=user.pk, by=by, now=now, how=action)
