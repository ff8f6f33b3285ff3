"""Helpers for tests of the drawn graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.tensorboard import draw
from tests.support.graph_text import FIXTURES, graph_def

RECORDED = FIXTURES / "drawn"


def first_difference(ours: object, theirs: object, where: str = "drawn") -> str:
    """Where our document and TensorBoard's differ first; empty when they are equal."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted({*ours, *theirs}):
            if key not in ours or key not in theirs:
                return f"{where}[{key!r}]: only {'TensorBoard' if key in theirs else 'graphdiag'} has it"
            if ours[key] != theirs[key]:
                return first_difference(ours[key], theirs[key], f"{where}[{key!r}]")
    if isinstance(ours, list) and isinstance(theirs, list):
        for place, (left, right) in enumerate(zip(ours, theirs, strict=False)):
            if left != right:
                return first_difference(left, right, f"{where}[{place}]")
    return "" if ours == theirs else f"{where}: graphdiag has {ours!r}, TensorBoard {theirs!r}"


def drawn(text: str) -> dict[str, Any]:
    """The document for a graph of a few lines; see `graph_def`."""
    return draw([graph_def(text)]).to_dict()


def recorded(name: str) -> tuple[GraphDef, dict[str, Any]]:
    """A graph of ``fixtures/drawn`` and what TensorBoard's page held after drawing it."""
    graph = text_format.Parse((RECORDED / f"{name}.pbtxt").read_text(encoding="utf-8"), GraphDef())
    return graph, read(RECORDED / f"{name}.json")


def read(path: Path) -> dict[str, Any]:
    """A JSON file."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
