"""Cycles among the boxes of one level of the drawn graph, and whether the ops in them form one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphdiag.diagnosis.components import cyclic_components
from graphdiag.diagnosis.roles import role_of_name
from graphdiag.graphs.drawn_graph import SERIES, DrawnGraph
from graphdiag.graphs.op_graph import CONTROL, OpGraph
from graphdiag.keras_facts import role_of_box

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
        around = [drawn.names[self.parent], *drawn.ancestors(drawn.names[self.parent])]
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
    ops_of: dict[int, list[int]] | None = None
    for parent in sorted(arrows):
        left = _between_cycles(arrows[parent])
        for rows in cyclic_components(left):
            if ops_of is None:
                ops_of = defaultdict(list)
                for op, row in enumerate(drawn.op_rows):
                    ops_of[row].append(op)
            members = {row: sorted(op for inner in drawn.inside([row]) for op in ops_of[inner]) for row in rows}
            if not _is_cyclic(graph, members):
                inside = set(rows)
                found.append(DrawnCycle(parent, rows, [arrow for arrow in left if inside.issuperset(arrow)], members))
    return found


def _arrows_of_levels(drawn: DrawnGraph) -> Mapping[int, list[tuple[int, int]]]:
    """The arrows of each level that may hold a cycle, by its row: those along which tensors flow.

    Ops mostly stand in the order in which they run, and a level whose arrows all lead onward in it has no cycle.
    """
    columns = drawn.metaedges
    regular = columns.regular > 0
    parent, source, target = columns.parent[regular], columns.source[regular], columns.target[regular]
    first = _first_ops(drawn)
    backward = first[source] >= first[target]
    suspect = np.zeros(len(drawn.names), dtype=bool)
    suspect[parent[backward]] = True
    kept = suspect[parent]
    arrows: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for level, *ends in zip(parent[kept].tolist(), source[kept].tolist(), target[kept].tolist(), strict=True):
        arrows[level].append((ends[0], ends[1]))
    return arrows


def _first_ops(drawn: DrawnGraph) -> np.ndarray:
    """The row of the first op in each drawn node, past all ops where there is none; int64, one for each node."""
    op_rows, shown_in = np.array(drawn.op_rows, dtype=np.int64), np.array(drawn.shown_in, dtype=np.int64)
    first = np.full(len(drawn.names), len(op_rows), dtype=np.int64)
    ops = np.flatnonzero(op_rows >= 0)
    rows = op_rows[ops]
    while len(rows):
        np.minimum.at(first, rows, ops)
        rows = shown_in[rows]
        ops, rows = ops[rows >= 0], rows[rows >= 0]
    return first


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


def _is_cyclic(graph: OpGraph, members: Mapping[int, Sequence[int]]) -> bool:
    """Whether the ops in the boxes form a cycle in the op graph."""
    rows = {op for ops in members.values() for op in ops}
    return bool(_between_cycles(_data_edges(graph, rows)))


def _data_edges(graph: OpGraph, rows: set[int]) -> Iterator[tuple[int, int]]:
    for row in rows:
        for edge in range(int(graph.in_edges[row]), int(graph.in_edges[row + 1])):
            source = int(graph.source[edge])
            if source in rows and graph.output[edge] != CONTROL:
                yield source, row
