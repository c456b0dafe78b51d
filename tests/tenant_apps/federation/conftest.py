"""Identity providers as processes and threads beside the tests, set up in libraries, and people who sign in there."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from tests.identity_provider import CLIENT_ID, CLIENT_SECRET, FakeProvider, new_key, serving

SOCIAL = "/api/v1/auth/social"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


_web = urllib.request.build_opener(_NoRedirect)


@dataclass(frozen=True)
class ProviderProcess:
    """oidc-provider-mock in a process of its own."""

    issuer: str

    def knows(self, sub: str, **claims: Any) -> None:
        """Tell it of a person."""
        body = json.dumps(claims).encode()
        request = urllib.request.Request(  # noqa: S310 (our own process)
            f"{self.issuer}/users/{sub}",
            data=body,
            method="PUT",
            headers={"Content-Type": "application/json"},
        )
        with _web.open(request, timeout=10):
            pass

    def person_signs_in(self, authorization_url: str, sub: str) -> dict[str, str]:
        """Send the provider's own form as this person; the parameters that the browser is sent back with."""
        with pytest.raises(urllib.error.HTTPError) as redirect:
            _web.open(authorization_url, data=urlencode({"sub": sub}).encode(), timeout=10)
        with redirect.value as answer:
            assert answer.code == 302
            query = urlsplit(answer.headers["Location"]).query
        return {name: values[0] for name, values in parse_qs(query).items()}


@pytest.fixture(scope="session")
def process() -> Iterator[ProviderProcess]:
    """A real provider, started once for the run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        issuer = f"http://127.0.0.1:{port}"
        _wait_for(f"{issuer}/.well-known/openid-configuration", running)
        yield ProviderProcess(issuer)
    finally:
        running.terminate()
        running.wait(timeout=10)


def _wait_for(address: str, running: subprocess.Popen[bytes]) -> None:
    for _try in range(300):
        assert running.poll() is None, "the provider has ended"
        try:
            with _web.open(address, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the provider does not start")


@pytest.fixture(scope="session")
def rsa_key() -> Any:
    """One key for all fake providers: making one takes a while."""
    return new_key()


@pytest.fixture
def fake(rsa_key: Any) -> Iterator[FakeProvider]:
    """A provider that does as told."""
    with serving(rsa_key) as provider:
        yield provider


@pytest.fixture
def other_fake(rsa_key: Any) -> Iterator[FakeProvider]:
    """Another one, with the same key, so that nothing but names tells the two apart."""
    with serving(rsa_key) as provider:
        yield provider


def set_up(library: Any, *, code: str = "school", issuer: str = "", kind: str = "oidc", **more: Any) -> Any:
    """Let a library trust a provider."""
    from tenant_apps.federation.services import create_provider

    values: Any = {
        "code": code,
        "name": code.title(),
        "kind": kind,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        **({"issuer": issuer} if issuer else {}),
        **more,
    }
    with in_library(library):
        return create_provider(values=values, by=SYSTEM, now=clock.now())


def registration(library: Any, mode: str) -> None:
    """Set how the library takes registrations."""
    from tenant_apps.preferences.services import change

    with in_library(library):
        change(values={"registration": mode}, by=SYSTEM, now=clock.now())


def link(library: Any, provider: Any, *, subject: str, email: str, issuer: str | None = None) -> Any:
    """Link a subject to the account with this address."""
    from tenant_apps.federation.models import LinkedIdentity
    from tenant_apps.federation.rules import issuer_of

    with in_library(library):
        return LinkedIdentity.objects.create(
            provider=provider,
            issuer=issuer or issuer_of(provider),
            subject=subject,
            user=account(library, email),
            created_at=clock.now(),
        )


def account(library: Any, email: str) -> Any:
    """The account with this address."""
    from shared_apps.accounts.models import User

    with in_library(library):
        return User.objects.get(email=email)


@dataclass
class Visitor:
    """An API client that signs in through a provider."""

    client: Any
    code: str = "school"

    def begin(self, **body: Any) -> dict[str, Any]:
        """Begin; the answer's body."""
        answer = self.client.post(f"{SOCIAL}/{self.code}/", body)
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    def finish(self, returned: dict[str, str], **more: Any) -> Any:
        """Bring back what the provider sent."""
        return self.client.post(f"{SOCIAL}/{self.code}/callback/", {**returned, **more})

    def sign_in(self, person_signs_in: Callable[[str], dict[str, str]]) -> Any:
        """The whole way; the answer."""
        begun = self.begin()
        return self.finish(person_signs_in(begun["authorization_url"]), flow_token=begun["flow_token"])


@pytest.fixture
def visitor(north: Any, api: Any) -> Visitor:
    """Somebody who signs in at north with the provider `school`."""
    return Visitor(api(north))
