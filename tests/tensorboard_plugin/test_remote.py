"""Log directories that TensorBoard reads through fsspec."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

SCRIPT = """
import sys, types
# As where TensorFlow is not installed: TensorBoard's own file system, which reads what fsspec reads.
sys.modules["tensorboard.compat.notf"] = types.ModuleType("tensorboard.compat.notf")
import json
from pathlib import Path
import fsspec
from tests.sources.event_files import graph, record, run_graph, scalar
from tests.tensorboard_plugin.served import Served

memory = fsspec.filesystem("memory")
first = record(scalar("loss").SerializeToString())
log = b"".join(record(run_graph(graph(*names)).SerializeToString()) for names in [["a/b"], ["a/b", "c/d"]])
EVENTS = "events.out.tfevents.1700000000.host"
"""


def test_runs_and_their_models(run_python: Callable[[str], str]) -> None:
    said = run_python(
        SCRIPT
        + """
for file in Path("fixtures/logs/keras216_reference").iterdir():
    memory.pipe(f"/logs/sweep/run/{file.name}", file.read_bytes())
memory.pipe(f"/logs/bad/{EVENTS}", b"not an event file at all")
served = Served("memory://logs")
runs = served.runs()
print(json.dumps([runs["sweep/run"]["answer"]["counts"], runs["sweep/run"]["model"], runs["bad"]["problem"]]))
page = served.result(served.job(kind="page", run="sweep/run")).decode()
print("memory://logs, run sweep/run" in page)
"""
    )
    answers, page = said.splitlines()
    counts, model, problem = json.loads(answers)
    assert counts == {"artifact": 8, "hidden": 0, "missing": 0}
    assert model == "sweep/run/model.json"
    assert problem.startswith("bad/events.out.tfevents.1700000000.host is not a TensorBoard event file")
    assert page == "True"


def test_what_is_new_appears(run_python: Callable[[str], str]) -> None:
    said = run_python(
        SCRIPT
        + """
def ops():
    return {name: run["answer"]["ops"] for name, run in served.runs().items() if run["answer"]}

memory.pipe(f"/logs/one/{EVENTS}", log[: len(log) // 2])
served = Served("memory://logs", reload_interval=0.1)
served.list()
memory.pipe(f"/logs/one/{EVENTS}", log)
memory.pipe(f"/logs/two/{EVENTS}", first + log)
served.until(lambda: ops() == {"one": 2, "two": 2})
memory.pipe(f"/logs/one/{EVENTS}", record(run_graph(graph("a/b")).SerializeToString()))
served.until(lambda: ops() == {"one": 1, "two": 2})
print("done")
"""
    )
    assert said == "done\n"


def test_an_address_that_cannot_be_read(run_python: Callable[[str], str]) -> None:
    said = run_python(SCRIPT + 'print(Served("nowhere://logs").list()["refused"])')
    assert said == "['nowhere://logs cannot be read: Protocol not known: nowhere']\n"


def test_copies_are_removed_with_tensorboard(run_python: Callable[[str], str]) -> None:
    said = run_python(
        SCRIPT
        + """
import os, tempfile
place = tempfile.mkdtemp()
tempfile.tempdir = place
memory.pipe(f"/logs/{EVENTS}", log)
served = Served("memory://logs")
served.job(kind="page", run=next(iter(served.runs())))
assert os.listdir(place)
print(place)
"""
    )
    assert list(Path(said.strip()).iterdir()) == []
