"""Calls of library functions, drawn as copies of the function.

Follows ``cloneFunctionLibraryMetanode`` and its helpers, ``buildSubhierarchiesForNeededFunctions`` and the part of
``buildSubhierarchy`` that uses them in ``tensorboard/plugins/graph/tf_graph_common/render.ts``. An op whose *type* is
the name of a library function (as TensorFlow 1's ``Defun`` makes them; ``PartitionedCall`` and the like are not) is
replaced by a metanode of the op's name that holds a copy of the function:

* In the copy, constants and summaries are no longer embedded: they stand beside the op that held them, without edges.
* Series are not copied. An edge to one is drawn backwards, from a name that no node has.
* Calls at the top level are replaced when the page opens. A call further down is replaced when its metanode is
  expanded, and before that only where an edge of a level that is on screen comes from it. Calls inside a copy are
  replaced in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from graphdiag.graphs.drawn_graph import META, OP, SERIES
from graphdiag.tensorboard.hierarchy import GrowingTree, Hierarchy, LevelEdges
from graphdiag.tensorboard.merge import UndrawableGraphError
from graphdiag.tensorboard.slim_graph import LIBRARY_PREFIX, SlimGraph


def draw_calls(hierarchy: Hierarchy, edges: LevelEdges, graph: SlimGraph) -> tuple[Hierarchy, LevelEdges]:
    """Replace the calls that TensorBoard replaces when it opens the graph.

    Args:
        hierarchy: The tree.
        edges: Its metaedges.
        graph: The slim graph.

    Returns:
        The tree with the copies, and the metaedges with those inside the copies.

    Raises:
        UndrawableGraphError: TensorBoard fails to connect a call to the copy.
    """
    if not graph.calls.inputs:
        return hierarchy, edges
    drawing = _Drawing(_Tree(hierarchy), edges, graph)
    try:
        drawing.open(hierarchy.root)
    except RecursionError:
        raise UndrawableGraphError(
            "TensorBoard fails on this graph: a function whose result is a call of the function itself has no end; "
            "look at the function's own graph instead"
        ) from None
    with_copies = drawing.all_edges()
    return drawing.tree.columns(), with_copies


class _Tree(GrowingTree):
    """The tree while copies are added to it."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        self._before = hierarchy
        self.root = hierarchy.root
        self.library = hierarchy.library
        self.names = list(hierarchy.names)
        self.types = list(hierarchy.types)
        self.parents = hierarchy.parents.tolist()
        self.cardinalities = hierarchy.cardinalities.tolist()
        self.ops = list(hierarchy.ops)
        self.index = hierarchy.row_by_name()
        self.children = hierarchy.children()
        self.ghosts: dict[str, int] = {}

    def columns(self) -> Hierarchy:
        """The tree as it has become."""
        return replace(
            self._before,
            names=self.names,
            types=self.types,
            parents=np.array(self.parents, dtype=np.int64),
            places=self.places(),
            cardinalities=np.array(self.cardinalities, dtype=np.int64),
            ops=self.ops,
            guest_rows=np.array([self.index[self.names[row]] for row in self._before.guest_rows], dtype=np.int64),
            index=self.index,
            ghosts=self.ghosts,
        )


@dataclass
class _BaseEdge:
    """An edge that leaves a call: where it starts (in the copy, once the call is replaced) and its output key."""

    start: str
    key: str


@dataclass(frozen=True)
class _Copied:
    """A metaedge inside a copy; ``base`` has those of its base edges that leave a call."""

    source: str
    target: str
    counts: tuple[int, int, int]
    base: Sequence[_BaseEdge]


