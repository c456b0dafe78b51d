"""What a web process has in memory when it has just started: nothing that only few of them ever need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# In megabytes, beside what is loaded anyway: stripe with httpx 11, pymarc 4, dnspython 3.
NEEDED_BY_FEW = ("stripe", "httpx", "dns", "pymarc")
_START = """
import gc, sys
import saas.wsgi
print(gc.get_freeze_count(), *sorted(sys.modules))
"""


def started() -> tuple[int, set[str]]:
    """How many objects no collection looks at, and the names of the modules, of a web process that has just started."""
    found = subprocess.run(
        [sys.executable, "-c", _START], cwd=PROJECT, capture_output=True, text=True, timeout=120, check=True
    )
    count, *names = found.stdout.split()
    return int(count), set(names)


def test_it_has_what_requests_need_and_not_what_few_processes_do() -> None:
    frozen, loaded = started()
    # Else the first request of each process would import its views.
    assert {
        "tenant_apps.circulation.api.views",
        "shared_apps.platform.api.views",
        "billing.api.views",
    } <= loaded
    assert not {name.partition(".")[0] for name in loaded} & set(NEEDED_BY_FEW)
    assert frozen > 100_000
