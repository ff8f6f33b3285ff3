"""The root as it is on screen: what stays in the main graph, and what is pulled out to "Auxiliary Nodes".

Follows ``extractHighDegrees`` and what it calls in ``tensorboard/plugins/graph/tf_graph_common/render.ts`` with its
``PARAMS``, for the root only: TensorBoard does the same inside a metanode when it is expanded. The switch for it in
``tf_graph_controls/tf-graph-controls.ts`` is on by default. In this order:

1. Ops of type ``NoOp``, and metanodes whose own op (``init/(init)``) is one, are extracted as sink-like.
2. When 15 nodes or more are left, those with a high in-degree are extracted as source-like (TensorBoard's word), then
   those with a high out-degree as sink-like. With the quartiles Q1 and Q3 of all degrees, too high is above
   Q3 + (Q3 - Q1) going in and above Q3 + 4 (Q3 - Q1) going out, and never 4 or less. A degree is the number of
   metaedges with regular edges or, for a node that has none, of control metaedges.
3. Control metaedges at a node with more than 4 of them become shortcuts.
4. A node that this leaves without neighbors is extracted when it has shortcuts or embedded ops on one side only.

Extracting a node cuts all its metaedges; each leaves a shortcut at both ends. The metanodes of library functions take
part in all this, and go to the function library in the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from graphdiag.graphs.drawn_graph import META, Extraction, RenderedRoot
from graphdiag.tensorboard import javascript
from graphdiag.tensorboard.hierarchy import Hierarchy, LevelEdges
from graphdiag.tensorboard.named_rows import strict_name
from graphdiag.tensorboard.slim_graph import SlimGraph

MIN_NODES = 15
MIN_DEGREE = 5
MAX_CONTROL_DEGREE = 4
SINK_OPS = frozenset({"NoOp"})


def render_root(hierarchy: Hierarchy, edges: LevelEdges, graph: SlimGraph) -> RenderedRoot:
    """Extract from the root what TensorBoard extracts.

    Args:
        hierarchy: The whole tree.
        edges: Its metaedges.
        graph: The slim graph.

    Returns:
        The root as rendered, with the reason for every extraction.
    """
    core = _Core(hierarchy, edges, graph)
    known = _known(hierarchy, graph)
    for row in list(core.nodes):
        kind = _kind(hierarchy, known, row)
        if kind in SINK_OPS:
            core.extract(row, "out", rule="kind", kind=kind)
    in_limit, out_limit = _extract_high_degrees(core)
    _cut_control_edges(core)
    _extract_isolated(core)
    names = hierarchy.names
    library = [hierarchy.library[function] for function in javascript.key_order(hierarchy.library)]
    for row in library:
        core.remove(row)
    return RenderedRoot(
        core=tuple(core.nodes.values()),
        core_edges=tuple((names[source], names[target]) for source, target in core.edges),
        out_extract=tuple(core.extracted["out"]),
        in_extract=tuple(core.extracted["in"]),
        library=tuple(names[row] for row in library),
        extractions=core.extractions,
        in_limit=in_limit,
        out_limit=out_limit,
    )


class _Core:
    """The main graph, from which the steps take nodes and edges away.

    Attributes:
        nodes: Name of each row still in the main graph, in TensorBoard's order.
        edges: Whether each remaining metaedge has regular edges, by source and target row.
        before: Rows that have an edge into a row.
        after: Rows that a row has an edge to.
        has_inputs: Rows with a shortcut or an embedded constant at the input side.
        has_outputs: Rows with a shortcut or an embedded summary at the output side.
        extracted: Names taken out, for ``in`` and ``out``.
        extractions: The reasons.
    """

    def __init__(self, hierarchy: Hierarchy, edges: LevelEdges, graph: SlimGraph) -> None:
        children = {hierarchy.names[row]: row for row in hierarchy.children_of(hierarchy.root)}
        self.nodes = {children[name]: name for name in javascript.key_order(children)}
        at_root = np.flatnonzero(edges.parent == hierarchy.root)
        pairs = zip(edges.source[at_root].tolist(), edges.target[at_root].tolist(), strict=True)
        self.edges = dict(zip(pairs, (edges.regular[at_root] > 0).tolist(), strict=True))
        self.before: dict[int, dict[int, None]] = {row: {} for row in self.nodes}
        self.after: dict[int, dict[int, None]] = {row: {} for row in self.nodes}
        for source, target in self.edges:
            self.before[target][source] = None
            self.after[source][target] = None
        embeddings = {row: graph.embeddings.of(row) for row in self.nodes}
        self.has_inputs = {row for row, guests in embeddings.items() if any(inward for _, _, inward in guests)}
        self.has_outputs = {row for row, guests in embeddings.items() if not all(inward for _, _, inward in guests)}
        self.extracted: dict[str, list[str]] = {"in": [], "out": []}
        self.extractions: dict[str, Extraction] = {}

    def cut(self, source: int, target: int) -> None:
        """Replace a metaedge by shortcuts at its ends."""
        del self.edges[source, target]
        del self.before[target][source]
        del self.after[source][target]
        self.has_outputs.add(source)
        self.has_inputs.add(target)

    def remove(self, row: int) -> None:
        """Take a node out, with its metaedges."""
        if self.nodes.pop(row, None) is not None:
            for source in list(self.before[row]):
                self.cut(source, row)
            for target in list(self.after[row]):
                self.cut(row, target)

    def extract(
        self, row: int, side: str, rule: str, degree: int = 0, limit: int = 0, control: bool = False, kind: str = ""
    ) -> None:
        """Pull a node out to the auxiliary nodes."""
        name = self.nodes[row]
        self.remove(row)
        self.extracted[side].append(name)
        self.extractions[name] = Extraction(name, side, rule, degree, limit, control, kind)


def _known(hierarchy: Hierarchy, graph: SlimGraph) -> Mapping[str, int]:
    """Row of each name that may be that of an op that is also a scope."""
    if hierarchy.index is not None:
        return hierarchy.index
    if "(" not in graph.marks:
        return graph.own_ops
    return dict(zip(hierarchy.names, range(len(hierarchy.names)), strict=True))


def _kind(hierarchy: Hierarchy, known: Mapping[str, int], row: int) -> str:
    """The op type that decides whether a node is always extracted."""
    if hierarchy.types[row] == META:
        row = known.get(strict_name(hierarchy.names[row]), row)
    return hierarchy.ops[row]


def _extract_high_degrees(core: _Core) -> tuple[int | None, int | None]:
    if len(core.nodes) < MIN_NODES:
        return None, None
    going_in = {row: _degree(core, [(source, row) for source in core.before[row]]) for row in core.nodes}
    going_out = {row: _degree(core, [(row, target) for target in core.after[row]]) for row in core.nodes}
    in_limit = _limit([degree for degree, _ in going_in.values()], 1)
    out_limit = _limit([degree for degree, _ in going_out.values()], 4)
    _extract_above(core, going_in, in_limit, "in")
    _extract_above(core, going_out, out_limit, "out")
    return in_limit, out_limit


def _degree(core: _Core, edges: Sequence[tuple[int, int]]) -> tuple[int, bool]:
    """The degree that counts, and whether it counts control edges."""
    regular = sum(core.edges[edge] for edge in edges)
    return (regular, False) if regular else (len(edges), bool(edges))


def _limit(degrees: Sequence[int], factor: int) -> int:
    in_order = sorted(degrees)
    # JavaScript rounds a half up.
    upper = in_order[int(len(in_order) * 0.75 + 0.5)]
    lower = in_order[int(len(in_order) * 0.25 + 0.5)]
    return max(upper + (upper - lower) * factor, MIN_DEGREE - 1)


def _extract_above(core: _Core, degrees: Mapping[int, tuple[int, bool]], limit: int, side: str) -> None:
    high = [row for row, (degree, _) in degrees.items() if degree > limit]
    high.sort(key=lambda row: degrees[row][0])
    for row in reversed(high):
        if row in core.nodes:
            degree, control = degrees[row]
            core.extract(row, side, rule=f"{side}-degree", degree=degree, limit=limit, control=control)


def _cut_control_edges(core: _Core) -> None:
    control = [edge for edge, regular in core.edges.items() if not regular]
    number = dict.fromkeys(core.nodes, 0)
    for source, target in control:
        number[source] += 1
        number[target] += 1
    for source, target in control:
        if max(number[source], number[target]) > MAX_CONTROL_DEGREE:
            core.cut(source, target)


def _extract_isolated(core: _Core) -> None:
    for row in list(core.nodes):
        if not core.before[row] and not core.after[row]:
            inputs, outputs = row in core.has_inputs, row in core.has_outputs
            if outputs and not inputs:
                core.extract(row, "in", rule="isolated", kind="outputs")
            elif inputs and not outputs:
                core.extract(row, "out", rule="isolated", kind="inputs")
