"""Cycles among the boxes of one level of the drawn graph, and whether the ops in them form one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from graphdiag.diagnosis.components import cyclic_components
from graphdiag.diagnosis.roles import role_of_name
from graphdiag.graphs.arrays import grouped
from graphdiag.graphs.drawn_graph import SERIES, DrawnGraph
from graphdiag.graphs.op_graph import CONTROL, OpGraph
from graphdiag.graphs.reach import edges_of
from graphdiag.keras_facts import role_of_box

_ROUNDS = 32
"""So often are the outermost arrows of all levels taken away at once; what is left then is looked at level by level."""
_SERIES = re.compile(r"_?\[[^\]]*\]")


def _serves(piece: str) -> bool:
    """Whether a scope of this name serves training, saving and the like."""
    return bool(role_of_name(piece) or role_of_box(piece))


@dataclass(frozen=True)
class DrawnCycle:
    """Boxes of one level that arrows join into a cycle, though no cycle of ops is in them.

    Attributes:
        parent: Row of the node in which they are drawn.
        rows: Rows of the boxes, sorted.
        arrows: The arrows among them: rows of both ends.
        ops: For each box, by its row, the ops in it.
    """

    parent: int
    rows: Sequence[int]
    arrows: Sequence[tuple[int, int]]
    ops: Mapping[int, Sequence[int]]

    def is_behind_the_scenes(self, drawn: DrawnGraph) -> bool:
        """Whether it is drawn inside bookkeeping, or in the body of a library function."""
        around = [drawn.names[row] for row in (self.parent, *drawn.rows_around(self.parent))]
        series = self.series(drawn)
        return (
            any(name in drawn.root.library for name in around)
            or any(map(_serves, drawn.names[self.parent].split("/")))
            or (bool(series) and all(_serves(_SERIES.sub("", name.rpartition("/")[2])) for name in series))
        )

    def series(self, drawn: DrawnGraph) -> Sequence[str]:
        """Names of the series nodes among the boxes."""
        return [drawn.names[row] for row in self.rows if drawn.types[row] == SERIES]


def drawn_cycles(graph: OpGraph, drawn: DrawnGraph) -> Sequence[DrawnCycle]:
    """Find the cycles on screen that are not in the op graph.

    Args:
        graph: The op graph.
        drawn: What TensorBoard draws of it.

    Returns:
        The cycles, by the level on which they are drawn.
    """
    arrows = _arrows_of_levels(drawn)
    found = []
    contents = _Contents(drawn)
    for parent in sorted(arrows):
        left = _between_cycles(arrows[parent])
        for rows in cyclic_components(left):
            ops = [contents.ops_in(row) for row in rows]
            if not _is_cyclic(graph, np.concatenate(ops)):
                members = {row: inside.tolist() for row, inside in zip(rows, ops, strict=True)}
                boxes = set(rows)
                found.append(DrawnCycle(parent, rows, [arrow for arrow in left if boxes.issuperset(arrow)], members))
    return found


class _Contents:
    """What is in the nodes of a drawn graph, at every depth."""

    def __init__(self, drawn: DrawnGraph) -> None:
        self._drawn = drawn

    @cached_property
    def _nodes(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows of the nodes, sorted by the node in which they are shown, and the offset of each node's."""
        return grouped(self._drawn.shown_in, len(self._drawn.names))

    @cached_property
    def _ops(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows of the ops, sorted by the node in which they are drawn, and the offset of each node's."""
        return grouped(self._drawn.op_rows, len(self._drawn.names))

    def ops_in(self, row: int) -> np.ndarray:
        """The ops in a node, sorted; int64."""
        level = np.array([row])
        levels = []
        while len(level):
            levels.append(level)
            nodes, begins = self._nodes
            level = nodes[edges_of(level, begins)]
        ops, begins = self._ops
        return np.sort(ops[edges_of(np.concatenate(levels), begins)])


def _arrows_of_levels(drawn: DrawnGraph) -> Mapping[int, list[tuple[int, int]]]:
    """The arrows of each level that may hold a cycle, by its row: those along which tensors flow.

    Ops mostly stand in the order in which they run, and a level whose arrows all lead onward in it has no cycle.
    """
    columns = drawn.metaedges
    regular = columns.regular > 0
    parent, source, target = columns.parent[regular], columns.source[regular], columns.target[regular]
    order = _rough_order(drawn)
    backward = order[source] >= order[target]
    suspect = np.zeros(len(drawn.names), dtype=bool)
    suspect[parent[backward]] = True
    kept = np.flatnonzero(suspect[parent])
    left = kept[_may_be_cyclic(source[kept], target[kept], len(drawn.names))]
    suspect[:] = False
    suspect[parent[left]] = True
    kept = kept[suspect[parent[kept]]]
    arrows: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for level, *ends in zip(parent[kept].tolist(), source[kept].tolist(), target[kept].tolist(), strict=True):
        arrows[level].append((ends[0], ends[1]))
    return arrows


def _may_be_cyclic(source: np.ndarray, target: np.ndarray, count: int) -> np.ndarray:
    """Which arrows may be part of a cycle.

    Args:
        source: The node that each arrow leaves.
        target: The node that it enters.
        count: How many nodes there are.

    Returns:
        The places of the arrows, without those that soon prove to lie before or behind all cycles; int64.
    """
    left = np.flatnonzero(source != target)
    for _ in range(_ROUNDS):
        before = len(left)
        for end, other in ((source, target), (target, source)):
            leads_on = np.zeros(count, dtype=bool)
            leads_on[other[left]] = True
            left = left[leads_on[end[left]]]
        if len(left) == before:
            break
    return left


def _rough_order(drawn: DrawnGraph) -> np.ndarray:
    """Numbers for the drawn nodes that mostly rise in the order in which the ops in them run; int64.

    The nodes of ops are in that order. What holds something has the number of the first op right inside it or, without
    one, that of the next such node: an op in scopes that are new makes them all, from the outermost to its own.
    """
    ops = np.arange(drawn.root_row)
    boxes = drawn.shown_in[ops]
    inside = boxes >= 0
    order = np.arange(len(drawn.names))
    # Of several ops in one box the last to be put there counts, which is the first of them.
    order[boxes[inside][::-1]] = ops[inside][::-1]
    has_none = np.ones(len(order), dtype=bool)
    has_none[ops] = has_none[boxes[inside]] = False
    next_with = np.where(has_none, len(order) - 1, np.arange(len(order)))
    return order[np.minimum.accumulate(next_with[::-1])[::-1]]


def _between_cycles(arrows: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The arrows that are left when boxes that nothing leads to are taken away, again and again."""
    onward: dict[int, list[int]] = defaultdict(list)
    incoming: dict[int, int] = defaultdict(int)
    for source, target in arrows:
        if source != target:
            onward[source].append(target)
            incoming[target] += 1
    waiting = [source for source in onward if not incoming[source]]
    gone = set(waiting)
    for source in waiting:
        for target in onward[source]:
            incoming[target] -= 1
            if not incoming[target]:
                gone.add(target)
                waiting.append(target)
    return [(source, target) for source, targets in onward.items() if source not in gone for target in targets]


def _is_cyclic(graph: OpGraph, rows: np.ndarray) -> bool:
    """Whether some ops form a cycle in the op graph, by tensors alone."""
    rows = np.sort(rows)
    edges = edges_of(rows, graph.in_edges)
    source = graph.source[edges]
    place = np.minimum(np.searchsorted(rows, source), len(rows) - 1)
    kept = (rows[place] == source) & (graph.output[edges] != CONTROL)
    source, target = place[kept], np.searchsorted(rows, graph.target[edges][kept])
    left = _may_be_cyclic(source, target, len(rows))
    return bool(_between_cycles(zip(source[left].tolist(), target[left].tolist(), strict=True)))
