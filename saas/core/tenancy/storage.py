"""Files of a library live under its own prefix, chosen by the current schema and by nothing that a caller sends."""

from __future__ import annotations

import shutil
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage

from saas.core.tenancy.context import current_schema


class LibraryStorage(FileSystemStorage):
    """Local disk below MEDIA_ROOT/<schema>; a name that would leave it raises SuspiciousFileOperation.

    The folder is computed at each use, never cached: one storage object serves every library of the process.
    """

    @property
    def base_location(self) -> str:
        """The current library's folder, as the settings spell it."""
        return str(Path(settings.MEDIA_ROOT) / current_schema())

    @property
    def location(self) -> str:
        """The current library's folder, absolute."""
        return str(Path(self.base_location).absolute())

    def delete_all(self) -> None:
        """Delete every file of the current library and its folder; nothing happens where there is none.

        Raises OSError for what cannot be deleted; the rest may be gone by then.
        """
        try:
            shutil.rmtree(self.location)
        except FileNotFoundError:
            # Another worker was faster, or there never was a file.
            if Path(self.location).exists():
                raise

    def url(self, name: str | None) -> str:
        """Files are never served by address: views check rights first."""
        raise NotImplementedError("files are served by views that check rights")
