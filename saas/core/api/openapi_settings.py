"""drf-spectacular's settings. Imports nothing, so that the settings modules may import it."""

from typing import Any

SPECTACULAR_DEFAULTS: dict[str, Any] = {
    "TITLE": "LibraryHub",
    "DESCRIPTION": "Catalogue, patrons and circulation of one library, or the platform that runs them all.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    # The document tells what the paths and codes are, which api.md promises to everybody.
    "SERVE_PUBLIC": True,
    "SERVE_AUTHENTICATION": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # Of fields with one name and different choices.
    "ENUM_NAME_OVERRIDES": {
        "IdentityProviderKindEnum": "tenant_apps.federation.models.IdentityProvider.Kind",
        "ApiKeyStateEnum": "tenant_apps.keys.api.serializers.STATES",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    # A token typed into the page must not outlive it (ASVS 14.3.3).
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False, "validatorUrl": None},
}
