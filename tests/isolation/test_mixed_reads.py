"""Eight threads read two libraries whose rows have equal ids, by turns: no answer ever shows the other's text."""

from __future__ import annotations

import os
import random
import threading
from typing import Any

import pytest
from django.db import connection

from saas.core.tenancy import in_library
from tests.conftest import client_for
from tests.isolation.numbering import build_twins
from tests.permissions.scene import Scene

THREADS = 8
# Reads of each thread, by default and in a nightly run.
READS = 300 if os.environ.get("LIBRARYHUB_THOROUGH") == "1" else 75


def marked_addresses(scene: Scene) -> list[str]:
    """Addresses whose answers hold a text of this library alone; the same addresses in both."""
    return [
        f"/api/v1/branches/{scene.branch.pk}/",
        f"/api/v1/patrons/{scene.patron.pk}/",
        f"/api/v1/loan-rules/{scene.rule.pk}/",
    ]


def marks(scene: Scene) -> tuple[str, ...]:
    """Texts of which each marked answer shows one."""
    return (scene.branch.code, scene.card.number)


class Reader(threading.Thread):
    """Reads both libraries in random turns on one connection, and notes every wrong answer."""

    def __init__(self, number: int, scenes: list[Scene], start: threading.Barrier) -> None:
        super().__init__(name=f"reader {number}")
        # Seeded by its number: a failure can be had again.
        self.random = random.Random(number)  # noqa: S311
        self.scenes, self.barrier = scenes, start
        self.wrong: list[str] = []
        self.right = 0

    def run(self) -> None:
        try:
            clients = [client_for(scene.library, "librarian") for scene in self.scenes]
            self.barrier.wait(timeout=30)
            for _ in range(READS):
                self.read(clients)
        except BaseException as error:
            self.wrong.append(repr(error))
            raise
        finally:
            connection.close()

    def read(self, clients: list[Any]) -> None:
        turn = self.random.randrange(len(self.scenes))
        own, other = self.scenes[turn], self.scenes[1 - turn]
        address = self.random.choice(marked_addresses(own))
        answer = clients[turn].get(address)
        text = answer.content.decode()
        mine = any(mark in text for mark in marks(own))
        theirs = any(mark in text for mark in marks(other))
        if answer.status_code == 200 and mine and not theirs:
            self.right += 1
        else:
            self.wrong.append(f"{own.library.subdomain} {address}: {answer.status_code} {text[:200]}")


@pytest.mark.deep
def test_no_answer_is_another_librarys(committed_library: Any, other_committed_library: Any) -> None:
    libraries = [committed_library, other_committed_library]
    scenes = build_twins(*libraries)
    assert marked_addresses(scenes[0]) == marked_addresses(scenes[1])
    assert not set(marks(scenes[0])) & set(marks(scenes[1]))
    start = threading.Barrier(THREADS)
    readers = [Reader(number, scenes, start) for number in range(THREADS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(timeout=120)
    assert [wrong for reader in readers for wrong in reader.wrong] == []
    assert sum(reader.right for reader in readers) == THREADS * READS
    with in_library(libraries[0]):
        assert type(scenes[0].branch).objects.filter(code=scenes[0].branch.code).exists()
