"""The picture: what TensorBoard draws of the repaired graph, held against the model.

At every level, from the root down, the boxes of layers, of nested models and of blocks are linked as the layer graph
links what is in them, with the real dependencies that Keras does not know; or it is said which edge differs, and why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

import numpy as np

from graphdiag.diagnosis.context import REAL, DiagnosisContext, Pair, carried
from graphdiag.diagnosis.crossings import OpEdge
from graphdiag.diagnosis.dataflow.classes import HANDLE
from graphdiag.graphs.drawn_graph import ROOT, DrawnGraph, Extraction
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.repairing.boxes import Boxes, BoxKind
from graphdiag.repairing.stand_ins import StandIns

LevelEdge = tuple[str, str, str]
"""A box (or the root) and two boxes directly in it, of which the first feeds the second."""


class Difference(Enum):
    """How an edge between boxes differs from the model."""

    MISSING = "missing"
    EXTRA = "extra"


@dataclass(frozen=True)
class PictureEdge:
    """One edge between two boxes that differs.

    Attributes:
        source: Scope of the box that it leaves, as drawn.
        target: Scope of the box that it enters.
        difference: Whether the model has it and the picture does not, or the other way round.
        reason: Why, in a sentence.
    """

    source: str
    target: str
    difference: Difference
    reason: str


@dataclass(frozen=True)
class Picture:
    """What TensorBoard draws, held against the model.

    Attributes:
        edges: Number of edges between layers that are as in the model, real dependencies that Keras does not know
            included. Those between the same two boxes are one arrow there.
        arrows: Number of arrows that they are, at all levels.
        boxes: Number of boxes of layers, models and blocks at the top.
        differences: The edges that differ, in the order of the model.
        extracted: The boxes of layers that TensorBoard takes out of the layout, by scope, with the reason.
    """

    edges: int
    arrows: int
    boxes: int
    differences: Sequence[PictureEdge]
    extracted: Mapping[str, Extraction]


def hold_against_model(
    context: DiagnosisContext,
    dependencies: Set[Pair],
    boxes: Boxes,
    stand_ins: StandIns,
    scope_of: Mapping[str, str],
    drawn: DrawnGraph,
) -> Picture:
    """Hold the drawn graph against the layer graph.

    Args:
        context: The graphs of the source.
        dependencies: What else is real, see `real_dependencies`.
        boxes: The box of each op.
        stand_ins: The inserted ops.
        scope_of: The scope of each layer's box, by id.
        drawn: What TensorBoard draws of the repaired graph.

    Returns:
        How many edges are right, and which are not.
    """
    real = _between_boxes(context, dependencies, boxes, stand_ins)
    return _Holding(context, real, boxes, scope_of, drawn).run()


def real_edges(context: DiagnosisContext, dependencies: Set[Pair]) -> Set[Pair]:
    """Pairs of layers of which the second depends on the first: Keras's edges, and what else is real."""
    if context.layers is None:
        edges = context.crossings.edges
        return {pair for pair in edges if any(edge.carries & REAL for edge in edges[pair])}
    return {*context.layers.edges, *dependencies}


def real_dependencies(context: DiagnosisContext) -> Set[Pair]:
    """Pairs of layers between which something real flows that is not an edge of Keras."""
    found = set(context.masks) | _given_masks(context)
    return found | {pair for pair, edges in context.unexplained.items() if any(edge.carries & REAL for edge in edges)}


def _between_boxes(context: DiagnosisContext, dependencies: Set[Pair], boxes: Boxes, stand_ins: StandIns) -> Set[Pair]:
    """Dependencies by the boxes that they go from: an operation between layers may have got what was a layer's."""
    edges_of = context.crossings.edges
    kept = set()
    for pair in dependencies:
        real = [edge for edge in edges_of.get(pair, ()) if edge.carries & REAL]
        sources = {_last_box(context, boxes, stand_ins, edge, pair[1]) for edge in real}
        kept |= {(source, pair[1]) for source in sources if source is not None} if sources else {pair}
    return kept | _shared_variables(context, boxes)


def _last_box(context: DiagnosisContext, boxes: Boxes, stand_ins: StandIns, edge: OpEdge, target: str) -> str | None:
    """The layer from whose box an op edge enters that of another layer, or whose stand-in it comes through."""
    ops = context.ops
    for row, after in reversed(list(pairwise((edge.source, *edge.through, edge.target)))):
        # What a variable of no layer holds comes from the layer that wrote it, though no arrow shows it.
        if boxes.layer_of(row) != target and boxes.boxes[int(boxes.of_op[row])].kind is not BoxKind.ROLE:
            into = range(int(ops.in_edges[after]), int(ops.in_edges[after + 1]))
            passed = [stand_ins.ops[stand_ins.of_edge[number]] for number in into if number in stand_ins.of_edge]
            through = [stand_in.layer for stand_in in passed if stand_in.tensor[0] == row]
            return through[0] if through else boxes.layer_of(row)
    return None


def _given_masks(context: DiagnosisContext) -> Set[Pair]:
    """Pairs of layers of which Keras gives the second a mask that the first makes, as recorded."""
    return {
        (maker, call.layer)
        for call in context.calls.calls
        for place, tensors in call.given.items()
        if place.startswith("mask of ")
        for row, _ in tensors & call.taken
        if (maker := context.ownership.owner(row)) is not None
    }


