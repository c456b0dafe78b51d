"""Whether a wanted subdomain can be had, why not, and what can be had instead."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from shared_apps.tenants import subdomains
from shared_apps.tenants.selectors import subdomain_state


@dataclass(frozen=True, slots=True)
class Availability:
    """`label` is the name as stored, None where it breaks a rule; `reason` is None where it is free."""

    label: str | None
    reason: subdomains.Reason | None
    suggestions: tuple[str, ...] = ()

    @property
    def is_available(self) -> bool:
        """Whether the name can be had at this moment."""
        return self.reason is None

    @property
    def reason_text(self) -> str:
        """The reason in words; "" for a free name."""
        return subdomains.explain(self.reason) if self.reason else ""

    @property
    def text(self) -> str:
        """The reason in words, with the suggestions; "" for a free name."""
        if not self.suggestions:
            return self.reason_text
        names = ", ".join(self.suggestions)
        return _("%(reason)s Free: %(names)s.") % {"reason": self.reason_text, "names": names}


def availability_of(wanted: str) -> Availability:
    """Return how a wanted name stands.

    Sign-ups that wait for their link keep nothing free of it: else a robot could block every good name
    without owning one mailbox. The link decides.
    """
    try:
        label = subdomains.normalise(wanted)
    except subdomains.SubdomainRefused as refused:
        return Availability(None, refused.reason, _free_names_like(wanted))
    state = subdomain_state(label)
    if state == "free":
        return Availability(label, None)
    reason: subdomains.Reason = "recently_closed" if state == "recently_closed" else "taken"
    return Availability(label, reason, _free_names_like(wanted))


def _free_names_like(wanted: str) -> tuple[str, ...]:
    return tuple(subdomains.suggestions(wanted, lambda label: subdomain_state(label) == "free"))
