"""What TensorBoard does to a graph before it is on screen, one module a stage.

The stages are those of TensorBoard. `merge` and `serve` are done by its server (``tensorboard/plugins/graph``); `parse`
with `wiring`, `hierarchy`, `series`, `function_calls` and `extraction` by its page
(``tensorboard/plugins/graph/tf_graph_common``). `assemble` puts the results together, and `conceptual` makes a graph of
a Keras model. The TensorBoard followed is `NEWEST_CHECKED`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphdiag.garbage import no_garbage_collection
from graphdiag.graphs.drawn_graph import DrawnGraph
from graphdiag.tensorboard.assemble import assemble_graph
from graphdiag.tensorboard.conceptual import ConceptualGraphError, conceptual_graph
from graphdiag.tensorboard.extraction import render_root
from graphdiag.tensorboard.function_calls import draw_calls
from graphdiag.tensorboard.hierarchy import build_hierarchy, draw_edges
from graphdiag.tensorboard.merge import merge_graphs
from graphdiag.tensorboard.parse import parse_graph
from graphdiag.tensorboard.series import group_series
from graphdiag.tensorboard.serve import serve_graph

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

NEWEST_CHECKED = "2.21"
"""The newest TensorBoard whose drawing was compared with this package's."""


def draw(graph_defs: Sequence[GraphDef]) -> DrawnGraph:
    """The graph that TensorBoard draws.

    Args:
        graph_defs: The graphs of one tag, or the one graph of a run.

    Returns:
        Nodes, metaedges at every level, and the root as rendered.

    Raises:
        ProducersDifferError: TensorBoard refuses to merge the graphs.
        EmptyGraphError: There is no op in them.
        UndrawableGraphError: TensorBoard fails on them in another way.
    """
    with no_garbage_collection():
        graph = parse_graph(serve_graph(merge_graphs(graph_defs), graph_defs))
        hierarchy = group_series(build_hierarchy(graph), graph)
        hierarchy, edges = draw_calls(hierarchy, draw_edges(hierarchy, graph.edges), graph)
        root = render_root(hierarchy, edges, graph)
        return assemble_graph(hierarchy, edges, root, graph)


def draw_conceptual(keras_json: Mapping[str, Any]) -> DrawnGraph:
    """The conceptual graph that TensorBoard draws of a Keras model.

    Args:
        keras_json: The parsed JSON of the model, as in the tag ``keras`` of an event log.

    Returns:
        As `draw`; ``op_rows`` has one entry for each layer that is not a model, in the order of the JSON.

    Raises:
        ConceptualGraphError: TensorBoard fails on the model.
        UndrawableGraphError: TensorBoard fails on its layers' names.
    """
    try:
        graph = conceptual_graph(keras_json)
    except ConceptualGraphError as error:
        raise ConceptualGraphError(
            'TensorBoard fails on the conceptual graph of this model and shows "Graph visualization failed" '
            f"(its server logs: {error}); look at the op graph, or draw the model with keras.utils.plot_model"
        ) from error
    return draw([graph])


def newer_than_checked() -> str | None:
    """The version of the installed TensorBoard, if its drawing may differ from this package's.

    Returns:
        The version when it is newer than `NEWEST_CHECKED`; ``None`` otherwise, and when none is installed.
    """
    # TensorBoard says it itself: to look for its metadata takes as long as to draw a small graph.
    try:
        from tensorboard.version import VERSION as installed  # noqa: N811
    except ImportError:
        return None
    return installed if _release(installed) > _release(NEWEST_CHECKED) else None


def _release(text: str) -> tuple[int, ...]:
    """The first two numbers of a version, which is where TensorBoard counts its releases."""
    return tuple(int(number) for number in re.findall(r"[0-9]+", text)[:2])
