"""What a client says of itself, in words that its owner recognises in the list of their sessions."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final

MAX_USER_AGENT = 200
# In this order: browsers name the ones that they descend from as well.
_BROWSERS: Final = (
    ("Edge", re.compile(r"\bEdg(?:e|A|iOS)?/")),
    ("Opera", re.compile(r"\b(?:OPR|Opera|OPT)/")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(?:Chrome|Chromium|CriOS|HeadlessChrome)/")),
    ("Safari", re.compile(r"\bVersion/.*\bSafari/")),
)
_SYSTEMS: Final = (
    ("iPhone", re.compile(r"\biPhone\b")),
    ("iPad", re.compile(r"\biPad\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("macOS", re.compile(r"\bMac(?:intosh| OS X)\b")),
    ("Linux", re.compile(r"\bLinux\b")),
)
_PRODUCT: Final = re.compile(r"[A-Za-z][A-Za-z0-9 ._-]{0,40}(?=/)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks for a session, as the request tells it; nothing of it proves anything.

    `address` is an IP address, also as `throttling.address_subject` writes it. `device` is the value of the cookie
    that a browser got at an earlier sign-in (services.attempts).
    """

    address: str = ""
    user_agent: str = ""
    device: str | None = field(default=None, repr=False)

    @property
    def short_user_agent(self) -> str:
        """The User-Agent header as it was sent, without control characters, cut to 200 characters."""
        return "".join(char for char in self.user_agent if char.isprintable())[:MAX_USER_AGENT]


def device_of(user_agent: str) -> str:
    """A name such as "Firefox on Linux", "curl" for a program that is no browser, "" for a header that says nothing."""
    browser = next((name for name, pattern in _BROWSERS if pattern.search(user_agent)), "")
    system = next((name for name, pattern in _SYSTEMS if pattern.search(user_agent)), "")
    if browser and system:
        return f"{browser} on {system}"
    if browser or system:
        return browser or system
    product = _PRODUCT.match(user_agent)
    return product.group().strip() if product and not user_agent.startswith("Mozilla/") else ""


def network_of(address: str) -> str:
    """The network of an address: its /24, or /48 for IPv6; "" for what is no address.

    What is kept of where somebody was: enough to tell home from abroad, too little to tell a household.
    """
    try:
        found = ipaddress.ip_address(address.removeprefix("address:"))
    except ValueError:
        return ""
    mapped = getattr(found, "ipv4_mapped", None) or found
    return str(ipaddress.ip_network(f"{mapped}/{24 if mapped.version == 4 else 48}", strict=False))
