"""Look-alike ops with consecutive numbers, folded into series nodes.

Follows ``groupSeries``, ``clusterNodes`` and ``detectSeriesUsingNumericSuffixes`` in
``tensorboard/plugins/graph/tf_graph_common/hierarchy.ts`` with its ``DefaultHierarchyParams`` (``seriesNodeMinSize`` 5,
``useGeneralizedSeriesPatterns`` false). The rules:

* Only ops of one type, directly in one metanode, can make a series; metanodes never do, nor ops without a type.
* An op's name, without its scope, is split into letters and a number: ``MatMul_3`` is ``MatMul_`` and 3. A name
  without a number at its end, or with a digit elsewhere (``conv1d_3``), is number 0 of its own letters: so ``MatMul``
  is not of the series ``MatMul_1``, ``MatMul_2`` ...
* A run of numbers without a gap is a series. It is drawn when it has five members or more; whether they are connected
  plays no part.
* The series is called ``MatMul_[1-6]`` and stands in the metanode after all that was there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from graphdiag.graphs.arrays import first_of_each, numbers_of_pairs
from graphdiag.graphs.drawn_graph import SERIES
from graphdiag.graphs.on_demand import joined
from graphdiag.tensorboard import javascript
from graphdiag.tensorboard.hierarchy import Hierarchy
from graphdiag.tensorboard.slim_graph import SlimGraph

MIN_SIZE = 5

_NUMBERED = re.compile(r"([^0-9]*)([0-9]+)\Z")


def group_series(hierarchy: Hierarchy, graph: SlimGraph) -> Hierarchy:
    """Fold the series of every metanode.

    Args:
        hierarchy: The tree.
        graph: The slim graph.

    Returns:
        The tree with the series, which hold their members.
    """
    found = [
        (metanode, name, members)
        for metanode, groups in _look_alikes(hierarchy, graph).items()
        for name, members in _folded(hierarchy, groups).items()
    ]
    if not found:
        return hierarchy
    size = len(hierarchy.names)
    rows = range(size, size + len(found))
    names = [name for _, name, _ in found]
    sizes = [len(members) for _, _, members in found]
    parents = np.append(hierarchy.parents, np.array([metanode for metanode, _, _ in found]))
    members = np.array([row for _, _, members in found for row in members])
    parents[members] = np.repeat(rows, sizes)
    # A series stands in the metanode after all that was there, and its members in it in the order of their numbers.
    places = np.append(hierarchy.places, 3 * size + np.arange(len(found)))
    places[members] = np.arange(len(members))
    return replace(
        hierarchy,
        names=joined(hierarchy.names, names),
        types=joined(hierarchy.types, [SERIES] * len(found)),
        parents=parents,
        places=places,
        cardinalities=np.append(hierarchy.cardinalities, sizes),
        ops=joined(hierarchy.ops, [""] * len(found)),
        index=_index(hierarchy, graph, names),
    )


def _index(hierarchy: Hierarchy, graph: SlimGraph, series: Sequence[str]) -> Mapping[str, int] | None:
    """The index of the tree with its series; ``None`` where all names are still different: an op may be called so."""
    are_distinct = "[" not in graph.marks and len(set(series)) == len(series)
    if hierarchy.index is None and are_distinct and not graph.calls.inputs:
        return None
    size = len(hierarchy.names)
    return hierarchy.row_by_name() | dict(zip(series, range(size, size + len(series)), strict=True))


def _look_alikes(hierarchy: Hierarchy, graph: SlimGraph) -> dict[int, dict[str, list[int]]]:
    """The ops of one type in one metanode, where they are enough to make a series; by metanode and type."""
    types = int(graph.op_numbers.max(initial=0)) + 1
    first, which = first_of_each(numbers_of_pairs(hierarchy.parents[: hierarchy.root], graph.op_numbers, types))
    enough = np.bincount(which, minlength=len(first)) >= MIN_SIZE
    for group in np.flatnonzero(enough).tolist():
        enough[group] = bool(graph.ops[first[group]])
    rows = np.flatnonzero(enough[which])
    rows = rows[np.argsort(hierarchy.parents[rows], kind="stable")]
    found: dict[int, dict[str, list[int]]] = {}
    for row, parent in zip(rows.tolist(), hierarchy.parents[rows].tolist(), strict=True):
        found.setdefault(parent, {}).setdefault(graph.ops[row], []).append(row)
    return found


def _folded(hierarchy: Hierarchy, groups: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for op in javascript.key_order(groups):
        found.update(_series((hierarchy.names[row], row) for row in groups[op]))
    return found


def _series(ops: Iterable[tuple[str, int]]) -> Iterator[tuple[str, list[int]]]:
    """Each series among ops of one type: its name and its members."""
    alike: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for name, row in ops:
        prefix, number, suffix = _split(name)
        alike.setdefault((prefix, suffix), []).append((number, row))
    for (prefix, suffix), members in alike.items():
        members.sort(key=lambda member: member[0])
        for run in _runs(members):
            if len(run) >= MIN_SIZE:
                first, last = (javascript.number_text(run[end][0]) for end in (0, -1))
                yield f"{prefix}[{first}-{last}]{suffix}", [row for _, row in run]


def _split(name: str) -> tuple[str, float, str]:
    """What stands before the number at the end of an op's name (with the scope), the number, and what stands after."""
    scope, slash, leaf = name.rpartition("/")
    if numbered := _NUMBERED.match(leaf):
        letters, digits = numbered.groups()
        # JavaScript's numbers are floats, which are exact up to 15 digits.
        return scope + slash + letters, int(digits) if len(digits) <= 15 else float(digits), ""
    if name.endswith("*"):
        return name[:-1], 0, "*"
    return name, 0, ""


def _runs(members: Sequence[tuple[float, int]]) -> Iterator[Sequence[tuple[float, int]]]:
    start = 0
    for end in range(1, len(members) + 1):
        if end == len(members) or members[end][0] != members[end - 1][0] + 1:
            yield members[start:end]
            start = end
