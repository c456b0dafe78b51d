"""A name server of the tests' own, on a UDP and TCP port of loopback. It answers as it is told, also wrongly."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

# A query becomes what is sent back: a message, raw bytes, or nothing at all.
Answering = Callable[[Any], Any]


class Zone:
    """What the server says, by lower-case name with its final dot; other names do not exist (NXDOMAIN)."""

    def __init__(self) -> None:
        self.answers: dict[str, Answering] = {}
        self.questions: list[tuple[str, str]] = []

    def texts(self, name: str, *texts: str) -> None:
        """Give a name TXT records, each text in quotation marks as in a zone file."""
        self.answers[name] = lambda query: _reply(query, (name, "TXT", *texts))

    def alias(self, name: str, target: str, *texts: str) -> None:
        """Make a name an alias of another, whose TXT records come with the answer as from any resolver."""
        records = [(target, "TXT", *texts)] if texts else []
        self.answers[name] = lambda query: _reply(query, (name, "CNAME", target), *records)

    def nothing(self, name: str) -> None:
        """Let a name exist without any TXT record."""
        self.answers[name] = _reply

    def fails(self, name: str, rcode: dns.rcode.Rcode) -> None:
        """Answer with an error code."""
        self.answers[name] = lambda query: _reply(query, rcode=rcode)

    def silent(self, name: str) -> None:
        """Never answer."""
        self.answers[name] = lambda query: None

    def says(self, name: str, answer: Answering) -> None:
        """Answer anything else."""
        self.answers[name] = answer

    def answer(self, wire: bytes, how: str) -> bytes | None:
        """The bytes to send back."""
        query = dns.message.from_wire(wire)
        name = query.question[0].name.to_text().lower()
        self.questions.append((name, how))
        found = self.answers.get(name, lambda query: _reply(query, rcode=dns.rcode.NXDOMAIN))(query)
        if found is None or isinstance(found, bytes):
            return found
        if how == "tcp":
            found.flags &= ~dns.flags.TC
        return bytes(found.to_wire())


def _reply(query: Any, *records: tuple[str, ...], rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> Any:
    reply = dns.message.make_response(query, recursion_available=True)
    reply.set_rcode(rcode)
    for name, kind, *values in records:
        reply.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *values))
    return reply


reply = _reply


@contextmanager
def running_dns_server() -> Iterator[tuple[str, Zone]]:
    """The server's ADDRESS:PORT and its zone, while the block runs."""
    zone, stop = Zone(), threading.Event()
    udp, tcp = _sockets()
    threads = [
        threading.Thread(target=serve, args=(one, zone, stop)) for one, serve in ((udp, _udp), (tcp, _tcp))
    ]
    for thread in threads:
        thread.start()
    try:
        yield "{}:{}".format(*udp.getsockname()), zone
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        udp.close()
        tcp.close()


def _sockets() -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket of one port."""
    while True:
        udp, tcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
        udp.bind(("127.0.0.1", 0))
        try:
            tcp.bind(udp.getsockname())
        except OSError:  # somebody else's TCP port
            udp.close()
            tcp.close()
            continue
        tcp.listen()
        for one in (udp, tcp):
            one.settimeout(0.05)
        return udp, tcp


def _udp(server: socket.socket, zone: Zone, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            wire, sender = server.recvfrom(4096)
        except TimeoutError:
            continue
        if (answer := zone.answer(wire, "udp")) is not None:
            server.sendto(answer, sender)


def _tcp(server: socket.socket, zone: Zone, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            peer, _ = server.accept()
        except TimeoutError:
            continue
        with peer:
            length = int.from_bytes(peer.recv(2), "big")
            if (answer := zone.answer(peer.recv(length), "tcp")) is not None:
                peer.sendall(len(answer).to_bytes(2, "big") + answer)
