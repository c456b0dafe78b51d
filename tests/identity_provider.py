"""An identity provider of the tests' own, over real HTTP, that does as told: an honest one, or one that lies.

It speaks OpenID Connect and what is used of GitHub's API, checks PKCE, redirect URI and client as a good provider does,
and lets a test change any claim, key, signature or answer.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT_ID, CLIENT_SECRET = "library:client", "s3cret with spaces & signs"
Answering = Callable[[BaseHTTPRequestHandler], None]


def new_key() -> Any:
    """An RSA key as providers use."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk_of(key: Any, kid: str = "one", **more: Any) -> dict[str, Any]:
    """The public part of a key as a provider publishes it."""
    return {
        **json.loads(RSAAlgorithm.to_jwk(key.public_key())),
        "kid": kid,
        "alg": "RS256",
        "use": "sig",
        **more,
    }


class FakeProvider:
    """One provider; every attribute may be changed by a test."""

    def __init__(self, address: str, key: Any) -> None:
        self.address = self.issuer = address
        self.key = key
        self.keys: list[dict[str, Any]] = [jwk_of(key)]
        self.metadata: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.without: set[str] = set()
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.userinfo: dict[str, Any] = {"sub": "person-1"}
        self.github_user: Any = {"id": 583231, "login": "octocat", "name": "Mona"}
        self.github_emails: Any = []
        self.instead: dict[str, Answering] = {}
        self.asked: list[str] = []
        self.tokens: dict[str, Any] = {}
        self._codes: dict[str, dict[str, str]] = {}

    # -- what a person does in the browser ---------------------------------------------------------------------------

    def person_signs_in(self, authorization_url: str) -> dict[str, str]:
        """The parameters that the browser is sent back with."""
        sent = {name: values[0] for name, values in parse_qs(urlsplit(authorization_url).query).items()}
        code = secrets.token_urlsafe(16)
        self._codes[code] = sent
        return {"code": code, "state": sent["state"]}

    # -- what the provider answers -----------------------------------------------------------------------------------

    def description(self) -> dict[str, Any]:
        """Its metadata."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "userinfo_endpoint": f"{self.address}/userinfo",
            **self.metadata,
        }

    def signed(self, claims: dict[str, Any]) -> str:
        """An honest signature."""
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "one"})

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The token endpoint: a code is good once, for who asked for it, with the verifier of its challenge."""
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or not self._is_of(asked, form, authorization):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "person-1",
            "aud": asked["client_id"],
            "iat": now,
            "exp": now + 300,
            **({"nonce": asked["nonce"]} if "nonce" in asked else {}),
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if name not in self.without}
        answer = {"access_token": "access-1", "token_type": "Bearer", "id_token": self.sign(claims)}
        return 200, {**answer, **self.tokens}

    def _is_of(self, asked: dict[str, str], form: dict[str, str], authorization: str) -> bool:
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        name, _colon, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        given = (
            (unquote(name), unquote(secret))
            if authorization
            else (form.get("client_id"), form.get("client_secret"))
        )
        return (
            asked["code_challenge_method"] == "S256"
            and asked["code_challenge"] == challenge
            and asked["redirect_uri"] == form.get("redirect_uri")
            and given == (CLIENT_ID, CLIENT_SECRET)
        )


class _Handler(BaseHTTPRequestHandler):
    provider: FakeProvider

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        provider, path = self.provider, urlsplit(self.path).path
        provider.asked.append(f"{method} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if path in provider.instead:
            provider.instead[path](self)
            return
        answers: dict[str, Callable[[], tuple[int, Any]]] = {
            "/.well-known/openid-configuration": lambda: (200, provider.description()),
            "/keys": lambda: (200, {"keys": provider.keys}),
            "/token": lambda: provider.exchange(
                {name: values[0] for name, values in parse_qs(body).items()},
                self.headers.get("Authorization", ""),
            ),
            "/userinfo": lambda: (200, provider.userinfo),
            "/user": lambda: (200, provider.github_user),
            "/user/emails": lambda: (200, provider.github_emails),
        }
        status, answer = answers.get(path, lambda: (404, {}))()
        answer_with(self, status, json.dumps(answer).encode(), "application/json")

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def answer_with(
    handler: BaseHTTPRequestHandler, status: int, body: bytes, content_type: str, **headers: str
) -> None:
    """Send one whole answer."""
    handler.send_response(status)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def serving(key: Any) -> Iterator[FakeProvider]:
    """A provider on a free port of this machine."""
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        provider = FakeProvider(f"http://127.0.0.1:{server.server_port}", key)
        handler.provider = provider  # type: ignore[attr-defined]
        # A client that has had enough hangs up: that is no error here.
        server.handle_error = lambda *_args: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
