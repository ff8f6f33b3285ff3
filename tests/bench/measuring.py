"""What a command takes: processor seconds and memory, which other work on the machine distorts least."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = [sys.executable]
GRAPHDIAG = [str(Path(sys.executable).with_name("graphdiag"))]
PLAIN_NETWORKX = [sys.executable, str(ROOT / "tests" / "support" / "plain_networkx.py")]
"""A script that parses the graph of an event file and builds a ``networkx.DiGraph``; it takes the event file."""


@dataclass(frozen=True)
class Cost:
    """What one command took, the processes that it started included.

    Attributes:
        seconds: Processor time, user and system.
        megabytes: Peak memory of the largest process.
        status: Exit status.
        said: Last line on standard error.
    """

    seconds: float
    megabytes: float
    status: int
    said: str


_MEASURED = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True, errors="replace")
used = resource.getrusage(resource.RUSAGE_CHILDREN)
said = done.stderr.strip().splitlines()[-1:] or [""]
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, done.returncode, said[0]]))
"""


@lru_cache(maxsize=1)
def _compiled() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


def _environment() -> Mapping[str, str]:
    """As where graphdiag is installed: all modules are compiled, if not before then by the first run."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": _compiled().name}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def measure(command: Sequence[str]) -> Cost:
    """Run a command in the root of the repository, and say what it took."""
    watched = [sys.executable, "-c", _MEASURED, *command]
    done = subprocess.run(watched, cwd=ROOT, capture_output=True, text=True, check=True, env=_environment())
    return Cost(*json.loads(done.stdout))


def in_turn(commands: Mapping[str, Sequence[str]], times: int, *, warm: bool = True) -> dict[str, Cost]:
    """The medians of several commands that run in turn, so that a busy moment of the machine hits all of them.

    Args:
        commands: The commands, by name.
        times: How often each runs and counts.
        warm: Whether each runs once before, to have its modules compiled and its files in memory.

    Returns:
        For each the median seconds and the median peak.

    Raises:
        RuntimeError: One of them failed.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for turn in range(times + warm):
        for name, command in commands.items():
            cost = measure(command)
            if cost.status:
                raise RuntimeError(f"{' '.join(command)}: exit status {cost.status}: {cost.said}")
            if turn >= warm:
                costs[name].append(cost)
    return {
        name: Cost(
            seconds=statistics.median(cost.seconds for cost in found),
            megabytes=statistics.median(cost.megabytes for cost in found),
            status=0,
            said="",
        )
        for name, found in costs.items()
    }


def seconds_below() -> float:
    """Processor seconds that the processes started by this one have used, those that they started included.

    Read from ``/proc``, as Linux has it; the processes are still running.
    """
    ticks = os.sysconf("SC_CLK_TCK")
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                # What stands before the bracket is the name, which may hold anything: proc(5).
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                parents[int(folder.name)] = int(fields[1])
                used[int(folder.name)] = sum(map(int, fields[11:15])) / ticks
    below = {os.getpid()}
    while more := {process for process, parent in parents.items() if parent in below} - below:
        below |= more
    return sum(used[process] for process in below - {os.getpid()})


def exponent(figures: Sequence[tuple[int, float]]) -> float:
    """The exponent of growth through sizes and seconds: 1 where twice the size takes twice as long."""
    sizes, seconds = zip(*figures, strict=True)
    return statistics.linear_regression(list(map(math.log, sizes)), list(map(math.log, seconds))).slope


@contextmanager
def directory() -> Iterator[Path]:
    """A directory for inputs, which is gone afterwards, however deep it is."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        try:
            yield Path(name)
        finally:
            # Python's own way to remove directories does not go down as far.
            subprocess.run(["rm", "-rf", name], check=False)
