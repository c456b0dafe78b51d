"""`Idempotency-Key`: the same request again gets the same answer again, and its work is done once (api.md).

Everything happens in one transaction. The key is locked and inserted first; a second request with it waits for the
first, for a short time only, and then finds the stored answer. The work runs in a savepoint, so a refusal
undoes it and is stored all the same. An answer of 429 or 5xx undoes the key as well: the client may try again.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import orjson
from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from django.db.utils import OperationalError
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac
from psycopg import sql
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from saas.core import clock
from saas.core.api.renderers import ORJSONRenderer
from saas.core.api.throttling import client_address
from saas.core.principals import principal_of
from saas.core.tenancy import current_schema
from saas.core.writes import Part, Statement, Write, inserting
from shared_apps.delivery import rules
from shared_apps.delivery.errors import (
    IdempotencyInProgress,
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
)
from shared_apps.delivery.models import IdempotentAnswer

Method = TypeVar("Method", bound=Callable[..., HttpResponseBase])
LOCK_NOT_AVAILABLE = "55P03"
WAIT_FOR_FIRST = "1500ms"
_KEPT_HEADERS = ("Location", "ETag")


class _NotStored(Exception):
    """Carries an answer out of the transaction that must be undone with its key."""

    def __init__(self, response: HttpResponseBase) -> None:
        super().__init__()
        self.response = response


def idempotent(method: Method) -> Method:
    """Make a POST handler of a DRF view honour `Idempotency-Key`; without the header nothing changes."""

    @functools.wraps(method)
    def wrapper(view: APIView, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = request.META.get("HTTP_IDEMPOTENCY_KEY")
        if key is None:
            return method(view, request, *args, **kwargs)
        if not 1 <= len(key) <= rules.MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
            raise IdempotencyKeyInvalid
        work = functools.partial(method, view, request, *args, **kwargs)
        try:
            return _answer_once(view, _caller(request), key, _fingerprint(request), work)
        except _NotStored as undone:
            return undone.response

    wrapper.idempotent = True  # type: ignore[attr-defined]
    return cast(Method, wrapper)


@transaction.atomic
def _answer_once(
    view: APIView, caller: str, key: str, fingerprint: str, work: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    claimed = claim(caller, key, fingerprint)
    if claimed is None:
        return replay(caller, key, fingerprint)
    try:
        with transaction.atomic():
            response = work()
    except Exception as error:  # noqa: BLE001 - every fault of a view goes through its handler
        # The view's own handler turns a refusal into its answer; what it does not know it raises again.
        response = view.handle_exception(error)
        # DRF marks the whole transaction for rollback; the savepoint above has undone the work already.
        connection.needs_rollback = False
    if response.status_code == 429 or response.status_code >= 500:
        raise _NotStored(response)
    store(claimed, response)
    return response


def claim(caller: str, key: str, fingerprint: str) -> int | None:
    """Claim a key until the caller's transaction ends; its row, None where it is known already. One statement.

    The key is locked by its number before it is inserted, so that nobody waits inside the insert: who finds it locked
    waits for the lock, for a short time, and asks again. Raises IdempotencyInProgress while its first request runs.
    """
    values = {
        "place": f"idempotency:{current_schema()}:{caller}:{key}",
        "caller": caller,
        "key": key,
        "fingerprint": fingerprint,
        "now": clock.now(),
    }
    is_free, claimed = _CLAIM.row(values) or (False, None)
    if not is_free:
        _wait_for_first(values)
        is_free, claimed = _CLAIM.row(values) or (False, None)
    return cast("int | None", claimed)


def _wait_for_first(values: dict[str, Any]) -> None:
    """Wait until the first request with this key has ended. Raises IdempotencyInProgress if that takes too long."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = %s", [WAIT_FOR_FIRST])
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%(place)s::text, 0))", values)
            cursor.execute("SET LOCAL lock_timeout = '10s'")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise IdempotencyInProgress from error
        raise


