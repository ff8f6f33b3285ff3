"""What the user has on screen: the drawn graph, TensorBoard's conceptual graph, or why there is none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from graphdiag.graphs.arrays import distinct
from graphdiag.graphs.drawn_graph import DrawnGraph
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.op_graph import OpGraph


@dataclass(frozen=True)
class TensorBoardView:
    """What TensorBoard shows, or will show.

    Attributes:
        drawn: The drawn graph; ``None`` when there is no op graph, or TensorBoard draws none.
        failure: TensorBoard's own words when it refuses to merge the graphs of a trace; empty otherwise.
        has_op_graph: Whether the source holds an op graph, be it an empty one.
        conceptual: The graph that TensorBoard makes of the Keras model's JSON, one op a layer; ``None`` when there is
            no such JSON, or TensorBoard fails on it.
        conceptual_failure: TensorBoard's own words when it fails on the JSON.
        callback_writes_op_graph: For a live model, whether its stack's callback writes an op graph; ``None`` for
            files, and where it is not known.
        live: Whether a live model was traced, so that the pictures are what the callback will write.
        imagined: Whether nobody has the picture: TensorBoard reads no SavedModel, and of a function in one it draws no
            body in the place of its call.
        tag: The tag of the trace that the op graph is; empty for a run's own graph.
        keras_json: The parsed JSON of which the conceptual graph is made.
    """

    drawn: DrawnGraph | None = None
    failure: str = ""
    has_op_graph: bool = True
    conceptual: OpGraph | None = None
    conceptual_failure: str = ""
    callback_writes_op_graph: bool | None = None
    live: bool = False
    imagined: bool = False
    tag: str = ""
    keras_json: Mapping[str, Any] | None = None

    def boxes_moved_for(self, feeds: Mapping[str, int]) -> Sequence[str]:
        """Boxes that TensorBoard moved to "Auxiliary Nodes" for so many boxes of one kind that lead into them.

        Args:
            feeds: How many boxes of that kind lead into each box of the root.

        Returns:
            Those of whose feeds at least half are of that kind.
        """
        if self.drawn is None:
            return ()
        return [
            name
            for name, extraction in self.drawn.root.extractions.items()
            if extraction.rule == "in-degree" and feeds.get(name, 0) * 2 >= extraction.degree
        ]

    def boxes_of(self, rows: Sequence[int]) -> set[str]:
        """The boxes of the drawn root that hold some ops; an empty name among them where one is not drawn."""
        if self.drawn is None:
            return set()
        names = self.drawn.names
        return {names[box] if box >= 0 else "" for box in distinct(self.box_rows[list(rows)]).tolist()}

    @cached_property
    def rows_of_boxes(self) -> Mapping[str, int]:
        """Row of each box of the drawn root, by its name: the boxes of `box_rows`."""
        if self.drawn is None:
            return {}
        boxes = np.flatnonzero(self.drawn.shown_in == self.drawn.root_row).tolist()
        return {self.drawn.names[row]: row for row in reversed(boxes)}

    @cached_property
    def box_rows(self) -> np.ndarray:
        """Row of the box of the drawn root that holds each op; int64, -1 for an op that is not drawn."""
        if self.drawn is None:
            return np.zeros(0, dtype=np.int64)
        drawn = self.drawn
        root = drawn.root_row
        shown_in = drawn.shown_in
        box = np.where((shown_in != root) & (shown_in >= 0), shown_in, np.arange(len(shown_in)))
        # Each round doubles the number of levels that are climbed.
        while True:
            further = box[box]
            if np.array_equal(further, box):
                break
            box = further
        box[root] = -1
        # What is not drawn is in row -1.
        found: np.ndarray = np.append(box, -1)[drawn.op_rows]
        return found


def conceptual_rows(conceptual: OpGraph, layers: LayerGraph) -> Mapping[str, int]:
    """The nodes of a conceptual graph that are layers.

    Args:
        conceptual: TensorBoard's conceptual graph, one op a layer.
        layers: The layer graph.

    Returns:
        The row of each layer's node, by the layer's id; of a layer that the JSON does not hold there is none.
    """
    rows: dict[str, int] = {}
    for layer in layers.layers.values():
        for name in ("/".join((layers.model_name, *layer.path, layer.name)), "/".join((*layer.path, layer.name))):
            if name in conceptual.index:
                rows[layer.id] = conceptual.index[name]
                break
    return rows


def conceptual_edges(conceptual: OpGraph, layers: LayerGraph) -> frozenset[tuple[str, str]]:
    """The layer edges that a conceptual graph shows.

    TensorBoard names a layer by the names of the models around it, the outermost included. It draws the input layers
    of nested models, which the layer graph leaves out, so an edge may run through them.

    Args:
        conceptual: TensorBoard's conceptual graph, one op a layer.
        layers: The layer graph.

    Returns:
        Those edges of the layer graph that are drawn.
    """
    rows = conceptual_rows(conceptual, layers)
    onward: Mapping[int, list[int]] = defaultdict(list)
    for source, target in zip(conceptual.source.tolist(), conceptual.target.tolist(), strict=True):
        onward[source].append(target)
    own = set(rows.values())
    shown = set()
    for source, target in layers.edges:
        if source in rows and target in rows and _leads_to(rows[source], rows[target], onward, own):
            shown.add((source, target))
    return frozenset(shown)


def _leads_to(source: int, target: int, onward: Mapping[int, Sequence[int]], own: set[int]) -> bool:
    """Whether there is an edge, or a path through nodes that are not layers of the layer graph."""
    seen = {source}
    waiting = [source]
    while waiting:
        for step in onward.get(waiting.pop(), ()):
            if step == target:
                return True
            if step not in own and step not in seen:
                seen.add(step)
                waiting.append(step)
    return False
