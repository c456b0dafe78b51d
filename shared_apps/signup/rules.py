"""The numbers and the pure rules of sign-up."""

from __future__ import annotations

import re
from datetime import timedelta

LINK_LIFETIME = timedelta(hours=48)
PERSONAL_VALUES_KEPT = timedelta(days=30)
# More mails than this to one address within the window are left out: sign-up must not become a way to flood
# somebody.
MAILS_PER_ADDRESS, MAIL_WINDOW = 20, timedelta(hours=1)
NAME_LENGTH, EMAIL_LENGTH, PASSWORD_LENGTH = 200, 254, 1024

_LINK = re.compile(r"://|\bwww\.|[<>]", re.IGNORECASE)
# Overrides of the writing direction: text after them reads backwards, so that a name can pretend to be
# another.
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def name_problem(name: str) -> str | None:
    """Return `links_not_allowed` or `bad_characters` for a name that has no place in our mails, else None.

    A stranger's address and a name such as "Win a prize at http://..." would turn our mail into an
    advertisement.
    """
    if _LINK.search(name):
        return "links_not_allowed"
    if _DIRECTION.search(name):
        return "bad_characters"
    return None
