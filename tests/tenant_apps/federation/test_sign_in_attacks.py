"""Sign-ins that somebody else began, replays, mixes up or takes to another library: refused, and nothing is written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache

from saas.core.tenancy import in_library
from tests.identity_provider import FakeProvider
from tests.pages import Browser
from tests.snapshots import differences, snapshot
from tests.tenant_apps.federation.conftest import SOCIAL, Visitor, link, registration, set_up

pytestmark = pytest.mark.django_db
SCHEMAS = ("lib_north", "lib_south", "public")


@pytest.fixture
def school(north: Any, fake: FakeProvider) -> Any:
    """North's provider, which knows its reader as `person-1`."""
    provider = set_up(north, issuer=fake.issuer)
    link(north, provider, subject="person-1", email="reader@north.example")
    return provider


@contextmanager
def nothing_written() -> Iterator[None]:
    before = snapshot(*SCHEMAS)
    yield
    assert differences(before, snapshot(*SCHEMAS)) == {}


def assert_refused(answer: Any, code: str, status: int = 401) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert {"access", "refresh", "user"} & set(answer.json()) == set()
    assert "libraryhub-access" not in answer.cookies


def test_the_way_that_the_attacks_leave_leads_in(school: Any, fake: FakeProvider, visitor: Visitor) -> None:
    """The positive control of everything below."""
    answer = visitor.sign_in(fake.person_signs_in)
    assert answer.status_code == 200, answer.content
    assert answer.json()["user"]["email"] == "reader@north.example"


def test_an_answer_without_a_state_that_was_given_out(
    school: Any, fake: FakeProvider, visitor: Visitor
) -> None:
    begun = visitor.begin()
    returned = fake.person_signs_in(begun["authorization_url"])
    with nothing_written():
        for state in ("x", returned["state"][:-1], returned["state"] + "x", "a" * 200, "../flow"):
            answer = visitor.finish(
                {"code": returned["code"], "state": state}, flow_token=begun["flow_token"]
            )
            assert_refused(answer, "token_invalid")
        without = visitor.finish({"code": returned["code"]}, flow_token=begun["flow_token"])
        assert without.status_code == 400
    assert "POST /token" not in fake.asked
    assert visitor.finish(returned, flow_token=begun["flow_token"]).status_code == 200


def test_an_answer_brought_by_who_did_not_begin(school: Any, fake: FakeProvider, visitor: Visitor) -> None:
    begun, others = visitor.begin(), visitor.begin()
    returned = fake.person_signs_in(begun["authorization_url"])
    with nothing_written():
        assert_refused(visitor.finish(returned), "token_invalid")
        assert_refused(visitor.finish(returned, flow_token=others["flow_token"]), "token_invalid")
        assert_refused(visitor.finish(returned, flow_token=returned["state"]), "token_invalid")
    assert "POST /token" not in fake.asked
    # Nobody can spoil it for who did begin.
    assert visitor.finish(returned, flow_token=begun["flow_token"]).status_code == 200


def test_an_answer_brought_twice(school: Any, fake: FakeProvider, visitor: Visitor) -> None:
    begun = visitor.begin()
    returned = fake.person_signs_in(begun["authorization_url"])
    assert visitor.finish(returned, flow_token=begun["flow_token"]).status_code == 200
    with nothing_written():
        assert_refused(visitor.finish(returned, flow_token=begun["flow_token"]), "token_invalid")


def test_a_code_brought_again_in_another_flow(school: Any, fake: FakeProvider, visitor: Visitor) -> None:
    begun = visitor.begin()
    returned = fake.person_signs_in(begun["authorization_url"])
    assert visitor.finish(returned, flow_token=begun["flow_token"]).status_code == 200
    again = visitor.begin()
    state = fake.person_signs_in(again["authorization_url"])["state"]
    with nothing_written():
        answer = visitor.finish({"code": returned["code"], "state": state}, flow_token=again["flow_token"])
        assert_refused(answer, "provider_refused")


