"""Where tables live: one schema for each app, the documented ones in both; no key leads out of a library."""

from __future__ import annotations

from django.apps import apps
from django.db import models

from saas.settings.apps import IN_BOTH, SHARED_APPS, TENANT_APPS

# guardian's own tables have generic keys; ours use direct foreign keys (docs/adr/0008).
GENERIC_KEYS_ALLOWED = {"guardian"}


def label(name: str) -> str:
    return next(config.label for config in apps.get_app_configs() if config.name == name)


def test_an_app_is_in_both_lists_only_where_it_is_documented() -> None:
    assert sorted(set(SHARED_APPS) & set(TENANT_APPS)) == sorted(IN_BOTH)


def test_library_apps_are_not_public_and_public_apps_are_not_in_libraries() -> None:
    for name in TENANT_APPS:
        assert not (name.startswith("tenant_apps.") and name in SHARED_APPS), name
    for name in SHARED_APPS:
        if name.startswith(("shared_apps.", "billing")) and name not in IN_BOTH:
            assert name not in TENANT_APPS, name


def test_guardian_is_in_libraries_alone() -> None:
    assert "guardian" in TENANT_APPS
    assert "guardian" not in SHARED_APPS


def foreign_keys() -> list[tuple[type[models.Model], models.Field]]:
    return [
        (model, field)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_fields
        if field.remote_field is not None
    ]


def test_no_foreign_key_leads_from_a_library_to_a_public_table() -> None:
    in_library = {label(name) for name in TENANT_APPS}
    offences = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model, field in foreign_keys()
        if model._meta.app_label in in_library and field.related_model._meta.app_label not in in_library
    ]
    assert offences == []


def test_no_foreign_key_leads_from_a_public_table_into_libraries() -> None:
    public_only = {label(name) for name in SHARED_APPS if name not in IN_BOTH}
    public = public_only | {label(name) for name in IN_BOTH}
    offences = [
        f"{model._meta.label}.{field.name}"
        for model, field in foreign_keys()
        if model._meta.app_label in public_only and field.related_model._meta.app_label not in public
    ]
    assert offences == []


def test_our_models_have_no_generic_keys() -> None:
    offences = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model.__module__.startswith(("shared_apps", "tenant_apps", "billing"))
        for field in model._meta.private_fields
    ]
    assert offences == []


def test_our_primary_keys_are_bigint_or_uuid() -> None:
    allowed = (models.BigAutoField, models.UUIDField)
    # One row a library; a side table keyed by its entry; a word that is its own key; schemas and releases of this one
    # database, which are named and never leave it.
    exceptions = {
        "preferences.LibraryPreferences",
        "audit.AuditPersonalValues",
        "catalog.Word",
        "fleet.LibrarySchema",
        "fleet.Release",
    }
    offences = [
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        if model.__module__.startswith(("shared_apps", "tenant_apps", "billing"))
        and not isinstance(model._meta.pk, allowed)
        and model._meta.label not in exceptions
    ]
    assert offences == []
