"""In Chromium: from the button to a real provider's own page and back, under our content security policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.live import Site, window
from tests.tenant_apps.federation.conftest import ProviderProcess, process, registration, set_up

pytestmark = [pytest.mark.browser, pytest.mark.deep]
__all__ = ["process"]


@pytest.fixture
def east(site: Site, committed_library: Any, process: ProviderProcess) -> Iterator[Any]:
    process.knows("nora", email="nora@school.example", email_verified=True, name="Nora New")
    set_up(committed_library, issuer=process.issuer)
    return committed_library


def test_a_reader_signs_in_with_the_school(chromium: Any, site: Site, east: Any) -> None:
    registration(east, "open")
    with window(chromium, site, "east.localhost") as reader:
        reader.go("/sign-in/?next=/account/")
        reader.press("Sign in with School")
        reader.page.wait_for_url("**/oauth2/authorize?**")
        reader.page.fill("input[name=sub]", "nora")
        with reader.page.expect_navigation(url="**/account/"):
            reader.page.locator("button[type=submit], input[type=submit]").first.click()
        assert reader.page.get_by_role("button", name="Sign out").count() == 1
        # The provider's own page asks for things that are not there; of our policy nothing was refused.
        assert [said for said in reader.complaints() if "Policy" in said or "script:" in said] == []
        assert reader.page.evaluate("window.refusedByPolicy") == []


def test_a_refusal_is_a_page(chromium: Any, site: Site, east: Any) -> None:
    with window(chromium, site, "east.localhost") as reader:
        reader.go("/sign-in/")
        reader.press("Sign in with School")
        reader.page.wait_for_url("**/oauth2/authorize?**")
        reader.page.fill("input[name=sub]", "nora")
        with reader.page.expect_navigation(url="**/callback/**"):
            reader.page.locator("button[type=submit], input[type=submit]").first.click()
        assert "does not take registrations" in reader.text()
