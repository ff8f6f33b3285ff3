"""The command line as a process whose surroundings a test can choose."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.support.graph_text import FIXTURES, LOGS

SMALL = FIXTURES / "files" / "k3_sequential.json"
DRAWN = FIXTURES / "files" / "tf110_relu.pbtxt"
REFERENCE = LOGS / "keras216_reference"

PROGRAM = [sys.executable, "-m", "graphdiag"]
HANGS_AFTER_S = 120


def environment(**changes: str | None) -> dict[str, str]:
    """This process's environment with changes; ``None`` takes a variable out."""
    wanted = dict(os.environ, COLUMNS="100", NO_COLOR="1", PYTHONPATH=str(ROOT)) | changes
    return {name: value for name, value in wanted.items() if value is not None}


def _heed_signals() -> None:
    """The tests may run under nohup, or in the background of a shell; then their children ignore what those ignore."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    usual = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment()}
    return usual | {"preexec_fn": _heed_signals} | options


def run(*arguments: object, program: list[str] = PROGRAM, **options) -> subprocess.CompletedProcess[str]:
    """The command line run to its end; a hang is an error."""
    return subprocess.run(
        [*program, *map(str, arguments)],
        **_settings(options),
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=HANGS_AFTER_S,
        check=False,
    )


def start(*arguments: object, **options) -> subprocess.Popen[str]:
    """The command line begun."""
    return subprocess.Popen([*PROGRAM, *map(str, arguments)], **_settings(options), text=True)


_READY = """
import os
from graphdiag import interruption
from graphdiag.__main__ import main
interruption.exit_on_signals()
os.write(2, b"ready\\n")
main()
"""


def start_ready(*arguments: object) -> subprocess.Popen[str]:
    """The command line begun, and far enough for signals to be its own affair, not Python's."""
    process = subprocess.Popen(
        [sys.executable, "-c", _READY, *map(str, arguments)],
        **_settings({}),
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "ready\n"
    return process


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith("graphdiag: ")
    assert len(line) <= 2000
    for word in words:
        assert word in line


def wait_until(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def living() -> dict[int, int]:
    """The parent of each process that has not ended."""
    with subprocess.Popen(["ps", "-A", "-o", "pid=,ppid=,stat="], stdout=subprocess.PIPE, text=True) as ps:
        listed, _ = ps.communicate()
    rows = [line.split() for line in listed.splitlines()]
    alive = {int(pid): int(parent) for pid, parent, state in rows if not state.startswith("Z")}
    alive.pop(ps.pid, None)
    return alive


def descendants(pid: int) -> set[int]:
    parents = living()
    found: set[int] = set()
    while new := {child for child, parent in parents.items() if parent in found | {pid}} - found:
        found |= new
    return found


def files_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}
