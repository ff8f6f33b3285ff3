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
from graphdiag.graphs.op_graph import OpGraph

_REPLICA = re.compile(r"(replica|tower|clone|gpu|GPU|device|worker)_?([0-9]+)")
_ALIKE = 0.8


@dataclass(frozen=True)
class Replica:
    """A scope that repeats what is elsewhere.

    Attributes:
        scope: Its name.
        of: The scope that it repeats; empty for the root.
        rows: The ops in it.
    """

    scope: str
    of: str
    rows: Sequence[int]

    def boxes(self, graph: OpGraph) -> Sequence[str]:
        """The names right inside it under which more than one op computes."""
        inner = [graph.names[row][len(self.scope) + 1 :] for row in self.rows if graph.types[row] != "Const"]
        computing = Counter(name.partition("/")[0] for name in inner if "/" in name)
        return [box for box, number in computing.items() if number > 1 and not role_of_name(box)]

    def device(self, graph: OpGraph) -> str:
        """Where its ops are placed; empty where the graph does not say, or says several."""
        devices = {graph.devices[row] for row in self.rows} - {""}
        return devices.pop() if len(devices) == 1 else ""

    def weights(self, graph: OpGraph) -> str:
        """What variables it reads: ``copies`` named after it, or the ``same`` as others; empty where it reads none."""
        said = ""
        for row in self.rows:
            for edge in range(int(graph.in_edges[row]), int(graph.in_edges[row + 1])):
                name = graph.names[int(graph.source[edge])].removesuffix("/read")
                variable = graph.index.get(name)
                if variable is None or graph.types[variable] not in VARIABLES:
                    continue
                if name.endswith(f"/{self.scope}") or name.startswith(f"{self.scope}/"):
                    return "copies"
                said = "same"
        return said


def find_replicas(graph: OpGraph) -> Sequence[Replica]:
    """Find the replicas at the root.

    Args:
        graph: The op graph.

    Returns:
        The scopes of whose ops nearly all stand in the first replica too, under the same name and of the same type.
    """
    scopes = graph.scopes
    # The graphs of a trace stand beside each other, each in a scope of its own.
    outer = scopes.at_depth(1 if "" in graphs_of(graph) else 2)
    named = {scope: _REPLICA.fullmatch(scopes.segments[scope]) for scope in dict.fromkeys(outer.tolist()) if scope > 0}
    families: dict[tuple[int, str], list[int]] = defaultdict(list)
    for scope, match in named.items():
        if match is not None:
            families[int(scopes.parent[scope]), match[1]].append(scope)
    if not families:
        return ()
    # Gradients have the replica's name once more, inside.
    serves = scopes.within(role_of_name)[scopes.of_op]
    outer_of_op = outer[scopes.of_op]
    by_outer = np.argsort(outer_of_op, kind="stable")
    starts = np.searchsorted(outer_of_op[by_outer], np.arange(len(scopes) + 1))
    found = []
    for (around, _), family in families.items():
        paths = {scopes.names[scope]: scope for scope in family}
        in_order = sorted(paths, key=lambda path: (len(path), path))
        # In a MirroredStrategy the first replica has no scope of its own.
        has_first = in_order[0].endswith("0")
        first = in_order[0] if has_first else scopes.names[around]
        of_first: list[int] = []
        if has_first:
            rows = by_outer[starts[paths[first]] : starts[paths[first] + 1]]
            of_first = rows[~serves[rows]].tolist()
        for path in in_order[1:] if has_first else in_order:
            rows = by_outer[starts[paths[path]] : starts[paths[path] + 1]]
            if _repeats(graph, rows[~serves[rows]].tolist(), path, first, of_first):
                found.append(Replica(path, first, rows.tolist()))
    return found


def _is_alike(graph: OpGraph, rows: Sequence[int], others: Sequence[int], skipped: int, skipped_in_others: int) -> bool:
    """Whether ops are called as others are, past a number of letters, have their types and stand in their order."""
    if len(rows) != len(others) or not np.array_equal(graph.type_numbers[rows], graph.type_numbers[others]):
        return False
    names = graph.names
    return all(
        names[row][skipped:] == names[other][skipped_in_others:] for row, other in zip(rows, others, strict=True)
    )


def _repeats(graph: OpGraph, rows: Sequence[int], scope: str, first: str, first_rows: Sequence[int]) -> bool:
    """Whether nearly all ops of a scope have a twin of their type in the first replica."""
    prefix = f"{first}/" if first else ""
    skipped = len(scope) + 1
    if rows[:1] and _is_alike(graph, rows, first_rows, skipped, len(prefix)):
        return any(not role_of_name(graph.names[row].rpartition("/")[2]) for row in rows)
    index, types = graph.index, graph.types
    alike = number = 0
    for row in rows:
        inner = graph.names[row][skipped:]
        if role_of_name(inner[inner.rfind("/") + 1 :]):
            continue
        number += 1
        twin = index.get(prefix + inner)
        alike += twin is not None and types[twin] == types[row]
    return bool(number) and alike >= _ALIKE * number
