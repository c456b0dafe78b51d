"""The stylesheet keeps what WCAG 2.2 AA asks for: contrast in light and dark, focus, and nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import saas.core

CSS = (Path(saas.core.__file__).parent / "static/core/site.css").read_text(encoding="utf-8")
TEXT, BOUNDARY = 4.5, 3.0  # success criteria 1.4.3 and 1.4.11

PAIRS = [
    ("ink", "paper", TEXT),
    ("ink", "surface", TEXT),
    ("ink", "sunken", TEXT),
    ("ink", "accent-soft", TEXT),
    ("muted", "paper", TEXT),
    ("muted", "surface", TEXT),
    ("muted", "sunken", TEXT),
    ("link", "paper", TEXT),
    ("link", "surface", TEXT),
    ("link", "sunken", TEXT),
    ("link", "accent-soft", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-strong", TEXT),
    ("danger", "surface", TEXT),
    ("danger", "paper", TEXT),
    ("danger", "danger-soft", TEXT),
    ("warn", "warn-soft", TEXT),
    ("ok", "ok-soft", TEXT),
    ("edge", "surface", BOUNDARY),
    ("edge", "paper", BOUNDARY),
    ("accent", "surface", BOUNDARY),
    ("focus", "paper", BOUNDARY),
    ("focus", "surface", BOUNDARY),
    ("focus", "sunken", BOUNDARY),
    ("focus", "focus-halo", BOUNDARY),
]


def colours(scheme: str) -> dict[str, str]:
    """The variables of a colour scheme; the dark one overrides the light one."""
    light, dark = CSS.split("@media (prefers-color-scheme: dark)", 1)
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light))
    if scheme == "dark":
        dark_block = dark.split("/* -- ground", 1)[0]
        overrides = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", dark_block))
        assert set(overrides) == set(found), "a colour has no dark form"
        found |= overrides
    return found


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_formula_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_contrast(scheme: str, front: str, back: str, least: float) -> None:
    palette = colours(scheme)
    ratio = contrast(palette[front], palette[back])
    assert ratio >= least, f"{front} on {back} in {scheme}: {ratio:.2f}"


def test_every_colour_that_is_used_is_a_variable_that_exists() -> None:
    used = set(re.findall(r"var\(--([a-z-]+)\)", CSS))
    declared = set(re.findall(r"--([a-z-]+):", CSS))
    assert used <= declared


def test_the_focus_ring_is_three_pixels_and_never_taken_away() -> None:
    assert "outline: 3px solid var(--focus)" in CSS
    removed = re.findall(r"([^{}]+)\{[^{}]*outline: none", CSS)
    assert [selector.strip() for selector in removed] == ["main:focus"]  # the target of the skip link


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert "@import" not in CSS
    assert "url(" not in CSS
    assert "http" not in CSS
