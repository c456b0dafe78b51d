"""Addresses of libraries: what links in mails and answers point to. Pure but for the settings."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings


def library_host(subdomain: str) -> str:
    """Host name of a library, without a port: `riverside.example.org`, under the first of BASE_DOMAINS."""
    return f"{subdomain}.{settings.BASE_DOMAINS[0]}"


def library_url(subdomain: str, path: str = "/") -> str:
    """Address of a page of a library, such as `http://riverside.localhost:8000/`; `path` begins with a slash.

    Scheme and port are those of PUBLIC_URL: both sites are served by the same listener.
    """
    return host_url(library_host(subdomain), path)


def host_url(host: str, path: str = "/") -> str:
    """Address of a page on one of our hosts, such as the primary one of a library; `path` begins with a slash."""
    public = urlsplit(settings.PUBLIC_URL)
    port = f":{public.port}" if public.port else ""
    return f"{public.scheme}://{host}{port}{path}"


def sign_in_url(subdomain: str) -> str:
    """Address of the page where the people of a library sign in."""
    return library_url(subdomain, settings.LOGIN_URL)


def public_url(path: str = "/") -> str:
    """Address of a page of the public site; `path` begins with a slash."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"


def public_host() -> str:
    """Host name of the public site, without a port."""
    return urlsplit(settings.PUBLIC_URL).hostname or "localhost"
