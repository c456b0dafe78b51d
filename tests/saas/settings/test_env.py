"""The environment is read once, typed, and every problem is reported at once."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from kombu import Connection

from saas.settings import env
from saas.settings.cache import redis_database
from saas.settings.database import database_from_url
from saas.settings.env import EnvironmentProblems, production_problems, read
from saas.settings.tasks import broker_url

GOOD_SECRET = "k3J9-vQ2x_Lm8Rt5Wz7Ya1Bc4De6Fg0Hi-JkLmNoPqRsTuVwXyZ012345"
PRODUCTION = {
    "SECRET_KEY": GOOD_SECRET,
    "BASE_DOMAINS": "libraryhub.example",
    "PUBLIC_URL": "https://libraryhub.example",
    "DATABASE_URL": "postgresql://app@db.example/libraryhub",
    "REDIS_URL": "redis://redis.example:6379/0",
    "STRIPE_SECRET_KEY": "sk_live_x",
    "STRIPE_WEBHOOK_SECRETS": "whsec_a,whsec_b",
    "EMAIL_HOST": "smtp.example",
}


def test_values_are_typed_and_the_rest_has_its_default() -> None:
    values = read({"BASE_DOMAINS": "A.example, b.example.", "TRUSTED_PROXY_COUNT": "2", "EMAIL_TLS": "off"})
    assert values["BASE_DOMAINS"] == ("a.example", "b.example")
    assert values["TRUSTED_PROXY_COUNT"] == 2
    assert values["EMAIL_TLS"] is False
    assert values["LOG_LEVEL"] == "INFO"
    assert values.or_default("PUBLIC_URL", "http://here") == "http://here"


def test_every_problem_is_reported_at_once() -> None:
    bad = {
        "DEBUG": "perhaps",
        "EMAIL_PORT": "99999",
        "DATABASE_URL": "mysql://x",
        "BASE_DOMAINS": "https://x.example",
        "LOG_LEVEL": "LOUD",
        "DATABASE_CONNECTION_AGE": "long",
    }
    with pytest.raises(EnvironmentProblems) as raised:
        read(bad)
    for name in bad:
        assert name in str(raised.value)
    assert "6 problem(s)" in str(raised.value)


def test_a_password_that_was_not_encoded_is_a_problem_that_does_not_quote_it() -> None:
    with pytest.raises(EnvironmentProblems) as raised:
        read({"DATABASE_URL": "postgresql://app:hunter2/x@db.example/hub"})
    assert "DATABASE_URL must have a number as its port" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_production_starts_with_a_good_environment() -> None:
    assert production_problems(read(PRODUCTION)) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"DEBUG": "1"}, "DEBUG"),
        ({"DEMO": "1"}, "DEMO"),
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY": "a" * 80}, "SECRET_KEY"),
        ({"SECRET_KEY_FALLBACKS": f"{GOOD_SECRET[::-1]},{env.DEVELOPMENT_SECRET}"}, "SECRET_KEY_FALLBACKS"),
        ({"BASE_DOMAINS": ""}, "BASE_DOMAINS"),
        ({"PUBLIC_URL": "http://libraryhub.example"}, "PUBLIC_URL"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"REDIS_URL": ""}, "REDIS_URL"),
        ({"STRIPE_SECRET_KEY": ""}, "STRIPE_SECRET_KEY"),
        ({"STRIPE_WEBHOOK_SECRETS": " , "}, "STRIPE_WEBHOOK_SECRETS"),
        ({"SECURE_COOKIES": "0"}, "SECURE_COOKIES"),
        ({"EMAIL_HOST": ""}, "EMAIL_HOST"),
    ],
)
def test_production_refuses(change: dict[str, str], named: str) -> None:
    problems = production_problems(read({**PRODUCTION, **change}))
    assert len(problems) == 1
    assert problems[0].startswith(named)


def start_production(change: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    code = (
        "import django; django.setup(); from django.conf import settings; print(settings.SESSION_COOKIE_NAME)"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).resolve().parents[3],
        env={**kept, **PRODUCTION, **change, "DJANGO_SETTINGS_MODULE": "saas.settings.production"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.deep
@pytest.mark.slow
def test_the_production_entry_starts_and_refuses_for_real() -> None:
    good = start_production({})
    assert good.returncode == 0, good.stderr
    assert good.stdout.strip() == "__Host-session"
    bad = start_production({"DEBUG": "1", "STRIPE_WEBHOOK_SECRETS": "", "SECRET_KEY": "weak"})
    assert bad.returncode != 0
    assert "3 problem(s)" in bad.stderr


def test_the_example_file_and_the_reader_name_the_same_variables() -> None:
    example = (Path(env.PROJECT_ROOT) / ".env.example").read_text()
    named = re.findall(r"^#? ?([A-Z][A-Z_]+)=", example, re.MULTILINE)
    read_by_code = [variable.name for variable in env.VARIABLES]
    # DEMO is set by the demo for its own children and is nobody's to set.
    assert sorted(named) == sorted(set(read_by_code) - {"DEMO"})
    for variable in env.VARIABLES:
        assert variable.help.endswith(".")


def test_only_the_reader_reads_the_environment() -> None:
    offenders = []
    for folder in ("saas", "shared_apps", "tenant_apps", "billing"):
        for file in (env.PROJECT_ROOT / folder).rglob("*.py"):
            relative = file.relative_to(env.PROJECT_ROOT).as_posix()
            if relative.startswith(("saas/embedded/", "saas/demo/", "saas/settings/env.py")):
                continue
            # A library takes this one from there alone.
            text = file.read_text().replace('os.environ["PROMETHEUS_MULTIPROC_DIR"] = ', "")
            if (
                "os.environ" in text.replace('os.environ.setdefault("DJANGO_SETTINGS_MODULE"', "")
                or "getenv" in text
            ):
                offenders.append(relative)
    assert offenders == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("unix:///run/redis.sock?db=0", "unix:///run/redis.sock?db=2"),
        ("redis://host:6379/0", "redis://host:6379/2"),
        ("rediss://user:pw@host", "rediss://user:pw@host/2"),
        (
            "rediss://:pw@host:6380/0?ssl_ca_certs=/etc/ca.pem&db=1",
            "rediss://:pw@host:6380/2?ssl_ca_certs=/etc/ca.pem",
        ),
        ("redis://host?socket_timeout=5", "redis://host/2?socket_timeout=5"),
        (
            "unix://app:pw@/run/redis.sock?socket_timeout=5",
            "unix://app:pw@/run/redis.sock?db=2&socket_timeout=5",
        ),
    ],
)
def test_one_redis_server_has_several_databases(url: str, expected: str) -> None:
    assert redis_database(url, 2) == expected


@pytest.mark.parametrize(
    ("url", "checks", "authority"),
    [
        ("rediss://:pw@host", ssl.CERT_REQUIRED, None),
        ("rediss://:pw@host/0?ssl_ca_certs=/etc/ca.pem&socket_timeout=5", ssl.CERT_REQUIRED, "/etc/ca.pem"),
        ("rediss://:pw@host/0?ssl_cert_reqs=none", ssl.CERT_NONE, None),
    ],
)
def test_the_broker_s_certificate_is_looked_at_unless_somebody_says_otherwise(
    url: str, checks: int, authority: str | None
) -> None:
    with Connection(broker_url(url)) as broker:
        assert broker.ssl["ssl_cert_reqs"] == checks
        assert broker.ssl.get("ssl_ca_certs") == authority
        assert (broker.hostname, broker.password, broker.virtual_host) == ("host", "pw", "3")


def test_celery_spells_sockets_in_its_own_way() -> None:
    assert broker_url("unix:///run/redis.sock?db=0") == "redis+socket:///run/redis.sock?virtual_host=3"
    assert broker_url("redis://host:6379/0") == "redis://host:6379/3"


def test_a_database_url_may_name_a_host_or_a_socket_folder() -> None:
    tcp = database_from_url("postgresql://us%40er:p%2Fw@db.example:6543/hub?sslmode=require")
    assert (tcp["USER"], tcp["PASSWORD"], tcp["HOST"], tcp["PORT"], tcp["NAME"]) == (
        "us@er",
        "p/w",
        "db.example",
        "6543",
        "hub",
    )
    assert tcp["OPTIONS"]["sslmode"] == "require"
    socket = database_from_url("postgresql://postgres@/hub?host=/run/pg")
    assert socket["HOST"] == "/run/pg"
    assert socket["PORT"] == ""
