"""Availability in words: never by a number or a colour alone."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from typing import Protocol

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext


class Place(Protocol):
    """The copies of a title at one branch."""

    @property
    def time_zone(self) -> str: ...
    @property
    def copies(self) -> int: ...
    @property
    def available(self) -> int: ...
    @property
    def on_loan(self) -> int: ...
    @property
    def not_for_loan(self) -> int: ...
    @property
    def first_due_at(self) -> datetime | None: ...


def availability_words(place: Place) -> str:
    """What a reader finds at this branch, in the active language; dates are those of the branch's own
    clock.
    """
    if place.available:
        text = ngettext(
            "%(available)d of %(copies)d copy on the shelf",
            "%(available)d of %(copies)d copies on the shelf",
            place.copies,
        )
        return text % {"available": place.available, "copies": place.copies}
    if place.on_loan and place.first_due_at is not None:
        due = due_day(place.first_due_at, place.time_zone)
        if place.copies == 1:
            return _("On loan, due %(day)s") % {"day": due}
        return _("All lent or away, first due back %(day)s") % {"day": due}
    if place.not_for_loan:
        return _("For use in the library only")
    return _("Not available at the moment")


def due_day(moment: datetime, time_zone: str) -> str:
    """The day of a moment by a branch's clock, as "3 December" or the like in the active language."""
    day = moment.astimezone(zoneinfo.ZoneInfo(time_zone))
    return formats.date_format(day, "MONTH_DAY_FORMAT")


MATERIALS: dict[str, Promise] = {
    "book": _lazy("Book"),
    "ebook": _lazy("E-book"),
    "serial": _lazy("Journal or series"),
    "map": _lazy("Map"),
    "score": _lazy("Sheet music"),
    "music": _lazy("Music recording"),
    "audiobook": _lazy("Audiobook"),
    "film": _lazy("Film"),
    "game": _lazy("Game"),
    "kit": _lazy("Kit"),
    "picture": _lazy("Picture"),
    "manuscript": _lazy("Manuscript"),
    "software": _lazy("Software"),
    "thing": _lazy("Thing"),
    "other": _lazy("Other"),
}
ROLES: dict[str, Promise] = {
    "author": _lazy("author"),
    "editor": _lazy("editor"),
    "translator": _lazy("translator"),
    "illustrator": _lazy("illustrator"),
    "compiler": _lazy("compiler"),
    "composer": _lazy("composer"),
    "conductor": _lazy("conductor"),
    "director": _lazy("director"),
    "narrator": _lazy("narrator"),
    "performer": _lazy("performer"),
    "photographer": _lazy("photographer"),
    "producer": _lazy("producer"),
    "publisher": _lazy("publisher"),
    "creator": _lazy("creator"),
    "contributor": _lazy("contributor"),
}


def material_name(material_type: str) -> str:
    """What kind of thing a title is, in the active language."""
    return str(MATERIALS.get(material_type, material_type))


def role_name(role: str) -> str:
    """What a contributor did, in the active language."""
    return str(ROLES.get(role, role))
