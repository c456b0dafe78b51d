"""Every task says where it runs, and every message has somebody who hears it."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

from celery import current_app
from django.conf import settings

from saas.core.tasks import REGISTERED
from shared_apps.delivery.rules import EVENTS_WITHOUT_HANDLER
from shared_apps.delivery.services.outbox import HANDLERS

PROJECT = Path(__file__).resolve().parents[2]


def ours() -> set[str]:
    current_app.loader.import_default_modules()
    return {name for name in current_app.tasks if not name.startswith(("celery.", "tests."))}


def test_every_task_is_a_librarys_or_the_public_sites() -> None:
    assert ours()
    assert ours() == {name for name in REGISTERED if not name.startswith("tests.")}
    assert {handle.scope for handle in REGISTERED.values()} == {"library", "public"}


def test_no_app_makes_a_task_past_the_kernel() -> None:
    offences = [
        file.relative_to(PROJECT).as_posix()
        for tree in ("shared_apps", "tenant_apps", "billing", "saas/demo")
        for file in (PROJECT / tree).rglob("*.py")
        if "shared_task" in file.read_text() or "app.task" in file.read_text()
    ]
    assert offences == []


def test_tasks_take_primitives() -> None:
    ours()
    for handle in REGISTERED.values():
        for name, parameter in inspect.signature(handle.body).parameters.items():
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY, f"{handle.name}: {name} is keyword-only"
            assert str(parameter.annotation).split(" ")[0] in {"int", "str", "bool"}, f"{handle.name}: {name}"


def test_what_beat_sends_exists_and_is_public() -> None:
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in ours()
        assert REGISTERED[entry["task"]].scope == "public"


def published_kinds() -> set[str]:
    kinds = set()
    for tree in ("shared_apps", "tenant_apps", "billing"):
        for file in (PROJECT / tree).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if (
                    isinstance(node, ast.Call)
                    and getattr(node.func, "id", getattr(node.func, "attr", "")) == "publish"
                ):
                    kinds |= {
                        keyword.value.value
                        for keyword in node.keywords
                        if keyword.arg == "kind" and isinstance(keyword.value, ast.Constant)
                    }
    return kinds


def test_every_published_kind_is_handled_or_listed_as_unheard() -> None:
    ours()
    assert published_kinds()
    assert published_kinds() <= set(HANDLERS) | EVENTS_WITHOUT_HANDLER
    assert not set(HANDLERS) & EVENTS_WITHOUT_HANDLER
