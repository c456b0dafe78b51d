"""Lists in forms without an envelope, above all CSV (RFC 4180): one row after the other, the neighbours in `Link`.

The columns are the fields of the row's serializer, in its order; they are the same on every page, also on an empty
one. An object becomes one column for each of its members (`actor.kind`), a list of texts or numbers one cell with `; `
between them (a semicolon or backslash of theirs has a backslash before it), any other list or free object JSON. An
empty cell is null, an empty text or an empty list.

A text in which a spreadsheet would find a formula is defused by an apostrophe (OWASP, CSV injection): at the start of
the cell and, because half of the world's spreadsheets split at semicolons, after `;`, tab and line break. An apostrophe
that stands there by itself gets a second, so that taking one off wherever one stands there gives back the exact text.
"""

import csv
import functools
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

import orjson
from django.http.response import HttpResponseBase
from drf_spectacular.drainage import get_override
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core.api.renderers import dump
from saas.core.headers import vary_on

Path: TypeAlias = tuple[str, ...]

_PLACE = r"(?:^|(?<=[;\t\r\n]))"
# Blanks that are no place themselves, so that the search stays linear in texts of line breaks alone.
_BLANKS = r"[^\S\t\r\n]*"
_FULL_WIDTH = "\uff1d\uff0b\uff0d\uff20"
_RISKY = re.compile(rf"{_PLACE}(?={_BLANKS}[=+\-@{_FULL_WIDTH}]|['\t\r])")
_NUMBER = re.compile(r"-[0-9]+(?:\.[0-9]+)?", re.ASCII)
_NEIGHBOURS = (("next", "next"), ("previous", "prev"))
_OF_THE_BODY = ("Content-Type", "Content-Length", "ETag")
_IN_LIST = re.compile(r"[\\;]")


class RowsRenderer(BaseRenderer):
    """A form without an envelope: `data` is the list of rows, and `next` and `previous` are in the `Link` header."""


class CsvRenderer(RowsRenderer):
    """Renders the rows of a list as text/csv in UTF-8 (no byte order mark) under the names of their columns."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        """Return the bytes; the view in `renderer_context` tells the columns."""
        return table(renderer_context["view"].row_columns(), data)


def table(columns: Iterable[Path], rows: Any) -> bytes:
    """Return `rows`, whatever JSON can be made of, as CSV with a header line."""
    paths = tuple(columns)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([".".join(path) for path in paths])
    # By way of JSON, so that each value is spelt as there, whether it comes from a serializer or from a compiled read.
    for row in orjson.loads(dump(rows)):
        writer.writerow([cell(_value(row, path)) for path in paths])
    return text.getvalue().encode()


def cell(value: Any) -> str:
    """Return the text of a cell for a JSON value."""
    if value is None or value == []:
        return ""
    if isinstance(value, str):
        return defused(value)
    if isinstance(value, list) and not any(isinstance(member, dict | list) for member in value):
        return defused("; ".join(_IN_LIST.sub(r"\\\g<0>", _plain(member)) for member in value))
    return defused(_plain(value)) if isinstance(value, dict | list) else _plain(value)


def defused(text: str) -> str:
    """Return `text` with an apostrophe wherever a spreadsheet would take it for a formula; a plain number is none."""
    return text if _NUMBER.fullmatch(text) else _RISKY.sub("'", text)


@functools.cache
def columns_of(serializer: type[serializers.BaseSerializer[Any]]) -> tuple[Path, ...]:
    """Return the columns of a serializer's rows, as paths into their JSON."""
    return paths_of(serializer())


def paths_of(row: Any) -> tuple[Path, ...]:
    """The same of a serializer as it is, some of whose fields may have been left out."""
    return tuple(_paths(row, ()))


def without_envelope(request: Request, response: HttpResponseBase) -> HttpResponseBase:
    """Prepare the answer of a list for the form that the caller accepts.

    In JSON it stays as it is. In a form of rows the envelope goes: its addresses into `Link` (RFC 8288), and the file
    gets a name. The answer may hold data, or JSON that is ready.
    """
    if response.status_code != HTTPStatus.OK:
        return response
    vary_on(response, "Accept")
    form = request.accepted_renderer
    if not isinstance(form, RowsRenderer):
        return response
    page = _data(response)
    is_page = isinstance(page, Mapping)
    answer = Response(page["results"] if is_page else page)
    for name, value in response.items():
        if name not in _OF_THE_BODY:
            answer[name] = value
    links = [f'<{page[name]}>; rel="{rel}"' for name, rel in _NEIGHBOURS if is_page and page[name]]
    if links:
        answer["Link"] = ", ".join(links)
    answer["Content-Disposition"] = f'attachment; filename="{file_name(request)}.{form.format}"'
    return answer


def file_name(request: Request) -> str:
    """Return the constant parts of the route below the version, such as `imports-records`: nothing a caller chose."""
    match = request._request.resolver_match
    parts = match.route.split("/") if match is not None else []
    return "-".join(part for part in parts[2:] if part and "<" not in part) or "list"


def _data(response: HttpResponseBase) -> Any:
    data = getattr(response, "data", None)
    return orjson.loads(response.content) if data is None else data  # type: ignore[attr-defined]


def _value(row: Any, path: Path) -> Any:
    for name in path:
        row = row.get(name) if isinstance(row, Mapping) else None
    return row


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else dump(value).decode()


def _paths(field: Any, path: Path) -> Iterator[Path]:
    """The columns of one field: those of its members where it, or its annotation for OpenAPI, says that it has some."""
    if isinstance(field, serializers.Serializer):
        for name, member in field.fields.items():
            if not member.write_only:
                yield from _paths(member, (*path, name))
        return
    described = _description(field)
    if isinstance(described, Mapping) and "properties" in described:
        yield from ((*path, name) for name in described["properties"])
    elif isinstance(described, serializers.Field):
        yield from _paths(described, path)
    else:
        yield path


def _description(field: Any) -> Any:
    if isinstance(field, serializers.SerializerMethodField):
        found = get_override(getattr(field.parent, str(field.method_name)), "field")
    else:
        found = get_override(field, "field")
    return found() if isinstance(found, type) and issubclass(found, serializers.Field) else found
