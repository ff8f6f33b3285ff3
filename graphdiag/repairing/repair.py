"""Repairing a source: from its graphs to a graph that TensorBoard draws right, with the proof of both."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdiag.comparison import check_fit, open_any, open_model_file
from graphdiag.diagnosis.context import DiagnosisContext, analyze
from graphdiag.diagnosis.scoped_calls import scope_in_layer
from graphdiag.diagnosis.traces import eager_kernels
from graphdiag.errors import ModelError, SourceError, UsageError
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.node_attributes import functions_of
from graphdiag.graphs.op_graph import FunctionBody, merge
from graphdiag.repairing.blocks import LIMIT, layer_boxes
from graphdiag.repairing.boxes import find_boxes
from graphdiag.repairing.conceptual import check_conceptual, conceptual_json
from graphdiag.repairing.inlining import Inlined, InlinedOp, inline_calls
from graphdiag.repairing.joining import join_graphs, recorded_once
from graphdiag.repairing.legal_names import Taken
from graphdiag.repairing.names import Names, choose_names
from graphdiag.repairing.picture import Picture, hold_against_model, real_dependencies, real_edges
from graphdiag.repairing.proof import prove_inlined, prove_joined, prove_same
from graphdiag.repairing.rewriting import rewrite
from graphdiag.repairing.stand_ins import StandIns, find_stand_ins
from graphdiag.repairing.unfolding import unfold
from graphdiag.sources.keras_json import layer_graph_from_json
from graphdiag.sources.keras_layers import is_network
from graphdiag.sources.opened import Origin
from graphdiag.sources.registry import SourceOptions
from graphdiag.tensorboard import draw
from graphdiag.tensorboard.conceptual import ConceptualGraphError
from graphdiag.tensorboard.merge import UndrawableGraphError

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    from graphdiag.graphs.drawn_graph import DrawnGraph
    from graphdiag.sources.opened import Opened

GROUPINGS = ("auto", "none")
_STAND_IN = "inserted_by_graphdiag"


@dataclass(frozen=True, eq=False)
class Repair:
    """A repaired graph.

    Attributes:
        origin: Where the graph came from.
        layers: The layer graph; ``None`` for a live model of which Keras records none, as it does for subclassed ones.
        graph_def: The same op graph under new names; ``None`` where the source has no op graph.
        names: The new name of each op, by its old one. An op of a function that was called has the call's name before
            its own, with ``/`` between.
        inserted: Names of the identity ops that stand for layers which hand on their input.
        conceptual: The Keras model as JSON of which TensorBoard draws all edges; empty where there is no layer graph.
        inlined: How many calls of functions were replaced by the function's ops.
        picture: What TensorBoard draws of it, held against the layer graph, where there are both.
        before: What TensorBoard drew; ``None`` where it fails.
        after: What TensorBoard draws; ``None`` where there is no op graph.
        boxes: The scope of each layer's box, and of each nested model's, by id.
        notes: Sentences for the user.
    """

    origin: Origin
    layers: LayerGraph | None
    graph_def: GraphDef | None
    names: Mapping[str, str]
    inserted: Sequence[str]
    conceptual: str
    inlined: int
    picture: Picture | None
    before: DrawnGraph | None
    after: DrawnGraph | None = None
    boxes: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


def repair_source(
    source: Any,
    *,
    model: str | Path | None = None,
    options: SourceOptions,
    group: str = "auto",
    keep_functions: bool = False,
) -> Repair:
    """Repair the graph of a source.

    Args:
        source: A path, or a Keras model, as for `graphdiag.compare`.
        model: A file with the layer graph, when the source has none, or another one.
        options: How the source is opened.
        group: ``auto`` to put the boxes of a large model into blocks, ``none`` for one box a layer at the top.
        keep_functions: Whether calls of library functions stay calls.

    Returns:
        The repaired graph, proved to be the same graph.

    Raises:
        GraphdiagError: Something cannot be read, does not fit, or has no layer graph.
    """
    if group not in GROUPINGS:
        raise UsageError(f"There is no grouping {group!r}; choose one of {', '.join(GROUPINGS)}.")
    opened = open_any(source, options)
    layers = opened.layer_graph if model is None else open_model_file(model).layer_graph
    return repair_opened(opened, layers, group=group, keep_functions=keep_functions, given=model is not None)


def repair_opened(
    opened: Opened, layers: LayerGraph | None, *, group: str = "auto", keep_functions: bool = False, given: bool = False
) -> Repair:
    """Repair the graph of a source that was opened.

    Args:
        opened: The source.
        layers: Its layer graph, or another one.
        group: As for `repair_source`.
        keep_functions: As for `repair_source`.
        given: Whether the layer graph is another one.

    Returns:
        The repaired graph, proved to be the same graph.

    Raises:
        GraphdiagError: The layer graph does not fit, or there is none.
    """
    if layers is None and not opened.owners:
        raise ModelError(
            f"{opened.origin.path}: holds no layer graph, so there is nothing to draw it by; give the model that wrote "
            "it with --model FILE (Keras JSON, .keras, .h5 or a Python file)."
        )
    if not any(len(graph_def.node) for graph_def in opened.graph_defs):
        return _layers_only(opened.origin, layers, group, opened.notes_for(model_given=given))
    return _Repairing(opened, layers, group, keep_functions).run(given)


def _layers_only(origin: Origin, layers: LayerGraph | None, group: str, notes: Sequence[str] = ()) -> Repair:
    if layers is None:
        return Repair(origin, None, None, {}, (), "", 0, None, None, notes=notes)
    text, told = _conceptual(layers, layer_boxes(layers, limit=_limit(group)))
    return Repair(origin, layers, None, {}, (), text, 0, None, None, notes=(*notes, *told))


def _conceptual(
    layers: LayerGraph, places: Mapping[str, Sequence[str]], same_layer: Mapping[str, str] | None = None
) -> tuple[str, Sequence[str]]:
    """The Keras model as JSON, and what TensorBoard does not draw of it as it is; no JSON where TensorBoard fails."""
    text = conceptual_json(layers, places, same_layer or layers.same_layer)
    try:
        return text, [f"Conceptual graph: {note}" for note in check_conceptual(layers, places, text).notes()]
    except (ConceptualGraphError, UndrawableGraphError) as error:
        return "", [f"No conceptual graph was written: {error}"]


def _limit(group: str) -> int | None:
    return LIMIT if group == "auto" else None


def layers_alone(model: Any, group: str = "auto") -> Repair:
    """What can be written of a Keras model that makes no TensorFlow graph: its layers.

    Raises:
        ModelError: Keras does not record the layers of such a model.
    """
    if not is_network(model):
        raise ModelError(
            f"Keras records no edges between the layers of {type(model).__name__}, because it is a subclassed model, "
            "and its backend makes no TensorFlow graph."
        )
    try:
        layers = layer_graph_from_json(json.loads(model.to_json()))
    except Exception as error:  # the user's own get_config runs here, and may raise anything
        raise ModelError(f"Keras cannot write the model {model.name!r} as JSON: {error}") from error
    return _layers_only(Origin(model.name, "model"), layers, group)


class _Repairing:
    def __init__(self, opened: Opened, layers: LayerGraph | None, group: str, keep_functions: bool) -> None:
        self._opened = opened
        self._layers = layers
        self._group = group
        self._keep_functions = keep_functions

    def run(self, given: bool) -> Repair:
        opened = self._opened
        graph_defs = [recorded_once(graph_def) for graph_def in opened.graph_defs]
        joined = join_graphs(graph_defs)
        _check_names(joined, opened.origin)
        if len(graph_defs) > 1:
            prove_joined(graph_defs, joined)
        context = self._analyze(joined, opened)
        if not opened.is_own_trace and eager_kernels(context.ops):
            raise SourceError(
                f"{opened.origin.path}: holds single ops and no model, because the model was called eagerly. Trace a "
                "call of it in a tf.function; 'graphdiag explain GD207' has the code."
            )
        inlined = Inlined(joined)
        hiding = _functions_with_layers(context)
        if hiding and not self._keep_functions:
            inlined = inline_calls(joined, hiding.__contains__)
        if inlined.calls:
            prove_inlined(joined, inlined)
            context = self._analyze(inlined.graph_def, replace(opened, owners=_owners(context, inlined)))
        layers = context.layers
        if layers is not None:
            check_fit(context, layers, given)
        hidden, callers = _hidden(context, hiding & context.ops.functions.keys())
        dependencies = real_dependencies(context)
        boxes = find_boxes(context, real_edges(context, dependencies).__contains__, callers)
        names = choose_names(context, boxes, self._variables(context, inlined), limit=_limit(self._group))
        stand_ins = find_stand_ins(context, boxes, hidden)
        inserted = _stand_in_names(stand_ins, names, layers)

        def rewritten() -> tuple[GraphDef, DrawnGraph]:
            graph_def = rewrite(context.ops, names.of_op, stand_ins, inserted, inlined.graph_def)
            return graph_def, draw([graph_def])

        graph_def, drawn = rewritten()
        while (unfolded := unfold(graph_def, drawn, names.of_op)) is not names.of_op:
            names = replace(names, of_op=unfolded)
            graph_def, drawn = rewritten()
        prove_same(context.ops, names.of_op, inserted, graph_def)
        text, told = _conceptual(layers, names.places, context.same_layer) if layers is not None else ("", ())
        return Repair(
            opened.origin,
            layers,
            graph_def,
            {_old(inlined, old): new for old, new in zip(context.ops.names, names.of_op, strict=True)},
            inserted,
            text,
            len(inlined.calls),
            (
                hold_against_model(context, dependencies, boxes, stand_ins, names.scope_of, drawn)
                if layers is not None
                else None
            ),
            self._before(),
            drawn,
            names.scope_of,
            (*opened.notes_for(model_given=given), *told),
        )

    def _analyze(self, graph_def: GraphDef, opened: Opened) -> DiagnosisContext:
        return analyze(
            merge([graph_def]),
            self._layers,
            opened.owners,
            None,
            opened.trackers,
            opened.same_layer,
            opened.calls,
            opened.belongs_to,
            opened.python_code,
        )

    def _variables(self, context: DiagnosisContext, inlined: Inlined) -> Mapping[int, str]:
        index = context.ops.index
        known = {**inlined.arguments, **self._opened.variables}
        return {index[name]: variable for name, variable in known.items() if name in index}

    def _before(self) -> DrawnGraph | None:
        try:
            return draw(self._opened.graph_defs)
        except UndrawableGraphError:
            return None


def _check_names(graph_def: GraphDef, origin: Origin) -> None:
    seen = set()
    for node in graph_def.node:
        if node.name in seen:
            raise SourceError(
                f"{origin.path}: two ops are called {node.name}, so it is unclear which one other ops take; TensorFlow "
                "cannot run such a graph."
            )
        seen.add(node.name)


def _functions_with_layers(context: DiagnosisContext) -> frozenset[str]:
    """The library functions in which layers are whose ops the graph itself does not have, and those that call them."""
    layers = context.layers
    if layers is None:
        return frozenset()
    wanted = {layers.layers[layer].name for layer in context.without_ops if not layers.layers[layer].is_input}
    found = {
        function.name for function in context.ops.functions.values() if not wanted.isdisjoint(_pieces_of(function))
    }
    # A function that calls one of these hides what is in it.
    callers = {
        function.name: {called for node in function.graph.node_defs for called in (node.op, *functions_of(node))}
        for function in context.ops.functions.values()
    }
    while more := {caller for caller, called in callers.items() if caller not in found and called & found}:
        found |= more
    return frozenset(found)


def _hidden(context: DiagnosisContext, functions: Set[str]) -> tuple[Set[str], Set[int]]:
    """The layers that are in some library functions alone, and the rows of the ops that call these."""
    layers, ops = context.layers, context.ops
    if layers is None or not functions:
        return frozenset(), frozenset()
    pieces = {piece for name in functions for piece in _pieces_of(ops.functions[name])}
    hidden = {layer for layer in context.without_ops if layers.layers[layer].name in pieces}
    callers = {
        row for row, node in enumerate(ops.node_defs) if not functions.isdisjoint((node.op, *functions_of(node)))
    }
    return hidden, callers


def _pieces_of(function: FunctionBody) -> set[str]:
    return {piece for name in function.graph.names for piece in _pieces(name)}


_NUMBERED = re.compile(r"(.+)_[0-9]+")


def _pieces(name: str) -> list[str]:
    """What may be a layer's name in the name of an op."""
    scopes = name.split("/")[:-1]
    return [*scopes, *(found[1] for found in map(_NUMBERED.fullmatch, scopes) if found)]


