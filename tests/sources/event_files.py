"""Write event files byte by byte, independently of the code under test."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

from tensorboard.compat.proto.config_pb2 import RunMetadata
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.meta_graph_pb2 import MetaGraphDef

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
LOGS = FIXTURES / "logs"
FILES = FIXTURES / "files"


def _table() -> list[int]:
    entries = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        entries.append(byte)
    return entries


_TABLE = _table()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def split_records(content: bytes) -> list[bytes]:
    """The records of an undamaged file, by their lengths alone."""
    records = []
    while content:
        (length,) = struct.unpack_from("<Q", content)
        records.append(content[12 : 12 + length])
        content = content[16 + length :]
    return records


def graph(*names: str, producer: int = 26) -> GraphDef:
    graph_def = GraphDef()
    graph_def.versions.producer = producer
    for name in names:
        graph_def.node.add(name=name, op="NoOp")
    return graph_def


def run_graph(graph_def: GraphDef) -> Event:
    return Event(wall_time=1.0, graph_def=graph_def.SerializeToString())


def meta_graph(graph_def: GraphDef) -> Event:
    return Event(wall_time=1.0, meta_graph_def=MetaGraphDef(graph_def=graph_def).SerializeToString())


def _blob(tag: str, plugin: str, data: bytes, version: bytes = b"1") -> Event:
    event = Event(wall_time=1.0, step=300)
    value = event.summary.value.add(tag=tag)
    value.metadata.plugin_data.plugin_name = plugin
    value.metadata.plugin_data.content = version
    value.tensor.dtype = 7
    value.tensor.string_val.append(data)
    return event


def trace(tag: str, *graph_defs: GraphDef, plugin: str = "graph_run_metadata_graph", version: bytes = b"1") -> Event:
    metadata = RunMetadata()
    for graph_def in graph_defs:
        metadata.function_graphs.add().pre_optimization_graph.CopyFrom(graph_def)
    return _blob(tag, plugin, metadata.SerializeToString(), version)


def keras(text: str | bytes, tag: str = "keras") -> Event:
    return _blob(tag, "graph_keras_model", text.encode() if isinstance(text, str) else text)


def scalar(tag: str, value: float = 0.5) -> Event:
    event = Event(wall_time=1.0, step=3)
    event.summary.value.add(tag=tag, simple_value=value)
    return event


def put_special(place: Path, kind: str) -> None:
    """Something that is not a regular file: a ``fifo``, a ``socket``, or a link to a ``device`` that never ends."""
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    else:
        listener = socket.socket(socket.AF_UNIX)
        here = os.getcwd()
        # The path of a socket has at most 107 bytes.
        os.chdir(place.parent)
        try:
            listener.bind(place.name)
        finally:
            os.chdir(here)
            listener.close()


def write_log(path: Path, events: Iterable[Event]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    first = Event(wall_time=1.0, file_version="brain.Event:2")
    path.write_bytes(b"".join(record(event.SerializeToString()) for event in (first, *events)))
    return path
