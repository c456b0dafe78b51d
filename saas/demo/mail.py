"""The demo's mail: caught on its way out, kept as files, shown at /demo/mail/. None of this is loaded elsewhere."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend

from saas.core import clock

_LINK = re.compile(r"https?://[^\s<>\"']+")
SHOWN = 200


class CatchingBackend(BaseEmailBackend):
    """Writes each message as one JSON file instead of sending it."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Keep every message; a file appears whole or not at all."""
        folder = Path(settings.DEMO_MAIL_DIR)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for message in email_messages:
            _write(folder, _as_json(message))
        return len(email_messages)


def _as_json(message: EmailMessage) -> dict[str, Any]:
    text = str(message.body)
    html = ""
    if isinstance(message, EmailMultiAlternatives):
        parts: list[Any] = list(message.alternatives)
        html = next((str(part.content) for part in parts if part.mimetype == "text/html"), "")
    sent = clock.now()
    return {
        # Sorts by time, and two messages of one moment stay apart.
        "id": f"{sent:%Y%m%d%H%M%S%f}-{uuid.uuid4().hex[:8]}",
        "to": list(message.recipients()),
        "subject": str(message.subject),
        "text": text,
        "html": html,
        "links": list(dict.fromkeys(_LINK.findall(text))),
        "sent_at": sent.isoformat().replace("+00:00", "Z"),
    }


def _write(folder: Path, mail: dict[str, Any]) -> None:
    unfinished = folder / f".{mail['id']}.part"
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump(mail, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(folder / f"{mail['id']}.json")


def caught_mail() -> list[dict[str, Any]]:
    """The last 200 messages, newest first."""
    folder = Path(settings.DEMO_MAIL_DIR)
    files = sorted(folder.glob("*.json"), reverse=True)[:SHOWN] if folder.is_dir() else []
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]