def _owners(context: DiagnosisContext, inlined: Inlined) -> Mapping[str, str]:
    """The owners of a live model's ops, with those of the ops that have taken the place of a call."""
    ownership, layers = context.ownership, context.layers
    if not ownership.recorded or layers is None:
        return {}
    owners = {name: owner for row, name in enumerate(context.ops.names) if (owner := ownership.owner(row)) is not None}
    for name, origin in inlined.origins.items():
        around = owners.get(origin.calls[0], "")
        pieces = [piece for part in (*origin.calls[1:], origin.name) for piece in _pieces(part)]
        inside = [
            id_
            for id_, layer in layers.layers.items()
            if layer.name in pieces and (not around or id_ == around or "/".join(layer.path).startswith(around))
        ]
        if inside or around:
            owners[name] = inside[-1] if inside else around
    called = {path[0] for path in inlined.calls}
    return {name: owner for name, owner in owners.items() if name not in called}


def _old(inlined: Inlined, name: str) -> str:
    origin: InlinedOp | None = inlined.origins.get(name)
    return "/".join((*origin.calls, origin.name)) if origin else name


def _stand_in_names(stand_ins: StandIns, names: Names, layers: LayerGraph | None) -> list[str]:
    taken = Taken(names.of_op)
    found = []
    for stand_in in stand_ins.ops:
        scope = names.scope_of[stand_in.layer]
        if layers is not None and layers.uses(stand_in.layer) > 1:
            scope = f"{scope}/{scope_in_layer(stand_in.call)}"
        found.append(taken.unique(f"{scope}/{_STAND_IN}"))
    return found
