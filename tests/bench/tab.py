"""TensorBoard with many runs, with the tab and without it.

Both are measured in one way: TensorBoard serves the same log directory, once as it is and once without plugins of other
packages. In the first it is asked for the tab's list all the while, as an open tab asks.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.inputs import REFERENCE
from tests.browser.tensorboard_page import SERVING, end_group

RUNS = 200
STEPS = 1000
QUESTIONS = 200
"""How often a chart's data is asked for."""

# TensorFlow would take seconds of each start, and TensorBoard does not need it.
_MAIN = """
import sys, types
sys.modules["tensorboard.compat.notf"] = types.ModuleType("tensorboard.compat.notf")
import tensorboard.default
if {alone}:
    tensorboard.default.get_dynamic_plugins = lambda: []
from tensorboard.main import run_main
run_main()
"""


def run(quick: bool) -> None:
    """Print how TensorBoard does with the tab and without it."""
    orders = (True, False) if quick else (True, False, False, True)
    with TemporaryDirectory() as folder:
        _write_runs(Path(folder))
        rounds = [_measure(folder, alone=alone) for alone in orders]
    alone = [found for found in rounds if "listed" not in found]
    beside = [found for found in rounds if "listed" in found]
    print(f"TensorBoard with {RUNS} runs: with the tab open / without the tab")
    for what in ("start", "runs", "median", "slowest"):
        with_tab, without = (statistics.mean(found[what] for found in group) for group in (beside, alone))
        print(f"  {_NAMES[what]}: {with_tab:.3f} s / {without:.3f} s")
    for what in ("listed", "first", "half", "last"):
        print(f"  {_NAMES[what]}: {statistics.mean(found[what] for found in beside):.1f} s")
    print(f"  TensorBoard's own memory at its peak: {beside[0]['own']:.0f} MB / {alone[0]['own']:.0f} MB")
    print(f"  memory of the tab's processes at their peak: {beside[0]['children']:.0f} MB")


_NAMES = {
    "start": "start, until it serves",
    "runs": "its own list of graphs stands, from then on",
    "listed": "the tab's list stands, from then on",
    "first": "the first answer",
    "half": "half of the answers",
    "last": "all answers",
    "median": "a chart's data, median",
    "slowest": "a chart's data, 95th percentile",
}


def _write_runs(folder: Path) -> None:
    """Runs with scalars and a graph each; no graph is like another, so that none is answered by another's answer."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    from graphdiag.sources.event_runs import read_runs
    from graphdiag.sources.records import framed

    graph = GraphDef.FromString(read_runs(REFERENCE)["."].graph.data)
    scalars = []
    for step in range(STEPS):
        event = Event(wall_time=1.7e9 + step, step=step)
        for tag in ("loss", "accuracy"):
            event.summary.value.add(tag=tag, simple_value=1 / (step + 1))
        scalars.append(framed(event.SerializeToString()))
    for number in range(RUNS):
        run = folder / f"sweep{number % 10}" / f"run{number:03}"
        run.mkdir(parents=True)
        own = graph.node.add(name=f"run_{number}", op="NoOp")
        events = [Event(wall_time=1.7e9, file_version="brain.Event:2"), Event(graph_def=graph.SerializeToString())]
        graph.node.remove(own)
        content = b"".join([*(framed(event.SerializeToString()) for event in events), *scalars])
        (run / f"events.out.tfevents.{1_700_000_000 + number}.bench").write_bytes(content)
        (run / "model.json").write_bytes((REFERENCE / "model.json").read_bytes())


def _measure(folder: str, *, alone: bool) -> dict[str, float]:
    found: dict[str, float] = {}
    began = time.perf_counter()
    with _tensorboard(folder, alone=alone) as (address, process):
        found["start"] = time.perf_counter() - began
        began = time.perf_counter()
        answered: list[float] = []
        own = children = 0.0
        waits: list[float] = []
        while "runs" not in found or (not alone and "last" not in found) or len(waits) < QUESTIONS:
            if "runs" not in found and len(_get(address, "graphs/info")) == RUNS:
                found["runs"] = time.perf_counter() - began
            if "runs" in found and len(waits) < QUESTIONS:
                asked = time.perf_counter()
                _get(address, f"scalars/scalars?run=sweep{len(waits) % 10}%2Frun{len(waits):03}&tag=loss")
                waits.append(time.perf_counter() - asked)
            if not alone:
                _look(address, began, found, answered)
            own, children = max(own, _memory(process)), max(children, sum(map(_memory, _below(process))))
            time.sleep(0.05)
        found["median"], found["slowest"] = statistics.median(waits), statistics.quantiles(waits, n=20)[-1]
        found["own"], found["children"] = own, children
    return found


def _look(address: str, began: float, found: dict[str, float], answered: list[float]) -> None:
    """What an open tab does."""
    runs = _get(address, "graphdiag/runs")["runs"]
    now = time.perf_counter() - began
    if len(runs) == RUNS:
        found.setdefault("listed", now)
    done = sum(run.get("state") == "done" for run in runs)
    answered += [now] * (done - len(answered))
    if done:
        found.setdefault("first", now)
    if done >= RUNS / 2:
        found.setdefault("half", now)
    if done == RUNS:
        found.setdefault("last", now)


@contextmanager
def _tensorboard(folder: str, *, alone: bool) -> Iterator[tuple[str, int]]:
    command = [
        sys.executable,
        "-c",
        _MAIN.format(alone=alone),
        "--logdir",
        folder,
        "--port",
        "0",
        "--host",
        "127.0.0.1",
    ]
    with TemporaryDirectory() as place:
        said = Path(place, "said")
        with said.open("w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        try:
            while not (found := SERVING.search(said.read_text())):
                if process.poll() is not None:
                    raise RuntimeError(said.read_text())
                time.sleep(0.01)
            yield found[1].rstrip("/"), process.pid
        finally:
            end_group(process)


def _get(address: str, what: str) -> Any:
    with urllib.request.urlopen(f"{address}/data/plugin/{what}") as answer:
        return json.load(answer)


def _below(process: int) -> list[int]:
    """The processes that a process has started, and those that these have."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(folder.name))
    found = [process]
    for each in found:
        found += parents.get(each, [])
    # TensorBoard's own data server is none of the tab's.
    return [each for each in found[1:] if b"graphdiag" in _command(each)]


def _command(process: int) -> bytes:
    try:
        return Path("/proc", str(process), "cmdline").read_bytes()
    except OSError:
        return b""


def _memory(process: int) -> float:
    """Megabytes that a process has in memory."""
    try:
        pages = int(Path("/proc", str(process), "statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
