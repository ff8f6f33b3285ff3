"""What the page needs of a report, as JSON-ready data: columns, and numbers in place of names where they repeat.

Nodes, edges, ops and findings are known by their row. Names are written so that they can be read: a character that
prints nothing, or turns what follows around, is written as an escape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np

from graphdiag.diagnosis.finding import Finding
from graphdiag.diagnosis.handles import root_handles
from graphdiag.graphs.drawn_graph import ROOT, SERIES, DrawnGraph
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.op_graph import OpGraph
from graphdiag.modeldiff.changes.settings import said
from graphdiag.picture_style import STANDARD, PictureStyle
from graphdiag.render.html.edge_styles import NUMBERS, STATUSES
from graphdiag.render.html.repaired import RepairedView
from graphdiag.results.edge_status import status_of
from graphdiag.results.report import Report
from graphdiag.unprintable import escape_unprintable

_LAYER, _MODEL, _SCOPE = 0, 1, 2
_TYPES = {"meta": 0, "op": 1, "series": 2}


def page_data(reports: Sequence[Report], style: PictureStyle = STANDARD) -> dict[str, Any]:
    """What the page's script reads.

    Args:
        reports: What the page shows, one model each.
        style: Which way the pictures run.

    Returns:
        ``statuses``: the table of how edges style; ``rankdir``; ``models``: for each report ``layers`` (layers, nested
        models and the edges between them), ``drawn`` (boxes and arrows), ``ops``, ``crossings`` (op edges between
        layers, by layer edge) and ``findings`` (what each marks). Graphs that are not there are ``None``.
    """
    return {
        "statuses": [asdict(status) for status in STATUSES],
        "rankdir": style.rankdir.value,
        "shapes": style.show_shapes,
        "models": [_model(report) for report in reports],
    }


def _model(report: Report) -> dict[str, Any]:
    nodes = _Nodes(report)
    pairs = {(edge.source, edge.target): row for row, edge in enumerate(report.edges)}
    return {
        "layers": _layers(report, nodes),
        "drawn": None if report.drawn_graph is None else _drawn_with_handles(report.drawn_graph, report.op_graph),
        "ops": None if report.op_graph is None else _ops(report, report.op_graph, nodes),
        "crossings": _crossings(report, pairs),
        "findings": [_finding(report, finding, pairs, nodes) for finding in report.findings],
    }


# --- the layer graph -------------------------------------------------------------------------------------------------


class _Nodes:
    """Layers, nested models, and what else an edge ends at: rows by id."""

    def __init__(self, report: Report) -> None:
        layers = report.layer_graph
        ids = [*layers.layers, *layers.nested] if layers else []
        self.ids = list(dict.fromkeys([*ids, *report.outside]))
        self.rows = {id_: row for row, id_ in enumerate(self.ids)}

    def row(self, id_: str | None) -> int:
        """Row of a node, or -1."""
        return -1 if id_ is None else self.rows.get(id_, -1)


def _layers(report: Report, nodes: _Nodes) -> dict[str, Any] | None:
    """The layer graph; where there is none, the name scopes that were taken for layers."""
    layers = report.layer_graph
    if not nodes.ids:
        return None
    return {
        "recorded": layers is not None,
        "names": [escape_unprintable(id_) for id_ in nodes.ids],
        **(_described(layers, nodes) if layers else _undescribed(nodes)),
        "lines": {
            nodes.rows[id_]: escape_unprintable(f"{file}, line {line}")
            for id_, (file, line) in report.locations.items()
            if id_ in nodes.rows
        },
        "edges": _layer_edges(report, nodes),
    }


def _described(layers: LayerGraph, nodes: _Nodes) -> dict[str, Any]:
    found = [layers.layers.get(id_) or layers.nested.get(id_) for id_ in nodes.ids]
    classes = _Table()
    last = set(layers.outputs)
    return {
        "kinds": [_LAYER if id_ in layers.layers else _MODEL if id_ in layers.nested else _SCOPE for id_ in nodes.ids],
        "labels": [escape_unprintable(node.name if node else id_) for id_, node in zip(nodes.ids, found, strict=True)],
        "classes": [classes.number(escape_unprintable(node.class_name)) if node else -1 for node in found],
        "class_names": classes.words,
        "parents": [nodes.row("/".join(node.path)) if node and node.path else -1 for node in found],
        "calls": [node.calls if node else 1 for node in found],
        "shapes": [
            escape_unprintable(layer.output_shape) if (layer := layers.layers.get(id_)) else "" for id_ in nodes.ids
        ],
        "parameters": [layer.parameters if (layer := layers.layers.get(id_)) else None for id_ in nodes.ids],
        "settings": {
            row: [escape_unprintable(f"{name} {said(value)}") for name, value in sorted(layer.settings.items())]
            for row, id_ in enumerate(nodes.ids)
            if (layer := layers.layers.get(id_)) and layer.settings
        },
        "inputs": [row for row, id_ in enumerate(nodes.ids) if id_ in layers.layers and layers.layers[id_].is_input],
        "outputs": [row for row, id_ in enumerate(nodes.ids) if id_ in last],
    }


def _undescribed(nodes: _Nodes) -> dict[str, Any]:
    number = len(nodes.ids)
    return {
        "kinds": [_SCOPE] * number,
        "labels": [escape_unprintable(id_) for id_ in nodes.ids],
        "classes": [-1] * number,
        "class_names": [],
        "parents": [-1] * number,
        "calls": [1] * number,
        "shapes": [""] * number,
        "parameters": [None] * number,
        "settings": {},
        "inputs": [],
        "outputs": [],
    }


def _layer_edges(report: Report, nodes: _Nodes) -> dict[str, Any]:
    edges, recorded = report.edges, report.layer_graph is not None
    carries = _Table()
    return {
        "source": [nodes.rows[edge.source] for edge in edges],
        "target": [nodes.rows[edge.target] for edge in edges],
        "status": [NUMBERS[status_of(edge, recorded=recorded).id] for edge in edges],
        "in_model": [int(edge.in_model) for edge in edges],
        "op_edges": [edge.op_edges for edge in edges],
        "carries": [carries.number(", ".join(edge.carries)) for edge in edges],
        "carried": carries.words,
    }


class _Table:
    """Words that repeat, each once, and their numbers."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, word: str) -> int:
        """Number of a word, new or not."""
        found = self._numbers.setdefault(word, len(self.words))
        if found == len(self.words):
            self.words.append(word)
        return found


