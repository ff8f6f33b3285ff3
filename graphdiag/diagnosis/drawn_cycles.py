"""Cycles among the boxes of one level of the drawn graph, and whether the ops in them form one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

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
    arrows: dict[int, list[tuple[int, int]]] = defaultdict(list)
    columns = drawn.metaedges
    for parent, source, target, regular in zip(
        columns.parent.tolist(), columns.source.tolist(), columns.target.tolist(), columns.regular.tolist(), strict=True
    ):
        if regular:
            arrows[parent].append((source, target))
    found = []
    ops_of: dict[int, list[int]] | None = None
    for parent in sorted(arrows):
        left = _between_cycles(arrows[parent])
        for rows in _components(left) if left else ():
            if ops_of is None:
                ops_of = defaultdict(list)
                for op, row in enumerate(drawn.op_rows):
                    ops_of[row].append(op)
            members = {row: sorted(op for inner in drawn.inside([row]) for op in ops_of[inner]) for row in rows}
            if not _is_cyclic(graph, members):
                inside = set(rows)
                found.append(DrawnCycle(parent, rows, [arrow for arrow in left if inside.issuperset(arrow)], members))
    return found


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


def _components(arrows: Iterable[tuple[int, int]]) -> Sequence[Sequence[int]]:
    """The strongly connected components of more than one node."""
    import networkx as nx

    graph = nx.DiGraph(arrows)
    return sorted(sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1)


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