def test_a_stolen_code_is_no_good_without_its_verifier(
    school: Any, fake: FakeProvider, visitor: Visitor
) -> None:
    """Somebody else's code, put into one's own flow: the provider refuses the verifier (PKCE)."""
    stolen = fake.person_signs_in(visitor.begin()["authorization_url"])["code"]
    mine = visitor.begin()
    state = fake.person_signs_in(mine["authorization_url"])["state"]
    with nothing_written():
        answer = visitor.finish({"code": stolen, "state": state}, flow_token=mine["flow_token"])
        assert_refused(answer, "provider_refused")
    assert fake.asked.count("POST /token") == 1


def test_the_nonce_holds_where_a_provider_knows_no_pkce(
    school: Any, fake: FakeProvider, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "_is_of", lambda *_args: True)
    stolen = fake.person_signs_in(visitor.begin()["authorization_url"])["code"]
    mine = visitor.begin()
    state = fake.person_signs_in(mine["authorization_url"])["state"]
    with nothing_written():
        answer = visitor.finish({"code": stolen, "state": state}, flow_token=mine["flow_token"])
        assert_refused(answer, "identity_not_proved")


def test_many_bring_the_same_answer_at_once(
    school: Any, fake: FakeProvider, visitor: Visitor, north: Any
) -> None:
    """The state is taken by one of them, in Redis; what follows needs no race."""
    from tenant_apps.federation import tickets

    begun = visitor.begin()
    state = parse_qs(urlsplit(begun["authorization_url"]).query)["state"][0]
    with in_library(north):
        name = tickets._name("flow", state)
        key = cache.make_key(name)
    client: Any = cache
    won = []
    barrier = threading.Barrier(20)

    def take() -> None:
        barrier.wait()
        won.append(client.client.get_client(write=True).delete(key))

    threads = [threading.Thread(target=take) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [0] * 19 + [1]
    returned = fake.person_signs_in(begun["authorization_url"])
    assert_refused(visitor.finish(returned, flow_token=begun["flow_token"]), "token_invalid")


def test_a_flow_is_over_after_ten_minutes(
    school: Any, fake: FakeProvider, visitor: Visitor, north: Any
) -> None:
    begun = visitor.begin()
    client: Any = cache
    keys = client.client.get_client().keys("*federation:flow:*")
    assert len(keys) == 1
    assert 0 < client.client.get_client().ttl(keys[0]) <= 600
    client.client.get_client(write=True).pexpire(keys[0], 1)
    threading.Event().wait(0.01)
    returned = fake.person_signs_in(begun["authorization_url"])
    assert_refused(visitor.finish(returned, flow_token=begun["flow_token"]), "token_invalid")


def test_what_waits_in_redis_cannot_be_read_there(school: Any, visitor: Visitor) -> None:
    begun = visitor.begin()
    query = parse_qs(urlsplit(begun["authorization_url"]).query)
    client: Any = cache
    redis = client.client.get_client()
    kept = b"".join(key + redis.get(key) for key in redis.keys("*federation:flow:*"))
    assert kept
    for secret in (query["state"][0], query["nonce"][0], begun["flow_token"], "verifier"):
        assert secret.encode() not in kept


def test_two_providers_cannot_be_mixed_up(
    north: Any, school: Any, fake: FakeProvider, other_fake: FakeProvider, visitor: Visitor, api: Any
) -> None:
    """The honest provider's answer at the address of the other, and the other way round (RFC 9700, 4.4)."""
    bad = set_up(north, code="bad", issuer=other_fake.issuer)
    link(north, bad, subject="person-1", email="admin@north.example")
    at_bad = Visitor(api(north), "bad")
    begun, begun_bad = visitor.begin(), at_bad.begin()
    returned = fake.person_signs_in(begun["authorization_url"])
    with nothing_written():
        assert_refused(at_bad.finish(returned, flow_token=begun["flow_token"]), "token_invalid")
        swapped = {**returned, "state": other_fake.person_signs_in(begun_bad["authorization_url"])["state"]}
        assert_refused(visitor.finish(swapped, flow_token=begun_bad["flow_token"]), "token_invalid")
    assert "POST /token" not in fake.asked + other_fake.asked
    assert visitor.finish(returned, flow_token=begun["flow_token"]).status_code == 200


def test_a_provider_that_names_itself_must_be_the_one_that_was_meant(
    north: Any, school: Any, fake: FakeProvider, other_fake: FakeProvider, visitor: Visitor
) -> None:
    for iss, code in ((other_fake.issuer, 401), (fake.issuer + "/", 401), (fake.issuer, 200)):
        begun = visitor.begin()
        returned = fake.person_signs_in(begun["authorization_url"])
        answer = visitor.finish(returned, flow_token=begun["flow_token"], iss=iss)
        assert answer.status_code == code
        if code == 401:
            assert_refused(answer, "identity_not_proved")


def test_a_provider_that_promises_its_name_must_give_it(
    north: Any, school: Any, fake: FakeProvider, visitor: Visitor
) -> None:
    fake.metadata = {"authorization_response_iss_parameter_supported": True}
    with nothing_written():
        assert_refused(visitor.sign_in(fake.person_signs_in), "identity_not_proved")
    begun = visitor.begin()
    returned = {**fake.person_signs_in(begun["authorization_url"]), "iss": fake.issuer}
    assert visitor.finish(returned, flow_token=begun["flow_token"]).status_code == 200


def test_a_state_of_one_library_is_nothing_in_another(
    north: Any, south: Any, school: Any, fake: FakeProvider, visitor: Visitor, api: Any
) -> None:
    """South trusts the same provider, knows the same subject, and has the same ids."""
    theirs = set_up(south, issuer=fake.issuer)
    with in_library(south):
        type(theirs).objects.filter(pk=theirs.pk).update(id=school.pk)
        theirs = type(theirs).objects.get(pk=school.pk)
    link(south, theirs, subject="person-1", email="admin@south.example")
    assert Visitor(api(south)).sign_in(fake.person_signs_in).json()["user"]["email"] == "admin@south.example"
    fake.asked.clear()
    begun = visitor.begin()
    returned = fake.person_signs_in(begun["authorization_url"])
    with nothing_written():
        answer = Visitor(api(south)).finish(returned, flow_token=begun["flow_token"])
        assert_refused(answer, "token_invalid")
    assert "POST /token" not in fake.asked
    assert visitor.finish(returned, flow_token=begun["flow_token"]).status_code == 200


def test_a_state_copied_in_redis_is_nothing_in_another_library(
    north: Any, south: Any, school: Any, fake: FakeProvider, visitor: Visitor, api: Any
) -> None:
    """Also whoever writes into Redis cannot carry one over: the library's key is another."""
    set_up(south, issuer=fake.issuer)
    begun = visitor.begin()
    returned = fake.person_signs_in(begun["authorization_url"])
    client: Any = cache
    redis = client.client.get_client(write=True)
    (key,) = redis.keys("lib_north:*federation:flow:*")
    redis.set(key.replace(b"lib_north", b"lib_south"), redis.get(key))
    with nothing_written():
        answer = Visitor(api(south)).finish(returned, flow_token=begun["flow_token"])
        assert_refused(answer, "token_invalid")


def test_the_public_site_knows_no_providers(public_api: Any) -> None:
    assert public_api().get(f"{SOCIAL}/").status_code == 404
    assert public_api().post(f"{SOCIAL}/school/callback/", {"state": "x"}).status_code == 404


@pytest.mark.parametrize("role", ["admin", "reader"])
def test_a_providers_word_on_an_address_opens_no_account(
    north: Any, south: Any, school: Any, fake: FakeProvider, visitor: Visitor, role: str
) -> None:
    """Another subject with the address of an account of this library."""
    registration(north, "open")
    fake.claims = {"sub": "stranger", "email": f"{role}@north.example", "email_verified": True}
    with nothing_written():
        assert_refused(visitor.sign_in(fake.person_signs_in), "account_exists", 409)
        fake.claims["email"] = f"{role.upper()}@North.Example"
        assert_refused(visitor.sign_in(fake.person_signs_in), "account_exists", 409)


def test_a_providers_word_on_an_address_reaches_no_other_library(
    north: Any, south: Any, school: Any, fake: FakeProvider, visitor: Visitor
) -> None:
    """North's provider with the address of south's admin: at best somebody new at north, never anybody at south."""
    fake.claims = {"sub": "stranger", "email": "admin@south.example", "email_verified": True}
    with nothing_written():
        assert_refused(visitor.sign_in(fake.person_signs_in), "registration_closed", 403)
    registration(north, "open")
    before = snapshot("lib_south")
    answer = visitor.sign_in(fake.person_signs_in)
    assert answer.status_code == 200
    assert differences(before, snapshot("lib_south")) == {}


def test_the_same_subject_of_another_issuer_is_somebody_else(
    north: Any, school: Any, other_fake: FakeProvider, api: Any
) -> None:
    set_up(north, code="bad", issuer=other_fake.issuer)
    other_fake.claims = {"sub": "person-1", "email": "reader@north.example", "email_verified": True}
    with nothing_written():
        assert_refused(Visitor(api(north), "bad").sign_in(other_fake.person_signs_in), "account_exists", 409)


def test_who_an_issuer_knew_is_nobody_once_the_issuer_is_another(
    north: Any, school: Any, other_fake: FakeProvider, visitor: Visitor, api: Any
) -> None:
    """An admin who points a provider at a server of their own does not get into other people's accounts."""
    admin = api(north, "admin")
    address = f"/api/v1/identity-providers/{school.pk}/"
    changed = admin.patch(address, {"issuer": other_fake.issuer}, headers={"If-Match": "*"})
    assert changed.status_code == 200
    other_fake.claims = {"email": "reader@north.example", "email_verified": True}
    with nothing_written():
        assert_refused(visitor.sign_in(other_fake.person_signs_in), "account_exists", 409)


def test_a_flow_that_was_begun_before_the_issuer_changed_is_over(
    north: Any, school: Any, fake: FakeProvider, other_fake: FakeProvider, visitor: Visitor, api: Any
) -> None:
    begun = visitor.begin()
    returned = fake.person_signs_in(begun["authorization_url"])
    address = f"/api/v1/identity-providers/{school.pk}/"
    api(north, "admin").patch(address, {"issuer": other_fake.issuer}, headers={"If-Match": "*"})
    with nothing_written():
        assert_refused(visitor.finish(returned, flow_token=begun["flow_token"]), "token_invalid")


def test_a_provider_that_is_off_finishes_nothing(
    north: Any, school: Any, fake: FakeProvider, visitor: Visitor, api: Any
) -> None:
    begun = visitor.begin()
    returned = fake.person_signs_in(begun["authorization_url"])
    address = f"/api/v1/identity-providers/{school.pk}/"
    api(north, "admin").patch(address, {"enabled": False}, headers={"If-Match": "*"})
    with nothing_written():
        assert_refused(visitor.finish(returned, flow_token=begun["flow_token"]), "token_invalid")


BAD_NEXT = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "javascript:alert(1)",
    "http:evil.example",
    "account/",
    "/sign-out/",
    " //evil.example",
    "https://north.localhost.evil.example/",
    "http://north.localhost@evil.example/",
]