# --- the drawn graph -------------------------------------------------------------------------------------------------


def _drawn(drawn: DrawnGraph) -> dict[str, Any]:
    """Boxes and arrows; a label is the name without that of the metanode around it."""
    number = len(drawn)
    labels, whole = _labels(drawn)
    types = _Table()
    arrows, root = drawn.metaedges, drawn.root
    there = (arrows.source < number) & (arrows.target < number)
    left = {(drawn.index[source], drawn.index[target]) for source, target in root.core_edges}
    at_root = arrows.parent == drawn.index[ROOT]
    pairs = zip(arrows.source.tolist(), arrows.target.tolist(), at_root.tolist(), there.tolist(), strict=True)
    aside = [*root.out_extract, *root.in_extract]
    return {
        "root": drawn.index[ROOT],
        "labels": labels,
        "whole": whole,
        "types": [_TYPES.get(type_, 0) for type_ in drawn.types[:number]],
        "parents": drawn.shown_in[:number].tolist(),
        "cardinalities": drawn.cardinalities[:number].tolist(),
        "ops": [-1 if op is None else types.number(escape_unprintable(op)) for op in drawn.ops[:number]],
        "op_types": types.words,
        "aside": [drawn.index[name] for name in aside],
        "why": [escape_unprintable(root.extractions[name].why) for name in aside],
        "library": [drawn.index[name] for name in root.library],
        "edges": {
            "source": arrows.source[there].tolist(),
            "target": arrows.target[there].tolist(),
            "regular": arrows.regular[there].tolist(),
            "control": arrows.control[there].tolist(),
            "reference": arrows.reference[there].tolist(),
            # What is left on screen of the root's arrows; elsewhere all are.
            "left": [int(not top or (source, target) in left) for source, target, top, kept in pairs if kept],
        },
    }


