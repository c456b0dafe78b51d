"""What a page must be for everybody: read by scripts in the page itself, as axe does, and by the Tab key."""

from __future__ import annotations

from typing import Any

# Each rule returns the offences it has found, as short texts.
_RULES = """
() => {
  const found = [];
  const say = (rule, element) => found.push(
    `${rule}: ${element ? element.outerHTML.replace(/\\s+/g, " ").slice(0, 160) : ""}`);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (element) => element.checkVisibility({ visibilityProperty: true })
    && element.getBoundingClientRect().width > 1 && !element.closest("[aria-hidden=true]");
  const named = (element) => (element.getAttribute("aria-label") || element.textContent
    || element.getAttribute("title") || "").trim();

  if (!document.documentElement.lang) say("lang");
  if (!document.title.trim()) say("title");
  if (all("h1").length !== 1) say("one h1");
  for (const selector of ["main", "body > header", "body > footer", "header nav"]) {
    if (all(selector).length !== 1) say(`landmark ${selector}`);
  }
  if (all("nav:not([aria-label]):not([aria-labelledby])").length) say("nav without a name");
  if (!all('a[href="#main"]').length) say("skip link");

  let level = 0;
  for (const heading of all("h1, h2, h3, h4").filter((heading) => heading.checkVisibility())) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) say("heading level skipped", heading);
    level = next;
  }
  const ids = all("[id]").map((element) => element.id);
  ids.filter((id, at) => ids.indexOf(id) !== at).forEach((id) => say(`id twice: ${id}`));
  for (const element of all("[aria-describedby], [aria-labelledby]")) {
    const names = `${element.getAttribute("aria-describedby") || ""} ${element.getAttribute("aria-labelledby") || ""}`;
    for (const id of names.split(/\\s+/).filter(Boolean)) {
      if (!document.getElementById(id)) say(`reference to nothing: ${id}`, element);
    }
  }
  for (const control of all("input:not([type=hidden]), select, textarea")) {
    if (!control.labels.length && !control.getAttribute("aria-label")) say("no label", control);
  }
  for (const element of all("a[href], button").filter(shown)) if (!named(element)) say("no name", element);
  for (const svg of all("svg")) if (!svg.getAttribute("aria-hidden") && !named(svg)) say("svg", svg);
  for (const cell of all("th")) if (!cell.getAttribute("scope")) say("th without scope", cell);
  for (const box of all(".table-scroll")) if (box.tabIndex !== 0) say("scrolls without keys", box);

  for (const element of all("button, select, input:not([type=hidden]), .button, nav a").filter(shown)) {
    const box = element.getBoundingClientRect();
    if (box.height < 23.5 || box.width < 23.5) say(`target of ${box.width} x ${box.height}`, element);
  }
  return found;
}
"""

# WCAG 2.2, 1.4.3: 4.5 to 1, or 3 to 1 for text of 24 px (18.66 px where bold).
_CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = (colour) => {
    const [r, g, b] = [...colour].slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return rgba("white");
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || seen.has(element) || !element.checkVisibility()) continue;
    seen.add(element);
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const [a, b] = [light(rgba(style.color)), light(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < needed) found.push(`contrast ${ratio.toFixed(2)}: ${element.outerHTML.slice(0, 120)}`);
  }
  return found;
}
"""

_CONTROLS = """
() => {
  const all = [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")];
  const shown = all.filter((e) => !e.disabled && e.tabIndex >= 0 && e.checkVisibility({ visibilityProperty: true }));
  // Of radio buttons with one name Tab reaches one.
  const names = new Set();
  const kept = shown.filter((e) => {
    if (e.type !== "radio") return true;
    const chosen = document.querySelector(`input[name="${e.name}"]:checked`);
    if (chosen ? chosen !== e : names.has(e.name)) return false;
    return names.add(e.name);
  });
  window.tabStops = kept;
  return kept.length;
}
"""
# From here on each control that gets the focus is noted, with what is wrong with how that is shown.
_WATCH = """
() => {
  window.tabbed = [];
  window.notShown = [];
  addEventListener("focusin", (event) => {
    const element = event.target;
    const at = window.tabStops.indexOf(element);
    if (at < 0) return;
    window.tabbed.push(at);
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    // The browser scrolls after the event; what is below the fold here is in view then.
    if (!seen || box.width === 0) window.notShown.push(`focus not seen: ${element.outerHTML.slice(0, 120)}`);
  });
}
"""


def offences(page: Any) -> list[str]:
    """Everything about names, labels, landmarks, headings and sizes that is not as it must be."""
    found: list[str] = page.evaluate(_RULES)
    return found


def low_contrast(page: Any) -> list[str]:
    """Text that is hard to read on its ground, in the colours that are shown."""
    found: list[str] = page.evaluate(_CONTRAST)
    return found


def scrolls_sideways(page: Any) -> bool:
    """Whether the page is wider than its window."""
    wider: bool = page.evaluate("() => document.documentElement.scrollWidth > window.innerWidth")
    return wider


def tab_order_problems(page: Any) -> list[str]:
    """Controls that Tab does not reach, reaches out of order, or reaches without showing it."""
    count = page.evaluate(_CONTROLS)
    page.evaluate(_WATCH)
    # A date is four stops in one control: day, month, year, calendar.
    stops = count + 3 * page.locator("input[type=date]").count()
    # It begins wherever the focus was and comes round once, past the browser's own controls.
    for _press in range(stops + 2):
        page.keyboard.press("Tab")
    tabbed, wrong = page.evaluate("[window.tabbed, window.notShown]")
    order = list(dict.fromkeys(tabbed))
    start = order.index(0) if 0 in order else 0
    if order[start:] + order[:start] != list(range(count)):
        wrong.append(f"Tab goes {order} instead of 0 to {count - 1}")
    return list(wrong)
