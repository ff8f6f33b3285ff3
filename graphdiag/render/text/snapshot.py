"""A snapshot, for people at a terminal: its size, and a table of its layers."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from graphdiag.modeldiff.snapshot import Snapshot
from graphdiag.output import plain
from graphdiag.phrases import counted, size_of_graph, some
from graphdiag.picture_style import PictureStyle
from graphdiag.unprintable import escape_unprintable


def render(snapshot: Snapshot) -> RenderableType:
    """The snapshot as something rich can print.

    Args:
        snapshot: The snapshot.

    Returns:
        The model's name and size, the layers as ``model.summary()`` lists them, and the codes of the findings.
    """
    sources: dict[str, list[str]] = {id_: [] for id_ in snapshot.layers}
    for source, target in snapshot.edges:
        sources[target].append(source)
    table = Table.grid(padding=(0, 2))
    table.add_row(*(Text(title, "dim") for title in ("layer", "class", "output shape", "parameters", "takes from")))
    for layer in snapshot.layers.values():
        parameters = "" if layer.parameters is None else f"{layer.parameters:,}"
        table.add_row(
            *map(_text, (layer.id, layer.class_name, layer.output_shape, parameters, some(sources[layer.id])))
        )
    codes = sorted({finding.code for finding in snapshot.findings})
    found = [Text(), _text(f"findings: {', '.join(codes)}")] if codes else []
    return Group(_text(title(snapshot), "bold"), Text(), table, *found)


def title(snapshot: Snapshot) -> str:
    """``model: 28 layers, 27 edges, 1,285 ops``."""
    what = "name scope" if snapshot.by_scope else "layer"
    size = size_of_graph(len(snapshot.layers), what, sum(1 for _ in snapshot.edges))
    ops = "" if snapshot.ops is None else f", {counted(snapshot.total_ops, 'op')}"
    name = f"{snapshot.model_name}: " if snapshot.model_name else ""
    return f"{name}{size}{ops}"


def to_text(snapshot: Snapshot, _: PictureStyle | None = None) -> str:
    """The snapshot as plain text, 100 characters wide."""
    return plain(render(snapshot))


def _text(words: str, style: str = "") -> Text:
    return Text(escape_unprintable(words), style=style, overflow="fold")
