"""What the pages about imports say in words; colour only repeats it."""

from __future__ import annotations

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenant_apps.catalog.models import ImportJob, ImportRecord, ImportState
from tenant_apps.catalog.rules.availability import STATUS_WORDS, CopyStatus
from tenant_apps.catalog.rules.matching import Outcome
from tenant_apps.catalog.rules.reports import job_detail, record_detail

register = template.Library()
_STATES: dict[str, Promise] = {
    ImportState.QUEUED: _("waiting"),
    ImportState.RUNNING: _("running"),
    ImportState.DONE: _("done"),
    ImportState.FAILED: _("failed"),
    ImportState.CANCELLED: _("cancelled"),
}
_OUTCOMES: dict[str, Promise] = {
    Outcome.CREATED: _("new"),
    Outcome.UPDATED: _("updated"),
    Outcome.UNCHANGED: _("unchanged"),
    Outcome.REJECTED: _("rejected"),
}
_BADGES = {"done": "ok", "failed": "danger", "cancelled": "warn", "rejected": "danger", "created": "ok"}


@register.filter
def state_words(state: str) -> str:
    """How an import stands."""
    return str(_STATES.get(state, state))


@register.filter
def outcome_words(outcome: str) -> str:
    """What became of a record."""
    return str(_OUTCOMES.get(outcome, outcome))


@register.filter
def badge(word: str) -> str:
    """The class of a badge for a state or an outcome."""
    return _BADGES.get(word, "")


@register.filter
def copy_words(status: str) -> str:
    """In what state a copy is."""
    return str(STATUS_WORDS[CopyStatus(status)])


@register.filter
def is_waiting(job: ImportJob) -> bool:
    """Whether an import has not ended yet."""
    return job.state in {ImportState.QUEUED, ImportState.RUNNING}


@register.filter
def percent_read(job: ImportJob) -> int:
    """How much of the file has been read, 0 to 100."""
    return min(100, job.next_offset * 100 // job.file_size) if job.file_size else 0


@register.filter
def why_it_failed(job: ImportJob) -> str:
    """Why an import ended without its records."""
    return job_detail(job.error_code, job.error_detail)


@register.filter
def remark(record: ImportRecord) -> str:
    """What was odd about a record."""
    return record_detail(record.code, record.detail, rejected=record.outcome == Outcome.REJECTED)
