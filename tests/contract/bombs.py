"""Bodies that no address may take, be slow about, or fail over; the same ones for titles and for signing in."""

from __future__ import annotations

import json

BOMBS = {
    "deep lists": b"[" * 200_000,
    "deep lists, closed": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a huge integer": b'{"year": ' + b"9" * 100_000 + b"}",
    "a huge exponent": b'{"year": 1e999999}',
    "a huge negative exponent": b'{"year": 1e-999999999}',
    "not a number": b'{"year": NaN}',
    "infinity": b'{"year": Infinity}',
    "the same key twice": b'{"title": "a", "title": "b"}',
    "the same key often": b"{" + b",".join(b'"title": "a"' for _ in range(50_000)) + b"}",
    "a NUL": b'{"title": "a\\u0000b"}',
    "a raw NUL": b'{"title": "a\x00b"}',
    "a lone surrogate": b'{"title": "\\ud800"}',
    "a lone low surrogate": b'{"title": "\\udc00x"}',
    "bytes that are not UTF-8": b'{"title": "\xff\xfe"}',
    "an overlong encoding": b'{"title": "\xc0\xaf"}',
    "a byte order mark": b'\xef\xbb\xbf{"titel": "a"}',
    "UTF-16": '{"title": "a"}'.encode("utf-16"),
    "many unknown keys": json.dumps({f"k{n}": n for n in range(50_000)}).encode(),
    "a prototype": b'{"__proto__": {"admin": true}, "constructor": 1}',
    "look-ups for keys": b'{"title__regex": "(a+)+$", "_connector": "OR", "_negated": true}',
    "a list": b'[{"title": "a"}]',
    "a string": b'"title"',
    "a number": b"1",
    "null": b"null",
    "nothing": b"",
    "spaces": b" " * 100_000,
    "another kind of text": b'{"title": {"$gt": ""}}',
    "another kind of list": b'{"title": ["a"]}',
    "true": b'{"title": true}',
}
