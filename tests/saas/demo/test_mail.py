"""The demo's mail is caught whole, shown newest first, and exists in the demo alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, reverse

from saas.demo import pages
from saas.demo.mail import caught_mail


@pytest.fixture
def mailbox(settings: Any, tmp_path: Path) -> Path:
    settings.DEMO_MAIL_DIR = tmp_path / "mail"
    return tmp_path / "mail"


def send(subject: str) -> None:
    message = EmailMultiAlternatives(
        subject, "See http://localhost/signup/verify/?token=T1 and http://x/", to=["a@b.example"]
    )
    message.attach_alternative("<p>See</p>", "text/html")
    get_connection("saas.demo.mail.CatchingBackend").send_messages([message])


def test_a_message_is_kept_with_its_links(mailbox: Path) -> None:
    assert caught_mail() == []
    send("Hello")
    (mail,) = caught_mail()
    assert mail["to"] == ["a@b.example"]
    assert mail["subject"] == "Hello"
    assert mail["links"] == ["http://localhost/signup/verify/?token=T1", "http://x/"]
    assert mail["html"] == "<p>See</p>"
    assert mail["sent_at"].endswith("Z")
    assert set(mail) == {"id", "to", "subject", "text", "html", "links", "sent_at"}


def test_newest_first_and_unfinished_ones_unseen(mailbox: Path) -> None:
    for subject in ("one", "two", "three"):
        send(subject)
    (mailbox / ".x.part").write_text("{")
    assert [mail["subject"] for mail in caught_mail()] == ["three", "two", "one"]
    assert mailbox.stat().st_mode & 0o077 == 0


def test_json_for_programs_and_a_page_for_people(mailbox: Path) -> None:
    send("Hello <b>you</b>")
    as_json = pages.mail(RequestFactory().get("/demo/mail/", headers={"accept": "application/json"}))
    assert b'"results"' in as_json.content
    whatever = pages.mail(RequestFactory().get("/demo/mail/", headers={"accept": "*/*"}))
    assert b'"results"' in whatever.content, "curl asks for anything, and the contract promises JSON"
    page = pages.mail(
        RequestFactory().get("/demo/mail/", headers={"accept": "text/html,*/*;q=0.8"})
    ).content.decode()
    assert "Hello &lt;b&gt;you&lt;/b&gt;" in page
    assert '<a href="http://localhost/signup/verify/?token=T1"' in page


@pytest.mark.django_db
def test_outside_the_demo_there_is_no_such_page() -> None:
    with pytest.raises(NoReverseMatch):
        reverse("demo-mail", urlconf="saas.urls_public")
    assert Client(HTTP_HOST="localhost").get("/demo/mail/").status_code == 404
