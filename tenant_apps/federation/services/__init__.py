"""What other apps and the API call: providers and their people in the current library."""

from tenant_apps.federation.services.identities import (
    WaitingLink,
    confirm_link,
    erase_account,
    unlink,
    waiting_link,
)
from tenant_apps.federation.services.providers import (
    NewProvider,
    ProviderChanges,
    create_provider,
    delete_provider,
    renew_secrets,
    update_provider,
)
from tenant_apps.federation.services.sign_in import (
    COOKIE,
    PAGE,
    TOKEN,
    Answer,
    Begun,
    Finished,
    awaits_second_factor,
    begin_sign_in,
    finish_second_factor,
    finish_sign_in,
)

__all__ = [
    "COOKIE",
    "PAGE",
    "TOKEN",
    "Answer",
    "Begun",
    "Finished",
    "NewProvider",
    "ProviderChanges",
    "WaitingLink",
    "awaits_second_factor",
    "begin_sign_in",
    "confirm_link",
    "create_provider",
    "delete_provider",
    "erase_account",
    "finish_second_factor",
    "finish_sign_in",
    "renew_secrets",
    "unlink",
    "update_provider",
    "waiting_link",
]
