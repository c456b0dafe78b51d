"""Links to libraries and to the public site."""

from __future__ import annotations

from typing import Any

import pytest

from shared_apps.tenants import addresses


@pytest.mark.parametrize(
    ("public", "bases", "url"),
    [
        ("http://localhost:8000", ("localhost",), "http://riverside.localhost:8000/"),
        ("http://localhost:8000/", ("localhost",), "http://riverside.localhost:8000/"),
        (
            "https://libraryhub.example",
            ("libraryhub.example", "old.example"),
            "https://riverside.libraryhub.example/",
        ),
        ("https://www.hub.example:8443", ("hub.example",), "https://riverside.hub.example:8443/"),
    ],
)
def test_a_library_is_reached_as_the_public_site_is(
    settings: Any, public: str, bases: tuple[str, ...], url: str
) -> None:
    settings.PUBLIC_URL, settings.BASE_DOMAINS = public, bases
    assert addresses.library_url("riverside") == url
    assert addresses.sign_in_url("riverside").startswith(url)


def test_addresses_of_the_public_site(settings: Any) -> None:
    settings.PUBLIC_URL = "https://www.hub.example:8443/"
    assert addresses.public_url("/signup/") == "https://www.hub.example:8443/signup/"
    assert addresses.public_host() == "www.hub.example"
