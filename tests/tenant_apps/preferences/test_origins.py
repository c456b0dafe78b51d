"""An origin is listed just as browsers write it, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from tenant_apps.preferences.origins import MAX_ORIGINS, is_origin
from tenant_apps.preferences.rules import Kind, Setting, SettingValueError

SETTING = Setting("allowed_origins", Kind.ORIGINS, [], "x")


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org",
        "https://www.example.org",
        "https://www.example.org:8443",
        "https://xn--mnchen-3ya.example",
        "https://intranet",
        "https://192.0.2.7",
    ],
)
def test_what_may_be_listed(text: str) -> None:
    assert is_origin(text)
    assert SETTING.clean([text, text]) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "null",
        "https://*",
        "https://*.example.org",
        "https://.example.org",
        "https://example.org/",
        "https://example.org/path",
        "https://example.org?x",
        "https://example.org#x",
        "https://user@example.org",
        "https://user:password@example.org",
        "https://example.org:443",
        "https://example.org:0",
        "https://example.org:70000",
        "https://example.org:x",
        "https://example.org:",
        "https://EXAMPLE.org",
        "https://münchen.example",
        "https://exam ple.org",
        "https://example.org\n",
        " https://example.org",
        "https://example.org\t",
        "https://-example.org",
        "https://[::1]",
        "http://example.org",
        "http://localhost:3000",
        "ftp://example.org",
        "file://",
        "javascript:alert(1)",
        "example.org",
        "//example.org",
        "https://" + "a" * 64 + ".org",
        "https://" + "a." * 200 + "org",
    ],
)
def test_what_may_not(text: str) -> None:
    assert not is_origin(text)
    with pytest.raises(SettingValueError, match="origin"):
        SETTING.clean([text])


@pytest.mark.parametrize("text", ["http://localhost", "http://localhost:3000", "http://127.0.0.1:5173"])
def test_a_developers_own_machine_may_in_the_demo(text: str, settings: Any) -> None:
    settings.DEMO = True
    assert is_origin(text)
    assert not is_origin("http://example.org")


@pytest.mark.parametrize("value", ["https://example.org", None, {}, [1], [["https://example.org"]], True])
def test_only_a_list_of_strings_is_one(value: object) -> None:
    with pytest.raises(SettingValueError) as refusal:
        SETTING.clean(value)
    assert refusal.value.code == "invalid"


def test_the_list_is_short() -> None:
    many = [f"https://{number}.example" for number in range(MAX_ORIGINS)]
    assert SETTING.clean(many) == many
    with pytest.raises(SettingValueError):
        SETTING.clean([*many, "https://more.example"])
