"""What the backend refuses: faults of our own code, never of a caller."""


class NoLibraryChosen(RuntimeError):
    """A query in a thread that has chosen neither a library nor the public schema.

    A new thread has a connection of its own and inherits nothing: pass it `saas.core.tenancy.carried(function)`, or
    enter `in_library()` or `in_public()` there.
    """


class WrongLibrary(RuntimeError):
    """Rows of one library were about to be read or written in another one."""


class SwitchInTransaction(RuntimeError):
    """The schema was about to change inside an open transaction (scale.md, rule 7)."""
