"""Reading service accounts and keys. The models are here for annotations of other apps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from django.conf import settings
from django.db import router
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from tenant_apps.keys.models import ApiKey, ServiceAccount
from tenant_apps.keys.rules import NEVER_BY_KEY, Rights, is_usable, matches, prefix_of, rights_of

__all__ = [
    "KEY_COLUMNS",
    "NEVER_BY_KEY",
    "ApiKey",
    "Rights",
    "ServiceAccount",
    "api_keys",
    "is_usable",
    "key_from",
    "matches",
    "permission_names",
    "prefix_of",
    "rights_of",
    "rights_of_service_account",
    "service_accounts",
]
_OF_KEY: Final = tuple(field.attname for field in ApiKey._meta.concrete_fields)
_OF_ACCOUNT: Final = tuple(field.attname for field in ServiceAccount._meta.concrete_fields)
KEY_COLUMNS: Final = (*_OF_KEY, *(f"service_account__{name}" for name in _OF_ACCOUNT))


def service_accounts() -> QuerySet[ServiceAccount]:
    """Every service account of the current library, active or not."""
    return ServiceAccount.objects.all()


def api_keys() -> QuerySet[ApiKey]:
    """Every key of the current library with its service account, usable or not."""
    return ApiKey.objects.select_related("service_account")


def key_from(values: Sequence[Any]) -> ApiKey:
    """The key whose KEY_COLUMNS were read, with its service account, as `api_keys` would have made it."""
    alias, columns = router.db_for_read(ApiKey), len(_OF_KEY)
    row = ApiKey.from_db(alias, _OF_KEY, values[:columns])
    row.service_account = ServiceAccount.from_db(alias, _OF_ACCOUNT, values[columns:])
    return row


def permission_names() -> Mapping[str, Any]:
    """The permissions that exist; the app above this one knows them (settings.PERMISSION_NAMES)."""
    return cast("Mapping[str, Any]", import_string(settings.PERMISSION_NAMES))


def rights_of_service_account(service_account_id: int) -> Rights:
    """What roles give to a service account; the app above this one knows (settings.SERVICE_ACCOUNT_RIGHTS)."""
    load = cast("Callable[[int], Rights]", import_string(settings.SERVICE_ACCOUNT_RIGHTS))
    return load(service_account_id)
