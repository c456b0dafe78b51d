"""The process tree with real processes: order, restarts, signals, kill -9 of the supervisor."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from saas.demo.supervisor import SupervisorError, end_leftovers, port_is_free

pytestmark = pytest.mark.deep
PROJECT = Path(__file__).resolve().parents[3]
PATIENCE = 20.0
DRIVER = """
import json, sys
from pathlib import Path
from saas.demo import child, supervisor
child.FIRST_DELAY_SECONDS = 0.02
state, specs, options = Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
def ready(file):
    return None if file is None else Path(file).exists
children = [supervisor.Child(s["name"], s["argv"], s.get("env", {}), ready(s.get("ready"))) for s in specs]
code = supervisor.run(children, state_dir=state, on_ready=lambda: print("ALL READY", flush=True), **options)
print("CODE", code, flush=True)
sys.exit(code)
"""
# Says "up", and ends orderly with a word of its own.
POLITE = """
import signal, sys, time
def end(*_):
    print("bye", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
while True:
    time.sleep(60)
"""
STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)"


def python(name: str, code: str, *args: str, **more: object) -> dict[str, object]:
    return {"name": name, "argv": [sys.executable, "-c", code, *args], **more}


class Tree:
    """A supervisor in a process of its own."""

    def __init__(self, state: Path, children: list[dict[str, object]], options: dict[str, object]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(state), json.dumps(children), json.dumps(options)],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []

    def read_until(self, pattern: str) -> re.Match[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"never said {pattern!r}: {self.lines}")

    def end(self) -> int:
        assert self.process.stdout is not None
        self.lines += self.process.stdout.read().splitlines()
        return self.process.wait(PATIENCE)


StartTree = Callable[..., Tree]


@pytest.fixture
def start_tree(tmp_path: Path) -> Iterator[StartTree]:
    trees: list[Tree] = []

    def start(*children: dict[str, object], state: Path = tmp_path / "state", **options: object) -> Tree:
        trees.append(Tree(state, list(children), options))
        return trees[-1]

    yield start
    for tree in trees:
        tree.process.kill()
        tree.process.communicate()
    end_leftovers(tmp_path / "state")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_lines_carry_the_name_and_ready_is_announced_once_all_are(
    start_tree: StartTree, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    tree = start_tree(python("web", POLITE, ready=str(flag)), python("worker", POLITE))
    tree.read_until(r"^web    \| up$|^worker \| up$")
    tree.read_until(r"^web    \| up$|^worker \| up$")
    assert "ALL READY" not in tree.lines
    flag.touch()
    tree.read_until("^ALL READY$")
    tree.process.terminate()
    assert tree.end() == 0
    assert tree.lines.count("ALL READY") == 1
    assert "\033" not in "".join(tree.lines), "no colours into a pipe"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_all_in_the_reverse_order_of_the_start(
    start_tree: StartTree, signum: signal.Signals
) -> None:
    tree = start_tree(python("a", POLITE), python("b", POLITE), python("c", POLITE))
    for _ in range(3):
        tree.read_until("up")
    tree.process.send_signal(signum)
    assert tree.end() == 0
    assert [line.strip() for line in tree.lines if "bye" in line] == [
        "c    | bye",
        "b    | bye",
        "a    | bye",
    ]
    assert tree.lines[-1] == "CODE 0"


def test_child_that_ignores_sigterm_is_killed_with_its_own_children(
    start_tree: StartTree, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    code = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "open(sys.argv[1], 'w').write(f'{os.getpid()} {child.pid}')\n"
        "print('up', flush=True); time.sleep(60)\n"
    )
    tree = start_tree(python("web", code, str(pids)), stop_timeout=0.3)
    tree.read_until("up")
    tree.process.terminate()
    assert tree.end() == 0
    assert "demo | web did not stop within 0.3 s; it is killed" in tree.lines
    assert not any(alive(int(pid)) for pid in pids.read_text().split())


def test_second_ctrl_c_kills_at_once(start_tree: StartTree) -> None:
    tree = start_tree(python("web", STUBBORN), python("worker", STUBBORN), stop_timeout=60)
    tree.read_until("up")
    tree.read_until("up")
    tree.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert tree.process.poll() is None, "it waits for an orderly stop"
    began = time.monotonic()
    tree.process.send_signal(signal.SIGINT)
    assert tree.end() == 1
    assert time.monotonic() - began < 10


def test_one_ctrl_c_that_arrives_twice_is_no_loss_of_patience(start_tree: StartTree) -> None:
    tree = start_tree(python("web", POLITE))
    tree.read_until("up")
    tree.process.send_signal(signal.SIGINT)
    tree.process.send_signal(signal.SIGINT)
    assert tree.end() == 0
    assert "web  | bye" in tree.lines


def test_child_that_dies_is_started_again_and_its_children_are_ended(
    start_tree: StartTree, tmp_path: Path
) -> None:
    code = (
        "import os, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "print('pids', os.getpid(), child.pid, flush=True); time.sleep(60)\n"
    )
    tree = start_tree(python("web", code), python("worker", POLITE))
    first = tree.read_until(r"pids (\d+) (\d+)")
    os.kill(int(first[1]), signal.SIGKILL)
    tree.read_until(r"demo   \| web ended \(killed by SIGKILL\); it is started again in 0.02 s")
    second = tree.read_until(r"pids (\d+) (\d+)")
    assert second[1] != first[1]
    assert not alive(int(first[2])), "what the dead one left would hold its port"
    assert zombies_of(tree.process.pid) == []
    tree.process.terminate()
    assert tree.end() == 0
    assert sum("bye" in line for line in tree.lines) == 1, "the worker went on all the time"


def zombies_of(parent: int) -> list[int]:
    """Dead children that nobody collected, after a moment to do so."""

    def now() -> list[int]:
        listed = subprocess.run(
            ["ps", "-o", "pid=,stat=", "--ppid", str(parent)], capture_output=True, text=True, check=False
        )
        rows = [line.split() for line in listed.stdout.splitlines()]
        return [int(row[0]) for row in rows if row[1].startswith("Z")]

    wait_until(lambda: not now())
    return now()


def test_daemon_of_a_child_that_dies_leaves_no_zombie(start_tree: StartTree) -> None:
    code = (
        "import os, subprocess, time\n"
        "shell = subprocess.run(['sh', '-c', 'sleep 60 >/dev/null 2>&1 & echo $!'], capture_output=True,"
        " text=True, start_new_session=True)\n"
        "print('daemon', shell.stdout.strip(), flush=True); time.sleep(60)\n"
    )
    tree = start_tree(python("web", code))
    daemon = int(tree.read_until(r"daemon (\d+)")[1])
    os.kill(daemon, signal.SIGKILL)
    assert zombies_of(tree.process.pid) == []
    assert not Path(f"/proc/{daemon}").exists()
    tree.process.terminate()
    assert tree.end() == 0


def test_five_quick_failures_stop_everything(start_tree: StartTree) -> None:
    tree = start_tree(python("web", "print('trying'); raise SystemExit(3)"), python("worker", POLITE))
    assert tree.end() == 1
    assert tree.lines.count("web    | trying") == 5
    delays = re.findall(r"exit code 3\); it is started again in (\S+) s", "\n".join(tree.lines))
    assert delays == ["0.02", "0.04", "0.08", "0.16"]
    assert "demo   | web failed 5 times in a row; everything is stopped" in tree.lines
    assert "worker | bye" in tree.lines


def test_program_that_does_not_exist_says_so(start_tree: StartTree) -> None:
    tree = start_tree({"name": "web", "argv": ["/nonexistent/program"]})
    assert tree.end() == 1
    assert "web  | /nonexistent/program cannot be started: No such file or directory" in tree.lines


def test_environment_and_last_unfinished_line(start_tree: StartTree) -> None:
    code = "import os, sys; sys.stdout.write(os.environ['ROLE'] + '-' + os.environ['HOME']); sys.exit(1)"
    tree = start_tree(python("web", code, env={"ROLE": "reader"}))
    assert tree.end() == 1
    assert f"web  | reader-{os.environ['HOME']}" in tree.lines


def test_much_output_at_the_end_is_not_lost(start_tree: StartTree) -> None:
    code = "import sys; sys.stdout.write('\\n'.join(f'line {i}' for i in range(40000)) + '\\n'); sys.exit(1)"
    tree = start_tree(python("web", code))
    assert tree.end() == 1
    assert tree.lines.count("web  | line 39999") == 5


def test_kill_9_of_the_supervisor_tells_the_children(start_tree: StartTree) -> None:
    tree = start_tree(python("web", "import os, time; print('pid', os.getpid(), flush=True); time.sleep(60)"))
    pid = int(tree.read_until(r"pid (\d+)")[1])
    tree.process.kill()
    assert wait_until(lambda: not alive(pid))


def test_second_start_after_kill_9_ends_what_ignores_it(start_tree: StartTree, tmp_path: Path) -> None:
    code = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "print('pids', os.getpid(), child.pid, flush=True); time.sleep(60)\n"
    )
    first = start_tree(python("web", code))
    match = first.read_until(r"pids (\d+) (\d+)")
    left = [int(match[1]), int(match[2])]
    first.process.kill()
    first.process.wait()
    time.sleep(0.2)
    assert alive(left[0]), "it ignored the signal, so there is something to leak"
    second = start_tree(python("web", POLITE))
    second.read_until("up")
    assert not any(alive(pid) for pid in left)
    second.process.terminate()
    assert second.end() == 0
    assert not (tmp_path / "state" / "processes.json").exists()


def test_end_leftovers_before_the_next_start(start_tree: StartTree, tmp_path: Path) -> None:
    tree = start_tree(python("web", STUBBORN))
    tree.read_until("up")
    with pytest.raises(SupervisorError, match="already running with the folder"):
        end_leftovers(tmp_path / "state")
    assert tree.process.poll() is None
    tree.process.kill()
    tree.process.wait()
    assert end_leftovers(tmp_path / "state") == ["web"]
    assert end_leftovers(tmp_path / "state") == []


def test_second_supervisor_of_a_folder_is_refused_in_one_sentence(
    start_tree: StartTree, tmp_path: Path
) -> None:
    first = start_tree(python("web", POLITE))
    first.read_until("up")
    second = start_tree(python("web", POLITE))
    assert second.end() == 1
    assert second.lines == [
        f"It is already running with the folder {tmp_path / 'state'}; stop that one first.",
        "CODE 1",
    ]
    assert first.process.poll() is None
    other = start_tree(python("web", POLITE), state=tmp_path / "another")
    other.read_until("up")
    for tree in (first, other):
        tree.process.terminate()
        assert tree.end() == 0


def test_unusable_folder_is_told_in_one_sentence(start_tree: StartTree, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    tree = start_tree(python("web", POLITE), state=tmp_path / "file" / "state")
    assert tree.end() == 1
    assert tree.lines[0] == f"The folder {tmp_path / 'file' / 'state'} cannot be used: not a directory."


def test_reader_of_the_output_that_leaves_ends_the_tree(start_tree: StartTree) -> None:
    chatty = "import os, time\nprint('pid', os.getpid(), flush=True)\nwhile True: print('x', flush=True); time.sleep(0.05)"
    tree = start_tree(python("web", chatty))
    pid = int(tree.read_until(r"pid (\d+)")[1])
    assert tree.process.stdout is not None
    tree.process.stdout.close()
    assert wait_until(lambda: not alive(pid))
    assert tree.process.wait(PATIENCE) in (0, 1)
    tree.process.stdout = None


def test_colours_on_a_terminal(tmp_path: Path) -> None:
    main, terminal = pty.openpty()
    children = json.dumps([python("web", "print('hello'); raise SystemExit(1)")])
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path / "state"), children, "{}"],
        cwd=PROJECT,
        stdout=terminal,
        stderr=terminal,
        env=environment,
    ) as process:
        os.close(terminal)
        assert process.wait(PATIENCE) == 1
    shown = b""
    while chunk := read_terminal(main):
        shown += chunk
    os.close(main)
    assert b"\033[36mweb  |\033[0m hello" in shown


def read_terminal(fd: int) -> bytes:
    try:
        return os.read(fd, 65536)
    except OSError:  # a terminal without a program answers so
        return b""


def test_port_is_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
        taken.listen(1)
        assert not port_is_free(port)
    assert port_is_free(port)


def test_port_with_a_connection_that_is_still_closing_is_free() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as every web server does
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        port = int(server.getsockname()[1])
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()  # the server closes first, so its side lingers in TIME_WAIT
            assert client.recv(1) == b""
    assert port_is_free(port)
