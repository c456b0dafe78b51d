"""What goes wrong while a read is compiled; a fault of its declaration, never of a request."""

from __future__ import annotations


class NotCompilable(TypeError):
    """This serializer or query set cannot be written as one statement; the message names the field and says why."""