def _drawn_with_handles(drawn: DrawnGraph, ops: OpGraph | None) -> dict[str, Any]:
    """A drawn graph, with ``handles``: the boxes of variables that a traced function takes as arguments."""
    rows = [] if ops is None else drawn.op_rows[list(root_handles(ops))].tolist()
    return {**_drawn(drawn), "handles": [row for row in rows if row >= 0]}


def _labels(drawn: DrawnGraph) -> tuple[list[str], list[int]]:
    """Each name without its metanode's, and the rows whose names do not begin with it."""
    labels, whole = [], []
    shown_in = drawn.shown_in.tolist()
    for row, name in enumerate(drawn.names[: len(drawn)]):
        parent = shown_in[row]
        while parent >= 0 and drawn.types[parent] == SERIES:
            parent = shown_in[parent]
        around = "" if parent < 0 or drawn.names[parent] == ROOT else f"{drawn.names[parent]}/"
        if name.startswith(around):
            labels.append(escape_unprintable(name[len(around) :]))
        else:
            labels.append(escape_unprintable(name))
            whole.append(row)
    return labels, whole


def repaired_data(report: Report, repaired: RepairedView | None) -> dict[str, Any] | None:
    """The repaired graph, as the page's script reads it.

    Args:
        report: The report.
        repaired: Its graph repaired.

    Returns:
        The columns of a drawn graph, with ``of_layer``, the box of each layer, and ``of_op``, the box of each op; or
        ``why`` alone, where there is no such graph; ``None`` where there is nothing to say.
    """
    if repaired is None:
        return None
    if repaired.drawn is None or repaired.ops is None or report.op_graph is None:
        return {"why": escape_unprintable(repaired.why)}
    ops = repaired.ops
    return {
        **_drawn(repaired.drawn),
        "of_layer": repaired.rows_of(_Nodes(report).ids),
        "of_op": [ops.get(name, -1) for name in report.op_graph.names],
    }


# --- ops and crossings -----------------------------------------------------------------------------------------------


def _ops(report: Report, ops: OpGraph, nodes: _Nodes) -> dict[str, Any]:
    """All ops. One whose box has its name has no name here."""
    types = _Table()
    drawn = report.drawn_graph
    rows = drawn.op_rows.tolist() if drawn else [-1] * len(ops)
    ownership = report.ownership
    owners = [nodes.row(owner) for owner in ownership.owners] if ownership else []
    return {
        "names": [
            0 if drawn and row >= 0 and drawn.names[row] == name else escape_unprintable(name)
            for name, row in zip(ops.names, rows, strict=True)
        ],
        "types": [types.number(escape_unprintable(type_)) for type_ in ops.types],
        "type_names": types.words,
        "drawn": rows,
        "owners": [owners[owner] if owner >= 0 else -1 for owner in ownership.of_op.tolist()]
        if ownership
        else [-1] * len(ops),
    }


def _crossings(report: Report, pairs: Mapping[tuple[str, str], int]) -> dict[str, list[int]]:
    """Op edges by the layer edge that they belong to: those between two owners, and the ways that evidence shows."""
    found: dict[tuple[int, int, int, int], None] = {}
    if report.op_graph is not None and report.ownership is not None:
        found |= dict.fromkeys(_direct(report, report.op_graph, pairs))
        found |= dict.fromkeys(_shown_by_evidence(report, report.op_graph, pairs))
    columns = list(zip(*found, strict=True)) or [(), (), (), ()]
    return dict(zip(("edge", "source", "target", "output"), map(list, columns), strict=True))


