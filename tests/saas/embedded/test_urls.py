"""The addresses in the forms that each client reads."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import kombu
import psycopg.conninfo
import pytest

from saas import embedded
from saas.embedded.urls import celery_url, database_url, redis_url


def test_database_url_is_read_alike_by_libpq_and_urlsplit() -> None:
    url = database_url(Path("/var/run/hub"))
    assert psycopg.conninfo.conninfo_to_dict(url) == {
        "user": "postgres",
        "host": "/var/run/hub",
        "port": "5432",
        "dbname": "libraryhub",
    }
    parts = urlsplit(url)
    assert (parts.username, parts.hostname, parts.port, parts.path) == ("postgres", None, 5432, "/libraryhub")


def test_redis_url_names_the_database() -> None:
    assert redis_url(Path("/var/run/hub/redis.sock")) == "unix:///var/run/hub/redis.sock?db=0"
    assert redis_url(Path("/s"), db=2) == "unix:///s?db=2"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("unix:///run/hub/redis.sock?db=0", "redis+socket:///run/hub/redis.sock?virtual_host=3"),
        ("unix:///run/hub/redis.sock", "redis+socket:///run/hub/redis.sock?virtual_host=3"),
        ("unix://me:secret@/run/redis.sock?db=0", "redis+socket://me:secret@/run/redis.sock?virtual_host=3"),
        ("redis+socket:///run/redis.sock?virtual_host=1", "redis+socket:///run/redis.sock?virtual_host=3"),
        ("redis://cache.example:6380/0", "redis://cache.example:6380/3"),
        ("redis://cache.example", "redis://cache.example/3"),
        ("redis://:p%40ss@cache.example:6379/0?db=1", "redis://:p%40ss@cache.example:6379/3"),
        ("rediss://c.example/0?ssl_cert_reqs=required", "rediss://c.example/3?ssl_cert_reqs=required"),
    ],
)
def test_celery_url(given: str, expected: str) -> None:
    assert celery_url(given, 3) == expected


def test_celery_url_of_another_broker_is_refused() -> None:
    with pytest.raises(ValueError, match="'amqp'"):
        celery_url("amqp://guest@localhost//", 0)


@pytest.mark.deep
def test_kombu_reaches_the_database_that_the_url_names(used: Path) -> None:
    servers = embedded.ensure(used)
    with kombu.Connection(celery_url(servers.redis_url, 3)) as connection:
        queue = connection.SimpleQueue("notices")
        queue.put("due tomorrow")
        client = connection.default_channel.client
        assert client.connection_pool.connection_kwargs["db"] == 3
        assert client.llen("notices") == 1
        queue.close()


def test_export_keeps_what_the_person_set(used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    servers = embedded.ensure(used)
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/hub")
    monkeypatch.setenv("REDIS_URL", "")  # so that the test's end restores what was there before export
    monkeypatch.delenv("REDIS_URL")
    embedded.export(servers)
    assert os.environ["DATABASE_URL"] == "postgresql://db.example/hub"
    assert os.environ.get("DATABASE_OWNER_URL") != servers.database_url
    assert os.environ["REDIS_URL"] == servers.redis_url


def test_export_tells_the_login_of_requests_from_the_owner(
    used: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = embedded.ensure(used)
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        monkeypatch.setenv(name, "")  # restored at the end
    embedded.export(servers)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as requests:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            requests.execute("CREATE ROLE made_by_a_request")
        assert requests.execute(
            "SELECT rolinherit FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == (False,)
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("CREATE ROLE made_by_the_owner")
        owner.execute("DROP ROLE made_by_the_owner")


def test_provide_starts_nothing_where_both_servers_are_named(
    tmp_path: Path, used: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/hub")
    monkeypatch.setenv("REDIS_URL", "redis://cache.example")
    assert embedded.provide(tmp_path / "data") is None
    assert not (tmp_path / "data").exists()
    monkeypatch.delenv("REDIS_URL")
    servers = embedded.provide(used)
    assert servers is not None
    assert os.environ["REDIS_URL"] == servers.redis_url
