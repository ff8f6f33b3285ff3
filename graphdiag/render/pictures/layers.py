"""The layer graph with the diff drawn on it, in the manner of ``keras.utils.plot_model``."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from graphdiag.render.headline import headline
from graphdiag.render.pictures.picture import PLAIN, Arrow, Box, Cluster, Entry, Mark, Picture, Stroke, framed
from graphdiag.results import edge_status

if TYPE_CHECKING:
    from graphdiag.graphs.layer_graph import Layer, LayerGraph, NestedModel
    from graphdiag.picture_style import PictureStyle
    from graphdiag.results.layer_edges import LayerEdge
    from graphdiag.results.report import Report

MODEL = Mark(edge_status.MODEL.id, "#1f2328")
OP_GRAPH = Mark(edge_status.OP_GRAPH.id, "#57606a", Stroke.THIN, "vee")
SCOPES = Mark(edge_status.SCOPES.id, "#1f2328")
MISSING = Mark(edge_status.MISSING.id, "#0550ae", Stroke.DOTTED, "tee")
ARTIFACT = Mark(edge_status.ARTIFACT.id, "#9a4b00", Stroke.DASHED, "onormal")
HIDDEN = Mark(edge_status.HIDDEN.id, "#b00020", Stroke.HEAVY, "diamond")
OUTSIDE = Mark("outside", "#57606a", Stroke.DASHED)
_MARKS: Mapping[edge_status.EdgeStatus, Mark] = {
    edge_status.MODEL: MODEL,
    edge_status.HIDDEN: HIDDEN,
    edge_status.ARTIFACT: ARTIFACT,
    edge_status.MISSING: MISSING,
    edge_status.OP_GRAPH: OP_GRAPH,
    edge_status.SCOPES: SCOPES,
}
"""How lines look, in the order of the legend."""


def describe(report: Report, style: PictureStyle) -> Picture:
    """What is in the picture of a report.

    Args:
        report: The report.
        style: Whether boxes show output shapes.

    Returns:
        A box for each layer, in clusters for nested models, and for each owner of ops that is not a layer; without a
        layer graph, a box for each name scope. A line for each edge of the diff. The title is the answer.
    """
    layers = report.layer_graph
    boxes = {layer.id: _layer(layer, style) for layer in layers.layers.values()} if layers else {}
    inside = {layer.id: layer.path for layer in layers.layers.values()} if layers else {}
    for name in report.outside:
        nested = layers.nested.get(name) if layers else None
        boxes[name] = _other(name, nested, layers is None)
        inside[name] = (*nested.path, nested.name) if nested else ()
    outer, clusters = framed(boxes, inside, lambda path: _frame(path, layers))
    return Picture(
        title=headline(report),
        boxes=outer,
        clusters=clusters,
        lines=_lines(report),
        legend=_legend(report),
    )


def _layer(layer: Layer, style: PictureStyle) -> Box:
    calls = f", {layer.calls:,} calls" if layer.calls > 1 else ""
    rows = [layer.name, f"{layer.class_name}{calls}"]
    if style.show_shapes:
        rows.append(layer.output_shape or "?")
    about = [f"{layer.id}: {layer.class_name}{calls}"]
    if layer.output_shape:
        about.append(f"output {layer.output_shape}")
    if layer.parameters is not None:
        about.append(f"{layer.parameters:,} parameters")
    return Box(layer.id, tuple(rows), PLAIN, ", ".join(about))


def _other(name: str, nested: NestedModel | None, scope: bool) -> Box:
    if scope:
        return Box(name, (name,), PLAIN, f"name scope {name}")
    if nested:
        return Box(name, (nested.name, "ops of the nested model itself"), OUTSIDE, f"{name}: ops of no layer in it")
    return Box(name, (name, "no layer of the model"), OUTSIDE, f"{name}: no layer of the model")


def _frame(path: tuple[str, ...], layers: LayerGraph | None) -> Cluster:
    name = "/".join(path)
    nested = layers.nested.get(name) if layers else None
    if nested is None:
        return Cluster(path[-1], tooltip=name)
    calls = f", {nested.calls:,} calls" if nested.calls > 1 else ""
    return Cluster(f"{nested.name}: {nested.class_name}{calls}", tooltip=f"{name}: {nested.class_name}{calls}")


def _lines(report: Report) -> tuple[Arrow, ...]:
    """A line for each edge. Those that the model does not have move no box, unless the box has no other line."""
    marks = marks_of(report)
    leading = {ends for ends, mark in marks.items() if mark in (MODEL, MISSING, SCOPES)}
    held = {end for ends in leading for end in ends}
    return tuple(
        Arrow(
            edge.source,
            edge.target,
            marks[edge.source, edge.target],
            tooltip=_about(edge, marks[edge.source, edge.target]),
            leads=(edge.source, edge.target) in leading or not {edge.source, edge.target} <= held,
        )
        for edge in report.edges
    )


def marks_of(report: Report) -> Mapping[tuple[str, str], Mark]:
    """The status of each edge of the diff."""
    recorded = report.layer_graph is not None
    return {(edge.source, edge.target): _MARKS[edge_status.status_of(edge, recorded=recorded)] for edge in report.edges}


def _about(edge: LayerEdge, mark: Mark) -> str:
    parts = [mark.word]
    if edge.carries:
        parts.append(f"carries {', '.join(edge.carries)}")
    if edge.op_edges:
        parts.append(f"{edge.op_edges:,} op edge{'' if edge.op_edges == 1 else 's'}")
    return f"{edge.source} -> {edge.target}: {'; '.join([*parts, *edge.codes])}"


def _legend(report: Report) -> tuple[Entry, ...]:
    marks = marks_of(report)
    counts = Counter(marks.values())
    codes: dict[Mark, set[str]] = defaultdict(set)
    for edge in report.edges:
        codes[marks[edge.source, edge.target]].update(edge.codes)
    return tuple(
        Entry(mark, f"{counts[mark]:,} {said.label}{_in_brackets(codes[mark])}: {said.about}")
        for said, mark in _MARKS.items()
        if counts[mark]
    )


def _in_brackets(codes: Collection[str]) -> str:
    return f" ({', '.join(sorted(codes))})" if codes else ""
