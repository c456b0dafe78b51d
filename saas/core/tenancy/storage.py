"""Files of a library live under its own prefix, chosen by the current schema and by nothing that a caller sends."""

from __future__ import annotations

from pathlib import Path

from django.core.files.storage import FileSystemStorage
from django.utils._os import safe_join

from saas.core.tenancy.context import current_schema


class LibraryStorage(FileSystemStorage):
    """Local disk; each path is below MEDIA_ROOT/<schema>, and one that would leave it raises SuspiciousFileOperation."""

    def path(self, name: str) -> str:
        """Absolute path of a stored file of the current library."""
        return str(safe_join(str(Path(self.location) / current_schema()), name))

    def url(self, name: str | None) -> str:
        """Files are never served by address: views check rights first."""
        raise NotImplementedError("files are served by views that check rights")
