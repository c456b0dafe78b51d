"""What callers are told about themselves: the answer of `/api/v1/me/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import orjson
from django.conf import settings
from django.db.models import BigIntegerField, F, Func, JSONField, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.module_loading import import_string

from saas.core.db.binds import Among, BindAny
from saas.core.db.questions import Questions
from saas.core.principals import Principal
from tenant_apps.access.callers import grants_in
from tenant_apps.access.rules import Grant, permissions_of
from tenant_apps.branches.selectors import all_branches
from tenant_apps.collections.selectors import all_collections

Codes = Mapping[int, str]


def describe(principal: Principal, *, language: str) -> dict[str, Any]:
    """The answer of `/api/v1/me/` for a signed-in caller (api.me_serializers.MeSerializer).

    One query, for what ME_EXTENSIONS name of a person and the codes of the branches and collections that the rights
    name; none where a machine holds everything for the whole library.
    """
    grants = grants_in(principal.grants)
    branches = _ids(principal.branch_permissions, [grant["branch"] for grant in grants])
    collections = _ids(principal.collection_permissions, [grant["collection"] for grant in grants])
    asked = _QUESTIONS[principal.is_person, bool(branches or collections)]
    found = asked.answers(user=principal.user_id, branches=sorted(branches), collections=sorted(collections))
    answers = {name: None if text is None else orjson.loads(text) for name, text in found.items()}
    branch_codes: Codes = dict(answers.pop("branches", None) or ())
    collection_codes: Codes = dict(answers.pop("collections", None) or ())
    return {
        "id": str(principal.user_id) if principal.is_person else None,
        "email": principal.email,
        "name": principal.name,
        "language": language,
        "roles": _roles(principal, grants, branch_codes, collection_codes),
        "permissions": sorted(principal.permissions),
        "branch_permissions": _by_code(principal.branch_permissions, branch_codes),
        "collection_permissions": _by_code(principal.collection_permissions, collection_codes),
        "kind": principal.kind,
        "label": principal.label,
        "patron": None,
        **answers,
    }


def _ids(held: Mapping[int, Any], named: list[int | None]) -> set[int]:
    """The branches or collections that the caller's rights and assignments name."""
    return {*held, *(pk for pk in named if pk is not None)}


def _roles(
    principal: Principal, grants: list[Grant], branches: Codes, collections: Codes
) -> list[dict[str, Any]]:
    """Each assignment, with those of its permissions that the caller has at present."""
    known: dict[tuple[str, bool, bool], list[str]] = {}
    told = []
    for grant in grants:
        branch, collection = grant["branch"], grant["collection"]
        kind = grant["role"], branch is not None, collection is not None
        names = known.get(kind)
        if names is None:
            names = known[kind] = sorted(permissions_of(grant))
        told.append(
            {
                "assignment": str(grant["id"]),
                "role": grant["role"],
                "branch": branches.get(branch) if branch is not None else None,
                "collection": collections.get(collection) if collection is not None else None,
                "permissions": [
                    name for name in names if principal.may(name, branch_id=branch, collection_id=collection)
                ],
            }
        )
    return told


def _by_code(held: Mapping[int, frozenset[str]], codes: Codes) -> dict[str, list[str]]:
    return {codes[scope]: sorted(names) for scope, names in held.items() if scope in codes}


def _codes(rows: QuerySet[Any], ids: str) -> QuerySet[Any, Any]:
    """Pairs of id and code, as one text."""
    given: Any = BindAny(ids, BigIntegerField())
    # (no Aggregate of Django's: that would group by each row)
    pairs = Func(
        Func(F("id"), F("code"), function="JSON_BUILD_ARRAY", output_field=JSONField()),
        function="JSON_AGG",
        output_field=JSONField(),
    )
    return rows.filter(Among("id", given)).values_list(Cast(pairs, TextField()))


def _scopes() -> dict[str, QuerySet[Any, Any]]:
    return {
        "branches": _codes(all_branches(), "branches"),
        "collections": _codes(all_collections(), "collections"),
    }


def _extensions() -> dict[str, QuerySet[Any, Any]]:
    return {
        name: cast("Callable[[], QuerySet[Any, Any]]", import_string(path))()
        for name, path in settings.ME_EXTENSIONS.items()
    }


# Asked of a person or of a machine, whose rights name branches or collections or do not.
_QUESTIONS: Final = {
    (True, True): Questions(lambda: _scopes() | _extensions()),
    (True, False): Questions(_extensions),
    (False, True): Questions(_scopes),
    (False, False): Questions(dict),
}
