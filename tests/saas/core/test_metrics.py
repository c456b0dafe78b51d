"""The counters: right over several processes, bounded whatever is asked, and shown to who has the token."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from saas.core import metrics
from saas.settings.env import PROJECT_ROOT, EnvironmentProblems, read

pytestmark = pytest.mark.django_db
TOKEN = "metrics-of-the-tests-only"


def samples(text: bytes, name: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(value for _label, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if sample.name == name
    }


def requests() -> dict[tuple[str, ...], float]:
    """By method, route, class of status."""
    return samples(metrics.exposition(), "libraryhub_requests_total")


def test_requests_are_counted_by_route_method_and_class(api: Any, north: Any) -> None:
    before = requests()
    api(north).get("/api/v1/branches/")
    api(north).get("/api/v1/settings/")
    api(north).get("/api/v1/titles/1234567/")
    api(north).get("/nowhere/")
    api(north).get("/", HTTP_HOST="nobody.localhost")
    after = requests()
    grown = {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}
    assert grown == {
        ("GET", "branches", "2xx"): 1,
        ("GET", "settings", "4xx"): 1,
        ("GET", "title", "4xx"): 1,
        ("GET", "none", "4xx"): 2,
    }


def test_nobody_makes_new_labels(api: Any, north: Any) -> None:
    client = api(north)
    client.get("/first/")
    client.generic("BREW", "/first/")
    known = set(requests())
    for number in range(20):
        client.get(f"/path-{number}/?x={number}")
        client.generic(f"METHOD{number}", f"/path-{number}/")
        client.get("/", HTTP_HOST=f"host-{number}.localhost")
        client.get(f"/api/v1/titles/{number}/") if number == 0 else None
    new = set(requests()) - known
    assert new <= {("GET", "title", "4xx")}
    assert "path-" not in metrics.exposition().decode()


def test_refusals_of_the_limits_are_counted_by_policy(api: Any, north: Any, settings: Any) -> None:
    def refused() -> float:
        found = samples(metrics.exposition(), "libraryhub_rate_limited_total")
        return found.get(("anonymous", "library"), 0)

    settings.RATE_LIMITS_ENABLED = True
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "anonymous": (1, 60)}
    before = refused()
    assert [api(north).get("/api/v1/branches/").status_code for _ in range(3)] == [200, 429, 429]
    assert refused() == before + 2


# -- who may read -----------------------------------------------------------------------------------------------------------


def ask(client: Any, authorization: str | None = None) -> Any:
    headers = {} if authorization is None else {"authorization": authorization}
    return client.get("/metrics", headers=headers)


def test_who_has_the_token_reads_them(public_api: Any) -> None:
    answer = ask(public_api(), f"Bearer {TOKEN}")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b"# TYPE libraryhub_requests_total counter" in answer.content
    assert answer["Cache-Control"] == "no-store, private"


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        TOKEN,
        f"bearer {TOKEN}",
        "Bearer \xe9",
    ],
)
def test_nobody_else_learns_that_they_are_there(public_api: Any, sent: str | None) -> None:
    answer = ask(public_api(), sent)
    nowhere = public_api().get("/nothing-at-all")
    assert answer.status_code == nowhere.status_code == 404
    assert b"libraryhub_" not in answer.content


def test_without_a_token_in_the_settings_nobody_reads_them(public_api: Any, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    for sent in (None, "Bearer ", f"Bearer {TOKEN}"):
        assert ask(public_api(), sent).status_code == 404


def test_a_library_has_none(api: Any, north: Any) -> None:
    assert ask(api(north), f"Bearer {TOKEN}").status_code == 404
    assert ask(api(north, "admin")).status_code == 404


def test_staff_without_the_token_reads_none(public_api: Any) -> None:
    assert public_api().post("/metrics").status_code in {404, 405}


def test_a_short_token_is_refused_at_the_start() -> None:
    assert read({"METRICS_TOKEN": "x" * 20})["METRICS_TOKEN"] == "x" * 20
    with pytest.raises(EnvironmentProblems, match="METRICS_TOKEN"):
        read({"METRICS_TOKEN": "short"})


# -- several processes --------------------------------------------------------------------------------------------------

_CHILD = """
import os, pathlib
from django.conf import settings
settings.configure(METRICS_DIR=pathlib.Path(os.environ["FOLDER"]), DATABASES={})
from saas.core import metrics
metrics._site = lambda: "library"
for _ in range(int(os.environ["TIMES"])):
    metrics.count_security_event("csrf_refused")
if os.environ.get("SHOW"):
    print(metrics.exposition().decode())
"""


def child(folder: Path, times: int, show: str = "") -> str:
    environment = {"PATH": os.environ["PATH"], "FOLDER": str(folder), "TIMES": str(times), "SHOW": show}
    done = subprocess.run(  # noqa: PLW1510
        [sys.executable, "-c", _CHILD],
        env=environment,
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_processes_are_added_up_also_those_that_have_ended(tmp_path: Path) -> None:
    child(tmp_path, 3)
    child(tmp_path, 4)
    shown = child(tmp_path, 5, show="1")
    assert samples(shown.encode(), "libraryhub_security_events_total") == {("csrf_refused", "library"): 12}
