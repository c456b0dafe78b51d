"""What a web process has in memory when it has just started: nothing that only few of them ever need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# In megabytes, beside what is loaded anyway: stripe with httpx 11, pymarc 4, dnspython 3.
NEEDED_BY_FEW = ("stripe", "httpx", "dns", "pymarc")
_START = """
import sys
import saas.wsgi
from django.urls import get_resolver
for site in ("saas.urls_public", "saas.urls_library"):
    assert get_resolver(site).reverse_dict
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_what_few_processes_need_is_loaded_when_it_is_needed() -> None:
    started = subprocess.run(
        [sys.executable, "-c", _START], cwd=PROJECT, capture_output=True, text=True, timeout=120, check=True
    )
    loaded = set(started.stdout.split())
    assert {"django", "rest_framework", "tenant_apps", "billing"} <= loaded
    assert not loaded & set(NEEDED_BY_FEW)
