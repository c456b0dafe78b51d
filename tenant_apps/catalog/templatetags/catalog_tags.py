"""What the catalogue's templates say in words."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from tenant_apps.catalog.rules import languages, wording
from tenant_apps.catalog.rules.wording import Place

register = template.Library()


@register.filter
def lang_attributes(code: str) -> SafeString:
    """` lang="fr" dir="auto"` for text in another language than the page's; nothing where it is the same or
    unknown.
    """
    tag = languages.language_tag(code)
    if not tag or tag == (get_language() or "").split("-")[0]:
        return SafeString("")
    return format_html(' lang="{}" dir="auto"', tag)


@register.filter
def language_name(code: str) -> str:
    """The name of a MARC language code."""
    return languages.language_name(code)


@register.filter
def material_name(material_type: str) -> str:
    """What kind of thing a title is."""
    return wording.material_name(material_type)


@register.filter
def role_name(role: str) -> str:
    """What a contributor did."""
    return wording.role_name(role)


@register.filter
def availability_words(place: Place) -> str:
    """What a reader finds at one branch."""
    return wording.availability_words(place)
