"""docs/permissions.md, made from the matrix: `python -m tests.permissions.page` writes it, a test holds them equal."""

from __future__ import annotations

import os
from pathlib import Path

import django
from django.utils import translation

from tenant_apps.access.rules import PERMISSIONS, STANDARD_ROLES, scopes_of
from tests.permissions.matrix import MATRIX, ROLES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"
_HEAD = """# Who may call what

The standard roles and the addresses that they open; a library may edit its roles. Made from
`tests/permissions/matrix.py` by `uv run python -m tests.permissions.page`; `tests/permissions` calls every cell.

* A caller without a token is a guest. Guests see the catalogue while the setting `guests_may_search` is on.
* Who is not allowed gets 401 without a token and 403 with one, and nothing is changed. A page leads who has not
  signed in to `/sign-in/` instead.
* A role that is held for one branch or collection opens the addresses of those of its permissions that can be held
  there; the rows behind them are those of the branch or collection.
* A token of another library is 401 everywhere; a row of another library is 404, as one that does not exist.
* Some POSTs are open to everybody because what they carry is the proof: a password, a refresh token, a mailed
  token, Stripe's signature.
"""
_TITLES = {"library": "A library's site", "public": "The public site"}


def page() -> str:
    """The whole page as Markdown."""
    return _HEAD + "".join(_section(site) for site in MATRIX) + _permissions()


def _permissions() -> str:
    """The fixed list of a library's permissions, as `/api/v1/permissions/` gives it."""
    lines = [
        "",
        "## The permissions of a library",
        "",
        "The list is the release's. Held at a branch or for a collection, a role gives those of its permissions that can",
        "be held there. Roles of a library's own are sets of these names; Admin has all of them.",
        "",
        f"| permission | what it allows | held for | {' | '.join(role.code for role in STANDARD_ROLES)} |",
        "|---|---|---|" + "---|" * len(STANDARD_ROLES),
    ]
    with translation.override("en"):
        for name in sorted(PERMISSIONS):
            cells = " | ".join("yes" if name in role.permissions else "-" for role in STANDARD_ROLES)
            lines.append(f"| `{name}` | {PERMISSIONS[name]} | {', '.join(scopes_of(name))} | {cells} |")
    return "\n".join(lines) + "\n"


def _section(site: str) -> str:
    roles = ROLES[site]
    lines = [
        "",
        f"## {_TITLES[site]}",
        "",
        f"| address | {' | '.join(roles)} |",
        "|---|" + "---|" * len(roles),
    ]
    for key, row in MATRIX[site].items():
        cells = " | ".join("yes" if role in row else "-" for role in roles)
        lines.append(f"| `{key}` | {cells} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings.test")
    django.setup()
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
