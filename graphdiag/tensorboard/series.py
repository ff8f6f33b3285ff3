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
from collections.abc import Iterable, Iterator, Sequence

from graphdiag.graphs.drawn_graph import SERIES
from graphdiag.tensorboard import javascript
from graphdiag.tensorboard.hierarchy import Hierarchy

MIN_SIZE = 5

_NUMBERED = re.compile(r"([^0-9]*)([0-9]+)\Z")


def group_series(hierarchy: Hierarchy) -> None:
    """Fold the series of every metanode.

    Args:
        hierarchy: The tree; series are added to it, and their members moved into them.
    """
    for row, children in list(hierarchy.children.items()):
        if len(children) >= MIN_SIZE:
            _group(hierarchy, row, children)


def _group(hierarchy: Hierarchy, metanode: int, children: Sequence[int]) -> None:
    clusters: dict[str, list[int]] = {}
    for row in children:
        if op := hierarchy.ops[row]:
            clusters.setdefault(op, []).append(row)
    found: dict[str, list[int]] = {}
    for op in javascript.key_order(clusters):
        if len(clusters[op]) >= MIN_SIZE:
            found.update(_series((hierarchy.names[row], row) for row in clusters[op]))
    if not found:
        return
    moved = {member for members in found.values() for member in members}
    hierarchy.children[metanode] = [row for row in children if row not in moved]
    for name, members in found.items():
        series = hierarchy.add(name, SERIES, metanode, len(members))
        hierarchy.children[metanode].append(series)
        hierarchy.children[series].extend(members)
        for row in members:
            hierarchy.parents[row] = series


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
