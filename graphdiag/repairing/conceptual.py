"""The Keras model as JSON that TensorBoard reads whole: its conceptual graph then shows every layer and every edge.

TensorBoard reads only a part of what Keras writes (see `graphdiag.tensorboard.conceptual`). What is written here keeps
to that part, which is also what Keras 3 writes for a functional model:

* One model of the class ``Functional`` without a name, so that its layers are seen without opening a box first.
* In it all layers side by side, those of nested models too, under the names of their boxes: ``encoder/dense``. The
  slashes make the boxes. A nested model is not written as a model, because TensorBoard takes all edges into one for
  edges from its first call, and all edges out of one that is called on several inputs for edges from its last output.
* The tensors of each call as positional arguments, those that Keras passes by name too. What an argument is
  called, that a box is an operation and no layer, that nested models share a layer, and that settings are not written,
  stands where TensorBoard does not look and graphdiag does.
"""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphdiag.graphs.drawn_graph import ROOT, Extraction
from graphdiag.graphs.layer_graph import Layer, LayerGraph, LayerTensor, TensorEdge
from graphdiag.sources.event_runs import KERAS_PLUGIN
from graphdiag.sources.keras_config import ARGUMENT_NAMES, OPERATIONS, SAME_LAYER, SETTINGS_LEFT_OUT
from graphdiag.tensorboard import draw_conceptual

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

TAG = "keras"
"""The tag under which Keras's callbacks write the model."""


def conceptual_json(
    layers: LayerGraph, boxes: Mapping[str, Sequence[str]], same_layer: Mapping[str, str] | None = None
) -> str:
    """Write a model as JSON of which TensorBoard draws all edges.

    Keras cannot load a model from it: only names, classes, shapes and tensors are in it. graphdiag reads it as the same
    layer graph, with the names of the boxes as layers' ids.

    Args:
        layers: The layer graph.
        boxes: The names of the boxes around each layer and its own, by the layer's id; see
            `graphdiag.repairing.blocks.layer_boxes`.
        same_layer: For each id of a layer that several nested models share, the first of its ids.

    Returns:
        The JSON.
    """
    names = {id_: "/".join(boxes[id_]) for id_ in layers.layers}
    given: dict[str, dict[int, dict[str, list[TensorEdge]]]] = defaultdict(lambda: defaultdict(dict))
    for edge in layers.connections:
        argument = edge.argument.partition("[")[0]
        given[edge.target][edge.call].setdefault(argument, []).append(edge)

    def reference(tensor: LayerTensor) -> list[Any]:
        return [names[tensor.layer], tensor.call, tensor.output]

    def keras_tensor(tensor: LayerTensor) -> dict[str, Any]:
        config = {"shape": _shape(layers.layers[tensor.layer]), "keras_history": reference(tensor)}
        return {"class_name": "__keras_tensor__", "config": config}

    def call_json(arguments: Mapping[str, Sequence[TensorEdge]]) -> dict[str, Any]:
        tensors = {
            name: [keras_tensor(edge.source) for edge in edges]
            if edges[0].argument != name
            else keras_tensor(edges[0].source)
            for name, edges in arguments.items()
        }
        return {"args": list(tensors.values()), "kwargs": {}, ARGUMENT_NAMES: list(tensors)}

    def layer_json(layer: Layer) -> dict[str, Any]:
        calls = given[layer.id]
        count = max(layers.uses(layer.id), *(number + 1 for number in calls)) if calls else 0
        return {
            # TensorBoard fails on a class that is not ASCII.
            "class_name": layer.class_name.encode("ascii", "backslashreplace").decode(),
            "name": names[layer.id],
            "config": {"name": names[layer.id]} | ({"batch_shape": _shape(layer)} if layer.is_input else {}),
            "inbound_nodes": [call_json(calls[number]) for number in range(count)],
            SETTINGS_LEFT_OUT: True,
            **({"module": OPERATIONS} if layer.is_operation else {}),
            **({SAME_LAYER: names[same]} if (same := (same_layer or {}).get(layer.id)) in names else {}),
        }

    outputs = layers.output_tensors or [LayerTensor(layer, 0, 0) for layer in layers.outputs]
    config = {
        "name": "",
        "layers": [layer_json(layer) for layer in layers.layers.values()],
        "input_layers": [reference(LayerTensor(layer, 0, 0)) for layer in layers.inputs],
        "output_layers": [reference(tensor) for tensor in outputs],
    }
    model = {"class_name": "Functional", "name": layers.model_name, "config": config}
    return json.dumps(model | ({"keras_version": layers.keras_version} if layers.keras_version else {}))


