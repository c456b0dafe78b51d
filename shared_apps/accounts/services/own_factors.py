"""A person's own second factors: setting up an authenticator app, recovery codes, taking factors away.

Whatever changes them needs the password again, and a code where there is a factor already; it is audited, mailed to the
person, and ends every other session of theirs (ASVS 7.4.3, 7.5.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.utils import decrypt, encrypt
from django.db import transaction
from django.utils.translation import gettext as _

from saas.core.errors import FieldProblem, NotAuthenticated, NotFound, ValidationFailed
from saas.core.principals import Actor
from saas.core.security_events import Kind, security_event
from shared_apps.accounts import selectors
from shared_apps.accounts.errors import EnrolmentExpired, FactorNeeded, NoFactor
from shared_apps.accounts.models import User
from shared_apps.accounts.services import attempts, ceremonies
from shared_apps.accounts.services.own_sessions import end_other_sessions
from shared_apps.accounts.services.second_factors import (
    RECOVERY,
    TOTP,
    check_code,
    matching_step,
    methods_of,
)
from shared_apps.accounts.services.sessions import end_all_sessions
from shared_apps.audit import services as audit
from shared_apps.delivery import services as delivery

FACTOR_MAIL = "accounts.factor_mail"
PENDING = "totp"
PENDING_LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Proof:
    """That the person of a session is still there: their password and, where they have a factor, a code."""

    password: str = field(repr=False)
    otp: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who changes their own factors: user, session (None for a token without one) and address (throttling)."""

    user_id: int
    session: str | None
    address: str
    by: Actor

    @property
    def flow(self) -> str:
        """What this session's ceremonies are kept under."""
        return f"{self.user_id}:{self.session}"


@dataclass(frozen=True, slots=True)
class PendingApp:
    """What an authenticator app must learn: the secret in base 32, and both as an otpauth URI for a QR code."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A new factor, and the recovery codes that came with the first one, for the one time that they are shown."""

    factor: Authenticator
    recovery_codes: list[str] = field(repr=False)


def prove_again(asker: Asker, proof: Proof, *, now: datetime) -> User:
    """The person, who has just proved once more to be it.

    Raises ValidationFailed for a wrong password or a missing or wrong code, RateLimited when they are guessed.
    """
    user = selectors.users().filter(pk=asker.user_id, is_active=True).first()
    if user is None:
        raise NotAuthenticated
    attempt = attempts.begin(name=user.email, user=user, address=asker.address)
    if not user.check_password(proof.password):
        raise _wrong("password", "wrong_password", _("This is not your present password."))
    if methods_of(user):
        if not proof.otp:
            raise _wrong("otp", "required", _("Send a code of your second factor as well."))
        if not check_code(user, proof.otp, now=now):
            raise _wrong("otp", "wrong_code", _("This code is wrong, or was used already."))
    attempts.succeeded(attempt)
    return user


def begin_app(asker: Asker, proof: Proof, *, now: datetime) -> PendingApp:
    """Draw a secret for an authenticator app and keep it for this session until `confirm_app`; see `prove_again`."""
    user = prove_again(asker, proof, now=now)
    secret = generate_totp_secret()
    ceremonies.keep(PENDING, asker.flow, {"secret": encrypt(secret)}, lasts=PENDING_LASTS)
    return _pending(user, secret)


def pending_app(asker: Asker) -> PendingApp | None:
    """What `begin_app` has drawn in this session, None where nothing waits any more."""
    kept = ceremonies.look(PENDING, asker.flow)
    user = selectors.users().filter(pk=asker.user_id).first()
    return None if kept is None or user is None else _pending(user, decrypt(kept["secret"]))


def confirm_app(asker: Asker, *, code: str, now: datetime) -> Enrolled:
    """Make the app that shows this code the account's, instead of an earlier one; the code is spent.

    Raises EnrolmentExpired where nothing waits in this session, ValidationFailed for a wrong code.
    """
    kept = ceremonies.look(PENDING, asker.flow)
    if kept is None:
        raise EnrolmentExpired
    step = matching_step(decrypt(kept["secret"]), code, now=now, after=0)
    if step is None:
        raise _wrong("code", "wrong_code", _("This is not the code that the app should show now."))
    if ceremonies.take(PENDING, asker.flow) is None:
        raise EnrolmentExpired
    with transaction.atomic():
        user = locked_user(asker)
        replaced, _by_model = Authenticator.objects.filter(user=user, type=TOTP).delete()
        factor = Authenticator.objects.create(
            user=user, type=TOTP, data={"secret": kept["secret"], "last_step": step}, created_at=now
        )
        return added(factor, asker, what="totp_replaced" if replaced else "totp_added", now=now)