def replay(caller: str, key: str, fingerprint: str) -> HttpResponse:
    """The stored answer to a key that was claimed before. Raises IdempotencyKeyReused for another request."""
    found = _STORED.row({"caller": caller, "key": key})
    if found is None:
        raise IdempotentAnswer.DoesNotExist
    of_request, status, headers, body = found
    if of_request != fingerprint:
        raise IdempotencyKeyReused
    # The stored bytes, not their meaning rendered once more: the second answer is the first, to the letter.
    return HttpResponse(
        bytes(body or b""), status=status, headers={**orjson.loads(headers), "Idempotent-Replayed": "true"}
    )


def store(claimed: int, response: HttpResponseBase) -> None:
    """Keep the answer to a claimed key."""
    if isinstance(response, Response):
        body = ORJSONRenderer().render(response.data) if response.data is not None else b""
        content_type = ORJSONRenderer.media_type
    else:
        body = cast(HttpResponse, response).content
        content_type = response.headers["Content-Type"]
    headers = {name: response[name] for name in _KEPT_HEADERS if response.has_header(name)}
    headers["Content-Type"] = content_type
    _STORE.run(
        {
            "id": claimed,
            "status": response.status_code,
            "headers": orjson.dumps(headers).decode(),
            "body": body,
        }
    )


def _claiming() -> tuple[Part, ...]:
    mine = "SELECT pg_try_advisory_xact_lock(hashtextextended(%(place)s::text, 0)) AS is_free"
    return (
        Part("mine", sql.SQL(mine)),
        inserting(
            "claimed",
            IdempotentAnswer,
            values={"caller": "caller", "key": "key", "fingerprint": "fingerprint", "created_at": "now"},
            of="mine",
            ending="WHERE mine.is_free ON CONFLICT (caller, key) DO NOTHING RETURNING id",
        ),
    )


_CLAIM = Write(_claiming, "SELECT mine.is_free, (SELECT id FROM claimed) FROM mine")
_STORED = Statement(
    "SELECT {answer.fingerprint}, {answer.status}, {answer.headers}::text, {answer.body} FROM {answer}"
    " WHERE {answer.caller} = %(caller)s::text AND {answer.key} = %(key)s::text",
    answer=IdempotentAnswer,
)
_STORE = Statement(
    "UPDATE {answer} SET {answer:state} = 'done', {answer:status} = %(status)s::smallint,"
    " {answer:headers} = %(headers)s::jsonb, {answer:body} = %(body)s WHERE {answer.pk} = %(id)s::bigint",
    answer=IdempotentAnswer,
)


def _caller(request: Request) -> str:
    principal = principal_of(request)
    if principal.is_person:
        return f"user:{principal.user_id}"
    if principal.is_authenticated:
        # Keys and visits have no account: their label, of any length, tells them apart.
        return f"{principal.kind}:{hashlib.sha256(principal.label.encode()).hexdigest()}"
    # Behind a proxy REMOTE_ADDR is the proxy: strangers would find each other's answers.
    return f"address:{client_address(request)}"


def _fingerprint(request: Request) -> str:
    """A keyed digest of method, path, query and body: bodies hold passwords, which a plain digest would give away."""
    digest = hashlib.sha256()
    for part in (request.method or "", request.get_full_path()):
        digest.update(part.encode() + b"\0")
    data = request.data
    if isinstance(data, Mapping) and any(isinstance(value, UploadedFile) for value in data.values()):
        for name in sorted(data):
            digest.update(name.encode() + b"\0" + _content(data[name]) + b"\0")
    else:
        digest.update(orjson.dumps(data, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str))
    return salted_hmac("idempotency", digest.digest(), algorithm="sha256").hexdigest()


def _content(value: Any) -> bytes:
    if not isinstance(value, UploadedFile):
        return str(value).encode()
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return digest.digest()
