"""The last step: the tree, its metaedges and the rendered root as one drawn graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from graphdiag.graphs.drawn_graph import DrawnGraph, Metaedges, RenderedRoot
from graphdiag.graphs.on_demand import OnDemand
from graphdiag.tensorboard.hierarchy import Hierarchy, LevelEdges
from graphdiag.tensorboard.slim_graph import SlimGraph


def assemble_graph(hierarchy: Hierarchy, edges: LevelEdges, root: RenderedRoot, graph: SlimGraph) -> DrawnGraph:
    """Put the results of the stages together.

    Args:
        hierarchy: The whole tree.
        edges: Its metaedges.
        root: The root as rendered.
        graph: The slim graph, for what became of each op.

    Returns:
        The drawn graph. Of several nodes of one name it has the one that TensorBoard finds under it.
    """
    order = np.argsort(edges.parent, kind="stable")
    op_rows = graph.rows.copy()
    in_graph = hierarchy.guests < len(op_rows)
    op_rows[hierarchy.guests[in_graph]] = hierarchy.guest_rows[in_graph]
    drawn = DrawnGraph(
        names=hierarchy.names,
        types=hierarchy.types,
        parents=hierarchy.parents,
        cardinalities=hierarchy.cardinalities,
        ops=OnDemand(
            len(hierarchy.ops),
            one=lambda row: hierarchy.ops[row] or None,
            every=lambda: (op or None for op in hierarchy.ops),
        ),
        metaedges=Metaedges(
            parent=edges.parent[order],
            source=edges.source[order],
            target=edges.target[order],
            regular=edges.regular[order],
            control=edges.control[order],
            reference=edges.reference[order],
        ),
        root=root,
        op_rows=op_rows,
    )
    index = hierarchy.index
    return drawn if index is None or len(index) == len(drawn.names) else _listed_only(drawn, index, hierarchy.ghosts)


def _listed_only(drawn: DrawnGraph, index: Mapping[str, int], ghosts: Mapping[str, int]) -> DrawnGraph:
    """The drawn graph without the rows whose name now leads to another: calls that were replaced, repeated names."""
    rows = [*index.values(), *ghosts.values()]
    number = {drawn.names[row]: position for position, row in enumerate(rows)}
    # The last entry is for -1, the parent of the root and the row of what is not drawn.
    place = np.array([*(number[name] for name in drawn.names), -1])
    metaedges = drawn.metaedges
    return DrawnGraph(
        names=[drawn.names[row] for row in rows],
        types=[drawn.types[row] for row in rows],
        parents=place[drawn.parents[rows]],
        cardinalities=drawn.cardinalities[rows],
        ops=[drawn.ops[row] for row in rows],
        metaedges=replace(
            metaedges,
            parent=place[metaedges.parent],
            source=place[metaedges.source],
            target=place[metaedges.target],
        ),
        root=drawn.root,
        op_rows=place[drawn.op_rows],
        ghosts=frozenset(ghosts),
    )
