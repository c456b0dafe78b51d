"""Setting up the identity providers of a library."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypedDict

from django.db import transaction
from django.utils.translation import gettext as _

from saas.core.db.integrity import refused_if_taken
from saas.core.errors import FieldProblem, NotFound, ValidationFailed
from saas.core.principals import SYSTEM, Actor
from shared_apps.audit import services as audit
from tenant_apps.federation import vault
from tenant_apps.federation.errors import ProviderCodeTaken
from tenant_apps.federation.models import IdentityProvider
from tenant_apps.federation.rules import is_issuer

_PUBLIC = ("name", "kind", "issuer", "client_id", "email_domains", "enabled")


class ProviderChanges(TypedDict, total=False):
    """What may change in a provider. Its code and kind may not: the addresses of its sign-in are made of them."""

    name: str
    issuer: str
    client_id: str
    client_secret: str
    email_domains: list[str]
    enabled: bool


class NewProvider(ProviderChanges):
    """What makes a provider."""

    code: str
    kind: str


def create_provider(*, values: NewProvider, by: Actor, now: datetime) -> IdentityProvider:
    """Trust another site's word. Raises ProviderCodeTaken, and ValidationFailed for an issuer that cannot be one."""
    secret = values["client_secret"]
    plain: dict[str, Any] = {name: value for name, value in values.items() if name != "client_secret"}
    provider = IdentityProvider(**plain, client_secret=vault.sealed(secret, code=values["code"]))
    _require_issuer(provider)
    with transaction.atomic():
        with refused_if_taken(ProviderCodeTaken):
            provider.save(force_insert=True)
        changes = {"code": provider.code, **{name: getattr(provider, name) for name in _PUBLIC}}
        audit.record(action="identity_provider.created", target=provider, by=by, changes=changes, now=now)
    return provider


def update_provider(
    *,
    provider_id: int,
    changes: ProviderChanges,
    by: Actor,
    now: datetime,
    expect: Callable[[IdentityProvider], None] | None = None,
) -> IdentityProvider:
    """Change a provider; what changes nothing leaves the version as it is.

    `expect` is called with the locked row and raises if the caller saw another version. Whoever has signed in stays
    so; with another issuer nobody is known any more whom the old one named. Raises NotFound, and ValidationFailed.
    """
    with transaction.atomic():
        provider = _locked(provider_id, expect)
        entry: dict[str, Any] = {
            name: [getattr(provider, name), changes.get(name)]
            for name in _PUBLIC
            if name in changes and getattr(provider, name) != changes.get(name)
        }
        for name, (_before, value) in entry.items():
            setattr(provider, name, value)
        fields = [*entry]
        if "client_secret" in changes:
            provider.client_secret = vault.sealed(changes["client_secret"], code=provider.code)
            # That it was changed is told, and not what it was.
            entry["client_secret"] = None
            fields.append("client_secret")
        if not fields:
            return provider
        _require_issuer(provider)
        provider.bump()
        provider.save(update_fields=[*fields, "version"])
        audit.record(action="identity_provider.changed", target=provider, by=by, changes=entry, now=now)
    return provider


def delete_provider(
    *,
    provider_id: int,
    by: Actor,
    now: datetime,
    expect: Callable[[IdentityProvider], None] | None = None,
) -> None:
    """Trust a provider no more and forget whom it knew; they keep their accounts. Raises NotFound."""
    with transaction.atomic():
        provider = _locked(provider_id, expect)
        changes = {"code": provider.code, "identities": provider.identities.count()}
        audit.record(action="identity_provider.deleted", target=provider, by=by, changes=changes, now=now)
        provider.delete()


def renew_secrets(*, now: datetime) -> int:
    """Encrypt anew, with the present key, what only a rotated-out key reads; how many secrets that were."""
    renewed = 0
    with transaction.atomic():
        for provider in IdentityProvider.objects.select_for_update(no_key=True):
            secret = vault.resealed(provider)
            if secret is None:
                continue
            # Nothing that a client sees has changed: the version stays.
            provider.client_secret = secret
            provider.save(update_fields=["client_secret"])
            renewed += 1
        if renewed:
            audit.record(
                action="identity_provider.secrets_renewed", by=SYSTEM, changes={"rows": renewed}, now=now
            )
    return renewed


def _locked(provider_id: int, expect: Callable[[IdentityProvider], None] | None) -> IdentityProvider:
    provider = IdentityProvider.objects.select_for_update().filter(pk=provider_id).first()
    if provider is None:
        raise NotFound
    if expect is not None:
        expect(provider)
    return provider


def _require_issuer(provider: IdentityProvider) -> None:
    """One generic answer for every address that is not taken: what is inside our network is nobody's business."""
    if provider.kind == IdentityProvider.Kind.OIDC:
        if is_issuer(provider.issuer):
            return
        code, text = "invalid_issuer", _("This is not an https address that can be an issuer.")
    elif provider.issuer:
        code, text = "issuer_is_known", _("The issuer of this kind of provider is known. Leave it out.")
    else:
        return
    raise ValidationFailed(f"issuer: {text}", errors=[FieldProblem("issuer", code, text)])
