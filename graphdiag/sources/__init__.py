"""Sources: everything that graphs are read from, and how a package adds a kind.

A kind of source is a `SourceKind`: how its files are recognized, which options it understands, and a function that
opens one and gives the graphs that are in it. TensorFlow is imported nowhere, unless a kind runs a model:

    from pathlib import Path

    from graphdiag.sources import Layer, LayerGraph, Opened, Origin, SourceError, SourceKind, SourceOptions


    def open_chain(path: Path, options: SourceOptions) -> Opened:
        names = path.read_text(encoding="utf-8").split()
        if not names:
            raise SourceError(f"{path} names no layer.")
        graph = LayerGraph(
            model_name=path.stem,
            layers={name: Layer(id=name, name=name, class_name="Dense") for name in names},
            edges=tuple(zip(names, names[1:])),
        )
        return Opened(origin=Origin(path=str(path), kind="acme.chain"), layer_graph=graph)


    CHAIN = SourceKind(name="acme.chain", title="a chain of layers", open=open_chain, suffixes=(".chain",))

A package enters it in its ``pyproject.toml``:

    [project.entry-points."graphdiag.sources"]
    chain = "acme_graphs.chain:CHAIN"

Every command that takes a source then takes such a file. Where the suffix does not tell, ``detect`` looks at the first
bytes; graphdiag's own kinds come first. An op graph goes into `Opened` as a TensorFlow ``GraphDef``
(``tensorboard.compat.proto.graph_pb2`` has the class, without TensorFlow). What cannot be read raises `SourceError`,
with one line that says what is wrong.
"""

from __future__ import annotations

from graphdiag.errors import SourceError
from graphdiag.graphs.layer_graph import Layer, LayerGraph, NestedModel
from graphdiag.sources.opened import Opened, Origin
from graphdiag.sources.registry import Match, SourceKind, SourceOptions

__all__ = [
    "Layer",
    "LayerGraph",
    "Match",
    "NestedModel",
    "Opened",
    "Origin",
    "SourceError",
    "SourceKind",
    "SourceOptions",
]
