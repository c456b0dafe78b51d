"""allauth.mfa's hooks: how it names us to an authenticator app and keeps its secrets (settings.MFA_ADAPTER)."""

from __future__ import annotations

from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter

from saas.core.sealing import seal, unseal
from saas.core.tenancy import current_library_or_none

PURPOSE = "mfa"


class FactorAdapter(DefaultMFAAdapter):
    """Secrets are sealed with the library's key; the issuer is the library."""

    def encrypt(self, text: str) -> str:
        """Seal a TOTP secret or the seed of recovery codes."""
        return seal(text, purpose=PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        """Open it again. Raises Unsealable (a ValueError) for what another library or a lost key has sealed."""
        return unseal(encrypted_text, purpose=PURPOSE)

    def get_totp_issuer(self) -> str:
        """The library's name, which an authenticator app shows above the code."""
        return site_name()

    def get_totp_label(self, user: Any) -> str:
        """The address of the account."""
        return str(user.email)


def site_name() -> str:
    """Name of the current library, or of the platform on the public site."""
    library = current_library_or_none()
    return library.name if library is not None else "LibraryHub"