@pytest.mark.parametrize("address", BAD_NEXT)
def test_next_leads_to_this_site_alone(north: Any, school: Any, fake: FakeProvider, address: str) -> None:
    assert came_back(north, fake, address)["Location"] == "/account/"


def test_next_leads_where_the_reader_was(north: Any, school: Any, fake: FakeProvider) -> None:
    assert came_back(north, fake, "/titles/1/?a=b")["Location"] == "/titles/1/?a=b"


def came_back(library: Any, fake: FakeProvider, next_page: str) -> Any:
    browser = Browser(library)
    answer = browser.post(
        f"{SOCIAL}/school/", {"transport": "cookie", "next": next_page}, content_type="application/json"
    )
    assert answer.status_code == 200, answer.content
    returned = fake.person_signs_in(answer.json()["authorization_url"])
    answer = browser.get(f"{SOCIAL}/school/callback/", returned)
    assert answer.status_code == 303, answer.content
    return answer


def test_a_browser_that_did_not_begin_is_not_signed_in(
    north: Any, school: Any, fake: FakeProvider, visitor: Visitor
) -> None:
    """An attacker's own answer, as a link for a victim (login CSRF)."""
    attacker, victim = Browser(north), Browser(north)
    begun = attacker.post(f"{SOCIAL}/school/", {"transport": "cookie"}, content_type="application/json")
    returned = fake.person_signs_in(begun.json()["authorization_url"])
    with nothing_written():
        answer = victim.get(
            f"{SOCIAL}/school/callback/", returned, headers={"Accept": "text/html, */*;q=0.8"}
        )
        assert answer.status_code == 400
        assert answer["Content-Type"].startswith("text/html")
        # A flow of the victim's own does not help: its binding is another.
        victim.post(f"{SOCIAL}/school/", {"transport": "cookie"}, content_type="application/json")
        assert_refused(victim.get(f"{SOCIAL}/school/callback/", returned), "token_invalid")
    assert not victim.session_key
    assert attacker.get(f"{SOCIAL}/school/callback/", returned).status_code == 303


