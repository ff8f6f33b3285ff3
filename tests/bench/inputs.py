"""Inputs of any size."""

from __future__ import annotations

import lzma
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.sources.event_log import open_event_log
from graphdiag.sources.records import framed
from tests.bench.measuring import ROOT

REFERENCE = ROOT / "fixtures" / "logs" / "keras216_reference"
INCEPTION = ROOT / "fixtures" / "large" / "keras216_inception_resnet_v2"


def reference_graph() -> GraphDef:
    """The op graph of the reference model, 1,285 ops."""
    [tower] = open_event_log(REFERENCE).graph_defs
    return tower


def towers(count: int) -> bytes:
    """The reference graph so many times, each under a scope of its own: a serialized ``GraphDef``."""
    tower = reference_graph()
    if count == 1:
        return tower.SerializeToString()
    repeated = GraphDef()
    repeated.versions.CopyFrom(tower.versions)
    for number in range(count):
        prefix = f"tower_{number}/"
        for node in tower.node:
            copy = repeated.node.add()
            copy.CopyFrom(node)
            copy.name = prefix + node.name
            copy.input[:] = [f"^{prefix}{text[1:]}" if text.startswith("^") else prefix + text for text in node.input]
    return repeated.SerializeToString()


def log_of(graph: bytes, directory: Path) -> Path:
    """Write a serialized ``GraphDef`` as a TensorBoard log.

    Returns:
        The event file.
    """
    file = directory / "events.out.tfevents.1.host"
    with file.open("wb") as stream:
        for event in (Event(wall_time=1.0, file_version="brain.Event:2"), Event(wall_time=2.0, graph_def=graph)):
            stream.write(framed(event.SerializeToString()))
    return file


def inception(directory: Path) -> tuple[Path, Path]:
    """InceptionResNetV2 as Keras 2.1.6 and TensorFlow 1.10 build it.

    Returns:
        The event file, and Keras's JSON of the model.
    """
    log = log_of(lzma.decompress((INCEPTION / "graph.pb.xz").read_bytes()), directory)
    model = directory / "model.json"
    model.write_bytes(lzma.decompress((INCEPTION / "model.json.xz").read_bytes()))
    return log, model
