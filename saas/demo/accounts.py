"""Who can sign in to the demo, and the card that tells so. These accounts exist nowhere else."""

from __future__ import annotations

from typing import Final

PASSWORD: Final = "libraryhub-demo"
LIBRARIES: Final = {"riverside": "Riverside Public Library", "hillcrest": "Hillcrest School Library"}
STAFF: Final = "staff@platform.example"
ROLES: Final = ("admin", "librarian", "reader")


def email(role: str, subdomain: str) -> str:
    """Address of a library's standard account."""
    return f"{role}@{subdomain}.example"


def card_number(digit: str, last: str) -> str:
    """A patron's card: 14 digits that begin as library cards do, with 2."""
    return f"2{digit}00000000{last}"


def card(*, port: int, socket_port: int, seconds: float, staff_secret: str) -> str:
    """What the demo prints when everything is up; `staff_secret` is that of platform staff's authenticator app."""
    lines = [
        "",
        f"  LibraryHub is ready ({seconds:.1f} s). Ctrl-C ends it.",
        "",
        f"  Public site   http://localhost:{port}/",
        f"  Caught mail   http://localhost:{port}/demo/mail/",
        f"  API           http://riverside.localhost:{port}/api/docs/",
        f"  Sockets       ws://riverside.localhost:{socket_port}/ws/",
        "",
    ]
    for subdomain, name in LIBRARIES.items():
        lines.append(f"  {name:<26} http://{subdomain}.localhost:{port}/")
        lines.append("      " + "  ".join(email(role, subdomain) for role in ROLES))
    lines += ["", "  To lend at riverside's desk: card 21000000000001, copy 1000011 at branch main or east."]
    lines += ["", f"  Platform staff             {STAFF}", f"  Its TOTP secret            {staff_secret}"]
    lines += [f"  Password of all of them    {PASSWORD}", ""]
    return "\n".join(lines)
