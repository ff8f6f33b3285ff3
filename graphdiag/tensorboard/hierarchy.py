"""Name scopes as metanodes, and the edges between siblings at every level.

Follows ``addNodes`` and ``addEdges`` in ``tensorboard/plugins/graph/tf_graph_common/hierarchy.ts``. Every part of a
name before a ``/`` is a metanode. A base edge is drawn once, inside the innermost node that holds both its ends,
between the two children of that node that hold them. It is counted there as regular or control, and as reference too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from graphdiag.graphs.arrays import distinct, first_of_each, numbers_of_pairs
from graphdiag.graphs.drawn_graph import META, OP, ROOT
from graphdiag.graphs.on_demand import coded, joined
from graphdiag.tensorboard import javascript
from graphdiag.tensorboard.merge import UndrawableGraphError
from graphdiag.tensorboard.slim_graph import LIBRARY_PREFIX, BaseEdges, SlimGraph


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """The tree of nodes.

    The columns have one row per node: first the ops of the slim graph, then the root, then the others as they are made.

    Attributes:
        names: Names.
        types: ``meta``, ``op`` or ``series``.
        parents: Row of the parent; int64, -1 for the root.
        places: Nodes of one parent stand in the order of these; int64, negative for embedded ops, which are nobody's
            child.
        cardinalities: How many ops of the slim graph each node stands for; int64.
        ops: Op types; empty where there is none.
        library: Row of the metanode of each library function, by the function's name.
        root: Row of the root.
        guests: The embedded ops that are drawn, by their places in the merged graph; int64.
        guest_rows: Row of each of them; int64.
        index: Row of each name; ``None`` where no two nodes have one name. A row that another of the same name replaced
            is not in it.
        ghosts: Row of each name that a metaedge has for an end though no node is called so; see `function_calls`.
    """

    names: Sequence[str]
    types: Sequence[str]
    parents: np.ndarray
    places: np.ndarray
    cardinalities: np.ndarray
    ops: Sequence[str]
    library: Mapping[str, int]
    root: int
    guests: np.ndarray
    guest_rows: np.ndarray
    index: Mapping[str, int] | None = None
    ghosts: Mapping[str, int] = field(default_factory=dict)

    def children_of(self, row: int) -> list[int]:
        """Rows of the children of a metanode or series, in TensorBoard's order."""
        rows = np.flatnonzero((self.parents == row) & (self.places >= 0))
        children: list[int] = rows[np.argsort(self.places[rows], kind="stable")].tolist()
        return children

    def row_by_name(self) -> dict[str, int]:
        """Row of each name, in the order in which TensorBoard makes the nodes; of a tree without series."""
        if self.index is not None:
            return dict(self.index)
        order = np.argsort(np.where(self.places < 0, -self.places, self.places), kind="stable")
        order = np.concatenate([[self.root], order[order != self.root]])
        return {self.names[row]: row for row in order.tolist()}

    def children(self) -> dict[int, list[int]]:
        """The same for every metanode and series."""
        children: dict[int, list[int]] = {row: [] for row, kind in enumerate(self.types) if kind != OP}
        rows = np.flatnonzero((self.places >= 0) & (self.parents >= 0))
        for row in rows[np.argsort(self.places[rows], kind="stable")].tolist():
            children[int(self.parents[row])].append(row)
        return children


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
    return _of_scopes(graph) if graph.are_distinct else _Growing(graph).tree()