def _direct(report: Report, ops: OpGraph, pairs: Mapping[tuple[str, str], int]) -> Iterator[tuple[int, int, int, int]]:
    assert report.ownership is not None
    owners, of_op = report.ownership.owners, report.ownership.of_op
    giver, taker = of_op[ops.source], of_op[ops.target]
    for at in np.flatnonzero((giver >= 0) & (taker >= 0) & (giver != taker)).tolist():
        row = pairs.get((owners[giver[at]], owners[taker[at]]))
        if row is not None:
            yield row, int(ops.source[at]), int(ops.target[at]), int(ops.output[at])


def _shown_by_evidence(
    report: Report, ops: OpGraph, pairs: Mapping[tuple[str, str], int]
) -> Iterator[tuple[int, int, int, int]]:
    for finding in report.findings:
        for item in finding.evidence:
            row = pairs.get((report.owner(item.source) or item.source, report.owner(item.target) or item.target))
            way = [ops.index.get(op, -1) for op in (item.source, *item.through, item.target)]
            if row is not None and -1 not in way:
                for place, step in enumerate(pairwise(way)):
                    yield row, *step, 0 if place else item.output


# --- findings --------------------------------------------------------------------------------------------------------


def _finding(report: Report, finding: Finding, pairs: Mapping[tuple[str, str], int], nodes: _Nodes) -> dict[str, Any]:
    """What a finding marks: layer edges, layers, boxes. Its words are in the page already."""
    return {
        "code": finding.code,
        "rule": escape_unprintable(finding.rule),
        "verdict": finding.verdict.value,
        **_marked(report, finding.edges, finding.culprits, pairs, nodes),
    }


def mark(report: Report, title: str, verdict: str, edges: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Edges that can be selected as those of a finding can.

    Args:
        report: Whose edges they are.
        title: What the page calls them.
        verdict: What is said about them, in a word.
        edges: Pairs of layers, or of nodes of the drawn graph.
    """
    nodes = _Nodes(report)
    pairs = {(edge.source, edge.target): row for row, edge in enumerate(report.edges)}
    ends = list(dict.fromkeys(end for edge in edges for end in edge))
    drawn = report.drawn_graph
    boxes = [] if drawn is None else [drawn.index[end] for end in ends if end not in nodes.rows and end in drawn]
    found = _marked(report, edges, (), pairs, nodes)
    return {"code": "", "rule": escape_unprintable(title), "verdict": verdict, **found, "boxes": boxes}


def _marked(
    report: Report,
    edges: Sequence[tuple[str, str]],
    culprits: Sequence[str],
    pairs: Mapping[tuple[str, str], int],
    nodes: _Nodes,
) -> dict[str, list[int]]:
    layers = [end for edge in edges for end in edge] + list(culprits) + _owners(report, culprits)
    return {
        "edges": [pairs[edge] for edge in edges if edge in pairs],
        "layers": _rows(layers, nodes.row),
        "boxes": _rows(culprits, lambda name: _box(report, name)),
    }


def _owners(report: Report, names: Iterable[str]) -> list[str]:
    return [owner for name in names if (owner := report.owner(name)) is not None]


def _box(report: Report, name: str) -> int:
    """The drawn node of an op or of a scope; -1 for none."""
    drawn, ops = report.drawn_graph, report.op_graph
    if drawn is None:
        return -1
    if ops is not None and name in ops.index:
        return int(drawn.op_rows[ops.index[name]])
    return drawn.index.get(name, -1)


def _rows(names: Iterable[str], row: Callable[[str], int]) -> list[int]:
    return [found for found in dict.fromkeys(map(row, names)) if found >= 0]
