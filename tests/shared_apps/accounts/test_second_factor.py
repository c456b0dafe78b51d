"""A second factor of allauth.mfa stands between the right password and a session, on every way in."""

from __future__ import annotations

import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value

from saas.core.tenancy import in_library

pytestmark = pytest.mark.django_db


def code_at(secret: str, *, steps: int = 0) -> str:
    """What an authenticator app shows now, or some 30-second steps later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


@pytest.fixture
def secret() -> str:
    # Not across the border between two steps: the code would change while the test runs.
    if time.time() % 30 > 25:
        time.sleep(30 - time.time() % 30)
    return generate_totp_secret()


@pytest.fixture
def enrolled(person: Any, north: Any, secret: str) -> Any:
    """lea, with an authenticator app."""
    user = person()
    with in_library(north):
        TOTP.activate(user, secret)
    return user


def refusal(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_the_password_alone_is_not_enough(enrolled: Any, person: Any, sign_in: Any) -> None:
    response = sign_in()
    assert refusal(response) == (401, "mfa_required")
    assert not {"access", "refresh", "user"} & set(response.json())
    assert not response.cookies
    person("nia")
    assert sign_in("nia").status_code == 200


def test_the_current_code_opens_the_session(enrolled: Any, sign_in: Any, secret: str, north: Any) -> None:
    assert sign_in(otp=code_at(secret)).status_code == 200
    with in_library(north):
        assert Authenticator.objects.get(user=enrolled).last_used_at is not None


def test_a_code_works_once(enrolled: Any, sign_in: Any, secret: str) -> None:
    code = code_at(secret)
    assert sign_in(otp=code).status_code == 200
    assert refusal(sign_in(otp=code)) == (401, "mfa_required")


@pytest.mark.parametrize("otp", ["000000", "", " ", "12345", "1234567", "abcdef", "' or 1=1 --"])
def test_a_wrong_code_is_refused(enrolled: Any, sign_in: Any, secret: str, otp: str) -> None:
    if otp == code_at(secret):
        otp = "999999"
    assert refusal(sign_in(otp=otp)) == (401, "mfa_required")


@pytest.mark.parametrize("steps", [-10, 10])
def test_a_code_of_another_time_is_refused(enrolled: Any, sign_in: Any, secret: str, steps: int) -> None:
    assert refusal(sign_in(otp=code_at(secret, steps=steps))) == (401, "mfa_required")


def test_the_code_does_not_replace_the_password(enrolled: Any, sign_in: Any, secret: str) -> None:
    """And is not spent by the attempt: allauth looks at it only after the password."""
    code = code_at(secret)
    assert refusal(sign_in(password="wrong-one", otp=code)) == (401, "invalid_credentials")
    assert sign_in(otp=code).status_code == 200


def test_a_wrong_password_does_not_tell_that_there_is_a_factor(enrolled: Any, sign_in: Any) -> None:
    with_factor, unknown = sign_in(password="wrong-one"), sign_in("nobody", password="wrong-one")
    assert refusal(with_factor) == refusal(unknown) == (401, "invalid_credentials")


def test_a_code_of_somebody_else_is_refused(enrolled: Any, person: Any, sign_in: Any, north: Any) -> None:
    other, other_secret = person("nia"), generate_totp_secret()
    with in_library(north):
        TOTP.activate(other, other_secret)
    assert refusal(sign_in(otp=code_at(other_secret))) == (401, "mfa_required")
    assert sign_in("nia", otp=code_at(other_secret)).status_code == 200


def test_a_recovery_code_works_once(enrolled: Any, sign_in: Any, north: Any) -> None:
    with in_library(north):
        first, second = RecoveryCodes.activate(enrolled).get_unused_codes()[:2]
    assert sign_in(otp=first).status_code == 200
    assert refusal(sign_in(otp=first)) == (401, "mfa_required")
    assert sign_in(otp=second).status_code == 200
    with in_library(north):
        left = RecoveryCodes(Authenticator.objects.get(user=enrolled, type="recovery_codes"))
        assert not {first, second} & set(left.get_unused_codes())


def test_guessing_codes_is_limited_like_guessing_passwords(
    limits: Any, enrolled: Any, sign_in: Any, secret: str
) -> None:
    assert [sign_in(otp="000000").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert sign_in(otp=code_at(secret)).status_code == 429


def test_cookies_need_the_factor_too(enrolled: Any, sign_in: Any, secret: str) -> None:
    refused = sign_in(transport="cookie")
    assert refusal(refused) == (401, "mfa_required")
    assert not refused.cookies
    assert "libraryhub-access" in sign_in(transport="cookie", otp=code_at(secret)).cookies


def test_a_security_key_alone_lets_nobody_in_without_it(person: Any, sign_in: Any, north: Any) -> None:
    """This sign-in has no step for WebAuthn: refused, not skipped."""
    user = person()
    with in_library(north):
        Authenticator.objects.create(user=user, type="webauthn", data={"name": "key", "credential": {}})
    assert refusal(sign_in(otp="123456")) == (401, "mfa_required")
