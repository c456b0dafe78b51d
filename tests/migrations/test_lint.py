"""The migration linter sees a library's apps: a bad migration of one of them is found, in the right schema alone."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from saas.core.tenancy import in_library
from saas.settings.apps import SHARED_APPS, TENANT_APPS
from tests.migrations.lint import labels, lint, missing_migrations

pytestmark = pytest.mark.django_db
PROJECT = Path(__file__).resolve().parents[2]
SO_FAR = sorted((PROJECT / "tenant_apps" / "branches" / "migrations").glob("0*.py"))
_numbers = itertools.count(1)
NEXT = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("branches", "{last}")]
    operations = [{operation}]
"""
BAD = {
    "a column that the running release does not fill": (
        'migrations.AddField("branch", "floors", models.IntegerField(default=1))',
        "NOT NULL",
    ),
    "a column that the running release reads": (
        'migrations.RemoveField("branch", "name")',
        "DROPPING columns",
    ),
    "a column under another name": ('migrations.RenameField("branch", "name", "title")', "RENAMING columns"),
    "a table under another name": ('migrations.RenameModel("Branch", "Place")', "RENAMING tables"),
    "a table that is read": ('migrations.DeleteModel("Branch")', "DROPPING table"),
    "another type": (
        'migrations.AlterField("branch", "name", models.IntegerField())',
        "ALTERING columns",
    ),
    "an index that locks the table": (
        'migrations.AddIndex("branch", models.Index(fields=["name"], name="branches_name"))',
        "CREATE INDEX",
    ),
    "an end that cannot be undone": ("migrations.RunPython(lambda apps, editor: None)", "RunPython"),
}
GOOD = {
    "a column that may be empty": 'migrations.AddField("branch", "floors", models.IntegerField(null=True))',
    "a column with a default of the database": (
        'migrations.AddField("branch", "floors", models.IntegerField(db_default=1))'
    ),
}


@pytest.fixture
def branches_with(tmp_path: Path, settings: Any) -> Iterator[Callable[[str], None]]:
    """`branches_with("migrations.X(...)")`: the app branches gets one more migration with this operation."""
    made: list[str] = []

    def write(operation: str) -> None:
        name = f"linted_migrations_{next(_numbers)}"
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").touch()
        for file in SO_FAR:
            (folder / file.name).write_text(file.read_text())
        (folder / "9999_next.py").write_text(NEXT.format(operation=operation, last=SO_FAR[-1].stem))
        settings.MIGRATION_MODULES = {"branches": name}
        made.append(name)

    sys.path.insert(0, str(tmp_path))
    yield write
    sys.path.remove(str(tmp_path))
    for module in [module for module in sys.modules if module.split(".")[0] in made]:
        del sys.modules[module]


@pytest.mark.parametrize(("operation", "said"), BAD.values(), ids=BAD.keys())
def test_a_bad_migration_of_a_librarys_app_is_found(
    north: Any, branches_with: Callable[[str], None], operation: str, said: str
) -> None:
    branches_with(operation)
    with in_library(north):
        good, text = lint(["branches"])
    assert not good
    assert "(branches, 9999_next)... ERR" in text
    assert said.lower() in text.lower()


@pytest.mark.parametrize("operation", GOOD.values(), ids=GOOD.keys())
def test_a_good_one_passes(north: Any, branches_with: Callable[[str], None], operation: str) -> None:
    branches_with(operation)
    with in_library(north):
        good, text = lint(["branches"])
    assert good, text
    assert "(branches, 9999_next)... OK" in text


def test_in_the_public_schema_the_linter_would_see_nothing_and_says_so(
    north: Any, branches_with: Callable[[str], None]
) -> None:
    branches_with(next(iter(BAD.values()))[0])
    good, text = lint(["branches"])
    assert not good
    assert "9999_next)... ERR" not in text
    assert "nothing was checked" in text


def test_every_app_of_ours_is_linted_somewhere() -> None:
    public, library = labels(SHARED_APPS), labels(TENANT_APPS)
    assert {"tenants", "signup", "accounts", "audit", "delivery", "billing"} <= set(public)
    assert {"branches", "catalog", "patrons", "circulation", "access", "preferences", "accounts"} <= set(
        library
    )


@pytest.mark.django_db(databases=["default", "owner"])  # makemigrations looks at the history in each
def test_a_model_without_its_migration_is_found(branches_with: Callable[[str], None]) -> None:
    assert missing_migrations() == ""
    branches_with(GOOD["a column that may be empty"])
    assert "branches" in missing_migrations()
