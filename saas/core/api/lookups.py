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
    wanted: int | str
    if field in ("pk", "id"):
        wanted = id_from_path(str(value))
    else:
        wanted = str(value)
        if len(wanted) > LINE_LENGTH or forbidden_character(wanted, multiline=False):
            raise missing
    row = rows.filter(**{field: wanted}).first()
    if row is None:
        raise missing
    return row
