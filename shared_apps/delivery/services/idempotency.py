"""`Idempotency-Key`: the same request again gets the same answer again, and its work is done once (api.md).

Everything happens in one transaction. The key is inserted first; a second request with it waits for the first on the
unique index, for a short time only, and then finds the stored answer. The work runs in a savepoint, so a refusal
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
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from saas.core import clock
from saas.core.api.renderers import ORJSONRenderer
from saas.core.api.throttling import client_address
from saas.core.principals import principal_of
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
        key = request.headers.get("Idempotency-Key")
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
    if not claim(caller, key, fingerprint):
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
    store(caller, key, response)
    return response


def claim(caller: str, key: str, fingerprint: str) -> bool:
    """Claim a key in the caller's transaction; False where it is known already.

    Raises IdempotencyInProgress while its first request runs.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = %s", [WAIT_FOR_FIRST])
            cursor.execute(
                "INSERT INTO delivery_idempotentanswer (caller, key, fingerprint, state, headers, created_at)"
                " VALUES (%s, %s, %s, 'running', '{}', %s) ON CONFLICT (caller, key) DO NOTHING",
                [caller, key, fingerprint, clock.now()],
            )
            claimed = bool(cursor.rowcount == 1)
            cursor.execute("SET LOCAL lock_timeout = '10s'")
            return claimed
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise IdempotencyInProgress from error
        raise


def replay(caller: str, key: str, fingerprint: str) -> HttpResponse:
    """The stored answer to a key that was claimed before. Raises IdempotencyKeyReused for another request."""
    answer = IdempotentAnswer.objects.get(caller=caller, key=key)
    if answer.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    # The stored bytes, not their meaning rendered once more: the second answer is the first, to the letter.
    return HttpResponse(
        bytes(answer.body or b""),
        status=answer.status,
        headers={**answer.headers, "Idempotent-Replayed": "true"},
    )


def store(caller: str, key: str, response: HttpResponseBase) -> None:
    """Keep the answer to a claimed key."""
    if isinstance(response, Response):
        body = ORJSONRenderer().render(response.data) if response.data is not None else b""
        content_type = ORJSONRenderer.media_type
    else:
        body = cast(HttpResponse, response).content
        content_type = response.headers["Content-Type"]
    headers = {name: response[name] for name in _KEPT_HEADERS if response.has_header(name)}
    IdempotentAnswer.objects.filter(caller=caller, key=key).update(
        state="done",
        status=response.status_code,
        headers={**headers, "Content-Type": content_type},
        body=body,
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