def test_a_post_that_a_cookie_vouches_for_needs_the_csrf_token(
    north: Any, school: Any, fake: FakeProvider
) -> None:
    browser = Browser(north)
    begun = browser.post(f"{SOCIAL}/school/", {"transport": "cookie"}, content_type="application/json")
    assert "flow_token" not in begun.json()
    cookie = begun.cookies["libraryhub-flow"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (
        True,
        "Lax",
        "/",
        "",
    )
    assert cookie["max-age"] == 600
    returned = fake.person_signs_in(begun.json()["authorization_url"])
    with nothing_written():
        answer = browser.post(f"{SOCIAL}/school/callback/", returned, content_type="application/json")
        assert_refused(answer, "csrf_failed", 403)
    browser.get("/sign-in/")
    answer = browser.post(
        f"{SOCIAL}/school/callback/",
        returned,
        content_type="application/json",
        headers={"X-CSRFToken": browser.cookies["csrftoken"].value},
    )
    assert answer.status_code == 200, answer.content
    assert set(answer.json()) == {"user"}
    assert browser.cookies["libraryhub-access"].value


BODIES: list[Callable[[dict[str, str]], Any]] = [
    lambda _sent: {},
    lambda sent: {**sent, "state": 5},
    lambda sent: {**sent, "state": [sent["state"]]},
    lambda sent: {**sent, "state": "a\u0000b"},
    lambda sent: {**sent, "state": "x" * 10_000},
    lambda sent: {**sent, "code": {"a": "b"}},
    lambda sent: {**sent, "user": "1"},
    lambda sent: [sent],
]


@pytest.mark.parametrize("body", BODIES)
def test_bodies_that_are_none_are_refused(
    school: Any, fake: FakeProvider, visitor: Visitor, body: Callable[[dict[str, str]], Any]
) -> None:
    begun = visitor.begin()
    sent = {**fake.person_signs_in(begun["authorization_url"]), "flow_token": begun["flow_token"]}
    with nothing_written():
        answer = visitor.client.post(f"{SOCIAL}/school/callback/", body(sent))
        assert answer.status_code == 400, answer.content
    assert visitor.client.post(f"{SOCIAL}/school/callback/", sent).status_code == 200


@pytest.mark.parametrize(
    "query", ["", "?state=a&state=b", "?state=%00", "?state=x&code=" + "y" * 5000, "?%ff=%ff"]
)
def test_addresses_that_nobody_was_given_are_refused(north: Any, school: Any, query: str) -> None:
    with nothing_written():
        answer = Browser(north).get(f"{SOCIAL}/school/callback/{query}")
        assert answer.status_code in (400, 401)
