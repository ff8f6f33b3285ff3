"""Runs for a scan: logs of the fixtures under other names, at other times, with some of their ops changed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from tensorboard.compat.proto.config_pb2 import RunMetadata
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.sources.records import framed, read_records
from tests.support.graph_text import LOGS

SMALL = ("k3_siamese_training", "keras216_flag_in_layer", "keras216_shared_constant", "keras216_control_only")
BEGAN = 1_772_000_000
"""When the first run is begun: 2026-02-25."""
_DAY = 86_400


def make_runs(directory: Path, count: int, *, logs: Sequence[str] = SMALL, seed: int = 0) -> list[Path]:
    """Write runs, one a directory, a run of each log in turn.

    Args:
        directory: Where.
        count: How many.
        logs: Names of the logs in the fixtures.
        seed: The same gives the same runs.

    Returns:
        The directories of the runs, in the order of their names.
    """
    made = []
    for number in range(count):
        log = logs[number % len(logs)]
        run = directory / log / f"run_{number:05d}"
        run.mkdir(parents=True)
        began = BEGAN + number * _DAY // 4
        file = run / f"events.out.tfevents.{began}.host.{number}.0.v2"
        file.write_bytes(_changed(log, random.Random(seed + number)))
        made.append(run)
    return sorted(made)


def _changed(log: str, chance: random.Random) -> bytes:
    tail, extra = f"_{chance.randrange(1000)}", chance.randrange(1, 6)

    def change(graph: GraphDef) -> None:
        # What users name is named otherwise, and a few ops are there besides.
        scopes = sorted({node.name.partition("/")[0] for node in graph.node if "/" in node.name})
        renamed = scopes[chance.randrange(len(scopes))] if scopes else ""
        for node in graph.node:
            node.name = _renamed(node.name, renamed, tail)
            node.input[:] = [_renamed(text, renamed, tail) for text in node.input]
        for number in range(extra):
            graph.node.add(name=f"beside{tail}/note_{number}", op="NoOp")

    return b"".join(framed(_changed_event(data, change)) for data in _records(log))


def _renamed(text: str, scope: str, tail: str) -> str:
    mark, name = ("^", text[1:]) if text.startswith("^") else ("", text)
    around, slash, rest = name.partition("/")
    return f"{mark}{around}{tail if slash and around == scope else ''}{slash}{rest}"


def _changed_event(data: bytes, change: Callable[[GraphDef], None]) -> bytes:
    event = Event.FromString(data)
    if event.HasField("graph_def"):
        graph = GraphDef.FromString(event.graph_def)
        change(graph)
        event.graph_def = graph.SerializeToString()
    for value in event.summary.value:
        if value.metadata.plugin_data.plugin_name == "graph_run_metadata_graph":
            trace = RunMetadata.FromString(value.tensor.string_val[0])
            for graphs in trace.function_graphs:
                change(graphs.pre_optimization_graph)
            value.tensor.string_val[0] = trace.SerializeToString()
    return event.SerializeToString()


@lru_cache
def _records(log: str) -> Sequence[bytes]:
    [file] = (LOGS / log).glob("*tfevents*")
    return tuple(read_records(file))
