"""Who is counted, against what, and how an answer tells."""

import dataclasses
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from rest_framework.response import Response

from saas.core.api import throttling
from saas.core.api.etags import record_response
from saas.core.api.throttling import address_subject, check_limit, client_address, policy, reset_limit
from saas.core.api.views import ApiView
from saas.core.errors import RateLimited
from saas.core.tenancy import LibraryContext

Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def limits(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits are on, small, and counted in a schema of this test's own."""
    settings.RATE_LIMITS_ENABLED = True
    settings.RATE_LIMITS = {"burst": (3, 60), "signup": (1, 3600), "login-account": (2, 300)}
    settings.TRUSTED_PROXY_COUNT = 0
    schema = f"test_{uuid.uuid4().hex}"
    monkeypatch.setattr(throttling, "current_schema", lambda: schema)


class Open(ApiView):
    permissions = {"GET": None, "POST": "loans.lend"}

    def get(self, request: Any) -> Response:
        return Response({"fine": True})

    def post(self, request: Any) -> Response:
        return Response({"fine": True}, status=201)


class Signup(Open):
    throttle_policies = ("burst", "signup")


class Tagged(Open):
    def get(self, request: Any) -> Any:
        return record_response(request, SimpleNamespace(pk=1, version=2), lambda: {"x": 1})


def test_headers_tell_policy_and_rest(call: Call) -> None:
    response = call(Open)
    assert response["RateLimit-Policy"] == '"burst";q=3;w=60'
    assert response["RateLimit"] in ('"burst";r=2;t=60', '"burst";r=2;t=59')


def test_every_policy_of_the_view_is_told(call: Call) -> None:
    response = call(Signup)
    assert response["RateLimit-Policy"] == '"burst";q=3;w=60, "signup";q=1;w=3600'
    assert response["RateLimit"].startswith('"burst";r=2;t=')
    assert '"signup";r=0;t=' in response["RateLimit"]


def test_the_request_after_the_last_is_429(call: Call) -> None:
    assert [call(Open).status_code for _n in range(3)] == [200, 200, 200]
    response = call(Open)
    assert (response.status_code, response.data["code"]) == (429, "rate_limited")
    assert 55 <= int(response["Retry-After"]) <= 60
    assert '"burst";r=0;' in response["RateLimit"]


def test_callers_are_counted_apart(call: Call) -> None:
    for _n in range(3):
        call(Open, by="reader")
    assert call(Open, by="reader").status_code == 429
    assert call(Open, by="librarian").status_code == 200
    assert call(Open).status_code == 200


def test_libraries_are_counted_apart(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    for _n in range(4):
        last = call(Open, by="reader")
    assert last.status_code == 429
    monkeypatch.setattr(throttling, "current_schema", lambda: f"other_{uuid.uuid4().hex}")
    assert call(Open, by="reader").status_code == 200


def test_a_refused_caller_is_counted_too(call: Call) -> None:
    assert [call(Open, "post", by="reader").status_code for _n in range(4)] == [403, 403, 403, 429]


def test_wrong_credentials_are_counted_against_the_address(call: Call) -> None:
    answers = [call(Open, by="stranger").status_code for _n in range(4)]
    assert answers == [401, 401, 401, 429]
    assert call(Open).status_code == 429  # the same address without credentials
    assert call(Open, by="reader").status_code == 200  # the owner of an account still gets in


def test_a_304_costs_nothing(call: Call) -> None:
    tag = {"If-None-Match": '"1.2.json"'}
    answers = [call(Tagged, headers=tag) for _n in range(6)]
    assert [answer.status_code for answer in answers] == [304] * 6
    assert all('"burst";r=3;' in answer["RateLimit"] for answer in answers)
    assert [call(Tagged).status_code for _n in range(4)] == [200, 200, 200, 429]


def test_a_304_of_a_list_costs_nothing(call: Call) -> None:
    tag = {"If-None-Match": call(Open)["ETag"]}
    assert [call(Open, headers=tag).status_code for _n in range(6)] == [304] * 6


def test_anonymous_callers_have_a_policy_of_their_own(call: Call, settings: Any) -> None:
    settings.RATE_LIMITS = {"burst": (3, 60), "anonymous": (1, 60)}
    assert call(Open)["RateLimit-Policy"] == '"anonymous";q=1;w=60'
    assert call(Open).status_code == 429
    assert call(Open, by="reader")["RateLimit-Policy"] == '"burst";q=3;w=60'


def test_a_library_may_have_a_total(call: Call, settings: Any) -> None:
    settings.RATE_LIMITS = {"burst": (3, 60), "library": (2, 60)}
    assert [call(Open, by=name).status_code for name in ("reader", "librarian", "branch")] == [200, 200, 429]


def test_keys_of_one_user_are_counted_apart(call: Call, authentication: type[Any]) -> None:
    class KeyAuthentication(authentication):  # type: ignore[misc,valid-type]
        def authenticate(self, request: Any) -> Any:
            user, _none = super().authenticate(request)
            return user, SimpleNamespace(rate_limit_subject=request.headers["X-Key"])

    class Keyed(Open):
        def get_authenticators(self) -> Any:
            return [KeyAuthentication()]

    for _n in range(4):
        last = call(Keyed, by="reader", headers={"X-Key": "one"})
    assert last.status_code == 429
    assert call(Keyed, by="reader", headers={"X-Key": "two"}).status_code == 200


def test_limits_can_be_switched_off(call: Call, settings: Any) -> None:
    settings.RATE_LIMITS_ENABLED = False
    answers = [call(Open) for _n in range(5)]
    assert {answer.status_code for answer in answers} == {200}
    assert not answers[0].has_header("RateLimit")
    for _n in range(5):
        check_limit("login-account", "jane")


def test_a_plan_may_scale_a_policy(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(name: str, schema: str) -> tuple[int, int] | None:
        return (9, 60) if name == "burst" else None

    monkeypatch.setattr(throttling, "scaled_for_the_test", resolve, raising=False)
    settings.RATE_LIMIT_RESOLVER = "saas.core.api.throttling.scaled_for_the_test"
    assert policy("burst").quota == 9
    assert policy("signup").quota == 1


def test_an_unknown_policy_is_a_mistake_of_ours() -> None:
    with pytest.raises(ImproperlyConfigured, match="brust"):
        policy("brust")


def test_services_count_subjects_of_their_own() -> None:
    for _n in range(2):
        check_limit("login-account", "jane@example.org")
    with pytest.raises(RateLimited) as caught:
        check_limit("login-account", "jane@example.org")
    assert 290 <= caught.value.retry_after <= 300
    check_limit("login-account", "john@example.org")
    reset_limit("login-account", "jane@example.org")
    check_limit("login-account", "jane@example.org")


@pytest.mark.parametrize(
    ("remote", "forwarded", "proxies", "expected"),
    [
        ("192.0.2.1", None, 0, "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", 0, "192.0.2.1"),
        ("10.0.0.1", "203.0.113.9", 1, "203.0.113.9"),
        ("10.0.0.1", "198.51.100.66, 203.0.113.9", 1, "203.0.113.9"),
        ("10.0.0.1", "198.51.100.66, 203.0.113.9, 10.0.0.2", 2, "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9", 2, "203.0.113.9"),
        ("10.0.0.1", None, 1, "10.0.0.1"),
        ("10.0.0.1", "<script>", 1, "10.0.0.1"),
        ("10.0.0.1", "", 1, "10.0.0.1"),
        ("::ffff:192.0.2.1", None, 0, "192.0.2.1"),
        ("2001:db8::1", None, 0, "2001:db8::1"),
        ("", None, 0, "unknown"),
    ],
)
def test_the_address_of_the_caller(
    rf: RequestFactory, settings: Any, remote: str, forwarded: str | None, proxies: int, expected: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    assert client_address(rf.get("/", headers=headers, REMOTE_ADDR=remote)) == expected


def test_an_ipv6_caller_is_its_network(rf: RequestFactory) -> None:
    def subject(address: str) -> str:
        return address_subject(rf.get("/", REMOTE_ADDR=address))

    assert subject("2001:db8:1:2::3") == subject("2001:db8:1:2:ffff::4")
    assert subject("2001:db8:1:2::3") != subject("2001:db8:1:3::3")
    assert subject("192.0.2.1") != subject("192.0.2.2")


def test_what_a_plan_says_is_asked_once_and_again_when_the_library_has_changed(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of the plan makes another library of it for this process, announced as for everything else."""
    asked: list[str] = []

    def resolve(name: str, schema: str) -> tuple[int, int]:
        asked.append(name)
        return (len(asked), 60)

    monkeypatch.setattr(throttling, "counting_for_the_test", resolve, raising=False)
    settings.RATE_LIMIT_RESOLVER = "saas.core.api.throttling.counting_for_the_test"
    library = LibraryContext(uuid.uuid4(), "lib_x", "x", "X", "active", "free", "x.localhost")
    monkeypatch.setattr(throttling, "current_library_or_none", lambda: library)
    monkeypatch.setattr(throttling, "current_schema", lambda: "lib_x")
    assert [policy("burst").quota for _n in range(3)] == [1, 1, 1]
    library = dataclasses.replace(library, plan="large")
    assert [policy("burst").quota for _n in range(3)] == [2, 2, 2]
    settings.RATE_LIMITS = dict(settings.RATE_LIMITS)
    assert policy("burst").quota == 3


def test_a_text_that_is_no_address_takes_no_memory(rf: RequestFactory) -> None:
    throttling._address.cache_clear()
    for number in range(2_000):
        assert client_address(rf.get("/", REMOTE_ADDR=f"{number}" * 1000)) == "unknown"
    assert throttling._address.cache_info().currsize == 0
    for number in range(2_000):
        client_address(rf.get("/", REMOTE_ADDR=f"x{number}"))
    assert throttling._address.cache_info().currsize == 1024
