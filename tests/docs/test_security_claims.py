"""What docs/security says of the source itself: parts that are used nowhere, and settings that production has."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
ROOTS = ("saas", "shared_apps", "tenant_apps", "billing")
# The demo and the embedded servers run on a developer's machine alone (production refuses DEMO).
LOCAL_ONLY = ("saas/demo/", "saas/embedded/")


def modules(*, with_local: bool = False) -> Iterator[tuple[str, ast.Module]]:
    for root in ROOTS:
        for path in sorted((PROJECT / root).rglob("*.py")):
            name = path.relative_to(PROJECT).as_posix()
            if with_local or not name.startswith(LOCAL_ONLY):
                yield name, ast.parse(path.read_text("utf-8"))


def imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def importers(*forbidden: str, with_local: bool = False) -> list[str]:
    return [
        f"{name} imports {found}"
        for name, tree in modules(with_local=with_local)
        for found in sorted(imported(tree))
        if any(found == one or found.startswith(f"{one}.") for one in forbidden)
    ]


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_there_is_something_to_look_at() -> None:
    names = [name for name, _ in modules()]
    assert len(names) > 150
    assert importers("django"), "the search for imports finds nothing"


def test_nothing_reads_objects_that_can_run_code() -> None:
    # ASVS 1.5.2
    assert importers("pickle", "marshal", "shelve", "dill", "yaml", "jsonpickle", with_local=True) == []


def test_no_xml_is_parsed_and_no_xpath_evaluated() -> None:
    # ASVS 1.2.7, 1.5.1. Escaping for the XML that we write is no parser.
    found = importers("xml", "lxml", "defusedxml", "html5lib", with_local=True)
    assert [line for line in found if "xml.sax.saxutils" not in line] == []


def test_nothing_in_a_request_fetches_an_address() -> None:
    # ASVS 1.3.6: beside Stripe's own client, behind billing.gateway, one module calls out, and guards where to
    # (tests/saas/core/test_outgoing.py).
    clients = ("requests", "httpx", "aiohttp", "urllib3", "urllib.request", "http.client", "ftplib", "socket")
    assert importers(*clients) == [
        "saas/core/outgoing.py imports http.client",
        "saas/core/outgoing.py imports socket",
        # The machine's own name.
        "saas/settings/base.py imports socket",
        "saas/settings/base.py imports socket.gethostname",
    ]
    askers = {line.split(" ")[0] for line in importers("saas.core.outgoing", with_local=True)}
    assert askers == {"tenant_apps/federation/answers.py", "tenant_apps/federation/rules.py"}


def test_no_text_is_run_as_code_or_as_a_template() -> None:
    # ASVS 1.3.2, 1.3.7
    found = [
        f"{name}:{call.lineno} {function}"
        for name, tree in modules(with_local=True)
        for function, call in calls(tree)
        if function in {"eval", "exec", "compile", "Template"}
        or function.endswith((".from_string", ".Template"))
    ]
    assert found == []


def test_no_shell_and_no_command_in_a_request() -> None:
    # ASVS 1.2.5
    assert importers("subprocess", "pty", "commands") == []
    found = [
        f"{name}:{call.lineno}"
        for name, tree in modules(with_local=True)
        for function, call in calls(tree)
        if function in {"os.system", "os.popen"}
        or any(word.arg == "shell" and ast.unparse(word.value) != "False" for word in call.keywords)
    ]
    assert found == []


def test_patterns_are_not_made_from_what_people_type() -> None:
    # ASVS 1.2.9: the pattern of each regular expression is written in the source, parts of it may be constants.
    found = []
    for name, tree in modules(with_local=True):
        for function, call in calls(tree):
            if (
                function.startswith("re.")
                and function != "re.escape"
                and call.args
                and not _is_fixed(call.args[0])
            ):
                found.append(f"{name}:{call.lineno} {ast.unparse(call.args[0])}")
    assert found == []


def _is_fixed(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.JoinedStr):
        return all(_is_fixed(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _is_fixed(node.value)
    if isinstance(node, ast.BinOp):
        return _is_fixed(node.left) and _is_fixed(node.right)
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in {"re.escape", "'|'.join", "''.join", '"|".join'}
    # A name in capitals is a constant of the module.
    return isinstance(node, ast.Name) and node.id.lstrip("_").isupper()


def test_what_is_a_pattern_and_what_is_not() -> None:
    def fixed(source: str) -> bool:
        return _is_fixed(ast.parse(source, mode="eval").body)

    assert fixed("r'a+'")
    assert fixed("f'[{_MARKS}]+'")
    assert fixed("re.escape(typed)")
    assert not fixed("typed")
    assert not fixed("f'^{typed}$'")
    assert not fixed("'^' + typed")


def test_formats_are_not_made_from_what_people_type() -> None:
    # ASVS 1.3.10: str.format is called on literals and on SQL compositions alone.
    found = [
        f"{name}:{call.lineno} {function}"
        for name, tree in modules()
        for function, call in calls(tree)
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"format", "format_map"}
        if not isinstance(call.func.value, ast.Constant)
        and not ast.unparse(call.func.value).startswith(("sql.SQL(", "issn", "isbn", "_("))
    ]
    assert found == []


def test_templates_escape() -> None:
    # ASVS 1.1.2, 1.3.1: no text of people is let through; a plain mail has nothing to escape.
    found = [
        path.relative_to(PROJECT).as_posix()
        for root in ROOTS
        for path in sorted((PROJECT / root).rglob("templates/**/*.html"))
        if re.search(r"\|\s*safe\b|autoescape off|safeseq", path.read_text("utf-8"))
    ]
    assert found == []
    marked = [
        f"{name}:{call.lineno} {ast.unparse(call)}"
        for name, tree in modules(with_local=True)
        for function, call in calls(tree)
        if function.split(".")[-1] in {"mark_safe", "SafeString"}
        and not isinstance(call.args[0], ast.Constant)
    ]
    assert marked == []


def test_our_scripts_insert_text_as_text_and_store_nothing() -> None:
    # ASVS 3.2.2, 3.5.5, 14.3.3
    dangerous = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|postMessage"
        r"|onmessage|[\"']message[\"']|localStorage|sessionStorage|indexedDB"
    )
    scripts = [path for root in ROOTS for path in sorted((PROJECT / root).rglob("static/**/*.js"))]
    assert scripts
    assert [
        f"{path.name}: {found.group()}" for path in scripts for found in dangerous.finditer(path.read_text())
    ] == []


def test_no_weak_hash_and_no_weak_chance() -> None:
    # ASVS 11.4.1, 11.5.1
    assert importers("random", "numpy.random") == []
    found = [
        f"{name}:{call.lineno} {function}"
        for name, tree in modules()
        for function, call in calls(tree)
        if function.split(".")[-1] in {"md5", "sha1"} or (function == "hashlib.new" and call.args)
    ]
    assert found == []


PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "saas.settings.production",
    "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOP",
    "BASE_DOMAINS": "libraries.example",
    "PUBLIC_URL": "https://libraries.example",
    "DATABASE_URL": "postgresql://user@localhost/database",
    "REDIS_URL": "redis://localhost:6379/0",
    "STRIPE_SECRET_KEY": "sk_test_1",
    "STRIPE_WEBHOOK_SECRETS": "whsec_1",
    "EMAIL_HOST": "mail.example",
}
ASK = """
import json
from django.conf import settings
names = (
    "DEBUG", "DEMO", "SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SESSION_COOKIE_SECURE",
    "SESSION_COOKIE_NAME", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SECURE",
    "CSRF_COOKIE_NAME", "CSRF_COOKIE_SAMESITE", "PASSWORD_HASHERS", "CELERY_ACCEPT_CONTENT", "SESSION_SERIALIZER",
    "SECRET_KEY_FALLBACKS",
)
values = {name: getattr(settings, name) for name in names}
from django.test import Client
from saas.core import tenancy
import django
django.setup()
answer = Client(HTTP_HOST="bad_host!").get("/", secure=True)
values["answer"] = {name.lower(): value for name, value in answer.headers.items()}
print(json.dumps(values, default=str))
"""


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Settings of the production entry, and the headers of an answer that it makes; in a process of its own."""
    environment = {"PATH": os.environ["PATH"], **PRODUCTION, "DATA_DIR": str(tmp_path_factory.mktemp("data"))}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    values: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return values


