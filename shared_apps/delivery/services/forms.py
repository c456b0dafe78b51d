"""A form that is sent twice, by a double click or an impatient reload, does its work once."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from saas.core.principals import principal_of
from shared_apps.delivery.services.idempotency import claim, replay, store

FORM_ID = "form_id"
_NUMBER = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NOT_OF_THE_FORM = frozenset({"csrfmiddlewaretoken"})


def once(request: HttpRequest, work: Callable[[], HttpResponse]) -> HttpResponse:
    """Do the work of a signed-in person's form, or answer again as the first time if this very form was sent before.

    A form says which one it is by the number that the tag `form_number` gave it; one without does its work each time.
    The number counts together with everything else in the form: what was changed before it was sent again is new.
    Work, answer and number stand or fall together, so a refusal that is raised leaves the form to be sent again.
    Raises what `work` raises, and IdempotencyInProgress while the first one runs.
    """
    number = request.POST.get(FORM_ID, "")
    principal = principal_of(request)
    if not _NUMBER.fullmatch(number) or not principal.is_authenticated:
        return work()
    caller, fingerprint = f"user:{principal.user_id}", _fingerprint(request)
    key = f"form:{fingerprint}"
    with transaction.atomic():
        claimed = claim(caller, key, fingerprint)
        if claimed is None:
            return replay(caller, key, fingerprint)
        response = work()
        store(claimed, response)
        return response


def _fingerprint(request: HttpRequest) -> str:
    """A keyed digest of address and fields, the number among them; files do not count."""
    fields = sorted((name, values) for name, values in request.POST.lists() if name not in _NOT_OF_THE_FORM)
    return salted_hmac("form", repr((request.path, fields)), algorithm="sha256").hexdigest()
