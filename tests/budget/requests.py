"""Requests of which the examples of the permissions show a refusal: here they succeed, so that their work is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings

from saas.core import clock
from saas.core.tenancy import in_public
from shared_apps.tenants import domain_names
from shared_apps.tenants.models import Domain
from tests.authenticators import SoftPasskey, code_at, unused_code
from tests.factories import PASSWORD, CardFactory, unique
from tests.permissions.examples import MFA, Example
from tests.permissions.scene import PublicScene, Scene
from tests.written_records import WrittenRecords

Request = Callable[[Any, Any], Example]

# What remains a refusal, and why: an answer with such a status counts what it takes to say no.
REFUSALS = {
    ("library", "GET /api/v1/auth/social/{code}/callback/"): "needs an answer of a provider",
    ("library", "POST /api/v1/auth/social/{code}/callback/"): "needs an answer of a provider",
    ("library", "POST /api/v1/auth/social/second-factor/"): "needs an answer of a provider",
    ("library", "GET /sign-in/second-factor/"): "needs an answer of a provider",
    ("library", "POST /sign-in/second-factor/"): "needs an answer of a provider",
    ("library", "GET /sign-in/connect/"): "needs an answer of a provider",
    ("library", "POST /sign-in/connect/"): "needs an answer of a provider",
    ("library", "POST /sign-in/passkey/"): "does what POST /api/v1/auth/webauthn/ does",
    ("public", "POST /api/v1/signup/verify/"): "makes a library: tests/benchmarks/tenancy",
    ("public", "POST /signup/verify/"): "makes a library: tests/benchmarks/tenancy",
}


def _proof(scene: Scene | PublicScene) -> dict[str, str]:
    return {
        "password": PASSWORD,
        **({"otp": unused_code(scene.account)} if isinstance(scene, PublicScene) else {}),
    }


def _sign_in(scene: Scene | PublicScene, client: Any) -> None:
    """With a session of its own, which the token of the examples does not have."""
    answer = client.post(
        "/api/v1/auth/login/", {"email": scene.account.email, **_proof(scene)}, format="json"
    )
    assert answer.status_code == 200, answer.content
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")


def _app_confirmed(scene: Scene | PublicScene, client: Any) -> Example:
    _sign_in(scene, client)
    begun = client.post(f"{MFA}totp/", _proof(scene), format="json").json()
    return Example(f"{MFA}totp/confirm/", {"code": code_at(begun["secret"], clock.now())}, 201)


def _new_key(scene: Scene | PublicScene, client: Any) -> tuple[SoftPasskey, Example]:
    host = client.defaults["HTTP_HOST"]
    key = SoftPasskey(f"http://{host}", host)
    _sign_in(scene, client)
    options = client.post(f"{MFA}webauthn/options/", _proof(scene), format="json").json()
    return key, Example(f"{MFA}webauthn/", {"name": "Phone", "credential": key.create(options)}, 201)


def _key_registered(scene: Scene | PublicScene, client: Any) -> Example:
    return _new_key(scene, client)[1]


def _key_used(scene: Scene | PublicScene, client: Any) -> Example:
    key, registration = _new_key(scene, client)
    answer = client.post(registration.path, registration.body, format="json")
    assert answer.status_code == 201, answer.content
    client.credentials()
    options = client.post("/api/v1/auth/webauthn/options/", {}, format="json").json()
    return Example("/api/v1/auth/webauthn/", {"credential": key.get(options)})


def _domain_proved(scene: Scene, client: Any) -> Example:
    name = domain_names.proof_name(scene.domain.domain)
    WrittenRecords.records[name] = [domain_names.proof_value(scene.domain.token)]
    return Example(f"/api/v1/domains/{scene.domain.pk}/verify/", {})


def _another_domain(scene: Scene, client: Any) -> Example:
    """In a library that has not yet as many as it may."""
    with in_public():
        Domain.objects.filter(tenant_id=scene.library.id).delete()
    return Example("/api/v1/domains/", {"domain": f"{unique('catalogue')}.example.org"}, 201)


def _lent(scene: Scene, client: Any) -> Example:
    """To somebody who has not yet as much as they may."""
    body = {"copy_barcode": scene.copy.barcode, "card_number": CardFactory().number, "branch": "main"}
    return Example("/api/v1/loans/", body, 201)


def _lent_at_the_desk(scene: Scene, client: Any) -> Example:
    body = {"barcode": scene.copy.barcode, "card": CardFactory().number, "branch": "main"}
    return Example("/desk/checkouts/", body, 303, form=True)


def _metrics(scene: PublicScene, client: Any) -> Example:
    client.credentials()
    return Example("/metrics", headers={"Authorization": f"Bearer {settings.METRICS_TOKEN}"})


_FACTORS: dict[str, Request] = {
    "POST /api/v1/auth/mfa/totp/confirm/": _app_confirmed,
    "POST /api/v1/auth/mfa/webauthn/": _key_registered,
    "POST /api/v1/auth/webauthn/": _key_used,
}
REQUESTS: dict[tuple[str, str], Request] = {
    **{(site, key): request for site in ("library", "public") for key, request in _FACTORS.items()},
    ("library", "POST /api/v1/domains/"): _another_domain,
    ("library", "POST /api/v1/domains/{pk}/verify/"): _domain_proved,
    ("library", "POST /api/v1/loans/"): _lent,
    ("library", "POST /desk/checkouts/"): _lent_at_the_desk,
    ("public", "GET /metrics"): _metrics,
}