@pytest.mark.deep
def test_production_has_no_debug_and_no_demo(production: dict[str, object]) -> None:
    # ASVS 13.4.2, 15.2.3
    assert production["DEBUG"] is False
    assert production["DEMO"] is False


@pytest.mark.deep
def test_production_cookies_are_bound_to_their_host(production: dict[str, object]) -> None:
    # ASVS 3.3.1 to 3.3.4
    assert production["SESSION_COOKIE_SECURE"] is production["CSRF_COOKIE_SECURE"] is True
    assert production["SESSION_COOKIE_NAME"] == "__Host-session"
    assert production["CSRF_COOKIE_NAME"] == "__Host-csrf"
    assert production["SESSION_COOKIE_HTTPONLY"] is True
    assert production["SESSION_COOKIE_SAMESITE"] == production["CSRF_COOKIE_SAMESITE"] == "Lax"


def test_production_tells_browsers_to_stay_with_https(production: dict[str, object]) -> None:
    # ASVS 3.4.1: at least a year, with subdomains, also on an answer that no view made.
    answer = production["answer"]
    assert isinstance(answer, dict)
    found = re.fullmatch(r"max-age=(\d+); includeSubDomains; preload", answer["strict-transport-security"])
    assert found
    assert int(found[1]) >= 365 * 24 * 3600
    assert answer["x-content-type-options"] == "nosniff"
    assert "content-security-policy" in answer


def test_production_hashes_passwords_with_argon2(production: dict[str, object]) -> None:
    # ASVS 11.4.2: the tests themselves use a fast hash; what counts is what production has.
    hashers = production["PASSWORD_HASHERS"]
    assert isinstance(hashers, list)
    assert hashers[0] == "django.contrib.auth.hashers.Argon2PasswordHasher"
    assert not [name for name in hashers if re.search("MD5|SHA1|Unsalted", name)]


def test_production_exchanges_json_alone(production: dict[str, object]) -> None:
    # ASVS 1.5.2
    assert production["CELERY_ACCEPT_CONTENT"] == ["json"]
    assert production["SESSION_SERIALIZER"] == "django.contrib.sessions.serializers.JSONSerializer"


def test_the_searches_above_would_find_something() -> None:
    tree = ast.parse("import os.path\nfrom xml import sax\nre.compile(typed)\nmark_safe(typed)")
    assert {"os.path", "xml", "xml.sax"} <= imported(tree)
    assert [function for function, _ in calls(tree)] == ["re.compile", "mark_safe"]
