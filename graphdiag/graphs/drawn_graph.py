"""The drawn graph: what TensorBoard makes of an op graph on screen, stored as columns.

One drawn node is one row: an op, a metanode (a name scope) or a series node (look-alike ops folded into one). One
metaedge is one row of the edge columns. The words are TensorBoard's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import networkx as nx

SCHEMA = "graphdiag.drawn/1"
ROOT = "__root__"
META = "meta"
OP = "op"
SERIES = "series"


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """One node on screen.

    Attributes:
        name: Full name, as ``conv1d_0/kernel``; an op that is also a scope is ``a/b/(b)``.
        type: ``meta``, ``op`` or ``series``.
        parent: Name of the node that holds it; an op for an embedded constant or summary, ``None`` for the root.
        cardinality: How many ops it stands for; embedded ops are not counted.
        op: Op type; ``None`` for metanodes and series, and for what has no op type.
    """

    name: str
    type: str
    parent: str | None
    cardinality: int
    op: str | None


@dataclass(frozen=True, slots=True)
class Metaedge:
    """One arrow on screen and the numbers of base edges (edges of the op graph) that it stands for.

    Attributes:
        source: Name of the node it leaves.
        target: Name of the node it enters.
        regular: Base edges that carry a tensor.
        control: Base edges that are control dependencies.
        reference: Base edges into the variable that an ``Assign``-like op changes; each is counted above too.
    """

    source: str
    target: str
    regular: int
    control: int
    reference: int


@dataclass(frozen=True, eq=False)
class Metaedges:
    """All metaedges, as columns of one length; int64. The edges of one metanode or series stand together.

    Attributes:
        parent: Row of the metanode or series in which the arrow is drawn.
        source: Row of the node it leaves.
        target: Row of the node it enters.
        regular: See `Metaedge`.
        control: See `Metaedge`.
        reference: See `Metaedge`.
    """

    parent: np.ndarray
    source: np.ndarray
    target: np.ndarray
    regular: np.ndarray
    control: np.ndarray
    reference: np.ndarray

    def __len__(self) -> int:
        return len(self.parent)


@dataclass(frozen=True)
class Extraction:
    """Why a node of the root stands under "Auxiliary Nodes".

    Attributes:
        name: The node.
        side: ``in`` or ``out``: the list in which TensorBoard puts it.
        rule: ``in-degree`` or ``out-degree`` (above the limit), ``kind`` (an op type that is always extracted) or
            ``isolated`` (extractions around it left it without neighbors, and with shortcuts on one side only).
        degree: The degree that was too high; 0 for the other rules.
        limit: The limit it is above; 0 for the other rules.
        control: Whether the degree counts control edges, which it does when there are no others.
        kind: The op type for ``kind``; ``inputs`` or ``outputs`` for ``isolated``: the side that has shortcuts.
    """

    name: str
    side: str
    rule: str
    degree: int = 0
    limit: int = 0
    control: bool = False
    kind: str = ""

    @property
    def why(self) -> str:
        """The reason in a few words: ``out-degree 10 > 4``."""
        if self.rule == "kind":
            return f"op type {self.kind}"
        if self.rule == "isolated":
            return f"no neighbors left, only {self.kind}"
        counted = " (control edges)" if self.control else ""
        return f"{self.rule} {self.degree} > {self.limit}{counted}"


@dataclass(frozen=True)
class RenderedRoot:
    """The top level as it stands on screen before anything is expanded.

    Attributes:
        core: Names in the main graph, in TensorBoard's order.
        core_edges: ``(source, target)`` of the arrows that are left between them.
        out_extract: Names extracted as sink-like.
        in_extract: Names extracted as source-like.
        library: Names of the metanodes of library functions.
        extractions: Why, for every name in ``out_extract`` and ``in_extract``.
        in_limit: In-degree above which a node is extracted; ``None`` when the root is too small for the rule.
        out_limit: The same for the out-degree.
    """

    core: tuple[str, ...]
    core_edges: tuple[tuple[str, str], ...]
    out_extract: tuple[str, ...] = ()
    in_extract: tuple[str, ...] = ()
    library: tuple[str, ...] = ()
    extractions: Mapping[str, Extraction] = field(default_factory=dict)
    in_limit: int | None = None
    out_limit: int | None = None


@dataclass(frozen=True, eq=False)
class DrawnGraph:
    """Nodes, metaedges and the rendered root.

    Attributes:
        names: Node names; unique.
        types: ``meta``, ``op`` or ``series``, one for each name.
        parents: Row of the parent as TensorBoard's hierarchy has it; int64, -1 for the root. Climbing may never end: a
            constant ``w`` that is embedded in ``w/read`` can also be the scope of that op. `shown_in` has no cycles.
        cardinalities: How many ops each node stands for; int64.
        ops: Op type of each node; ``None`` where it has none.
        metaedges: The arrows, for every metanode and series.
        root: The top level as rendered.
        op_rows: Row of the node that draws each op of the graph, in the order of the graph; int64, -1 for an op that is
            not drawn at all (a constant or summary that no drawn op touches).
        ghosts: Names that end a metaedge though TensorBoard has no node of that name: series inside the copy of a
            function. They are the last rows, have no parent and are in no other answer but `edges`.
    """

    names: Sequence[str]
    types: Sequence[str]
    parents: np.ndarray
    cardinalities: np.ndarray
    ops: Sequence[str | None]
    metaedges: Metaedges
    root: RenderedRoot
    op_rows: np.ndarray
    ghosts: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.names) - len(self.ghosts)

    def __contains__(self, name: str) -> bool:
        return name in self.index

    @cached_property
    def root_row(self) -> int:
        """Row of the root."""
        # TensorBoard makes it after the ops, and before all else that holds something.
        first = int(np.argmax(self.parents < 0))
        return first if self.names[first] == ROOT else self.index[ROOT]

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Row of each node, by name."""
        return dict(zip(self.names[: len(self)], range(len(self)), strict=True))

    @cached_property
    def shown_in(self) -> np.ndarray:
        """Row of the node in which each node is shown; int64, -1 for the root. Climbing ends there, or at a ghost.

        It is the parent, except where the hierarchy has a cycle: there, the node with the shortest name is shown in its
        scope, as on TensorBoard's page.
        """
        if not _has_cycle(self.parents):
            return self.parents
        shown: list[int] = self.parents.tolist()
        done = bytearray(len(shown))
        for start in range(len(shown)):
            path: dict[int, None] = {}
            row = start
            while row >= 0 and not done[row] and row not in path:
                path[row] = None
                row = shown[row]
            if row in path:
                passed = list(path)
                self._break(passed[passed.index(row) :], shown)
            for passed_row in path:
                done[passed_row] = 1
        return np.array(shown, dtype=np.int64)

    def _break(self, cycle: Sequence[int], shown: list[int]) -> None:
        top = min(cycle, key=lambda row: (len(self.names[row]), row))
        around = self.index.get(self.names[top].rpartition("/")[0], self.index[ROOT])
        shown[top] = self.index[ROOT] if around in cycle else around

    @cached_property
    def _children(self) -> Mapping[int, Sequence[int]]:
        children: dict[int, list[int]] = {}
        for row, parent in enumerate(self.shown_in.tolist()):
            children.setdefault(parent, []).append(row)
        return children

    @cached_property
    def _edge_slices(self) -> Mapping[int, slice]:
        parents, first, number = np.unique(self.metaedges.parent, return_index=True, return_counts=True)
        return {
            parent: slice(start, start + size)
            for parent, start, size in zip(parents.tolist(), first.tolist(), number.tolist(), strict=True)
        }

    def node(self, name: str) -> DrawnNode:
        """The node of that name.

        Raises:
            KeyError: There is none.
        """
        row = self.index[name]
        parent = self.parents[row]
        return DrawnNode(
            name,
            self.types[row],
            None if parent < 0 else self.names[parent],
            int(self.cardinalities[row]),
            self.ops[row],
        )

    def children(self, parent: str = ROOT) -> list[str]:
        """Names of the nodes directly in ``parent``; for an op, of the constants and summaries embedded in it.

        Raises:
            KeyError: There is no node of that name.
        """
        return [self.names[row] for row in self._children.get(self.index[parent], ())]

    def ancestors(self, name: str) -> Iterator[str]:
        """Names of the nodes that hold ``name``, innermost first, the root last.

        Raises:
            KeyError: There is no node of that name.
        """
        return map(self.names.__getitem__, self.rows_around(self.index[name]))

    def rows_around(self, row: int) -> Iterator[int]:
        """Rows of the nodes that hold one, innermost first, the root last."""
        while (row := int(self.shown_in[row])) >= 0:
            yield row

    def edges(self, parent: str = ROOT) -> list[Metaedge]:
        """The metaedges between the nodes directly in ``parent``, in TensorBoard's order.

        Raises:
            KeyError: There is no node of that name.
        """
        edges = self.metaedges
        at = self._edge_slices.get(self.index[parent], slice(0, 0))
        return [
            Metaedge(self.names[source], self.names[target], regular, control, reference)
            for source, target, regular, control, reference in zip(
                edges.source[at].tolist(),
                edges.target[at].tolist(),
                edges.regular[at].tolist(),
                edges.control[at].tolist(),
                edges.reference[at].tolist(),
                strict=True,
            )
        ]

    def to_dict(self) -> dict[str, Any]:
        """The drawn graph in the schema ``graphdiag.drawn/1``.

        Returns:
            ``schema``; ``nodes``: type, parent, cardinality and op by name, the root being ``__root__``; ``edges``:
            for each metanode or series that has any, its metaedges as ``[source, target, regular, control,
            reference]``; ``root``: the lists ``core``, ``core_edges``, ``out_extract``, ``in_extract`` and
            ``library``. Names are sorted everywhere but in ``root``, which keeps TensorBoard's order.
        """
        nodes = {}
        parents, cardinalities = self.parents.tolist(), self.cardinalities.tolist()
        for row in sorted(range(len(self)), key=self.names.__getitem__):
            parent = parents[row]
            nodes[self.names[row]] = {
                "type": self.types[row],
                "parent": None if parent < 0 else self.names[parent],
                "cardinality": cardinalities[row],
                "op": self.ops[row],
            }
        edges = {}
        for name in sorted(self.names[row] for row in self._edge_slices):
            edges[name] = sorted(
                [edge.source, edge.target, edge.regular, edge.control, edge.reference] for edge in self.edges(name)
            )
        root = {
            "core": list(self.root.core),
            "core_edges": [list(edge) for edge in self.root.core_edges],
            "out_extract": list(self.root.out_extract),
            "in_extract": list(self.root.in_extract),
            "library": list(self.root.library),
        }
        return {"schema": SCHEMA, "nodes": nodes, "edges": edges, "root": root}

    def to_networkx(self, parent: str = ROOT) -> nx.DiGraph:
        """One level of the drawn graph as a ``networkx.DiGraph``.

        Args:
            parent: The metanode or series whose inside is wanted; the root by default.

        Returns:
            Nodes are the names directly in ``parent``, with the attributes ``type``, ``op`` (``""`` where there is
            none), ``cardinality`` and ``place``: ``core``, ``in_extract``, ``out_extract`` or ``library`` in the
            root, always ``core`` elsewhere. Edges are all its metaedges with ``regular``, ``control``, ``reference``
            (numbers of base edges) and ``shown``: whether the arrow is left after extraction. The graph's own
            attribute is ``parent``.

        Raises:
            KeyError: There is no node of that name.
        """
        import networkx as nx

        graph = nx.DiGraph(parent=parent)
        at_root = parent == ROOT
        places = {
            **dict.fromkeys(self.root.in_extract, "in_extract"),
            **dict.fromkeys(self.root.out_extract, "out_extract"),
            **dict.fromkeys(self.root.library, "library"),
        }
        for row in self._children.get(self.index[parent], ()):
            name = self.names[row]
            graph.add_node(
                name,
                type=self.types[row],
                op=self.ops[row] or "",
                cardinality=int(self.cardinalities[row]),
                place=places.get(name, "core") if at_root else "core",
            )
        shown = set(self.root.core_edges)
        for edge in self.edges(parent):
            graph.add_edge(
                edge.source,
                edge.target,
                regular=edge.regular,
                control=edge.control,
                reference=edge.reference,
                shown=not at_root or (edge.source, edge.target) in shown,
            )
        return graph


def _has_cycle(parents: np.ndarray) -> bool:
    """Whether climbing from some row never ends at -1. Each round goes twice as far up as the one before."""
    above = np.append(parents, -1)
    for _ in range(len(parents).bit_length()):
        if (above < 0).all():
            return False
        above = above[above]
    return bool((above >= 0).any())
