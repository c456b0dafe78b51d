"""Per-process caches that hold facts of one schema, keyed by schema.

Django caches content types in one dictionary for the process, but their ids differ between schemas: read under one
library and used under another, a grant or an audit entry would name the wrong model (stack.md, traps 1 and 2). Both
patches below are of private names; tests/saas/core/tenancy/test_caches.py fails when Django or guardian change them.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any, cast

from saas.core.tenancy.context import current_schema

MAX_SCHEMAS = 2_000


class SchemaKeyedCache(MutableMapping[str, Any]):
    """A dictionary with separate contents for each schema; the oldest schema is forgotten beyond `MAX_SCHEMAS`."""

    def __init__(self) -> None:
        self._by_schema: dict[str, dict[str, Any]] = {}

    def _here(self) -> dict[str, Any]:
        schema = current_schema()
        contents = self._by_schema.get(schema)
        if contents is None:
            while len(self._by_schema) >= MAX_SCHEMAS:
                self._by_schema.pop(next(iter(self._by_schema)), None)
            contents = self._by_schema.setdefault(schema, {})
        return contents

    def __getitem__(self, key: str) -> Any:
        return self._here()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._here()[key] = value

    def __delitem__(self, key: str) -> None:
        del self._here()[key]

    def __iter__(self) -> Any:
        return iter(self._here())

    def __len__(self) -> int:
        return len(self._here())

    def clear(self) -> None:
        """Forget what is known of the current schema; the other schemas keep theirs."""
        self._here().clear()

    def forget(self, schema: str) -> None:
        """Forget a schema that was dropped or restored."""
        self._by_schema.pop(schema, None)


def key_content_types_by_schema() -> None:
    """Make Django's content type cache and guardian's copy of it tell schemas apart."""
    from django.contrib.contenttypes.models import ContentType

    cache = SchemaKeyedCache()
    # The manager in use is a copy of the one in the class body, made anew when the registry of apps is cleared.
    for manager in (ContentType.objects, *ContentType._meta.local_managers):
        manager._cache = cache  # type: ignore[attr-defined]
    _key_guardian_by_schema()


def _key_guardian_by_schema() -> None:
    from django.contrib.contenttypes.models import ContentType
    from guardian import shortcuts

    @lru_cache(maxsize=10_000)
    def look_up(schema: str, app_label: str, codename: str) -> ContentType:
        return ContentType.objects.get(app_label=app_label, permission__codename=codename)

    def by_schema(app_label: str, codename: str) -> ContentType:
        return look_up(current_schema(), app_label, codename)

    # clear_ct_cache() of guardian calls this on the name that it replaces.
    by_schema.cache_clear = look_up.cache_clear  # type: ignore[attr-defined]
    shortcuts._get_ct_cached.cache_clear()  # AttributeError here: guardian has changed, look again
    shortcuts._get_ct_cached = cast(Any, by_schema)
