"""Sessions: a pair of tokens that is renewed until it is ended.

A session is a row of simplejwt's outstanding tokens whose id every token of it carries as `sid`; ending it
puts that row on the black list, and with it every refresh and access token, at once. Each refresh token has
a row too, so that it is spent exactly once. The rows never hold a token itself.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from saas.core.api.authentication import load_caller, report_refused_token
from saas.core.db.inserts import insert
from saas.core.errors import TokenInvalid
from saas.core.jwt import SESSION_CLAIM, password_fingerprint
from saas.core.principals import Actor
from saas.core.security_events import Kind, security_event
from shared_apps.accounts.clients import Client, network_of
from shared_apps.accounts.models import MailedCode, User, UserSession
from shared_apps.accounts.services import devices, notices
from shared_apps.audit import services as audit

log = structlog.get_logger("libraryhub.security")
# Two tabs may send the same refresh token at once; later than this it was stolen, or its owner's was.
REUSE_GRACE = timedelta(seconds=60)
UNCONFIRMED_KEPT = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """What a client keeps: an access token for minutes, a refresh token for days; both are secrets."""

    access: str
    refresh: str
    session: str


class _RefreshToken(RefreshToken):
    def check_blacklist(self) -> None:
        """Leave it to `refresh_session`, which looks at the row under its lock."""


def start_session(
    *, user: User, now: datetime, client: Client | None = None, opened_with: str = ""
) -> SessionTokens:
    """Open a session for a user who has proved who they are; the caller has checked everything else.

    `client` and `opened_with` ("email", "card", the name of an identity provider, at most 20 characters) are what
    its owner sees in the list of their sessions; a sign-in with a client that they have not used before is mailed to
    them. Reset links that were mailed before are dead from here on: their token covers last_login.
    """
    with transaction.atomic():
        session = _outstanding(user, uuid.uuid4().hex, now)
        if client is not None and devices.is_new(user, client):
            security_event(Kind.NEW_DEVICE, user_id=user.pk, address=client.address, now=now)
            notices.publish(notices.NEW_DEVICE, user=user, session=session.jti, now=now)
        _describe(user, session.jti, client or Client(), opened_with, now)
        User.objects.filter(pk=user.pk).update(last_login=now)
        return _issue(user, session.jti, now)


def _describe(user: User, session: str, client: Client, opened_with: str, now: datetime) -> None:
    insert(
        UserSession(
            user=user,
            sid=session,
            started_at=now,
            last_seen_at=now,
            user_agent=client.short_user_agent,
            network=network_of(client.address),
            opened_with=opened_with[:20],
        )
    )


def refresh_session(*, refresh: str, now: datetime) -> tuple[User, SessionTokens]:
    """Exchange a refresh token for a new pair; the old one is spent.

    Raises TokenInvalid for one that is spent, expired, of another library or of another kind, whose user is
    inactive or has another password, or whose session has ended or is older than SESSION_MAX_AGE. A token
    that is used again more than REUSE_GRACE after it was spent ends its session: somebody else has a copy.
    """
    token = _verified(_RefreshToken, refresh)
    session = token.get(SESSION_CLAIM)
    with transaction.atomic():
        rows = OutstandingToken.objects.select_for_update(of=("self",))
        row = rows.filter(jti=token[api_settings.JTI_CLAIM]).first()
        if row is None or not isinstance(session, str):
            raise TokenInvalid
        spent = BlacklistedToken.objects.filter(token=row).first()
        if spent is None:
            user: Any = _user_of(token)
            _extend(user, session, now)
            BlacklistedToken.objects.create(token=row)
            return user, _issue(user, session, now)
    # Outside of the transaction that the refusal would roll back.
    if now - spent.blacklisted_at > REUSE_GRACE:
        _end_stolen(session, row.user_id, now)
    raise TokenInvalid


def _end_stolen(session: str, user_id: int | None, now: datetime) -> None:
    """Somebody else has a copy: end the session, and tell its owner once."""
    security_event(Kind.REFRESH_REUSED, user_id=user_id, now=now, session=session)
    by = Actor(kind="anonymous", label="holder of a spent refresh token")
    with transaction.atomic():
        if not end_session(session=session, reason="refresh_reused", by=by, now=now):
            return
        user = None if user_id is None else User.objects.filter(pk=user_id).first()
        audit.record(action="session.token_reused", target=user, by=by, now=now)
        if user is not None:
            notices.publish(notices.SESSION_STOLEN, user=user, session=session, now=now)


def sign_out(*, refresh: str | None, access: str | None, now: datetime) -> None:
    """End the session of these tokens; to end one that is over already is no error.

    Raises TokenInvalid for a refresh token that was never this library's; an access token may be past its
    time.
    """
    sessions = set()
    if refresh is not None:
        sessions.add(_session_of(_verified(_RefreshToken, refresh)))
    if access is not None:
        try:
            sessions.add(_session_of(_verified(AccessToken, access)))
        except TokenInvalid:
            log.info("sign_out_without_valid_access")
    for session, user_id in sessions:
        by = Actor(kind="person", user_id=user_id)
        end_session(session=session, reason="signed_out", by=by, now=now)


def end_session(*, session: str, reason: str, by: Actor, now: datetime) -> bool:
    """End one session; False where it was over already, which is no error.

    Its tokens, access tokens too, are refused from the next request on.
    """
    with transaction.atomic():
        row = OutstandingToken.objects.select_for_update(of=("self",)).filter(jti=session).first()
        if row is None or BlacklistedToken.objects.filter(token=row).exists():
            return False
        BlacklistedToken.objects.create(token=row)
        changes = {"user": row.user_id, "reason": reason}
        audit.record(action="session.ended", target=row, by=by, changes=changes, now=now)
    log.info("session_ended", user_id=row.user_id, reason=reason)
    return True


def end_all_sessions(*, user: User, reason: str, by: Actor, now: datetime) -> int:
    """End every session of a user and return how many tokens and sessions that were."""
    with transaction.atomic():
        rows = OutstandingToken.objects.filter(user=user, expires_at__gt=now, blacklistedtoken__isnull=True)
        ended = [BlacklistedToken(token=row) for row in rows]
        BlacklistedToken.objects.bulk_create(ended, ignore_conflicts=True)
        audit.record(
            action="session.all_ended",
            target=user,
            by=by,
            changes={"reason": reason, "rows": len(ended)},
            now=now,
        )
    log.info("sessions_ended", user_id=user.pk, reason=reason)
    return len(ended)


def purge_sessions(*, now: datetime) -> int:
    """Delete the current schema's sessions, of clients and of browsers, that are past their time; how many rows.

    What is gone counts as ended (selectors.open_sessions), so nothing comes back to life by it. What was told of a
    session, and a code or registration that nobody has confirmed for two days, goes with them.
    """
    tokens, _by_model = OutstandingToken.objects.filter(expires_at__lte=now).delete()
    browsers, _by_model = Session.objects.filter(expire_date__lte=now).delete()
    kept = Exists(OutstandingToken.objects.filter(jti=OuterRef("sid")))
    told, _by_model = UserSession.objects.exclude(kept).delete()
    codes, _by_model = MailedCode.objects.filter(created_at__lte=now - UNCONFIRMED_KEPT).delete()
    return tokens + browsers + told + codes


def _verified(kind: type[Token], text: str) -> Token:
    try:
        return kind(text)  # type: ignore[arg-type]
    except TokenError as error:
        report_refused_token(text)
        raise TokenInvalid from error


def _session_of(token: Token) -> tuple[str, int]:
    session, subject = token.get(SESSION_CLAIM), token.get(api_settings.USER_ID_CLAIM)
    if not isinstance(session, str) or not isinstance(subject, str):
        raise TokenInvalid
    return session, int(subject)


def _user_of(token: Token) -> Any:
    try:
        return load_caller(token).user
    except InvalidToken as error:
        raise TokenInvalid from error


def _extend(user: User, session: str, now: datetime) -> None:
    """Keep the session's row until its newest refresh token expires, and note when it was last seen.

    Raises TokenInvalid for a session too old.
    """
    oldest = now - settings.SESSION_MAX_AGE
    kept = OutstandingToken.objects.filter(jti=session, created_at__gt=oldest).update(
        expires_at=now + api_settings.REFRESH_TOKEN_LIFETIME
    )
    if not kept:
        raise TokenInvalid
    if not UserSession.objects.filter(sid=session).update(last_seen_at=now):
        # Opened by a release that told nothing of its sessions.
        _describe(user, session, Client(), "", now)


def _issue(user: User, session: str, now: datetime) -> SessionTokens:
    refresh = RefreshToken()
    refresh[api_settings.USER_ID_CLAIM] = str(user.pk)
    refresh[api_settings.REVOKE_TOKEN_CLAIM] = password_fingerprint(user.password)
    refresh[SESSION_CLAIM] = session
    _outstanding(user, refresh[api_settings.JTI_CLAIM], now)
    return SessionTokens(str(refresh.access_token), str(refresh), session)


def _outstanding(user: User, jti: str, now: datetime) -> OutstandingToken:
    return OutstandingToken.objects.create(
        user=user, jti=jti, token="", created_at=now, expires_at=now + api_settings.REFRESH_TOKEN_LIFETIME
    )
