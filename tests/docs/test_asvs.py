"""docs/security/asvs.md: every line of the standard that concerns us is there once, and what it names exists."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "security" / "asvs.md"
# The lines of OWASP ASVS 5.0, levels 1 and 2, that concern a system like this one; ids with a comma or a range share a line.
LINES = """
1.1.1; 1.1.2; 1.2.1, 1.2.3; 1.2.2; 1.2.4; 1.2.5; 1.2.7; 1.2.9; 1.3.1; 1.3.2; 1.3.3; 1.3.4; 1.3.5;
1.3.6; 1.3.7; 1.3.9; 1.3.10; 1.3.11; 1.4.2; 1.5.1; 1.5.2; 2.1.1, 2.1.2, 2.1.3; 2.2.1, 2.2.2; 2.2.3;
2.3.1; 2.3.2; 2.3.3; 2.3.4; 2.4.1; 3.2.1; 3.2.2; 3.3.1; 3.3.2, 3.3.3, 3.3.4; 3.4.1; 3.4.2; 3.4.3,
3.4.6; 3.4.4, 3.4.5; 3.5.1, 3.5.2; 3.5.3; 3.5.4; 3.5.5; 3.7.2; 4.1.1; 4.1.2; 4.1.3; 4.2.1; 4.4.1;
4.4.2; 4.4.3, 4.4.4; 5.1.1; 5.2.1, 5.2.3; 5.2.2; 5.3.1, 5.3.2; 5.4.1, 5.4.2; 5.4.3; 6.1.1, 6.1.2,
6.1.3; 6.2.1, 6.2.9; 6.2.2, 6.2.3; 6.2.4, 6.2.11, 6.2.12; 6.2.5, 6.2.6, 6.2.7, 6.2.8, 6.2.10; 6.3.1;
6.3.2; 6.3.3; 6.3.4; 6.4.1, 6.4.2, 6.4.3, 6.4.4; 6.5.1 - 6.5.5; 6.6.2, 6.6.3; 6.8.1, 6.8.2, 6.8.4;
7.1.1, 7.1.2, 7.1.3; 7.2.1, 7.2.2, 7.2.3; 7.2.4; 7.3.1, 7.3.2; 7.4.1, 7.4.2; 7.4.3, 7.4.4, 7.4.5;
7.5.1, 7.5.2; 7.6.1, 7.6.2; 8.1.1, 8.1.2; 8.2.1; 8.2.2; 8.2.3; 8.3.1; 8.4.1; 9.1.1, 9.1.2, 9.1.3;
9.2.1; 9.2.2, 9.2.3, 9.2.4; 10.1.1, 10.1.2; 10.2.1, 10.2.2; 10.3.1 - 10.3.4; 10.5.1 - 10.5.4;
11.1.1, 11.1.2; 11.2.1, 11.2.2, 11.2.3; 11.3.1, 11.3.2, 11.3.3; 11.4.1; 11.4.2, 11.4.3, 11.4.4;
11.5.1, 11.6.1; 12.1.1, 12.1.2; 12.2.1, 12.2.2; 12.3.1 - 12.3.4; 13.1.1; 13.2.1, 13.2.2, 13.2.3;
13.2.4, 13.2.5; 13.3.1, 13.3.2; 13.4.1 - 13.4.5; 14.1.1, 14.1.2; 14.2.1; 14.2.2, 14.3.2; 14.2.3,
14.2.4; 14.3.1, 14.3.3; 15.1.1, 15.2.1; 15.1.2; 15.1.3, 15.2.2; 15.2.3; 15.3.1; 15.3.2; 15.3.3;
15.3.4; 15.3.5, 15.3.6, 15.3.7; 16.1.1; 16.2.1 - 16.2.5; 16.3.1 - 16.3.4; 16.4.1, 16.4.2, 16.4.3;
16.5.1; 16.5.2, 16.5.3
"""
WANTED = [" ".join(ids.split()) for ids in LINES.replace("\n", " ").split(";")]
ROW = re.compile(
    r"^\| (\d+) \| ([\d., -]+) \| (L1|L2|L1/L2) \| (.+?) \| (shown|open) \| (.+) \|$", re.MULTILINE
)
EVIDENCE = re.compile(r"`(tests/[^`]+)`")
DOCUMENT = re.compile(r"\]\([^)]+\)")


def rows() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = ROW.findall(PAGE.read_text("utf-8"))
    return found


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((PROJECT / path).read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


def missing(evidence: str) -> bool:
    """Whether a named test (or file of tests) is not there."""
    path, _, name = evidence.partition("::")
    return not (PROJECT / path).is_file() or (bool(name) and name not in names_in(path))


def test_every_line_is_there_once_and_in_order() -> None:
    assert [row[1] for row in rows()] == WANTED
    assert [int(row[0]) for row in rows()] == list(range(1, 124))


def test_no_row_escapes_the_pattern() -> None:
    table = [line for line in PAGE.read_text("utf-8").splitlines() if re.match(r"\| *\d", line)]
    assert len(table) == len(rows())


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[1])
def test_what_is_named_exists(row: tuple[str, ...]) -> None:
    gone = [evidence for evidence in EVIDENCE.findall(row[5]) if missing(evidence)]
    assert gone == [], "the test was renamed or removed: name what shows this line now, or open it"


def test_what_is_shown_names_what_shows_it() -> None:
    bare = [
        row[1]
        for row in rows()
        if row[4] == "shown" and not (EVIDENCE.search(row[5]) or DOCUMENT.search(row[5]))
    ]
    assert bare == []


def test_what_is_open_says_what_will_bring_it() -> None:
    bare = [row[1] for row in rows() if row[4] == "open" and row[5].startswith(("`", "["))]
    assert bare == []


def test_the_page_counts_right() -> None:
    states = Counter(row[4] for row in rows())
    text = " ".join(PAGE.read_text("utf-8").split())
    assert f"{states['shown']} of {len(WANTED)} lines are shown, {states['open']} are open." in text


def test_a_name_that_does_not_exist_is_found() -> None:
    here = Path(__file__).relative_to(PROJECT).as_posix()
    assert not missing(f"{here}::test_a_name_that_does_not_exist_is_found")
    assert missing(f"{here}::test_of_nothing")
    assert missing("tests/docs/test_nowhere.py")
