"""The cache: Redis, keys prefixed by the library's schema, usable without Redis (misses, never errors)."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from saas.settings.env import read

ENV = read()
REDIS_URL: str = ENV.or_default("REDIS_URL", "redis://localhost:6379/0")


def redis_database(url: str, number: int) -> str:
    """The same Redis server, another logical database: sockets name it in the query, hosts in the path.

    The rest of the query (`ssl_ca_certs` and the like) stays.
    """
    parts = urlsplit(url)
    options = {name: value for name, value in parse_qsl(parts.query) if name != "db"}
    if parts.scheme == "unix":
        return f"unix://{parts.netloc}{parts.path}?{urlencode({'db': number, **options}, safe='/')}"
    query = urlencode(options, safe="/")
    return f"{parts.scheme}://{parts.netloc}/{number}" + (f"?{query}" if query else "")


CACHES = {
    "default": {
        "BACKEND": "saas.core.tenancy.cache.LibraryCache",
        "LOCATION": redis_database(REDIS_URL, 1),
        "KEY_FUNCTION": "saas.core.tenancy.cache.library_key",
        "REVERSE_KEY_FUNCTION": "saas.core.tenancy.cache.library_key_reverse",
        "TIMEOUT": 300,
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.DefaultClient",
            "IGNORE_EXCEPTIONS": True,
            "SOCKET_CONNECT_TIMEOUT": 1,
            "SOCKET_TIMEOUT": 1,
            # Kept, one for each thread that works at once; the pool looks at the socket of each before it hands it out,
            # and asks only the one that stood idle.
            "CONNECTION_POOL_KWARGS": {"max_connections": 32, "health_check_interval": 15},
            # JSON, not pickle: a value read back from Redis can never run code (ASVS 1.5.2).
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        },
    }
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True
RATE_LIMIT_REDIS_URL = redis_database(REDIS_URL, 2)
