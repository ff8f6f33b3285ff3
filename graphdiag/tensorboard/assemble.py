"""The last step: the tree, its metaedges and the rendered root as one drawn graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphdiag.graphs.drawn_graph import DrawnGraph, Metaedges, RenderedRoot
from graphdiag.tensorboard.hierarchy import Hierarchy, LevelEdges
from graphdiag.tensorboard.slim_graph import SlimGraph


def assemble(hierarchy: Hierarchy, edges: LevelEdges, root: RenderedRoot, graph: SlimGraph) -> DrawnGraph:
    """Put the results of the stages together.

    Args:
        hierarchy: The whole tree.
        edges: Its metaedges.
        root: The root as rendered.
        graph: The slim graph, for what became of each op.

    Returns:
        The drawn graph. Of several nodes of one name it has the one that TensorBoard finds under it.
    """
    if len(hierarchy.index) == len(hierarchy.names):
        rows: Sequence[int] = range(len(hierarchy.names))
        number = hierarchy.index
        place = np.arange(len(rows) + 1)
    else:
        rows = [*hierarchy.index.values(), *hierarchy.ghosts.values()]
        number = {hierarchy.names[row]: position for position, row in enumerate(rows)}
        place = np.array([*(number[name] for name in hierarchy.names), 0])
    # One entry more, for the parent of the root.
    place[-1] = -1
    order = np.argsort(edges.parent, kind="stable")
    op_rows = place[list(graph.rows)]
    for op, name in graph.embedded.items():
        if op < len(op_rows):
            op_rows[op] = number[name]
    return DrawnGraph(
        names=[hierarchy.names[row] for row in rows],
        types=[hierarchy.types[row] for row in rows],
        parents=place[[hierarchy.parents[row] for row in rows]].tolist(),
        cardinalities=[hierarchy.cardinalities[row] for row in rows],
        ops=[hierarchy.ops[row] or None for row in rows],
        metaedges=Metaedges(
            parent=place[edges.parent[order]],
            source=place[edges.source[order]],
            target=place[edges.target[order]],
            regular=edges.regular[order],
            control=edges.control[order],
            reference=edges.reference[order],
        ),
        root=root,
        op_rows=op_rows.tolist(),
        ghosts=frozenset(hierarchy.ghosts),
    )
