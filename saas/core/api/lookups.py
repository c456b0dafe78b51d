"""Finding the row a path names: what the caller may not see does not exist."""

from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from saas.core.api.fields import LINE_LENGTH, forbidden_character, id_from_path
from saas.core.errors import NotFound

_Row = TypeVar("_Row", bound=Model)


def visible_or_404(
    rows: QuerySet[_Row], field: str, value: Any, *, missing: type[NotFound] = NotFound
) -> _Row:
    """Return the row of `rows` whose `field` is `value`. Raises `missing`, the same for every reason.

    For "pk" and "id" the value is an opaque id; else it is a text of one line.
    """
    row = rows.filter(**{field: wanted_value(field, value, missing=missing)}).first()
    if row is None:
        raise missing
    return row


def wanted_value(field: str, value: Any, *, missing: type[NotFound] = NotFound) -> int | str:
    """Return the id or the text that a path names. Raises `missing` for what cannot be one."""
    if field in ("pk", "id"):
        return id_from_path(str(value))
    text = str(value)
    if len(text) > LINE_LENGTH or forbidden_character(text, multiline=False):
        raise missing
    return text
