"""Setting up an authenticator app, recovery codes, taking factors away: each only by the person, proved again."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.models import Authenticator

from saas.core.tenancy import in_library
from shared_apps.accounts.services.own_factors import FACTOR_MAIL
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from shared_apps.delivery.services import relay
from tests.authenticators import code_at

MFA, LOGIN, ME = "/api/v1/auth/mfa/", "/api/v1/auth/login/", "/api/v1/me/"
pytestmark = pytest.mark.django_db


def rows(north: Any, user: Any) -> list[tuple[str, Any]]:
    with in_library(north):
        return list(Authenticator.objects.filter(user=user).order_by("type").values_list("type", "data"))


def problem(answer: Any) -> tuple[int, str, str]:
    body = answer.json()
    [first] = body.get("errors", [{"field": "", "code": ""}])
    return answer.status_code, body["code"], f"{first['field']}.{first['code']}"


def test_nothing_is_set_up_at_first(holder: Any, api: Any, north: Any) -> None:
    assert holder().factors() == {"required": False, "factors": [], "recovery_codes_left": 0}
    assert api(north).get(MFA).status_code == 401


def test_an_app_is_set_up_and_asked_for_from_then_on(holder: Any, sign_in: Any, north: Any) -> None:
    lea = holder()
    begun = lea.post("totp/").json()
    uri = urlsplit(begun["uri"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert parse_qs(uri.query) == {"secret": [begun["secret"]], "issuer": ["North Library"]}
    assert rows(north, lea.user) == [], "nothing counts before it is confirmed"
    assert sign_in().status_code == 200
    lea.secret = begun["secret"]
    answer = lea.post("totp/confirm/", {"code": lea.code()})
    assert answer.status_code == 201
    assert answer.json()["factor"]["kind"] == "totp"
    codes = answer.json()["recovery_codes"]
    assert len(set(codes)) == 10
    assert sign_in().json()["code"] == "mfa_required"
    assert set(sign_in().json()["methods"]) == {"totp", "recovery_codes"}
    assert sign_in(otp=lea.code()).status_code == 200
    assert sign_in(otp=codes[0]).status_code == 200
    shown = lea.factors()
    assert [f["kind"] for f in shown["factors"]] == ["totp"]
    assert shown["recovery_codes_left"] == 9


def test_nothing_of_it_is_stored_in_the_clear(holder: Any, north: Any) -> None:
    lea = holder()
    lea.enrol()
    stored = str(rows(north, lea.user))
    assert lea.secret not in stored
    assert not [code for code in lea.codes if code in stored]
    with in_library(north):
        told = str(list(AuditEntry.objects.values())) + str(list(OutboxMessage.objects.values()))
    assert lea.secret not in told
    assert not [code for code in lea.codes if code in told]


def test_the_code_that_confirmed_signs_nobody_in(holder: Any, sign_in: Any) -> None:
    lea = holder()
    lea.secret = lea.post("totp/").json()["secret"]
    code = lea.code()
    assert lea.post("totp/confirm/", {"code": code}).status_code == 201
    assert sign_in(otp=code).json()["code"] == "mfa_required"
    assert sign_in(otp=lea.code()).status_code == 200


def test_a_wrong_code_confirms_nothing_and_may_be_corrected(holder: Any, north: Any) -> None:
    lea = holder()
    lea.secret = lea.post("totp/").json()["secret"]
    for wrong in ("000000", "", "12345", "abcdef", "\u0661\u0662\u0663\u0664\u0665\u0666"):
        assert lea.post("totp/confirm/", {"code": wrong}).status_code == 400
    assert rows(north, lea.user) == []
    assert lea.post("totp/confirm/", {"code": lea.code()}).status_code == 201
    assert problem(lea.post("totp/confirm/", {"code": lea.code()}))[:2] == (409, "enrolment_expired")


def test_a_pending_secret_is_of_its_session_and_user(holder: Any, person: Any, north: Any) -> None:
    lea, nia = holder(), holder("nia")
    lea.secret = lea.post("totp/").json()["secret"]
    other = holder(made=lea.user)
    for stranger in (other, nia):
        body = {"code": code_at(lea.secret, lea.ticking())}
        assert problem(stranger.post("totp/confirm/", body))[:2] == (409, "enrolment_expired")
    assert rows(north, lea.user) == rows(north, nia.user) == []
    assert lea.post("totp/confirm/", {"code": lea.code()}).status_code == 201


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"password": "wrong-password-here"}, (400, "validation_failed", "password.wrong_password")),
        ({"password": None}, (400, "validation_failed", "password.required")),
        ({"otp": None}, (400, "validation_failed", "otp.required")),
        ({"otp": ""}, (400, "validation_failed", "otp.required")),
        ({"otp": "000000"}, (400, "validation_failed", "otp.wrong_code")),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("post", "totp/"), ("delete", "totp/"), ("post", "recovery-codes/"), ("post", "webauthn/options/")],
)
def test_every_change_needs_the_person_again(
    holder: Any, north: Any, method: str, path: str, changes: Any, expected: Any
) -> None:
    lea = holder()
    lea.enrol()
    before = rows(north, lea.user)
    assert problem(getattr(lea, method)(path, lea.proof(**changes))) == expected
    assert rows(north, lea.user) == before
    assert getattr(lea, method)(path).status_code in {200, 201, 204}


def test_taking_the_last_factor_away_takes_the_recovery_codes_too(
    holder: Any, north: Any, sign_in: Any
) -> None:
    lea = holder()
    lea.enrol()
    assert lea.delete("totp/").status_code == 204
    assert rows(north, lea.user) == []
    assert sign_in().status_code == 200
    lea.secret = ""
    assert lea.delete("totp/").status_code == 404


def test_another_app_replaces_the_first_when_it_is_confirmed(holder: Any, sign_in: Any) -> None:
    lea = holder()
    lea.enrol()
    old = lea.secret
    new = lea.post("totp/").json()["secret"]
    assert sign_in(otp=lea.code()).status_code == 200
    lea.secret = new
    answer = lea.post("totp/confirm/", {"code": lea.code()})
    assert (answer.status_code, answer.json()["recovery_codes"]) == (201, [])
    assert sign_in(otp=code_at(old, lea.ticking(30))).json()["code"] == "mfa_required"
    assert sign_in(otp=lea.code()).status_code == 200


def test_new_recovery_codes_kill_the_old_ones(holder: Any, sign_in: Any) -> None:
    lea = holder()
    assert problem(lea.post("recovery-codes/"))[:2] == (409, "no_factor")
    lea.enrol()
    fresh = lea.post("recovery-codes/").json()["recovery_codes"]
    assert not set(fresh) & set(lea.codes)
    assert sign_in(otp=lea.codes[0]).json()["code"] == "mfa_required"
    assert sign_in(otp=fresh[0]).status_code == 200
    assert sign_in(otp=fresh[0]).json()["code"] == "mfa_required"


def test_a_recovery_code_proves_the_person_too_and_is_spent(holder: Any) -> None:
    lea = holder()
    lea.enrol()
    body = lea.proof(otp=lea.codes[3])
    assert lea.post("totp/", body).status_code == 200
    assert problem(lea.post("totp/", body))[2] == "otp.wrong_code"


def test_a_change_is_audited_mailed_and_ends_other_sessions(
    holder: Any, north: Any, mailoutbox: Any, sign_in: Any, api: Any
) -> None:
    lea = holder()
    other = sign_in().json()
    lea.enrol()
    assert lea.client.get(ME).status_code == 200
    client = api(north)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {other['access']}")
    assert client.get(ME).status_code == 401
    assert (
        api(north).post("/api/v1/auth/refresh/", {"refresh": other["refresh"]}, format="json").status_code
        == 401
    )
    with in_library(north):
        [entry] = AuditEntry.objects.filter(action="factor.changed")
        assert (entry.actor_user_id, entry.changes) == (lea.user.pk, {"what": "totp_added"})
        [message] = OutboxMessage.objects.filter(kind=FACTOR_MAIL)
        assert message.payload == {"user": lea.user.pk, "what": "totp_added"}
        relay()
    [mail] = [mail for mail in mailoutbox if "authenticator app" in mail.body]
    assert mail.to == ["lea@north.example"]
    assert "North Library" in mail.subject


def test_the_session_that_changed_something_goes_on_and_is_renewed(
    holder: Any, north: Any, sign_in: Any, api: Any
) -> None:
    lea = holder()
    mine = sign_in().json()
    lea.client.credentials(HTTP_AUTHORIZATION=f"Bearer {mine['access']}")
    lea.enrol()
    renewed = api(north).post("/api/v1/auth/refresh/", {"refresh": mine["refresh"]}, format="json")
    assert renewed.status_code == 200
    lea.client.credentials(HTTP_AUTHORIZATION=f"Bearer {renewed.json()['access']}")
    assert lea.client.get(ME).status_code == 200


def test_a_copied_row_is_worth_nothing_in_another_library(
    holder: Any, north: Any, south: Any, api: Any
) -> None:
    """The same user, password and factor in south: the codes are not south's, and nobody gets in without one."""
    from saas.core import clock
    from saas.core.principals import SYSTEM
    from shared_apps.accounts.services import create_user
    from tests.factories import PASSWORD

    lea = holder()
    lea.enrol()
    with in_library(south):
        twin = create_user(
            email="lea@north.example",
            name="Lea",
            password=PASSWORD,
            verified=True,
            now=clock.now(),
            by=SYSTEM,
        )
        for kind, data in rows(north, lea.user):
            Authenticator.objects.create(
                user=twin, type=kind, data={**data, "last_step": 0} if kind == "totp" else data
            )
    body = {"email": "lea@north.example", "password": PASSWORD}
    for otp in (lea.code(), lea.codes[0]):
        answer = api(south).post(LOGIN, {**body, "otp": otp}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (401, "mfa_required")
    assert api(north).post(LOGIN, {**body, "otp": lea.code()}, format="json").status_code == 200


def test_guesses_share_one_budget_wherever_they_are_made(
    limits: Any, holder: Any, sign_in: Any, north: Any
) -> None:
    """New sign-ins, other addresses and proofs count together; the owner's right codes do not count."""
    limits.RATE_LIMITS = {
        **limits.RATE_LIMITS,
        "login-account": (1000, 300),
        "login-address": (1000, 300),
        "login-code": (5, 3600),
    }
    lea = holder()
    lea.enrol()
    for _ in range(6):
        assert sign_in(otp=lea.code()).status_code == 200
    assert [sign_in(otp="000000").status_code for _ in range(3)] == [401] * 3
    assert [lea.post("totp/", lea.proof(otp="000000")).status_code for _ in range(2)] == [400] * 2
    assert sign_in(otp=lea.code()).status_code == 429
    assert lea.delete("totp/").status_code == 429
    assert [kind for kind, _data in rows(north, lea.user)] == ["recovery_codes", "totp"]
