"""docs/errors.md, made from the error classes: `python -m tests.architecture.error_page` writes it."""

from __future__ import annotations

import os
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
HEAD = """# Error codes

What `code` in a problem document (`application/problem+json`, RFC 9457) may say. A code never changes; decide by it,
and show `title` and `detail` to people. Made from the error classes by `uv run python -m tests.architecture.error_page`.

"""


def classes() -> list[type[Any]]:
    """Every error class of the product, by code; those that tests declare are left out."""
    from saas.core.errors import all_error_classes

    for tree in ("saas.core", "shared_apps", "tenant_apps", "billing"):
        for module in pkgutil.walk_packages(import_module(tree).__path__, f"{tree}."):
            if ".migrations" not in module.name:
                import_module(module.name)
    return [cls for cls in all_error_classes() if not cls.__module__.startswith(("tests", "test_"))]


def page() -> str:
    """The whole page."""
    from saas.core.errors import error_page

    return HEAD + error_page(classes())


def main() -> None:
    """Write the page."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings.test")
    import django

    django.setup()
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
