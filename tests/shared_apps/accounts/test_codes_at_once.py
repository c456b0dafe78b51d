"""Many tries of one mailed code at the same moment, in a library that really commits."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.accounts import services
from shared_apps.accounts.errors import CodeInvalid
from shared_apps.accounts.models import MailedCode, User
from shared_apps.accounts.services import codes
from tenant_apps.access.models import RoleAssignment
from tenant_apps.preferences import services as preferences

EMAIL, PASSWORD = "lea@example.org", "seven wild ponies sing"


def another(code: str) -> str:
    """A code of the right form that is another one."""
    return code[:-1] + ("2" if code[-1] != "2" else "3")


def at_once(library: Any, texts: list[str]) -> list[str]:
    """Send every text at the same moment, each on its own connection, and return the answers."""
    start, answers = threading.Barrier(len(texts)), []

    def send(text: str) -> None:
        try:
            with in_library(library):
                start.wait()
                services.verify_email(email=EMAIL, code=text, address="address:192.0.2.1", now=clock.now())
            answers.append("verified")
        except CodeInvalid:
            answers.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.fixture
def waiting(committed_library: Any) -> str:
    """A registration in a library that really commits, and its code."""
    with in_library(committed_library):
        preferences.change(values={"registration": "open"}, by=SYSTEM, now=clock.now())
        services.register(
            email=EMAIL, name="", password=PASSWORD, address="address:192.0.2.1", now=clock.now()
        )
        return codes.text_of(MailedCode.objects.get())


def test_of_fifty_tries_at_once_five_are_looked_at(committed_library: Any, waiting: str) -> None:
    assert at_once(committed_library, [another(waiting)] * 50) == ["refused"] * 50
    with in_library(committed_library):
        assert MailedCode.objects.get().tries == 5
        with pytest.raises(CodeInvalid):
            services.verify_email(email=EMAIL, code=waiting, address="a", now=clock.now())
        assert not User.objects.filter(email=EMAIL).exists()


def test_the_right_code_at_once_opens_one_account(committed_library: Any, waiting: str) -> None:
    assert sorted(at_once(committed_library, [waiting] * 8)) == ["refused"] * 7 + ["verified"]
    with in_library(committed_library):
        assert User.objects.filter(email=EMAIL).count() == 1
        assert RoleAssignment.objects.filter(user__email=EMAIL).count() == 1