def _shape(layer: Layer) -> list[int | None] | None:
    """The shape that a layer gives, where it is known and there is only one."""
    try:
        found = ast.literal_eval(layer.output_shape)
    except (SyntaxError, ValueError):
        return None
    plain = isinstance(found, tuple) and all(size is None or isinstance(size, int) for size in found)
    return list(found) if plain else None


@dataclass(frozen=True)
class ConceptualCheck:
    """What TensorBoard draws of a model, held against the layer graph.

    Attributes:
        drawn: Edges of the layer graph that have an arrow.
        undrawn: Edges of the layer graph that have none.
        added: Names of boxes with an arrow between them for which the layer graph has no edge.
        unseen: Ids of nested models that have no box, because there is no layer in them.
        extracted: Boxes that TensorBoard puts beside the picture, under "Auxiliary Nodes".
    """

    drawn: tuple[tuple[str, str], ...]
    undrawn: tuple[tuple[str, str], ...]
    added: tuple[tuple[str, str], ...]
    unseen: tuple[str, ...]
    extracted: tuple[Extraction, ...]

    def notes(self) -> Sequence[str]:
        """What the picture does not show as the model has it, one sentence each."""
        return [
            *(
                f"TensorBoard draws no arrow from a box to itself: {source} reads its own result."
                if source == target
                else f"TensorBoard does not draw the edge {source} -> {target}."
                for source, target in self.undrawn
            ),
            *(f"TensorBoard draws {source} -> {target}, which is not in the model." for source, target in self.added),
            *(f"The nested model {model} has no layer in it, and so no box." for model in self.unseen),
            *(f"TensorBoard puts {box.name} beside the picture ({box.why})." for box in self.extracted),
        ]


def check_conceptual(layers: LayerGraph, boxes: Mapping[str, Sequence[str]], text: str) -> ConceptualCheck:
    """Draw a model's JSON as TensorBoard does, and hold every level of the picture against the layer graph.

    Args:
        layers: The layer graph.
        boxes: The names of the boxes around each layer and its own, by the layer's id.
        text: What `conceptual_json` wrote of these.

    Returns:
        Which edges have an arrow, in the innermost box that holds both ends, and what else is to be told.

    Raises:
        ConceptualGraphError: TensorBoard fails on the model.
        UndrawableGraphError: TensorBoard fails on its names.
    """
    picture = draw_conceptual(json.loads(text))
    arrows = {
        (edge.source, edge.target)
        for parent in picture.names
        if parent == ROOT or picture.children(parent)
        for edge in picture.edges(parent)
    }
    wanted = {(source, target): _arrow(boxes[source], boxes[target]) for source, target in layers.edges}
    held = {layer.path[:depth] for layer in layers.layers.values() for depth in range(1, len(layer.path) + 1)}
    return ConceptualCheck(
        drawn=tuple(edge for edge, arrow in wanted.items() if arrow in arrows),
        undrawn=tuple(edge for edge, arrow in wanted.items() if arrow not in arrows),
        added=tuple(sorted(arrows.difference(wanted.values()))),
        unseen=tuple(model.id for model in layers.nested.values() if (*model.path, model.name) not in held),
        extracted=tuple(picture.root.extractions.values()),
    )


def _arrow(source: Sequence[str], target: Sequence[str]) -> tuple[str, str]:
    """The two boxes side by side that hold one end each."""
    depth = 0
    while depth + 1 < min(len(source), len(target)) and source[depth] == target[depth]:
        depth += 1
    return "/".join(source[: depth + 1]), "/".join(target[: depth + 1])


def conceptual_event(text: str, wall_time: float, tag: str = TAG) -> Event:
    """Wrap a model's JSON into an event, as Keras's callbacks do (``keras_model_summary`` of Keras 3).

    Args:
        text: The JSON.
        wall_time: Seconds since 1970.
        tag: The tag under which TensorBoard offers it.

    Returns:
        The event, of step 0.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    event = Event(wall_time=wall_time)
    value = event.summary.value.add(tag=tag)
    value.metadata.plugin_data.plugin_name = KERAS_PLUGIN
    value.metadata.plugin_data.content = b"1"
    value.tensor.dtype = DT_STRING
    value.tensor.tensor_shape.SetInParent()
    value.tensor.string_val.append(text.encode())
    return event
