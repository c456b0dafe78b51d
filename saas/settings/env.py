"""The only reader of the process environment.

`read(environ)` turns the variables into one typed, frozen `Env` and reports every problem at once, so that an operator
corrects a deployment in one go and not one restart per mistake. `.env.example` documents each variable; a test holds
the two equal.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
PROJECT_ROOT = Path(__file__).resolve().parents[2]
DEVELOPMENT_SECRET = "development-only-secret-never-used-in-production"
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


class EnvironmentProblems(ImproperlyConfigured):
    """The environment has problems; the message lists all of them, one a line."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable: its name, how to read it, its default (None: it may be left out) and its meaning."""

    name: str
    parse: Callable[[str], Any]
    default: Any
    help: str


def _text(raw: str) -> str:
    return raw


def _secret(raw: str) -> str:
    if len(raw) < 20:
        raise ValueError("must have at least 20 characters")
    return raw


def _flag(raw: str) -> bool:
    if raw.lower() in _TRUE:
        return True
    if raw.lower() in _FALSE:
        return False
    raise ValueError("must be one of 1, true, yes, on, 0, false, no, off")


def _whole_number(low: int, high: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        try:
            number = int(raw)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if not low <= number <= high:
            raise ValueError(f"must be between {low} and {high}")
        return number

    return parse


def _list(raw: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in raw.split(",") if part.strip())


def _hosts(raw: str) -> tuple[str, ...]:
    hosts = tuple(host.lower().rstrip(".") for host in _list(raw))
    for host in hosts:
        if "/" in host or ":" in host or "*" in host or not host:
            raise ValueError(f"{host!r} must be a plain host name without scheme, port or wildcard")
    return hosts


def _networks(raw: str) -> tuple[str, ...]:
    try:
        return tuple(str(ipaddress.ip_network(network)) for network in _list(raw))
    except ValueError:
        raise ValueError("must be networks such as 10.20.0.0/16, without host bits") from None


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return raw

    return parse


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        parts = urlsplit(raw)
        if parts.scheme not in schemes:
            raise ValueError(f"must be a URL that starts with one of {', '.join(s + '://' for s in schemes)}")
        try:
            _ = parts.port
        except ValueError:
            # Python's own message quotes what may be the password.
            raise ValueError(
                "must have a number as its port; signs in a name or password are written as %2F and the like"
            ) from None
        return raw

    return parse


def _path(raw: str) -> Path:
    return Path(raw).expanduser().resolve()


VARIABLES: tuple[Variable, ...] = (
    Variable("SECRET_KEY", _text, DEVELOPMENT_SECRET, "Signs sessions, tokens and links; at least 50 random characters."),
    Variable("SECRET_KEY_FALLBACKS", _list, (), "Earlier secret keys, comma separated, still accepted while they are rotated out."),
    Variable("DEBUG", _flag, None, "Error pages with source code. Local work only."),
    Variable("BASE_DOMAINS", _hosts, None, "Domains under which libraries live, comma separated; the first one names new libraries."),
    Variable("PUBLIC_URL", _url("http", "https"), None, "Address of the public site, with port, used in mails."),
    Variable("DATABASE_URL", _url("postgresql", "postgres"), None, "PostgreSQL server. Left out in local work: an embedded one is started."),
    Variable("DATABASE_OWNER_URL", _url("postgresql", "postgres"), None, "The same database, logged in as the owner of the schemas, who migrates and makes libraries. Left out: DATABASE_URL's login does it."),
    Variable("DATABASE_POOLER", _choice("none", "transaction"), "none", "transaction where PgBouncer or the like in transaction or session mode stands between; start is refused where one is found and none is said."),
    Variable("LIBRARY_ROLES", _flag, True, "One PostgreSQL role per library. Off only where the host lets no one make roles."),
    Variable("SPARE_LIBRARIES", _whole_number(0, 1000), 3, "Schemas that are kept ready, so that a sign-up waits for none; about as many as come within a minute."),
    Variable("REDIS_URL", _url("redis", "rediss", "unix"), None, "Redis server. Left out in local work: an embedded one is started."),
    Variable("DATABASE_CONNECTION_AGE", _whole_number(0, 86400), 300, "Seconds that a database connection is kept open."),
    Variable("DATABASE_CONNECTION_LIBRARIES", _whole_number(0, 100000), 100, "Libraries that a database connection serves before it is replaced; 0: any number."),
    Variable("DATA_DIR", _path, PROJECT_ROOT / "var", "Folder for uploads, the embedded servers and the demo."),
    Variable("EMAIL_HOST", _text, "", "SMTP server for outgoing mail."),
    Variable("EMAIL_PORT", _whole_number(1, 65535), 587, "Port of the SMTP server."),
    Variable("EMAIL_USER", _text, "", "User name at the SMTP server."),
    Variable("EMAIL_PASSWORD", _text, "", "Password at the SMTP server."),
    Variable("EMAIL_TLS", _flag, True, "Use STARTTLS with the SMTP server."),
    Variable("DEFAULT_FROM_EMAIL", _text, "LibraryHub <no-reply@libraryhub.example>", "Sender of the platform's mails."),
    Variable("STRIPE_SECRET_KEY", _text, "", "Secret API key of the Stripe account."),
    Variable("STRIPE_WEBHOOK_SECRETS", _list, (), "Signing secrets of the Stripe webhook endpoint, comma separated while one is rotated."),
    Variable("SECURE_COOKIES", _flag, None, "Cookies over HTTPS alone; production refuses to start without it."),
    Variable("TRUSTED_PROXY_COUNT", _whole_number(0, 10), 0, "Reverse proxies in front whose X-Forwarded-For entries are believed."),
    Variable("OUTGOING_PRIVATE_NETWORKS", _networks, (), "Networks that are not the world's and that identity providers may be in, comma separated."),
    Variable("METRICS_TOKEN", _secret, "", "Who sends this as a bearer token may read /metrics; at least 20 characters. Left out: nobody may."),
    Variable("LOG_LEVEL", _choice("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "Least severity that is logged."),
    Variable("LOG_FORMAT", _choice("json", "readable"), None, "json for machines (production), readable for people (local)."),
    Variable("DEMO", _flag, False, "Set by `manage.py demo` alone: mail is caught and shown at /demo/mail/."),
)  # fmt: skip


@dataclass(frozen=True)
class Env:
    """The environment as typed values, keyed by variable name; a variable that was left out has its default."""

    values: Mapping[str, Any] = field(repr=False)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def or_default(self, name: str, default: T) -> T:
        """The variable's value, or `default` where neither the environment nor the table above gives one."""
        value = self.values[name]
        return default if value is None else value


def read(environ: Mapping[str, str] | None = None) -> Env:
    """Read and check every variable.

    Raises EnvironmentProblems naming every variable whose value cannot be used. Empty values count as left out.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    problems: list[str] = []
    for variable in VARIABLES:
        raw = environ.get(variable.name, "").strip()
        if not raw:
            values[variable.name] = variable.default
            continue
        try:
            values[variable.name] = variable.parse(raw)
        except ValueError as error:
            problems.append(f"{variable.name} {error}")
    if problems:
        raise EnvironmentProblems(report(problems))
    return Env(values)


def report(problems: list[str]) -> str:
    """All problems as one message for a person."""
    lines = "\n".join(f"  - {problem}" for problem in problems)
    return f"The environment has {len(problems)} problem(s):\n{lines}\nSee .env.example for what each variable means."


def production_problems(env: Env) -> list[str]:
    """What makes an environment unfit for production; an empty list means that it may start."""
    checks = (
        (env["DEBUG"] is True, "DEBUG must be off in production"),
        (env["DEMO"], "DEMO must be off in production"),
        (_is_weak(env["SECRET_KEY"]), "SECRET_KEY must be set to at least 50 random characters"),
        (
            any(_is_weak(secret) for secret in env["SECRET_KEY_FALLBACKS"]),
            "SECRET_KEY_FALLBACKS must hold keys of at least 50 random characters: each is as good as SECRET_KEY",
        ),
        (
            not env["BASE_DOMAINS"],
            "BASE_DOMAINS must name the domain under which libraries live",
        ),
        (
            env["PUBLIC_URL"] is None or not env["PUBLIC_URL"].startswith("https://"),
            "PUBLIC_URL must be the https:// address of the public site",
        ),
        (env["DATABASE_URL"] is None, "DATABASE_URL must name the PostgreSQL server"),
        (env["REDIS_URL"] is None, "REDIS_URL must name the Redis server"),
        (not env["STRIPE_SECRET_KEY"], "STRIPE_SECRET_KEY must be set"),
        (
            not env["STRIPE_WEBHOOK_SECRETS"],
            "STRIPE_WEBHOOK_SECRETS must hold the endpoint's signing secret",
        ),
        (
            env["SECURE_COOKIES"] is False,
            "SECURE_COOKIES must not be off in production",
        ),
        (not env["EMAIL_HOST"], "EMAIL_HOST must name the SMTP server"),
    )
    return [message for bad, message in checks if bad]


def _is_weak(secret: str) -> bool:
    return secret == DEVELOPMENT_SECRET or len(secret) < 50 or len(set(secret)) < 10
