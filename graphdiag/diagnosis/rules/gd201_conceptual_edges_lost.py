"""GD201 conceptual-edges-lost: the conceptual graph is a row of boxes without arrows.

What it finds
    Edges of the model that TensorBoard's conceptual graph does not show.

Why it matters
    The user sees layers that nothing joins, and suspects the model.

Cause
    TensorBoard 2.21 reads `inbound_nodes` in the shape that Keras 3 writes. A functional model saved by Keras 2 (all
    of tf_keras, and every older log) loses all its edges; only those inside nested Sequential models stay. Of a model
    of Keras 3 it loses tensors that are given by name or in dictionaries, the edges into a nested model of several
    inputs, those into any call of a nested model but the first, and those out of a model in a nested model.

Proof
    The edges that TensorBoard's own reading of the JSON gives (`tensorboard/plugins/graph/keras_util.py`), held
    against the edges that Keras wrote.

Example
    27 of 27 edges of the reference model under tf_keras 2.21; none under Keras 3.

Fix
    The model itself is right. `graphdiag repair SOURCE -o LOGDIR` writes a conceptual graph with all edges; or look at
    the op graph, which a trace writes on TensorFlow 2 (`tf.summary.trace_on(graph=True)`, `tf.summary.trace_export`).

Reported upstream
    related: tensorboard#6686
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fixes import repaired
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.diagnosis.tensorboard_view import conceptual_edges, conceptual_rows
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.phrases import some

_KERAS_2 = "Keras 2 writes what a layer takes as lists, which TensorBoard 2.21 passes over"
_SEVERAL_INPUTS = "the nested model {} has several inputs, and TensorBoard gives those no source"
_BY_NAME = "the tensor is given by name, and TensorBoard reads arguments without a name only"
_DEEPER = "the tensor is in a dictionary, or in a list inside a list, where TensorBoard does not look"
_LATER_CALL = "TensorBoard draws the first call of the nested model {} only"
_INNER = "the nested model {} gives it from the model {} inside it, which TensorBoard does not look into"
_OTHER = "TensorBoard's reading of the model's JSON does not give it"


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for all edges that are lost."""
    view = context.view
    if view is None or view.conceptual is None or context.layers is None:
        return
    layers = context.layers
    drawn = conceptual_rows(view.conceptual, layers)
    # An input that Keras does not write down, as of a Sequential model, is one that this program added.
    recorded = [edge for edge in layers.edges if edge[0] in drawn and edge[1] in drawn]
    shown = conceptual_edges(view.conceptual, layers)
    lost = tuple(edge for edge in recorded if edge not in shown)
    if not lost:
        return
    reasons: dict[str, list[Pair]] = defaultdict(list)
    configs = _configs(view.keras_json or {})
    for edge in lost:
        reasons[_reason(layers, configs, edge)].append(edge)
    does = "will show" if view.live else "shows"
    message = f"TensorBoard's conceptual graph {does} {len(recorded) - len(lost)} of {len(recorded)} layer edges."
    for reason, edges in reasons.items():
        listed = some([f"{source} -> {target}" for source, target in edges])
        are = "is" if len(edges) == 1 else "are"
        message += f" {listed} {are} lost because {reason}."
    yield finding(
        RULE,
        context,
        message=message,
        fix=f"The model is right. {repaired('of layers in the shape that TensorBoard reads')}",
        culprits=("keras",),
        edges=lost,
        counted=False,
    )


def _configs(model: Mapping[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Mapping[str, Any]]:
    """Each layer and nested model of the JSON, by its name and those of the models around it but the outermost."""
    found: dict[tuple[str, ...], Mapping[str, Any]] = {}
    config = model.get("config")
    members = config.get("layers") if isinstance(config, dict) else config
    for member in members if isinstance(members, list) else ():
        if not isinstance(member, dict) or not isinstance(member.get("config"), dict):
            continue
        name = str(member["config"].get("name", member.get("name", "")))
        found[(*path, name)] = member
        if member["config"].get("layers"):
            found |= _configs(member, (*path, name))
    return found


def _reason(layers: LayerGraph, configs: Mapping[tuple[str, ...], Mapping[str, Any]], edge: Pair) -> str:
    """Why TensorBoard does not show an edge: the rules of `graphdiag.tensorboard.conceptual`."""
    source, target = (layers.layers[end] for end in edge)
    common = 0
    while common < min(len(source.path), len(target.path)) and source.path[common] == target.path[common]:
        common += 1
    entered = target.path[: common + 1] if len(target.path) > common else ()
    left = source.path[: common + 1] if len(source.path) > common else ()
    taker = configs.get(entered or (*target.path, target.name), {})
    nodes = taker.get("inbound_nodes")
    if isinstance(nodes, Sequence) and any(not isinstance(node, dict) for node in nodes):
        return _KERAS_2
    if entered:
        inputs = taker.get("config", {}).get("input_layers")
        if isinstance(inputs, list) and inputs and isinstance(inputs[0], list):
            return _SEVERAL_INPUTS.format(entered[-1])
    given = left[-1] if left else source.name
    is_read = False
    for node in nodes if isinstance(nodes, Sequence) else ():
        if any(_mentions(value, given) for value in node.get("kwargs", {}).values()):
            return _BY_NAME
        for argument in node.get("args", ()):
            if any(_is_tensor_of(tensor, given) for tensor in (argument if isinstance(argument, list) else [argument])):
                is_read = True
            elif _mentions(argument, given):
                return _DEEPER
    if entered and is_read:
        return _LATER_CALL.format(entered[-1])
    inner = source.path[len(left)] if len(source.path) > len(left) else ""
    return _INNER.format(left[-1], inner) if left and is_read and inner else _OTHER


def _is_tensor_of(value: Any, layer: str) -> bool:
    """Whether a value of the JSON is a tensor of a layer."""
    config = value.get("config") if isinstance(value, dict) else None
    history = config.get("keras_history") if isinstance(config, dict) else None
    return isinstance(history, list) and history[:1] == [layer]


def _mentions(value: Any, layer: str) -> bool:
    """Whether a value of the JSON holds a tensor of a layer, at any depth."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            history = current.get("keras_history")
            if isinstance(history, list) and history[:1] == [layer]:
                return True
            waiting += current.values()
        elif isinstance(current, list):
            waiting += current
    return False


RULE = Rule("GD201", "conceptual-edges-lost", Verdict.MISSING, Blame.TENSORBOARD, Severity.NOTE, find, __name__, rank=1)
