"""Name scopes as metanodes, and the edges between siblings at every level.

Follows ``addNodes`` and ``addEdges`` in ``tensorboard/plugins/graph/tf_graph_common/hierarchy.ts``. Every part of a
name before a ``/`` is a metanode. A base edge is drawn once, inside the innermost node that holds both its ends,
between the two children of that node that hold them. It is counted there as regular or control, and as reference too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from graphdiag.graphs.drawn_graph import META, OP, ROOT
from graphdiag.tensorboard import javascript
from graphdiag.tensorboard.merge import UndrawableGraphError
from graphdiag.tensorboard.slim_graph import LIBRARY_PREFIX, BaseEdges, Embedding, SlimGraph


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """The tree of nodes, which the stages after this one add to.

    The columns have one row per node: first the ops of the slim graph, then the root, then the others as they are made.

    Attributes:
        names: Names.
        types: ``meta``, ``op`` or ``series``.
        parents: Row of the parent; -1 for the root.
        cardinalities: How many ops of the slim graph each node stands for.
        ops: Op types; empty where there is none.
        index: Row of each name. A row that another of the same name replaced is not in it.
        children: Rows of the children of every metanode and series; embedded ops are nobody's child.
        library: Row of the metanode of each library function, by the function's name.
        root: Row of the root.
        ghosts: Row of each name that a metaedge has for an end though no node is called so; see `function_calls`.
    """

    names: list[str]
    types: list[str]
    parents: list[int]
    cardinalities: list[int]
    ops: list[str]
    index: dict[str, int]
    children: dict[int, list[int]]
    library: dict[str, int]
    root: int
    ghosts: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, kind: str, parent: int, cardinality: int, op: str = "") -> int:
        """Put a new node into the tree and return its row."""
        row = self.index[name] = self.add_unlisted(name, kind, parent, cardinality, op)
        return row

    def add_unlisted(self, name: str, kind: str, parent: int, cardinality: int, op: str = "") -> int:
        """The same, but leave the name to whatever has it now."""
        row = len(self.names)
        self.names.append(name)
        self.types.append(kind)
        self.parents.append(parent)
        self.cardinalities.append(cardinality)
        self.ops.append(op)
        if kind != OP:
            self.children[row] = []
        return row


@dataclass(frozen=True, eq=False)
class LevelEdges:
    """All metaedges in the order in which TensorBoard makes them; columns of one length, int64.

    Attributes:
        parent: Row of the node in which the edge is drawn.
        source: Row of the child it leaves.
        target: Row of the child it enters.
        regular: Number of base edges that are not control dependencies.
        control: Number of those that are.
        reference: Number of reference edges, which are counted above too.
        of_base: Number of the metaedge that each base edge is part of.
    """

    parent: np.ndarray
    source: np.ndarray
    target: np.ndarray
    regular: np.ndarray
    control: np.ndarray
    reference: np.ndarray
    of_base: np.ndarray


def build_hierarchy(graph: SlimGraph) -> Hierarchy:
    """Arrange the ops of a slim graph under their scopes.

    Args:
        graph: The slim graph.

    Returns:
        The tree, without series.

    Raises:
        UndrawableGraphError: TensorBoard fails on a scope: it has the name of an op, or a name it cannot take.
    """
    size = len(graph.names)
    hierarchy = Hierarchy(
        names=list(graph.names),
        types=[OP] * size,
        parents=[0] * size,
        cardinalities=[1] * size,
        ops=list(graph.ops),
        index={},
        children={},
        library={},
        root=size,
    )
    hierarchy.add(ROOT, META, -1, 0)
    index, parents, embeddings = hierarchy.index, hierarchy.parents, graph.embeddings
    parent, inside = size, hierarchy.children[size]
    latest = ""
    for row, name in enumerate(graph.names):
        scope = name.rpartition("/")[0]
        # Neighbors are mostly of one scope.
        if scope != latest or name[0] == "/":
            latest = scope
            parent = _scope(hierarchy, scope) if scope or name[0] == "/" else size
            inside = hierarchy.children[parent]
        parents[row] = parent
        index[name] = row
        inside.append(row)
        if row in embeddings:
            _embed(hierarchy, row, embeddings[row])
    _count(hierarchy, size)
    return hierarchy


def _embed(hierarchy: Hierarchy, host: int, guests: Sequence[Embedding]) -> None:
    for guest, op, _ in guests:
        known = hierarchy.index.get(guest, -1)
        if known > hierarchy.root and hierarchy.types[known] == OP:
            # Embedded elsewhere before: the last op to hold it is its parent.
            hierarchy.parents[known] = host
            hierarchy.ops[known] = op
        else:
            hierarchy.add(guest, OP, host, 1, op)


def _scope(hierarchy: Hierarchy, name: str) -> int:
    """Row of the metanode of that name, made with all those around it where it is not there yet."""
    missing = []
    known = name
    while known not in hierarchy.index:
        missing.append(known)
        known = known[: known.rfind("/")] if "/" in known else ROOT
    row = hierarchy.index[known]
    if row not in hierarchy.children:
        raise _clash(known)
    for scope in reversed(missing):
        if row == hierarchy.root:
            _check_top(scope)
        above = row
        row = hierarchy.add(scope, META, above, 0)
        hierarchy.children[above].append(row)
        if above == hierarchy.root and scope.startswith(LIBRARY_PREFIX):
            hierarchy.library[scope[len(LIBRARY_PREFIX) :]] = row
    return row


def _clash(name: str) -> UndrawableGraphError:
    return UndrawableGraphError(
        f"TensorBoard fails on this graph: {name!r} names both an op and the scope of other ops; rename one of them"
    )


def _check_top(scope: str) -> None:
    if not scope:
        raise UndrawableGraphError("TensorBoard fails on this graph: an op's name begins with '/'; rename it")
    if scope in javascript.OBJECT_PROPERTIES:
        raise javascript.fails_on("scope", scope)


def _count(hierarchy: Hierarchy, size: int) -> None:
    parents = hierarchy.parents
    cardinalities = hierarchy.cardinalities
    ops = np.bincount(parents[:size], minlength=len(parents)).tolist()
    for row in hierarchy.children:
        cardinalities[row] = ops[row]
    # A scope is made after the one around it, so that going backwards each is complete when it is added up.
    for row in reversed(hierarchy.children):
        if row != hierarchy.root:
            cardinalities[parents[row]] += cardinalities[row]
    # Below a scope that is called like the root TensorBoard counts everything twice.
    twice = (row for row in hierarchy.children[hierarchy.root] if hierarchy.names[row].startswith(f"{ROOT}/"))
    cardinalities[hierarchy.root] += sum(cardinalities[row] for row in twice)


def draw_edges(hierarchy: Hierarchy, edges: BaseEdges) -> LevelEdges:
    """Gather the base edges into metaedges.

    Args:
        hierarchy: The tree, with its series.
        edges: The base edges; their rows are those of the tree.

    Returns:
        One metaedge for each pair of siblings with edges between them.
    """
    parents = np.array(hierarchy.parents, dtype=np.int64)
    source, target = _siblings(parents, _depths(hierarchy, parents), edges)
    pairs = source * len(parents) + target
    _, first, group = np.unique(pairs, return_index=True, return_inverse=True)
    # np.unique sorts by pair; TensorBoard keeps the order in which the pairs first come up.
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    of_base = rank[group]
    first = first[order]
    size = len(first)
    control = np.bincount(of_base[edges.control], minlength=size)
    parent = parents[source[first]]
    _check_drawable(hierarchy, parent)
    return LevelEdges(
        parent=parent,
        source=source[first],
        target=target[first],
        regular=np.bincount(of_base, minlength=size) - control,
        control=control,
        reference=np.bincount(of_base[edges.reference], minlength=size),
        of_base=of_base,
    )


def _check_drawable(hierarchy: Hierarchy, parents: np.ndarray) -> None:
    # TensorBoard looks up by name the node that is to hold an edge.
    for row in sorted(set(parents.tolist())):
        if hierarchy.index[hierarchy.names[row]] != row:
            raise _clash(hierarchy.names[row])


def _depths(hierarchy: Hierarchy, parents: np.ndarray) -> np.ndarray:
    depths = [0] * len(parents)
    # A group is made after the one around it; the ops of the slim graph stand before them all.
    for row in hierarchy.children:
        if row != hierarchy.root:
            depths[row] = depths[hierarchy.parents[row]] + 1
    columns = np.array(depths, dtype=np.int64)
    ops = slice(0, hierarchy.root)
    columns[ops] = columns[parents[ops]] + 1
    return columns


def _siblings(parents: np.ndarray, depths: np.ndarray, edges: BaseEdges) -> tuple[np.ndarray, np.ndarray]:
    """For each base edge the two siblings that hold its ends, in the innermost node that holds both."""
    source = edges.source.copy()
    target = edges.target.copy()
    for end, other in ((source, target), (target, source)):
        at = np.flatnonzero(depths[end] > depths[other])
        while len(at):
            end[at] = parents[end[at]]
            at = at[depths[end[at]] > depths[other[at]]]
    at = np.flatnonzero(parents[source] != parents[target])
    while len(at):
        source[at] = parents[source[at]]
        target[at] = parents[target[at]]
        at = at[parents[source[at]] != parents[target[at]]]
    return source, target
