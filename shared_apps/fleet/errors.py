"""What can go wrong with schemas."""


class NoSchemaToClaim(RuntimeError):
    """Every schema that was made for a new library was claimed by another one first, several times in a row."""


class UnknownBackfill(LookupError):
    """No app declares a backfill of this name; the message says which there are."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f'There is no backfill "{name}"; there are: {", ".join(known) or "none"}.')
