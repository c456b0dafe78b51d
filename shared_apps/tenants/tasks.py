"""Work of the tenants app in the background: the end of closed libraries, proofs of domains, names that are let go."""

from __future__ import annotations

from typing import Any

import structlog

from saas.core import clock
from saas.core.errors import DomainError
from saas.core.tasks import public_task
from saas.core.tenancy.announcements import announce
from shared_apps.delivery.services import handles
from shared_apps.tenants.services import domains, erasure, renaming

log = structlog.get_logger(__name__)


@public_task(name="tenants.erase_closed", queue="bulk")
def erase_closed() -> None:
    """Erase closed libraries whose time is up, and go on with those whose erasure was cut short."""
    for library_id in erasure.libraries_to_erase(now=clock.now()):
        try:
            erasure.erase_library(library_id=library_id, now=clock.now())
        except DomainError as refusal:
            # Restored since it was listed.
            log.info("library.not_erased", library_id=str(library_id), reason=refusal.code)
        except Exception:
            # Whatever one library's schema, files or cache die of: the others have their turn, and the next run tries.
            log.exception("library.erasure_failed", library_id=str(library_id))


@public_task(name="tenants.check_domains", queue="bulk")
def check_domains() -> None:
    """Look for the proofs of domains again that were last seen a day ago; a batch each time."""
    for domain_id in domains.domains_to_check(now=clock.now()):
        domains.check_domain(domain_id=domain_id, now=clock.now())


@public_task(name="tenants.forget_former_subdomains")
def forget_former_subdomains() -> None:
    """Let go of subdomains that were given up long enough ago."""
    renaming.forget_former_subdomains(now=clock.now())


@handles("library.changed")
def tell_processes(payload: dict[str, Any]) -> None:
    """Tell all processes to look a library up again. Redis that is away raises, and the outbox tries again later."""
    announce()