def _of_scopes(graph: SlimGraph) -> Hierarchy:
    """The tree of a graph in which each name means one thing: in whole arrays."""
    size, scopes = len(graph.names), graph.scopes
    first = scopes.first_inside(graph.scope_of)
    inside = scopes.totals(np.bincount(graph.scope_of, minlength=len(scopes)))
    kept = np.flatnonzero(first < size)
    kept = kept[kept > 0]
    hosts, guests = graph.embeddings.hosts, graph.embeddings.guests
    appears, which = first_of_each(guests)
    last_host = np.zeros(len(appears), dtype=np.int64)
    # The last op to hold an embedded op is its parent.
    last_host[which] = hosts
    # With an op come first the scopes around it, the outer ones before the inner, and last what is embedded in it.
    made = np.concatenate([3 * first[kept], 3 * hosts[appears] + 2])
    order = np.argsort(made, kind="stable")
    made[len(kept) :] *= -1
    row_of = np.empty(len(order), dtype=np.int64)
    row_of[order] = size + 1 + np.arange(len(order))
    node_of_scope = np.full(len(scopes), -1, dtype=np.int64)
    node_of_scope[0] = size
    node_of_scope[kept] = row_of[: len(kept)]
    is_guest = (order >= len(kept)).view(np.uint8)
    added = np.concatenate([node_of_scope[scopes.parent[kept]], last_host])[order]
    one_op = np.ones(len(appears), dtype=np.int64)
    drawn = guests[appears]
    names = joined(coded(scopes.names, kept), coded(graph.embeddings.names, drawn))
    # A scope has the first of these.
    ops = joined([""], coded(graph.embeddings.ops, drawn))
    is_top = scopes.parent[kept] == 0
    library = {
        names[place][len(LIBRARY_PREFIX) :]: int(row_of[place])
        for place in np.flatnonzero(is_top)[np.argsort(row_of[: len(kept)][is_top])].tolist()
        if names[place].startswith(LIBRARY_PREFIX)
    }
    return Hierarchy(
        names=joined(graph.names, [ROOT], coded(names, order)),
        types=joined(coded([OP], np.zeros(size, dtype=np.uint8)), [META], coded([META, OP], is_guest)),
        parents=np.concatenate([node_of_scope[graph.scope_of], [-1], added]),
        places=np.concatenate([3 * np.arange(size) + 1, [0], made[order]]),
        cardinalities=np.concatenate([np.ones(size, dtype=np.int64), [size], np.append(inside[kept], one_op)[order]]),
        ops=joined(graph.ops, [""], coded(ops, np.maximum(order + 1 - len(kept), 0))),
        library=library,
        root=size,
        guests=drawn,
        guest_rows=row_of[len(kept) :],
    )


class GrowingTree:
    """A tree while nodes are added to it one by one; see `Hierarchy`.

    Attributes:
        names: Names.
        types: ``meta``, ``op`` or ``series``.
        parents: Row of the parent.
        cardinalities: How many ops of the slim graph each node stands for.
        ops: Op types; empty where there is none.
        index: Row of each name.
        children: Rows of the children of every metanode and series.
    """

    names: list[str]
    types: list[str]
    parents: list[int]
    cardinalities: list[int]
    ops: list[str]
    index: dict[str, int]
    children: dict[int, list[int]]

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

    def places(self) -> np.ndarray:
        """The places of the nodes among their parents' children, as `Hierarchy` has them."""
        places = np.full(len(self.names), -1, dtype=np.int64)
        for children in self.children.values():
            places[children] = np.arange(len(children))
        return places


