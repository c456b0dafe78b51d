"""Using the mailed link."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from saas.core import clock
from saas.core.principals import load_principal
from saas.core.tenancy import in_library
from shared_apps.audit.models import AuditEntry
from shared_apps.signup import services, tokens
from shared_apps.signup.errors import TokenExpired, TokenInvalid, TokenUsed
from shared_apps.signup.models import SignUp
from shared_apps.tenants.errors import SubdomainTaken
from shared_apps.tenants.models import Library
from shared_apps.tenants.selectors import find_library


def use(token: str) -> Any:
    return services.verify(token=token, now=clock.now())


@pytest.mark.slow
@pytest.mark.django_db(databases=["default", "owner"])
def test_the_link_makes_a_whole_library_with_its_admin(requested: Callable[..., Any]) -> None:
    row, token = requested()
    library = use(token)
    assert find_library("harbour.localhost") == library
    assert (library.name, library.plan, library.status) == ("Harbour Library", "starter", "trialing")
    with in_library(library):
        admin = get_user_model().objects.get()
        assert admin.email == "hanna@harbour.example"
        assert admin.check_password("otters-swim-at-dawn")
        assert load_principal(admin.pk).may("members.manage")
    stored = Library.objects.get(pk=library.id)
    assert (stored.country, stored.language, stored.time_zone) == ("IT", "en", "Europe/Rome")
    row.refresh_from_db()
    assert (row.status, row.library_id, row.password_hash) == ("verified", library.id, "")
    entry = AuditEntry.objects.get(action="signup.verified")
    assert entry.changes == {"library_id": str(library.id), "subdomain": "harbour"}


@pytest.mark.usefixtures("quick_provisioning")
@pytest.mark.parametrize(
    ("plan", "status"), [("free", "active"), ("starter", "trialing"), ("pro", "trialing")]
)
def test_the_plan_decides_the_first_status(requested: Callable[..., Any], plan: str, status: str) -> None:
    assert use(requested(plan=plan)[1]).status == status


@pytest.mark.usefixtures("quick_provisioning")
def test_a_link_works_once(requested: Callable[..., Any], snapshot: Callable[[], Any]) -> None:
    token = requested()[1]
    use(token)
    before = snapshot()
    with pytest.raises(TokenUsed):
        use(token)
    assert snapshot() == before
    assert Library.objects.filter(subdomain="harbour").count() == 1


@pytest.mark.usefixtures("quick_provisioning")
def test_tokens_that_are_not_ours(requested: Callable[..., Any], snapshot: Callable[[], Any]) -> None:
    row, token = requested()
    before = snapshot()
    wrong = [
        "",
        " ",
        token[:-1],
        token + "A",
        token.swapcase(),
        token[::-1],
        row.token_digest,
        row.token_nonce,
        str(row.pk),
        tokens.token_for(row.pk, row.token_nonce, key="another installation's key"),
        tokens.token_for(uuid.uuid4(), row.token_nonce),
        "' OR 1=1 --",
        "\x00",
        "\ud800",
        "x" * 100_000,
    ]
    for attempt in wrong:
        with pytest.raises(TokenInvalid):
            use(attempt)
    assert snapshot() == before
    assert use(token).subdomain == "harbour"


@pytest.mark.usefixtures("quick_provisioning")
def test_each_link_makes_its_own_library(requested: Callable[..., Any]) -> None:
    harbour, lake = requested()[1], requested(subdomain="lakeside")[1]
    assert use(lake).subdomain == "lakeside"
    assert use(harbour).subdomain == "harbour"


@pytest.mark.usefixtures("quick_provisioning")
def test_a_link_lives_48_hours(requested: Callable[..., Any], snapshot: Callable[[], Any]) -> None:
    asked = clock.now() - dt.timedelta(hours=48)
    token = requested(now=asked)[1]
    before = snapshot()
    with pytest.raises(TokenExpired):
        services.verify(token=token, now=asked + dt.timedelta(hours=48))
    assert snapshot() == before
    just_in_time = asked + dt.timedelta(hours=47, minutes=59)
    assert services.verify(token=token, now=just_in_time).subdomain == "harbour"


@pytest.mark.usefixtures("quick_provisioning")
def test_a_link_marked_as_expired_stays_so(requested: Callable[..., Any]) -> None:
    row, token = requested()
    SignUp.objects.filter(pk=row.pk).update(status="expired")
    with pytest.raises(TokenExpired):
        use(token)
    assert not Library.objects.filter(subdomain="harbour").exists()


@pytest.mark.usefixtures("quick_provisioning")
def test_the_slower_of_two_finds_the_name_taken_and_keeps_the_link(
    requested: Callable[..., Any], snapshot: Callable[[], Any]
) -> None:
    fast, slow = requested()[1], requested(admin_email="slow@harbour.example")[1]
    library = use(fast)
    before = snapshot()
    with pytest.raises(SubdomainTaken):
        use(slow)
    assert snapshot() == before
    Library.objects.filter(pk=library.id).delete()
    assert use(slow).subdomain == "harbour"


@pytest.mark.usefixtures("quick_provisioning")
def test_the_name_of_a_library_that_closed_meanwhile_is_kept(
    requested: Callable[..., Any], north: Any
) -> None:
    row, token = requested()
    SignUp.objects.filter(pk=row.pk).update(subdomain="north")
    Library.objects.filter(pk=north.id).update(status="closed")
    with pytest.raises(SubdomainTaken):
        use(token)


@pytest.mark.parametrize("where", ["take_schema", "seed_library", "publish"])
def test_a_crash_half_way_leaves_nothing_and_the_link_works_again(
    requested: Callable[..., Any],
    snapshot: Callable[[], Any],
    quick_provisioning: None,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    token = requested()[1]
    before = snapshot()

    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("the power went out")

    with monkeypatch.context() as patch:
        patch.setattr(f"shared_apps.tenants.services.provisioning.{where}", crash)
        with pytest.raises(RuntimeError, match="power"):
            use(token)
    assert snapshot() == before
    assert use(token).subdomain == "harbour"


def test_a_crash_after_the_library_was_made_takes_it_back(
    requested: Callable[..., Any],
    snapshot: Callable[[], Any],
    quick_provisioning: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = requested()[1]
    before = snapshot()

    def crash(**_: Any) -> None:
        raise RuntimeError("the power went out")

    with monkeypatch.context() as patch:
        patch.setattr("shared_apps.signup.services.verification.record", crash)
        with pytest.raises(RuntimeError, match="power"):
            use(token)
    assert snapshot() == before
    assert use(token).subdomain == "harbour"
