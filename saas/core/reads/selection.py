"""`?fields=` and `?expand=`: which members of an answer a client wants, from what the read allows.

Both change the serializer, and so the statement and the plain answer alike: what is not asked for is not computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from saas.core.api.parameters import invalid_parameter
from saas.core.api.serializers import nearest_name

FIELDS, EXPAND = "fields", "expand"
Expansions = Mapping[str, Callable[[], Any]]


@dataclass(frozen=True, slots=True)
class Selection:
    """`fields`: sorted names, those of nested members with a dot; None is all. `expand`: sorted names."""

    fields: tuple[str, ...] | None = None
    expand: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the answer is the one that is documented."""
        return self.fields is None and not self.expand


WHOLE = Selection()


def selection_of(
    query: Mapping[str, Any], serializer: Callable[[], Any], expansions: Expansions
) -> Selection:
    """Return what these query parameters ask for. Raises InvalidParameter with the nearest name for an unknown one."""
    if FIELDS not in query and EXPAND not in query:
        return WHOLE
    expand = _listed(query, EXPAND, expansions)
    if FIELDS not in query:
        return Selection(None, expand)
    known = tuple(names_of(selected(serializer(), Selection(None, expand), expansions)))
    return Selection(_listed(query, FIELDS, known), expand)


def selected(serializer: Any, selection: Selection, expansions: Expansions) -> Any:
    """Return the serializer with the members of the selection alone; it is changed."""
    for name in selection.expand:
        serializer.fields[name] = expansions[name]()
    if selection.fields is not None:
        _keep(serializer, selection.fields)
    return serializer


def names_of(serializer: Any, before: str = "") -> Iterator[str]:
    """Yield the names of the members, each nested one after its own."""
    for name, field in serializer.fields.items():
        if field.write_only:
            continue
        yield before + name
        nested = _nested(field)
        if nested is not None:
            yield from names_of(nested, f"{before}{name}.")


def _nested(field: Any) -> Any:
    inner = field.child if isinstance(field, serializers.ListSerializer) else field
    return inner if isinstance(inner, serializers.Serializer) else None


def _keep(serializer: Any, wanted: Iterable[str]) -> None:
    below: dict[str, list[str]] = {}
    for name in wanted:
        first, dot, rest = name.partition(".")
        below.setdefault(first, []).append(rest if dot else "")
    for name in list(serializer.fields):
        if name not in below:
            del serializer.fields[name]
        elif "" not in below[name]:
            _keep(_nested(serializer.fields[name]), below[name])


def _listed(query: Mapping[str, Any], parameter: str, known: Iterable[str]) -> tuple[str, ...]:
    if parameter not in query:
        return ()
    names = frozenset(query[parameter].split(","))
    known = tuple(known)
    for name in sorted(names):
        if name not in known:
            near, shown = nearest_name(name, known), name[:64]
            if near is None:
                text = _('Unknown field "%(name)s".') % {"name": shown}
            else:
                text = _('Unknown field "%(name)s". Did you mean "%(near)s"?') % {"name": shown, "near": near}
            raise invalid_parameter(parameter, "unknown_field", text)
    return tuple(sorted(names))