class _Growing(GrowingTree):
    """The tree of a graph in which a name may mean several things: node by node, as TensorBoard makes it."""

    def __init__(self, graph: SlimGraph) -> None:
        size = len(graph.names)
        self.graph = graph
        self.root = size
        self.names = list(graph.names)
        self.types = [OP] * size
        self.parents = [0] * size
        self.cardinalities = [1] * size
        self.ops = list(graph.ops)
        self.index = {}
        self.children = {}
        self.library: dict[str, int] = {}
        self.add(ROOT, META, -1, 0)

    def tree(self) -> Hierarchy:
        """The whole tree."""
        graph, index = self.graph, self.index
        parent = self.root
        latest = ""
        for row, name in enumerate(graph.names):
            scope = name.rpartition("/")[0]
            # Neighbors are mostly of one scope.
            if scope != latest or name[0] == "/":
                latest = scope
                parent = self._scope(scope) if scope or name[0] == "/" else self.root
            self.parents[row] = parent
            index[name] = row
            self.children[parent].append(row)
            self._embed(row)
        self._count()
        guests = distinct(graph.embeddings.guests)
        names = graph.embeddings.names
        embedded = graph.embedded
        rows = [index[embedded[guest] if guest in embedded else names[guest]] for guest in guests.tolist()]
        return Hierarchy(
            names=self.names,
            types=self.types,
            parents=np.array(self.parents, dtype=np.int64),
            places=self.places(),
            cardinalities=np.array(self.cardinalities, dtype=np.int64),
            ops=self.ops,
            library=self.library,
            root=self.root,
            guests=guests,
            guest_rows=np.array(rows, dtype=np.int64),
            index=index,
        )

    def _embed(self, host: int) -> None:
        for guest, op, _ in self.graph.embeddings.of(host):
            known = self.index.get(guest, -1)
            if known > self.root and self.types[known] == OP:
                # Embedded elsewhere before: the last op to hold it is its parent.
                self.parents[known] = host
                self.ops[known] = op
            else:
                self.add(guest, OP, host, 1, op)

    def _scope(self, name: str) -> int:
        """Row of the metanode of that name, made with all those around it where it is not there yet."""
        missing = []
        known = name
        while known not in self.index:
            missing.append(known)
            known = known[: known.rfind("/")] if "/" in known else ROOT
        row = self.index[known]
        if row not in self.children:
            raise _clash(known)
        for scope in reversed(missing):
            if row == self.root:
                _check_top(scope)
            above = row
            row = self.add(scope, META, above, 0)
            self.children[above].append(row)
            if above == self.root and scope.startswith(LIBRARY_PREFIX):
                self.library[scope[len(LIBRARY_PREFIX) :]] = row
        return row

    def _count(self) -> None:
        cardinalities, parents = self.cardinalities, self.parents
        ops = np.bincount(parents[: self.root], minlength=len(parents)).tolist()
        for row in self.children:
            cardinalities[row] = ops[row]
        # A scope is made after the one around it, so that going backwards each is complete when it is added up.
        for row in reversed(self.children):
            if row != self.root:
                cardinalities[parents[row]] += cardinalities[row]
        # Below a scope that is called like the root TensorBoard counts everything twice.
        twice = (row for row in self.children[self.root] if self.names[row].startswith(f"{ROOT}/"))
        cardinalities[self.root] += sum(cardinalities[row] for row in twice)


def _clash(name: str) -> UndrawableGraphError:
    return UndrawableGraphError(
        f"TensorBoard fails on this graph: {name!r} names both an op and the scope of other ops; rename one of them"
    )


def _check_top(scope: str) -> None:
    if not scope:
        raise UndrawableGraphError("TensorBoard fails on this graph: an op's name begins with '/'; rename it")
    if scope in javascript.OBJECT_PROPERTIES:
        raise javascript.fails_on("scope", scope)


def draw_edges(hierarchy: Hierarchy, edges: BaseEdges) -> LevelEdges:
    """Gather the base edges into metaedges.

    Args:
        hierarchy: The tree, with its series.
        edges: The base edges; their rows are those of the tree.

    Returns:
        One metaedge for each pair of siblings with edges between them.
    """
    parents = hierarchy.parents
    source, target = _siblings(parents, _depths(hierarchy), edges)
    # TensorBoard keeps the order in which the pairs first come up.
    first, of_base = first_of_each(numbers_of_pairs(source, target, len(parents)))
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
    if hierarchy.index is not None:
        for row in sorted(set(parents.tolist())):
            if hierarchy.index[hierarchy.names[row]] != row:
                raise _clash(hierarchy.names[row])


def _depths(hierarchy: Hierarchy) -> np.ndarray:
    """How many nodes are around each node that is nobody's guest; int64."""
    parents = hierarchy.parents
    depths = np.zeros(len(parents), dtype=np.int64)
    groups = np.flatnonzero(hierarchy.places >= 0)
    groups = groups[groups > hierarchy.root]
    above = np.full(len(parents), -1, dtype=np.int64)
    above[groups] = parents[groups]
    depths[groups] = 1
    # Each round looks twice as far up as the one before.
    while len(groups):
        depths[groups] += depths[above[groups]]
        above[groups] = above[above[groups]]
        groups = groups[above[groups] >= 0]
    ops = slice(0, hierarchy.root)
    depths[ops] = depths[parents[ops]] + 1
    return depths


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