def _shared_variables(context: DiagnosisContext, boxes: Boxes) -> Set[Pair]:
    """Pairs of layers of which the second reads or writes a variable that stands in the box of the first."""
    ops = context.ops
    values = context.flow.classes
    handles = (values[ops.source] & HANDLE != 0) & (boxes.of_op[ops.source] != boxes.of_op[ops.target])
    ends = {
        (boxes.layer_of(int(ops.source[edge])), boxes.layer_of(int(ops.target[edge])))
        for edge in np.flatnonzero(handles & (ops.output != CONTROL)).tolist()
    }
    return {(source, target) for source, target in ends if source is not None and target is not None}


class _Holding:
    def __init__(
        self,
        context: DiagnosisContext,
        real: Set[Pair],
        boxes: Boxes,
        scope_of: Mapping[str, str],
        drawn: DrawnGraph,
    ) -> None:
        self._context = context
        self._real = real
        self._boxes = boxes
        self._drawn = drawn
        layers = context.layers.layers if context.layers is not None else ()
        self._scope_of = {layer: scope_of[layer] for layer in layers}
        self._children: dict[str, dict[str, None]] = defaultdict(dict)
        for scope in self._scope_of.values():
            for parent, child in _levels(scope):
                self._children[parent][child] = None

    def run(self) -> Picture:
        wanted: dict[LevelEdge, Pair] = {}
        between: list[LevelEdge] = []
        assert self._context.layers is not None
        for source, target in dict.fromkeys((*self._context.layers.edges, *sorted(self._real))):
            if source != target and source in self._scope_of and target in self._scope_of:
                between.append(self._between(source, target))
                wanted.setdefault(between[-1], (source, target))
        drawn = dict.fromkeys(self._drawn_edges())
        missing = [
            PictureEdge(edge[1], edge[2], Difference.MISSING, self._why_missing(pair))
            for edge, pair in wanted.items()
            if edge not in drawn
        ]
        extra = [
            PictureEdge(edge[1], edge[2], Difference.EXTRA, self._why_extra(edge))
            for edge in drawn
            if edge not in wanted
        ]
        top = self._children.get(ROOT, {})
        return Picture(
            sum(edge in drawn for edge in between),
            sum(edge in drawn for edge in wanted),
            len(top),
            (*missing, *extra),
            {name: why for name, why in self._drawn.root.extractions.items() if name in top},
        )

    def _between(self, source: str, target: str) -> LevelEdge:
        """The edge of two layers at the level where their boxes part."""
        left, right = list(_levels(self._scope_of[source])), list(_levels(self._scope_of[target]))
        for (parent, child), (_, other) in zip(left, right, strict=False):
            if child != other:
                return parent, child, other
        raise AssertionError(f"{source} and {target} share a box")

    def _drawn_edges(self) -> Iterator[LevelEdge]:
        for parent, children in self._children.items():
            if parent in self._drawn:
                for edge in self._drawn.edges(parent):
                    if edge.source in children and edge.target in children:
                        yield parent, edge.source, edge.target

    # --- reasons -----------------------------------------------------------------------------------------------------

    def _why_missing(self, pair: Pair) -> str:
        source, target = pair
        if any(self._scope_of[layer] not in self._drawn for layer in pair):
            absent = next(layer for layer in pair if self._scope_of[layer] not in self._drawn)
            return f"{absent} has no op in this graph."
        if pair in self._context.undrawn:
            return f"{target} is given the output of {source} and does not use it."
        edges = self._context.crossings.edges.get(pair, ())
        stored_in = self._context.flow.stored_in
        stores = [(edge.source, edge.target) for edge in edges if (edge.source, edge.target) in stored_in]
        if stores:
            through = "a variable" if stored_in[stores[0]] is not None else "what lies outside of the graph"
            return f"It goes through {through}: {target} reads what {source} writes."
        return f"No op of {target} takes a tensor of {source} in this graph."

    def _why_extra(self, edge: LevelEdge) -> str:
        """What flows between two boxes though the model has no such edge."""
        _, source, target = edge
        inside = {scope: layer for layer, scope in self._scope_of.items()}
        givers = {layer for scope, layer in inside.items() if scope == source or scope.startswith(f"{source}/")}
        takers = {layer for scope, layer in inside.items() if scope == target or scope.startswith(f"{target}/")}
        found = [
            op_edge
            for giver in sorted(givers)
            for taker in sorted(takers)
            for op_edge in self._context.crossings.edges.get((giver, taker), ())
        ]
        words = ", ".join(carried(found)) or self._kinds(givers, takers)
        return f"It carries {words}: no name can take it away."

    def _kinds(self, givers: Set[str], takers: Set[str]) -> str:
        ops = self._context.ops
        for edge in range(len(ops.source)):
            source, target = int(ops.source[edge]), int(ops.target[edge])
            if self._boxes.layer_of(source) in givers and self._boxes.layer_of(target) in takers:
                return "a control dependency" if ops.output[edge] == CONTROL else "constants only"
        return "nothing"


def _levels(scope: str) -> Iterator[tuple[str, str]]:
    """Each scope around a scope with the one directly in it, from the root down."""
    parent, position = ROOT, scope.find("/")
    while position >= 0:
        yield parent, scope[:position]
        parent, position = scope[:position], scope.find("/", position + 1)
    yield parent, scope
