"""The registry of schemas, read for a fleet run by plain SQL on a connection of its own: one query for a run that
finds nothing to do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

_SURVEY = """
WITH chosen AS (
    SELECT name, state, release FROM public.fleet_libraryschema
    WHERE %(only)s::text[] IS NULL OR name = ANY(%(only)s)
), behind AS (SELECT * FROM chosen WHERE release <> %(key)s)
SELECT ARRAY(SELECT app || '.' || name FROM public.django_migrations),
       ARRAY(SELECT c.app_label || '.' || c.model || '.' || coalesce(p.codename, '')
             FROM public.django_content_type c LEFT JOIN public.auth_permission p ON p.content_type_id = c.id),
       EXISTS (SELECT 1 FROM public.fleet_release WHERE key = %(key)s),
       (SELECT count(*) FROM chosen WHERE state = 'taken'),
       ARRAY(SELECT json_build_array(release, name) FROM behind WHERE state = 'taken' ORDER BY release, name),
       ARRAY(SELECT json_build_array(release, min(name)) FROM behind WHERE state = 'spare' GROUP BY release)
"""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a run begins with.

    `public_migrations` ("app.name") and `public_permissions` ("app.model.codename", codename "" for the content type
    itself) are what the public schema has; `laggards` the libraries' schemas of each release key but the current one,
    `spares` a spare of each such release; `libraries` how many libraries were looked at.

    Spares are tried on and not brought forward: their starting rows are those of their own release (docs/adr/0013),
    and the refill of the pool drops them.
    """

    public_migrations: frozenset[str]
    public_permissions: frozenset[str]
    has_release: bool
    libraries: int
    laggards: dict[str, list[str]]
    spares: dict[str, str]


def survey(connection: psycopg.Connection[Any], key: str, only: Sequence[str] | None = None) -> Survey | None:
    """Look at the registry by one query; None in a database whose public schema has no registry yet.

    `key` is the release that counts as current ("" for none), `only` the schemas to look at.
    """
    asked = {"key": key, "only": None if only is None else list(only)}
    try:
        ((migrations, permissions, has_release, libraries, behind, spares),) = connection.execute(
            _SURVEY, asked
        ).fetchall()
    except psycopg.errors.UndefinedTable:
        return None
    laggards: dict[str, list[str]] = defaultdict(list)
    for release, name in behind:
        laggards[release].append(name)
    return Survey(
        frozenset(migrations), frozenset(permissions), has_release, libraries, dict(laggards), dict(spares)
    )
