"""A mutation whose text is no longer in the source would prove nothing; CI runs them all, this only looks them up."""

from __future__ import annotations

import pytest

from tests.architecture.sources import PROJECT
from tests.mutations.registry import MUTATIONS, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_what_a_mutation_replaces_is_there_once(mutation: Mutation) -> None:
    assert (PROJECT / mutation.file).read_text().count(mutation.old) == 1
