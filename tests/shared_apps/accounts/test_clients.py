"""What is read from a User-Agent header and kept of an address."""

from __future__ import annotations

import pytest

from shared_apps.accounts.clients import Client, device_of, network_of

AGENTS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0": "Firefox on Linux",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
    " Edg/142.0.0.0": "Edge on Windows",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":
        "Chrome on Windows",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0"
    " Safari/605.1.15": "Safari on macOS",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6"
    " Mobile/15E148 Safari/604.1": "Safari on iPhone",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0"
    " Mobile/15E148 Safari/604.1": "Chrome on iPhone",
    "Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0"
    " Chrome/130.0.0.0 Mobile Safari/537.36": "Samsung Internet on Android",
    "Mozilla/5.0 (X11; CrOS x86_64 16093.68.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":
        "Chrome on ChromeOS",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 OPR/127.0":
        "Opera on Linux",
    "curl/8.5.0": "curl",
    "python-requests/2.32.5": "python-requests",
    "Mozilla/5.0": "",
    "": "",
    "<script>alert(1)</script>": "",
}  # fmt: skip


@pytest.mark.parametrize("agent", AGENTS)
def test_a_device_has_a_readable_name(agent: str) -> None:
    assert device_of(agent) == AGENTS[agent]


def test_a_hostile_header_is_read_at_once_and_cut() -> None:
    agent = "a" * 50_000 + "\n\x1b[31m" + "(Version/" * 5_000
    client = Client("192.0.2.7", agent)
    assert len(client.short_user_agent) == 200
    assert Client("", "Fire\r\nfox\x00/1").short_user_agent == "Firefox/1"
    assert device_of(client.short_user_agent) == ""


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("address:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("address:2001:db8:1:2::", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("unknown", ""),
        ("address:unknown", ""),
        ("", ""),
    ],
)
def test_of_an_address_its_network_is_kept(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_client_does_not_show_its_cookie() -> None:
    assert "secret" not in repr(Client("192.0.2.7", "curl/8", "secret"))
