"""Back-off and words about an end."""

from __future__ import annotations

import pytest

from saas.demo import child
from saas.demo.child import Child, RunningChild, describe_end


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        (-9, "killed by SIGKILL"),
        (-40, "killed by signal 40"),
        (None, "unknown"),
    ],
)
def test_how_a_process_ended(code: int | None, words: str) -> None:
    assert describe_end(code) == words


def test_delays_double_until_the_fifth_quick_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    running = RunningChild(Child("web", ["true"]))
    running._started = 99.0
    dues = []
    for _ in range(4):
        assert running.plan_restart() is not None
        dues.append(running.due - 100.0)
    assert dues == [0.5, 1.0, 2.0, 4.0]
    assert running.plan_restart() is None


def test_long_life_clears_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    running = RunningChild(Child("web", ["true"]))
    running._started = now - 1
    for _ in range(4):
        running.plan_restart()
    running._started = now - child.QUICK_SECONDS
    assert running.plan_restart() == "web ended (unknown); it is started again in 0.5 s"
    running._started = now - 1
    assert running.plan_restart() == "web ended (unknown); it is started again in 0.5 s"


def test_child_that_never_ran() -> None:
    running = RunningChild(Child("web", ["true"]))
    assert running.reap()
    assert not running.signal_group(0)
    assert running.noted() is None
    assert running.output_fd() == -1
    running.forget()
