"""Nobody goes around the router, which refuses rows of another library, and nobody makes tables on requests' login."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import name_of, sources

# A manager's own connection (Django's idiom in managers), the one that a preparer is handed, and that of the owner.
ALLOWED = {"OWNER", "self._db", "using"}


def named_connections(file: Path) -> Iterator[str]:
    """`.using(X)` and `using=X`, as they are written."""
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr == "using":
            yield from (ast.unparse(argument) for argument in node.args)
        yield from (ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg == "using")


def test_connections_are_named_for_the_owner_alone() -> None:
    found = {(name_of(file), name) for file in sources() for name in named_connections(file)}
    assert found, "there is something to look at"
    assert {item for item in found if item[1] not in ALLOWED} == set()


def test_a_connection_that_is_named_is_found(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text('Title.objects.using("default").all()\ntitle.save(using="default")\n')
    assert list(named_connections(bad)) == ["'default'", "'default'"]


def test_only_the_engine_chooses_a_path_or_a_role() -> None:
    engine = ("saas/core/db/", "saas/core/schemas/", "shared_apps/fleet/services/")
    chosen = re.compile(
        r"SET (LOCAL |SESSION )?(search_path|ROLE)|RESET (ROLE|ALL)|set_config\(", re.IGNORECASE
    )
    found = {name_of(file) for file in sources() if chosen.search(file.read_text())}
    assert found, "there is something to look at"
    assert {name for name in found if not name.startswith(engine)} == set()
