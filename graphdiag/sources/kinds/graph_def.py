"""A file with a GraphDef or a SavedModel, binary or as text."""

from __future__ import annotations

from pathlib import Path

from graphdiag.sources.opened import Opened
from graphdiag.sources.registry import SourceKind, SourceOptions


def _open(path: Path, options: SourceOptions) -> Opened:
    from graphdiag.sources.graph_def import open_graph_file

    return open_graph_file(path)


KIND = SourceKind(name="graph_def", title="a GraphDef or SavedModel file", open=_open, suffixes=(".pb", ".pbtxt"))