class _Drawing:
    """The tables that grow while calls are replaced.

    Attributes:
        tree: The tree.
        edges: The metaedges that were there before.
        graph: The slim graph.
        opened: Names of the groups whose calls are replaced.
        replaced: Row of the copy for each row of a replaced call.
        origin: Row in the slim graph of each op inside a copy.
        level: Numbers of the metaedges of each group.
        base: The base edges that leave a call, for each number of a metaedge.
        leaving: The same by name of the call, each with whether its metaedge has regular edges.
        regular_into: Number of regular base edges into each row of the slim graph.
        copied: The metaedges of each group that is part of a copy, by source and target.
    """

    def __init__(self, tree: _Tree, edges: LevelEdges, graph: SlimGraph) -> None:
        self.tree = tree
        self.edges = edges
        self.graph = graph
        self.opened: set[str] = set()
        self.replaced: dict[int, int] = {}
        self.origin: dict[int, int] = {}
        self.level: dict[int, list[int]] = {}
        self.base: dict[int, list[_BaseEdge]] = {}
        self.leaving: dict[str, list[tuple[_BaseEdge, bool]]] = {}
        self.copied: dict[int, dict[tuple[str, str], _Copied]] = {}
        for number, parent in enumerate(edges.parent.tolist()):
            self.level.setdefault(parent, []).append(number)
        for base_number, key in graph.calls.keys.items():
            metaedge = int(edges.of_base[base_number])
            base = _BaseEdge(graph.names[int(graph.edges.source[base_number])], key)
            self.base.setdefault(metaedge, []).append(base)
            self.leaving.setdefault(base.start, []).append((base, bool(edges.regular[metaedge])))
        self.regular_into = np.bincount(graph.edges.target[~graph.edges.control], minlength=len(graph.names))

    def open(self, group: int) -> None:
        """Replace the calls directly in a group, and those further down where an edge of the group comes from one."""
        tree = self.tree
        if tree.names[group] in self.opened or tree.types[group] == OP:
            return
        self.opened.add(tree.names[group])
        copies = {
            row: self._call(row)
            for row in tree.children[group]
            if self._is_call(row) and not tree.names[row].startswith(LIBRARY_PREFIX)
        }
        self.replaced.update(copies)
        tree.children[group] = [copies.get(row, row) for row in tree.children[group]]
        for call, copy in copies.items():
            tree.parents[copy] = tree.parents[call]
            tree.index[tree.names[call]] = copy
        for base in self._base_edges(group):
            self._open_above(base.start)

    def _is_call(self, row: int) -> bool:
        return self.tree.types[row] == OP and self.tree.ops[row] in self.tree.library

    def _base_edges(self, group: int) -> list[_BaseEdge]:
        if group in self.copied:
            return [base for edge in self.copied[group].values() for base in edge.base]
        return [base for number in self.level.get(group, ()) for base in self.base.get(number, ())]

    def _open_above(self, start: str) -> None:
        parts = start.split("/")
        paths = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
        known = next((path for path in paths if path in self.tree.index), "")
        if known and self._is_call(self.tree.index[known]):
            for path in reversed(paths):
                if path and len(path) < len(known):
                    self.open(self.tree.index[path])

    def _call(self, call: int) -> int:
        """Make the copy for a call and return its row."""
        tree = self.tree
        library = tree.library[tree.ops[call]]
        results: dict[str, str] = {}
        copy = self._copy(library, tree.names[library], call, results)
        name = tree.names[call]
        for base, regular in self.leaving.get(name, ()) if results else ():
            if regular:
                if base.key not in results:
                    raise _disconnected(name, tree.ops[call])
                base.start = results[base.key]
        return copy

    def _copy(self, source: int, old: str, call: int, results: dict[str, str]) -> int:
        """Copy a metanode of the library, ``old`` being the name of the function's own."""
        tree = self.tree
        new = tree.names[call]
        # The copy of the function's own metanode takes the call's place only when its whole level is done.
        copy = tree.add_unlisted(tree.names[source].replace(old, new, 1), META, -1, tree.cardinalities[source])
        inside: dict[str, int] = {}
        for row in tree.children[source]:
            if tree.types[row] == META:
                child = self._copy(row, old, call, results)
                tree.parents[child] = copy
                inside[tree.names[child]] = tree.index[tree.names[child]] = child
            elif tree.types[row] == OP:
                renamed = tree.names[row].replace(old, new, 1)
                if renamed not in inside:
                    self._copy_op(row, renamed, old, new, copy, inside)
                if row in self.graph.calls.arguments:
                    self._check_argument(call, self.graph.calls.arguments[row])
                if row in self.graph.calls.results:
                    results[str(self.graph.calls.results[row])] = renamed
        tree.children[copy].extend(inside.values())
        self.copied[copy] = self._copied_edges(source, old, new, inside)
        return copy

    def _copy_op(self, row: int, renamed: str, old: str, new: str, copy: int, inside: dict[str, int]) -> None:
        tree = self.tree
        inside[renamed] = tree.add(renamed, OP, copy, 1, tree.ops[row])
        self.origin[inside[renamed]] = row
        for guest, op, _ in self.graph.embeddings.of(row):
            beside = guest.replace(old, new, 1)
            if beside not in inside:
                inside[beside] = tree.add(beside, OP, copy, 1, op)

    def _check_argument(self, call: int, position: int) -> None:
        """Fail where TensorBoard finds no edge that leads into the argument."""
        row = self.origin.get(call, call)
        inputs = self.graph.calls.inputs.get(row, ())
        at = min(position, len(inputs) - 1)
        while 0 <= at < len(inputs) and inputs[at][2]:
            at += 1
        constants = [name for name, _, inward in self.graph.embeddings.of(row) if inward]
        embedded = sum(given[0] == name and not given[2] for name in constants for given in inputs)
        if not 0 <= at < len(inputs) or self.regular_into[row] + embedded <= at:
            raise _disconnected(self.tree.names[call], self.tree.ops[call])

    def _copied_edges(self, source: int, old: str, new: str, inside: dict[str, int]) -> dict[tuple[str, str], _Copied]:
        names = self.tree.names
        edges = self.edges
        copied = {}
        for number in self.level.get(source, ()):
            start = names[edges.source[number]].replace(old, new, 1)
            end = names[edges.target[number]].replace(old, new, 1)
            if end not in inside:
                start, end = end, start
            base = [_BaseEdge(edge.start.replace(old, new, 1), edge.key) for edge in self.base.get(number, ())]
            counts = (int(edges.regular[number]), int(edges.control[number]), int(edges.reference[number]))
            for edge in base:
                self.leaving.setdefault(edge.start, []).append((edge, counts[0] > 0))
            copied[start, end] = _Copied(start, end, counts, base)
        return copied

    def all_edges(self) -> LevelEdges:
        """The metaedges that were there before, on the rows of the copies, and those inside the copies."""
        tree = self.tree
        rows = np.arange(len(tree.names))
        rows[list(self.replaced)] = list(self.replaced.values())
        new = [
            (group, self._end(edge.source), self._end(edge.target), *edge.counts)
            for group, edges in self.copied.items()
            for edge in edges.values()
        ]
        columns = np.array(new, dtype=np.int64).reshape(-1, 6).T
        edges = self.edges
        return replace(
            edges,
            parent=np.concatenate([edges.parent, columns[0]]),
            source=np.concatenate([rows[edges.source], columns[1]]),
            target=np.concatenate([rows[edges.target], columns[2]]),
            regular=np.concatenate([edges.regular, columns[3]]),
            control=np.concatenate([edges.control, columns[4]]),
            reference=np.concatenate([edges.reference, columns[5]]),
        )

    def _end(self, name: str) -> int:
        if name not in self.tree.index:
            if name not in self.tree.ghosts:
                self.tree.ghosts[name] = self.tree.add_unlisted(name, SERIES, -1, 0)
            return self.tree.ghosts[name]
        return self.tree.index[name]


def _disconnected(call: str, function: str) -> UndrawableGraphError:
    return UndrawableGraphError(
        f"TensorBoard fails on this graph: it cannot connect the call {call!r} to the inside of the function "
        f"{function!r}; give each argument of the call an op of its own"
    )
