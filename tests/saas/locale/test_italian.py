"""What a person who asks for Italian is answered: pages, problem documents and mails of the path to a lent book."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import translation

ITALIAN = {"headers": {"accept-language": "it-IT,it;q=0.9,en;q=0.5"}}


@pytest.fixture
def public_site(db: None) -> Client:
    return Client(HTTP_HOST="localhost")


@pytest.fixture
def north_site(north: Any) -> Client:
    return Client(HTTP_HOST="north.localhost")


def test_the_start_page_is_italian(public_site: Client) -> None:
    answer = public_site.get("/", **ITALIAN)
    page = answer.content.decode()
    assert '<html lang="it">' in page
    assert "Da zero al primo prestito" in page
    assert answer["Content-Language"] == "it"
    assert "From nothing to a lent book" not in page


def test_the_start_page_is_english_for_who_asks_for_neither(public_site: Client) -> None:
    page = public_site.get("/", headers={"accept-language": "eo"}).content.decode()
    assert '<html lang="en">' in page
    assert "From nothing to a lent book" in page


def test_the_catalogue_of_a_library_is_italian(north_site: Client) -> None:
    assert "Cerca nel catalogo" in north_site.get("/", **ITALIAN).content.decode()


def test_a_problem_is_italian_and_its_code_is_not(north_site: Client) -> None:
    problem = north_site.get("/api/v1/me/", **ITALIAN).json()
    assert problem["code"] == "not_authenticated"
    assert problem["title"] == "Accesso necessario"
    assert problem["detail"] == "Accedi per usare questo indirizzo."


def test_a_problem_of_a_field_is_italian(public_site: Client) -> None:
    problem = public_site.post(
        "/api/v1/signup/", {"subdomian": "x"}, content_type="application/json", **ITALIAN
    ).json()
    details = {error["field"]: error["detail"] for error in problem["errors"]}
    assert details["subdomian"] == 'Campo sconosciuto "subdomian". Intendevi "subdomain"?'


def test_a_host_without_a_library_is_answered_in_italian(public_site: Client) -> None:
    problem = Client(HTTP_HOST="nowhere.localhost").get("/api/v1/me/", **ITALIAN).json()
    assert problem["title"] == "A questo indirizzo non c\u2019è nessuna biblioteca"


def test_the_language_of_one_request_does_not_stay_for_the_next(public_site: Client) -> None:
    public_site.get("/", **ITALIAN)
    assert translation.get_language() == "en"
    assert '<html lang="en">' in public_site.get("/").content.decode()
