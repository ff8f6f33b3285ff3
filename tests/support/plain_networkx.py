"""What a script without graphdiag does: parse the graph of an event file and build a plain networkx.DiGraph.

Run as a script with the event file; `tests.bench` holds graphdiag against it.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef


def records(data: bytes) -> Iterator[bytes]:
    """The records of an event file, with no look at their checksums."""
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        yield data[at + 12 : at + 12 + length]
        at += 16 + length


def plain_graph(graph_def: GraphDef) -> nx.DiGraph:
    graph = nx.DiGraph()
    for node in graph_def.node:
        graph.add_node(node.name, op=node.op)
        for text in node.input:
            graph.add_edge(text.lstrip("^").partition(":")[0], node.name)
    return graph


def main(event_file: Path) -> None:
    for record in records(event_file.read_bytes()):
        event = Event.FromString(record)
        if event.graph_def:
            print(plain_graph(GraphDef.FromString(event.graph_def)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
