"""A tenant and its domains, with nothing but what the mixins bring."""

from __future__ import annotations

from django_tenants.models import DomainMixin, TenantMixin


class Client(TenantMixin):
    """A tenant, whose schema is made when it is saved."""


class Domain(DomainMixin):
    """A host name of a tenant."""
