"""Closing and opening accounts for whoever manages a library's people."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core import clock
from saas.core.errors import NotFound
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library, in_public
from shared_apps.accounts import services
from shared_apps.accounts.errors import AccountInUse, NotAwaitingApproval
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry

pytestmark = pytest.mark.django_db
ME = "/api/v1/me/"


def test_a_closed_account_is_out_at_once_and_may_be_opened_again(
    person: Any, sign_in: Any, api: Any, north: Any
) -> None:
    user = person()
    client = api(north)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in().json()['access']}")
    assert client.get(ME).status_code == 200
    with in_library(north):
        for _again in range(2):
            services.deactivate_user(user_id=user.pk, by=SYSTEM, now=clock.now())
        assert AuditEntry.objects.filter(action="user.deactivated").count() == 1
    assert client.get(ME).status_code == 401
    assert sign_in().json()["code"] == "invalid_credentials"
    with in_library(north):
        services.reactivate_user(user_id=user.pk, by=SYSTEM, now=clock.now())
    assert client.get(ME).status_code == 401, "its old sessions stay ended"
    assert sign_in().status_code == 200


def test_the_last_admin_cannot_be_closed(north: Any) -> None:
    from tenant_apps.access.services import create_member

    with in_library(north):
        admin = User.objects.get(email="admin@north.example")
        with pytest.raises(AccountInUse) as refusal:
            services.deactivate_user(user_id=admin.pk, by=SYSTEM, now=clock.now())
        assert [reason["code"] for reason in refusal.value.extension_members["reasons"]] == ["last_admin"]
        assert User.objects.get(pk=admin.pk).is_active
        create_member(
            email="second@north.example",
            name="Second",
            password="correct-horse-battery",
            role="admin",
            by=SYSTEM,
            now=clock.now(),
        )
        services.deactivate_user(user_id=admin.pk, by=SYSTEM, now=clock.now())
        assert not User.objects.get(pk=admin.pk).is_active


def test_who_does_not_wait_is_neither_approved_nor_refused(person: Any, north: Any) -> None:
    user = person()
    with in_library(north):
        for service in (services.approve_user, services.refuse_user):
            with pytest.raises(NotAwaitingApproval):
                service(user_id=user.pk, by=SYSTEM, now=clock.now())
            with pytest.raises(NotFound):
                service(user_id=2**40, by=SYSTEM, now=clock.now())
        assert User.objects.get(pk=user.pk).is_active


def test_a_refused_person_may_be_let_in_after_all(person: Any, sign_in: Any, north: Any) -> None:
    user = person(awaiting_approval=True)
    with in_library(north):
        services.refuse_user(user_id=user.pk, by=SYSTEM, now=clock.now())
    assert sign_in().json()["code"] == "invalid_credentials"
    with in_library(north):
        services.reactivate_user(user_id=user.pk, by=SYSTEM, now=clock.now())
    assert sign_in().status_code == 200


def test_who_waits_is_approved_by_opening(person: Any, sign_in: Any, north: Any) -> None:
    user = person(awaiting_approval=True)
    assert sign_in().json()["code"] == "awaiting_approval"
    with in_library(north):
        services.reactivate_user(user_id=user.pk, by=SYSTEM, now=clock.now())
        assert AuditEntry.objects.filter(action="user.approved", target_id=str(user.pk)).exists()
    assert sign_in().status_code == 200


def test_who_waits_gets_no_link_to_a_new_password(person: Any, api: Any, north: Any) -> None:
    from django.core import mail

    from shared_apps.delivery.services import relay

    user = person(awaiting_approval=True)
    api(north).post("/api/v1/auth/password/reset/", {"email": user.email}, format="json")
    with in_library(north):
        relay()
    assert mail.outbox == []


def test_the_public_site_closes_its_own_staff(db: None) -> None:
    with in_public():
        user = services.create_user(
            email="ops@platform.example", name="Ops", verified=True, is_staff=True, by=SYSTEM, now=clock.now()
        )
        services.deactivate_user(user_id=user.pk, by=SYSTEM, now=clock.now())
        assert not User.objects.get(pk=user.pk).is_active
