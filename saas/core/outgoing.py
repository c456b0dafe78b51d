"""Requests to addresses that somebody else has named: bounded in time and size, and never to our own network.

A name is resolved once, every address that it has is looked at, and the connection goes to one of those, so that a
name cannot point elsewhere between the check and the use (ASVS 1.3.6, 15.3.2). No redirect is followed, no proxy asked,
no compressed answer read. `settings.OUTGOING_PRIVATE_NETWORKS` names networks that are not the world's and may be asked
all the same; plain http is for the loopback network alone, where that is among them.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from django.conf import settings

MAX_ADDRESS = 2_000
_PRINTABLE = re.compile(r"[!-~]+")
# Unassigned and well-known ports below are services of other kinds (mail, SSH, databases of old).
_LOWEST_FREE_PORT = 1_024
_DEFAULT_PORTS = {"https": 443, "http": 80}
_Ip: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
# getaddrinfo knows no time limit, so that it is waited for and not called. Its own limit ends each of these.
_RESOLVING = ThreadPoolExecutor(max_workers=16, thread_name_prefix="resolve")


class OutgoingFailed(Exception):
    """No answer that can be used. The text is for the log: it may say what is inside our network."""


class AddressRefused(OutgoingFailed):
    """The address is none that may be asked."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: any status but a redirect's, and the whole body."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Target:
    scheme: str
    host: str
    port: int
    path: str


def check_address(address: str) -> None:
    """Raise AddressRefused unless this is an address that could be asked; its name is not looked up.

    https (or http to what is written as loopback, where that is allowed), a host, no user name, no fragment, port 443
    or above 1023, no address of a private network.
    """
    _checked(address)


def fetch(
    address: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    seconds: float | None = None,
    max_bytes: int | None = None,
) -> Fetched:
    """Ask once and return the answer, within `seconds` for everything and `max_bytes` of body (by default settings').

    Raises AddressRefused, and OutgoingFailed for a redirect and for whatever is too slow, too large or broken.
    """
    deadline = time.monotonic() + (settings.OUTGOING_SECONDS if seconds is None else seconds)
    limit = settings.OUTGOING_MAX_BYTES if max_bytes is None else max_bytes
    target = _checked(address)
    try:
        with _connected(target, deadline) as connected:
            connection = http.client.HTTPConnection(target.host, target.port)
            connection.default_port = _DEFAULT_PORTS[target.scheme]
            connection.sock = _Timed(connected, deadline)
            connection.request(method, target.path, body=body, headers=dict(headers or {}))
            return _read(connection.getresponse(), limit)
    except OutgoingFailed:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise OutgoingFailed(f"{type(error).__name__} of {target.host}") from error


def _checked(address: str) -> _Target:
    target = _target_of(address)
    if (literal := _ip(target.host)) is not None:
        _require_allowed([literal], target)
    elif target.scheme == "http":
        raise AddressRefused("http to another machine")
    return target


def _read(response: http.client.HTTPResponse, limit: int) -> Fetched:
    if 300 <= response.status < 400:
        raise OutgoingFailed(f"status {response.status}: redirects are not followed")
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise OutgoingFailed("a compressed answer, which was not asked for")
    body = response.read(limit + 1)
    if len(body) > limit:
        raise OutgoingFailed(f"more than {limit} bytes")
    return Fetched(response.status, response.getheader("Content-Type", ""), body)


def _target_of(address: str) -> _Target:
    if len(address) > MAX_ADDRESS or not _PRINTABLE.fullmatch(address) or "\\" in address:
        raise AddressRefused("not an address")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise AddressRefused("not an address") from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise AddressRefused("neither https nor http")
    if "@" in parts.netloc or "#" in address:
        raise AddressRefused("a user name or a fragment")
    chosen = _DEFAULT_PORTS[parts.scheme] if port is None else port
    if chosen != _DEFAULT_PORTS[parts.scheme] and chosen < _LOWEST_FREE_PORT:
        raise AddressRefused("the port of another kind of service")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(parts.scheme, parts.hostname, chosen, path)


def _connected(target: _Target, deadline: float) -> socket.socket:
    """A connection to an address that was looked at, under TLS where the scheme says so."""
    addresses = _addresses(target, deadline)
    _require_allowed(addresses, target)
    raw = _first_that_answers(addresses, target.port, deadline)
    if target.scheme == "http":
        return raw
    try:
        raw.settimeout(_left(deadline))
        return ssl.create_default_context().wrap_socket(raw, server_hostname=target.host)
    except BaseException:
        raw.close()
        raise


def _addresses(target: _Target, deadline: float) -> list[_Ip]:
    asked = _RESOLVING.submit(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
    try:
        found = asked.result(timeout=_left(deadline))
    except (OSError, UnicodeError, TimeoutError) as error:
        asked.cancel()
        raise OutgoingFailed(f"{target.host} has no address") from error
    return [ipaddress.ip_address(one) for one in dict.fromkeys(str(info[4][0]) for info in found)]


def _first_that_answers(addresses: list[_Ip], port: int, deadline: float) -> socket.socket:
    refusal: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((str(address), port), timeout=_left(deadline))
        except OSError as error:
            refusal = error
    raise OutgoingFailed("nobody answers") from refusal


def _require_allowed(addresses: list[_Ip], target: _Target) -> None:
    """One address that may not be asked spoils the name: who has both waits for us to take the other."""
    for address in addresses:
        if not all(_is_allowed(one) for one in (address, *_inside(address))):
            raise AddressRefused(f"{target.host} is not in the world")
        if target.scheme == "http" and not address.is_loopback:
            raise AddressRefused("http to another machine")


def _is_allowed(address: _Ip) -> bool:
    named = (ipaddress.ip_network(network) for network in settings.OUTGOING_PRIVATE_NETWORKS)
    if any(address in network for network in named):
        return True
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    )


def _inside(address: _Ip) -> list[_Ip]:
    """IPv4 addresses that an IPv6 address leads to, by the ways of old and new gateways."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[_Ip] = [one for one in (address.ipv4_mapped, address.sixtofour) if one is not None]
    if address.teredo is not None:
        found.extend(address.teredo)
    if address in _TRANSLATED:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def _ip(host: str) -> _Ip | None:
    """The address that a host is by itself, None for a name that has to be looked up."""
    if host == "localhost" or host.endswith(".localhost"):
        return ipaddress.IPv4Address("127.0.0.1")
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        # 127.1, 0x7f000001 and 2130706433 are addresses to the resolver too.
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise OutgoingFailed("too slow")
    return left


class _Timed:
    """A socket whose every read and write ends at one moment; a byte a second does not put it off.

    http.client closes it where the answer goes on until the connection ends; the real one is closed by who opened it.
    """

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket, self._deadline = connected, deadline

    def sendall(self, data: Any) -> None:
        """Send all of it."""
        self._socket.settimeout(_left(self._deadline))
        self._socket.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """A reader of what comes."""
        return io.BufferedReader(_TimedReader(self._socket, self._deadline))

    def close(self) -> None:
        """Leave it to whoever opened the connection."""


class _TimedReader(io.RawIOBase):
    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket, self._deadline = connected, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(_left(self._deadline))
        return self._socket.recv_into(buffer)
