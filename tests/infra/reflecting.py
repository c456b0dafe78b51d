"""What the tests put behind nginx: it tells who it is and what reached it. No Django."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from saas.core.reception import Reception


def _reflect(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/large/":
        body = b"x" * 20_000_000
    else:
        length = len(environ["wsgi.input"].read())
        headers = {name[5:]: value for name, value in environ.items() if name.startswith("HTTP_")}
        seen = {"pid": os.getpid(), "headers": headers, "length": length, "path": environ["PATH_INFO"]}
        body = json.dumps(seen | {"query": environ["QUERY_STRING"]}).encode()
    sent = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Server", "told/1.0")]
    if environ["PATH_INFO"].startswith("/static/"):
        sent.append(("Cache-Control", "max-age=315360000, public, immutable"))
    if environ["PATH_INFO"] == "/linked/":
        # As a page in CSV has them, whose addresses repeat a long query.
        sent.append(("Link", f'<https://a.example/?{environ["QUERY_STRING"]}>; rel="next"'))
        sent.append(("Link", f'<https://a.example/?{environ["QUERY_STRING"]}>; rel="prev"'))
    start("503 Service Unavailable" if environ["PATH_INFO"] == "/refused/" else "200 OK", sent)
    return [body]


# Two threads that work: a client that held up one of them would be noticed.
application = Reception(_reflect, workers=2, upload_workers=2)
