"""Replicas: scopes that repeat the model, one for each device.

``MirroredStrategy`` builds the model once for each device: the first at the root, the others in ``replica_1``,
``replica_2`` and so on, where variables get a copy of that name, as ``kernel/replica_1``. Programs that place towers
on devices by hand call them ``tower_0``, ``tower_1``, as TensorFlow's CIFAR-10 example did; TF-Slim, ``clone_0``.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphdiag.diagnosis.dataflow.op_specs import VARIABLES
from graphdiag.diagnosis.roles import role_of_name
from graphdiag.diagnosis.traces import graphs_of
from graphdiag.graphs.arrays import grouped
from graphdiag.graphs.op_graph import OpGraph

_REPLICA = re.compile(r"(replica|tower|clone|gpu|GPU|device|worker)_?([0-9]+)")
_ALIKE = 0.8


@dataclass(frozen=True)
class Replica:
    """A scope that repeats what is elsewhere.

    Attributes:
        scope: Its name.
        of: The scope that it repeats; empty for the root.
        rows: The ops in it; int64.
    """

    scope: str
    of: str
    rows: np.ndarray

    def boxes(self, graph: OpGraph) -> Sequence[str]:
        """The names right inside it under which more than one op computes."""
        inner = [graph.names[row][len(self.scope) + 1 :] for row in self.rows.tolist() if graph.types[row] != "Const"]
        computing = Counter(name.partition("/")[0] for name in inner if "/" in name)
        return [box for box, number in computing.items() if number > 1 and not role_of_name(box)]

    def device(self, graph: OpGraph) -> str:
        """Where its ops are placed; empty where the graph does not say, or says several."""
        devices = {graph.devices[row] for row in self.rows.tolist()} - {""}
        return devices.pop() if len(devices) == 1 else ""

    def weights(self, graph: OpGraph) -> str:
        """What variables it reads: ``copies`` named after it, or the ``same`` as others; empty where it reads none."""
        said = ""
        for row in self.rows.tolist():
            for edge in range(int(graph.in_edges[row]), int(graph.in_edges[row + 1])):
                variable = _read_from(graph, int(graph.source[edge]))
                if variable < 0 or graph.types[variable] not in VARIABLES:
                    continue
                name = graph.names[variable]
                if name.endswith(f"/{self.scope}") or name.startswith(f"{self.scope}/"):
                    return "copies"
                said = "same"
        return said


def _read_from(graph: OpGraph, row: int) -> int:
    """The row of ``v`` for an op ``v/read``, by which TensorFlow 1 reads ``v``, -1 if there is none; else the row."""
    return int(graph.row_of_scope[graph.scopes.of_op[row]]) if graph.names[row].endswith("/read") else row


def find_replicas(graph: OpGraph) -> Sequence[Replica]:
    """Find the replicas at the root.

    Args:
        graph: The op graph.

    Returns:
        The scopes of whose ops nearly all stand in the first replica too, under the same name and of the same type.
    """
    scopes = graph.scopes
    # The graphs of a trace stand beside each other, each in a scope of its own.
    depth = 1 if "" in graphs_of(graph) else 2
    families: dict[tuple[int, str], list[int]] = defaultdict(list)
    segments, kinds = scopes.kinds
    outer = np.flatnonzero(scopes.depth == depth)
    for scope, kind in zip(outer.tolist(), kinds[outer].tolist(), strict=True):
        match = _REPLICA.fullmatch(segments[kind])
        if match is not None:
            families[int(scopes.parent[scope]), match[1]].append(scope)
    if not families:
        return ()
    # Gradients have the replica's name once more, inside.
    serves = scopes.within(role_of_name)[scopes.of_op]
    by_outer, starts = grouped(scopes.at_depth(depth)[scopes.of_op], len(scopes))
    found = []
    for (around, _), family in families.items():
        paths = {scopes.names[scope]: scope for scope in family}
        in_order = sorted(paths, key=lambda path: (len(path), path))
        # In a MirroredStrategy the first replica has no scope of its own.
        has_first = in_order[0].endswith("0")
        first = in_order[0] if has_first else scopes.names[around]
        original = _Original(graph, first)
        if has_first:
            rows = by_outer[starts[paths[first]] : starts[paths[first] + 1]]
            original = _Original(graph, first, rows[~serves[rows]])
        for path in in_order[1:] if has_first else in_order:
            rows = by_outer[starts[paths[path]] : starts[paths[path] + 1]]
            if original.is_repeated(rows[~serves[rows]], path):
                found.append(Replica(path, first, rows))
    return found


class _Original:
    """The first replica.

    Args:
        graph: The op graph.
        scope: Its scope; empty for the root.
        rows: The ops in it; none for the root, which holds the others as well.
    """

    def __init__(self, graph: OpGraph, scope: str, rows: np.ndarray | None = None) -> None:
        self._graph = graph
        self._prefix = f"{scope}/" if scope else ""
        rows = np.empty(0, dtype=np.int64) if rows is None else rows
        self._names = [graph.names[row][len(self._prefix) :] for row in rows.tolist()]
        self._has_breaks = any("\n" in name for name in self._names)
        self._kinds = graph.type_numbers[rows]

    def is_repeated(self, rows: np.ndarray, scope: str) -> bool:
        """Whether nearly all ops of a scope have a twin of their type."""
        if len(rows) and self._is_the_same(rows, scope):
            return not all(map(role_of_name, (name.rpartition("/")[2] for name in self._names)))
        return self._is_alike(rows.tolist(), len(scope) + 1)

    def _is_the_same(self, rows: np.ndarray, scope: str) -> bool:
        """Whether the ops of a scope have the same names within it, and the same types, in the same order.

        Names are compared as one text, a line for each; those with line breaks count as different.
        """
        if not np.array_equal(self._graph.type_numbers[rows], self._kinds) or self._has_breaks or "\n" in scope:
            return False
        names, begin, end = self._graph.names, int(rows[0]), int(rows[-1]) + 1
        side_by_side = end - begin == len(rows)
        members = names[begin:end] if side_by_side else map(names.__getitem__, rows.tolist())
        return "\n".join(members) == f"{scope}/" + f"\n{scope}/".join(self._names)

    def _is_alike(self, rows: Sequence[int], skipped: int) -> bool:
        """Whether nearly all of some ops have a twin of their type here.

        Args:
            rows: The ops.
            skipped: How many letters of their names are left out: those of their scope.
        """
        names, index, types = self._graph.names, self._graph.index, self._graph.types
        alike = number = 0
        for row in rows:
            inner = names[row][skipped:]
            if role_of_name(inner[inner.rfind("/") + 1 :]):
                continue
            number += 1
            twin = index.get(self._prefix + inner)
            alike += twin is not None and types[twin] == types[row]
        return bool(number) and alike >= _ALIKE * number
