"""Replicas: scopes that repeat the model, one for each device.

``MirroredStrategy`` builds the model once for each device: the first at the root, the others in ``replica_1``,
``replica_2`` and so on, where variables get a copy of that name, as ``kernel/replica_1``. Programs that place towers
on devices by hand call them ``tower_0``, ``tower_1``, as TensorFlow's CIFAR-10 example did; TF-Slim, ``clone_0``.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
        boxes: The names right inside it.
        device: Where its ops are placed; empty where the graph does not say, or says several.
        weights: ``copies`` of its own, or the ``same`` variables as the first replica's; empty where it reads none.
    """

    scope: str
    of: str
    boxes: Sequence[str]
    device: str
    weights: str


def find_replicas(graph: OpGraph) -> Sequence[Replica]:
    """Find the replicas at the root.

    Args:
        graph: The op graph.

    Returns:
        The scopes of whose ops nearly all stand in the first replica too, under the same name and of the same type.
    """
    rows_of: dict[str, list[int]] = defaultdict(list)
    graphs = {row: f"{scope}/" for scope, rows in graphs_of(graph).items() if scope for row in rows}
    for row, name in enumerate(graph.names):
        around = graphs.get(row, "")
        outer, slash, _ = name[len(around) :].partition("/")
        if slash and _REPLICA.fullmatch(outer):
            rows_of[around + outer].append(row)
    if not rows_of:
        return ()
    families: dict[tuple[str, str], list[str]] = defaultdict(list)
    for scope in rows_of:
        around, _, outer = scope.rpartition("/")
        match = _REPLICA.fullmatch(outer)
        assert match is not None
        families[around, match[1]].append(scope)
    found = []
    for (around, _), scopes in families.items():
        scopes.sort(key=lambda scope: (len(scope), scope))
        # In a MirroredStrategy the first replica has no scope of its own.
        has_first = scopes[0].endswith("0")
        first = scopes[0] if has_first else around
        for scope in scopes[1:] if has_first else scopes:
            if _repeats(graph, rows_of[scope], scope, first):
                computing = Counter(
                    graph.names[row][len(scope) + 1 :].partition("/")[0]
                    for row in rows_of[scope]
                    if "/" in graph.names[row][len(scope) + 1 :] and graph.types[row] != "Const"
                )
                boxes = [box for box, number in computing.items() if number > 1 and not role_of_name(box)]
                devices = {graph.devices[row] for row in rows_of[scope]} - {""}
                device = devices.pop() if len(devices) == 1 else ""
                found.append(Replica(scope, first, boxes, device, _weights(graph, rows_of[scope], scope)))
    return found


def _weights(graph: OpGraph, rows: Sequence[int], scope: str) -> str:
    """What variables a scope reads: copies that are named after it, or those of others."""
    said = ""
    for row in rows:
        for edge in range(int(graph.in_edges[row]), int(graph.in_edges[row + 1])):
            name = graph.names[int(graph.source[edge])].removesuffix("/read")
            variable = graph.index.get(name)
            if variable is None or graph.types[variable] not in VARIABLES:
                continue
            if name.endswith(f"/{scope}") or name.startswith(f"{scope}/"):
                return "copies"
            said = "same"
    return said


def _repeats(graph: OpGraph, rows: Sequence[int], scope: str, first: str) -> bool:
    prefix = f"{first}/" if first else ""
    index: Mapping[str, int] = graph.index
    alike = number = 0
    for row in rows:
        inner = graph.names[row][len(scope) + 1 :]
        if any(map(role_of_name, inner.split("/"))):
            # Gradients have the replica's name once more, inside.
            continue
        number += 1
        twin = index.get(prefix + inner)
        alike += twin is not None and graph.types[twin] == graph.types[row]
    return bool(number) and alike >= _ALIKE * number