def remove_app(asker: Asker, proof: Proof, *, needed: bool, now: datetime) -> None:
    """Take the authenticator app away. Raises NotFound without one, FactorNeeded (see `remove`)."""
    factor = Authenticator.objects.filter(user=asker.user_id, type=TOTP).first()
    if factor is None:
        raise NotFound
    remove(factor, asker, proof, needed=needed, now=now)


def renew_recovery_codes(asker: Asker, proof: Proof, *, now: datetime) -> list[str]:
    """Draw new recovery codes; the old ones are dead. Raises NoFactor for an account that has no factor."""
    prove_again(asker, proof, now=now)
    with transaction.atomic():
        user = locked_user(asker)
        if not selectors.factors_of(user).exists():
            raise NoFactor
        Authenticator.objects.filter(user=user, type=RECOVERY).delete()
        codes = _new_codes(user)
        changed(user, asker, what="recovery_codes_renewed", now=now)
        return codes


def remove(factor: Authenticator, asker: Asker, proof: Proof, *, needed: bool, now: datetime) -> None:
    """Take one factor away, and with the last one the recovery codes.

    `needed`: the person must have one (Principal.needs_factor). Raises FactorNeeded for the last one then, NotFound
    where it has gone meanwhile, and what `prove_again` raises.
    """
    prove_again(asker, proof, now=now)
    with transaction.atomic():
        user = locked_user(asker)
        others = selectors.factors_of(user).exclude(pk=factor.pk).exists()
        if needed and not others:
            raise FactorNeeded
        gone, _by_model = Authenticator.objects.filter(user=user, pk=factor.pk).delete()
        if not gone:
            raise NotFound
        if not others:
            Authenticator.objects.filter(user=user, type=RECOVERY).delete()
        changed(user, asker, what=f"{factor.type}_removed", now=now)


def enrol_app(*, user: User, by: Actor, now: datetime) -> str:
    """Give an account an authenticator app without its owner, for provisioning; returns the secret, in base 32."""
    secret = generate_totp_secret()
    with transaction.atomic():
        factor = Authenticator.objects.create(
            user=user, type=TOTP, data={"secret": encrypt(secret)}, created_at=now
        )
        audit.record(
            action="factor.changed",
            target=user,
            by=by,
            changes={"what": "totp_added", "id": factor.pk},
            now=now,
        )
    return secret


def reset_factors(*, user: User, by: Actor, now: datetime) -> int:
    """Take every factor and recovery code of an account away, and end its sessions; how many factors there were.

    For somebody who has lost them all; the caller has made sure who asks, since nothing here can.
    """
    with transaction.atomic():
        gone = selectors.factors_of(user).count()
        Authenticator.objects.filter(user=user).delete()
        security_event(Kind.FACTOR_REMOVED, user_id=user.pk, by=by, address="", now=now, what="factors_reset")
        audit.record(action="factor.changed", target=user, by=by, changes={"what": "factors_reset"}, now=now)
        delivery.publish(kind=FACTOR_MAIL, payload={"user": user.pk, "what": "factors_reset"}, now=now)
        end_all_sessions(user=user, reason="factors_reset", by=by, now=now)
    return gone


def locked_user(asker: Asker) -> User:
    """The person's row, locked: changes of their factors come one after another."""
    return User.objects.select_for_update(no_key=True).get(pk=asker.user_id)


def added(factor: Authenticator, asker: Asker, *, what: str, now: datetime) -> Enrolled:
    """Finish what has added a factor; the first one brings recovery codes."""
    user = factor.user
    has_codes = Authenticator.objects.filter(user=user, type=RECOVERY).exists()
    codes = [] if has_codes else _new_codes(user)
    changed(user, asker, what=what, now=now)
    return Enrolled(factor, codes)


def changed(user: User, asker: Asker, *, what: str, now: datetime) -> None:
    """Audit and mail a change of somebody's factors, and end their other sessions."""
    kind = Kind.FACTOR_REMOVED if what.endswith("_removed") else Kind.FACTOR_ADDED
    security_event(kind, user_id=user.pk, by=asker.by, address=asker.address, now=now, what=what)
    audit.record(action="factor.changed", target=user, by=asker.by, changes={"what": what}, now=now)
    delivery.publish(kind=FACTOR_MAIL, payload={"user": user.pk, "what": what}, now=now)
    end_other_sessions(user_id=user.pk, keep=asker.session, reason=what, by=asker.by, now=now)


def _new_codes(user: User) -> list[str]:
    codes: list[str] = RecoveryCodes.activate(user).get_unused_codes()
    return codes


def _pending(user: User, secret: str) -> PendingApp:
    return PendingApp(secret, get_adapter().build_totp_url(user, secret))


def _wrong(name: str, code: str, text: str) -> ValidationFailed:
    return ValidationFailed(text, errors=[FieldProblem(name, code, text)])
