"""The names of the command line: `--only` and `--peers`. Imports nothing, so that `--help` is quick."""

from __future__ import annotations

LOAD = "load"
ROWS = ("list", "title", "checkout", "me", "query", LOAD)
PEERS = ("usual", "plain", "fastapi", "litestar")
