"""The matrix is red where a mend is taken out: else it would prove nothing where it is green."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from saas.core.db.base import DatabaseWrapper
from tests.hazards.broken import BROKEN, Broken, ForgetsOnReconnect
from tests.hazards.disturbances import raw_path, raw_path_in_a_transaction
from tests.hazards.matrix import THREADS
from tests.hazards.scene import Scene
from tests.hazards.test_matrix import arrange
from tests.hazards.visits import Tally

pytestmark = [
    pytest.mark.deep,
    pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning"),
    # (a broken backend breaks off inside Django's own generators as well)
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
def test_the_matrix_sees_what_is_broken(
    scene: Scene,
    pooler: dict[str, str],
    settings: Any,
    visits: Callable[..., Tally],
    broken: Broken,
) -> None:
    arrangement = replace(
        arrange(
            scene,
            settings,
            pooler=pooler if broken.pooled else None,
            with_roles=False,
            with_pool=broken.with_pool,
        ),
        readings=broken.readings,
    )
    share = THREADS if len(broken.readings) > 2 else THREADS // 3
    with broken.patch():
        tally = visits(replace(arrangement, backend=broken.backend, switch=broken.enter), share=share)
    found = tally.wrong if broken.shows_as == "wrong" else tally.failed
    print(
        f"{broken.name}: {tally.reads} reads, {len(tally.wrong)} wrong, {len(tally.strays)} strays, {len(tally.failed)} failed"
    )
    assert len(found) > 10
    # The same visits with the mend in its place.
    mended = visits(replace(arrangement, backend=DatabaseWrapper), share=share)
    assert (mended.wrong, mended.strays, mended.failed) == ([], [], [])


def test_roles_turn_a_wrong_path_into_an_error(
    scene: Scene, settings: Any, visits: Callable[..., Tally]
) -> None:
    """A raw SET that goes unnoticed: without roles the neighbour's rows, with them none."""
    seen = {}
    for with_roles in (False, True):
        arrangement = replace(
            arrange(scene, settings, with_roles=with_roles),
            backend=ForgetsOnReconnect,
            disturbances=(raw_path, raw_path_in_a_transaction),
        )
        seen[with_roles] = visits(arrangement, share=THREADS)
    assert len(seen[False].wrong) > 10
    assert seen[True].wrong == seen[True].strays == []
    assert len(seen[True].failed) > 10
