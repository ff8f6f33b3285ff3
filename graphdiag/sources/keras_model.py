"""Open a live Keras model: its layer graph, its op graph, and which layer made which op.

Works for Keras 3 and tf_keras models, and for tf_keras models built in TF 1 graph mode. An eager model is traced once,
under a recorder; the graph of a TF 1 model is there already, and is recorded only if it was built under one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphdiag.errors import ModelError, UsageError
from graphdiag.graphs.layer_calls import NO_RECORD, CallRecord
from graphdiag.sources.keras_calls import call_record
from graphdiag.sources.keras_layers import LayerIds, flat, functional_ids, is_network, subclassed_ids
from graphdiag.sources.keras_live_settings import with_settings
from graphdiag.sources.keras_random import random_state_kept
from graphdiag.sources.keras_trace import (
    argument_names,
    graph_def,
    python_code,
    reason,
    shown_graph,
    signature,
    trace_forward,
    trace_train_step,
    unbuilt,
)
from graphdiag.sources.keras_variables import Trackers, find_trackers
from graphdiag.sources.locator import LayerLocator
from graphdiag.sources.opened import Opened, Origin, SourceLine
from graphdiag.sources.recorder import CallRecorder

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

GRAPHS = ("training", "inference", "train-step")
"""The forward pass in training mode, in inference mode, and the train step with gradients and optimizer."""


def open_model(
    model: Any,
    *,
    graph: str = "training",
    input_shape: Any = None,
    name: str | None = None,
    recorder: CallRecorder | None = None,
    locator: LayerLocator | None = None,
    batch: Any | None = None,
) -> Opened:
    """Open a live Keras model.

    An unbuilt Sequential model is built when ``input_shape`` is given; nothing else of the model is changed, but that
    a subclassed model makes its weights when it is first traced, and the optimizer its variables for a train step. A
    TF 1 model has only the graph that it was built in.

    Args:
        model: A Keras 3 or tf_keras model.
        graph: Which op graph: one of `GRAPHS`. A train step is traced as the model was compiled.
        input_shape: Shape of the input with the batch axis, ``None`` for sizes left open; for several inputs a list
            or dict of shapes. Needed only where Keras does not know it.
        name: What to call the source; the model's own name by default.
        recorder: The recorder under which the model was built and called, if there was one.
        locator: The locator under which the model was built, if there was one.
        batch: What the model was to be trained on, where training would have built it: see
            `graphdiag.sources.training_data`.

    Returns:
        Layer graph, op graph, recorded owners and Keras JSON. A subclassed model has no layer graph; its owners are
        recorded all the same.

    Raises:
        UsageError: There is no such graph, or the shape is none.
        ModelError: Not a Keras model, not built, not compiled, or it fails while it is traced.
    """
    if graph not in GRAPHS:
        raise UsageError(f"There is no graph {graph!r}; choose one of {', '.join(GRAPHS)}.")
    keras = keras_of(model)
    if keras is None:
        kind = type(model)
        raise ModelError(f"An object of type {kind.__module__}.{kind.__qualname__} is not a Keras 3 or tf_keras model.")
    notes: list[str] = []
    if not runs_on_tensorflow(model):
        return _without_op_graph(model, keras, name, locator, notes)
    if _graph_of(model) is not None:
        ids = _ids(model, keras)
        traced = _built_graph(model, ids, recorder)
        if graph != "training":
            notes.append(f"A TF 1 model has only the graph that it was built in; that one is shown, not {graph}.")
        if not traced.owners:
            notes.append(
                "The model was built before graphdiag saw it, so name scopes decide which op belongs to which layer."
            )
    else:
        _ensure_built(model, input_shape, batch, notes)
        ids = _ids(model, keras)
        traced = _traced_graph(model, keras, ids, graph, input_shape, recorder, batch)
    if ids.graph is None:
        notes.append(
            f"Keras records no edges between the layers of {type(model).__name__}, because it is a subclassed model."
        )
    python = python_code(traced.graph_def)
    keras_json = _keras_json(model, notes)
    ids = with_settings(ids, keras_json)
    return Opened(
        origin=Origin(path=name or model.name, kind="model", stack=_stack(model, keras)),
        graph_defs=(traced.graph_def,),
        has_op_graph=True,
        layer_graph=ids.graph,
        keras_json=keras_json,
        owners=traced.owners,
        trackers=traced.trackers.layers,
        belongs_to=traced.trackers.belongs_to,
        variables=traced.trackers.variables,
        python_code={
            token: (code.reads, code.writes, tuple(filter(None, map(traced.trackers.name_of, code.variables))))
            for token, code in python.items()
        },
        read_by_python={
            token: [
                (getattr(variable, "path", variable.name), layers)
                for variable in code.weights
                for layers in [traced.trackers.layers_of(variable)]
                if layers
            ]
            for token, code in python.items()
            if code.weights
        },
        calls=traced.calls,
        same_layer=ids.same_layer(),
        notes=tuple(notes),
        locations=_locations(ids, locator) if locator else {},
        callback_writes_op_graph=callback_writes_op_graph(model),
    )


def keras_of(thing: Any) -> Any | None:
    """The Keras package that a model belongs to.

    Args:
        thing: Any object.

    Returns:
        The imported module ``keras`` (Keras 3) or ``tf_keras``, or None when the object is not a model of either.
    """
    # A model's package is imported already; importing the other one would cost time.
    for package in ("keras", "tf_keras"):
        module = sys.modules.get(package)
        model_class = getattr(module, "Model", None)
        if isinstance(model_class, type) and isinstance(thing, model_class):
            return module
    return None


def layer_base(keras: Any) -> type:
    """The base class of all layers of a Keras package; for Keras 3 that of its operations, which include the layers."""
    base: type = getattr(keras, "Operation", None) or keras.layers.Layer
    return base


def callback_writes_op_graph(model: Any) -> bool | None:
    """Whether ``TensorBoard(write_graph=True)``, the callback of the model's Keras, writes an op graph.

    The Keras 3 callback writes the graph of the train function if that has a ``function_spec``. Up to Keras 3.6 it is a
    ``tf.function``; from 3.7 on it is a plain Python function, which has none (``make_train_function`` in
    ``keras/src/backend/tensorflow/trainer.py``; measured with 3.3 on TensorFlow 2.16, and with 3.4, 3.5, 3.6, 3.7, 3.8,
    3.12 and 3.15 on 2.21). The tf_keras callback hands the session's graph to a ``FileWriter`` in TF 1 graph mode
    (``tf_keras/src/callbacks_v1.py``); in eager mode it depends on how ``fit`` is called: the graph is written where a
    callback asks to be called after each batch, as the progress bar does (``_implements_train_batch_hooks`` in
    ``tf_keras/src/callbacks.py``).

    Args:
        model: A Keras 3 or tf_keras model.

    Returns:
        What is known, or None where nothing is: tf_keras in eager mode, other releases, and objects that are not Keras
        models.
    """
    keras = keras_of(model)
    if keras is None:
        return None
    if keras.__name__ == "tf_keras":
        return True if _graph_of(model) is not None else None
    release = tuple(int(part) for part in keras.__version__.split(".")[:2])
    if (3, 3) <= release <= (3, 15):
        return release < (3, 7)
    return None


@dataclass(frozen=True)
class NamedTrackers:
    """Who tracks each variable, by the name of the op that makes it or stands for it.

    Attributes:
        layers: Ids of the layers that track it.
        belongs_to: What any other variable belongs to.
        variables: What Keras or TensorFlow calls the variable, within its layer.
        name_of: Gives the name of a variable; ``None`` for one that the graph does not have.
        layers_of: Gives the ids of the layers that track a variable, also of one that the graph does not have.
    """

    layers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    belongs_to: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    name_of: Callable[[Any], str | None] = lambda _: None
    layers_of: Callable[[Any], Sequence[str]] = lambda _: ()

    @classmethod
    def of(cls, trackers: Trackers, name_of: Callable[[Any], str | None]) -> NamedTrackers:
        """Put names in the place of the variables; one that the graph does not have has none."""
        names = {key: name_of(variable) for key, variable in trackers.variables.items()}
        return cls(
            {name: trackers.layers[key] for key, name in names.items() if name is not None and key in trackers.layers},
            {name: what for key, what in trackers.belongs_to.items() for name in [names[key]] if name is not None},
            {name: _name_within(trackers.variables[key]) for key, name in names.items() if name is not None},
            name_of,
            lambda variable: trackers.layers.get(id(variable), ()),
        )


@dataclass(frozen=True)
class _Traced:
    """An op graph, and, where it was recorded, who made which op, who tracks which variable, and the layers' calls."""

    graph_def: GraphDef
    owners: Mapping[str, str] = field(default_factory=dict)
    trackers: NamedTrackers = field(default_factory=NamedTrackers)
    calls: CallRecord = NO_RECORD


def _ids(model: Any, keras: Any) -> LayerIds:
    return functional_ids(model, keras.__version__) if is_network(model) else subclassed_ids(model)


def _locations(ids: LayerIds, locator: LayerLocator) -> dict[str, SourceLine]:
    """Where each layer was made, by its id, in the order of the layers."""
    lines = ((layer_id, locator.line_of(made)) for made, places in ids.by_object.items() for _, layer_id in places)
    return {layer_id: line for layer_id, line in lines if line is not None}


def runs_on_tensorflow(model: Any) -> bool:
    """Whether a Keras model makes TensorFlow graphs; with another backend of Keras 3 it does not."""
    keras = keras_of(model)
    return keras is not None and (keras.__name__ == "tf_keras" or keras.backend.backend() == "tensorflow")


def _without_op_graph(
    model: Any, keras: Any, name: str | None, locator: LayerLocator | None, notes: list[str]
) -> Opened:
    """The layer graph of a model on another backend of Keras 3, and why there is no op graph."""
    backend = keras.backend.backend()
    why = f"The model runs on Keras 3's {backend} backend, which makes no TensorFlow graph"
    if not is_network(model):
        raise ModelError(
            f"{why}, and Keras records no layer graph of {type(model).__name__}, because it is a subclassed model; set "
            "KERAS_BACKEND=tensorflow."
        )
    ids = _ids(model, keras)
    json_ = _keras_json(model, notes)
    notes.append(f"{why}: TensorBoard has no op graph of it. KERAS_BACKEND=tensorflow gives one of the same layers.")
    return Opened(
        origin=Origin(path=name or model.name, kind="model", stack=f"Keras {keras.__version__} on {backend}"),
        layer_graph=ids.graph,
        keras_json=json_,
        same_layer=ids.same_layer(),
        notes=tuple(notes),
        locations=_locations(ids, locator) if locator else {},
    )


def _ensure_built(model: Any, input_shape: Any, batch: Any | None, notes: list[str]) -> None:
    """Give an unbuilt Sequential model its shape; a subclassed model is built by the trace."""
    of_batch = getattr(batch, "shape", None)
    if input_shape is None and of_batch is not None and hasattr(model, "pop") and not is_network(model):
        input_shape = tuple(of_batch)
    if is_network(model):
        if input_shape is not None:
            notes.append("The input shape was passed over: the model knows its inputs.")
    elif input_shape is None:
        if not model.built and batch is None:
            raise ModelError(unbuilt(model))
    elif not model.built and hasattr(model, "pop"):
        try:
            model.build(input_shape)
        except Exception as error:  # the user's own layers run here, and may raise anything
            raise ModelError(
                f"The model {model.name!r} cannot be built for the input shape {input_shape}: {reason(error)}"
            ) from error


def _built_graph(model: Any, ids: LayerIds, recorder: CallRecorder | None) -> _Traced:
    """The graph that a TF 1 model was built in, and, if they were recorded, the owners and who tracks the variables."""
    graph: Any = _graph_of(model)
    made = graph_def(graph)
    if recorder is None or not recorder.calls(graph):
        return _Traced(made)
    owned, calls = call_record(model, ids, recorder, graph, {})
    owners = dict(owned)
    for tensor, layer_id in ids.made:
        owners.setdefault(tensor.op.name, layer_id)
    # A layer may have been built by another one that called it first, or outside of all calls.
    trackers = find_trackers(model, ids, recorder.layers(graph))
    variables = graph.get_collection("variables")
    trackers.add_others([variable for variable in variables if id(variable) not in trackers.layers], "nobody")
    named = NamedTrackers.of(trackers, lambda variable: variable.op.name)
    strayed = {name: layers[0] for name, layers in named.layers.items() if layers and owners.get(name) not in layers}
    for node in made.node if strayed else ():
        scope = node.name
        while scope and scope not in strayed:
            scope = scope.rpartition("/")[0]
        if scope:
            owners[node.name] = strayed[scope]
    return _Traced(made, owners, named, calls)


def _traced_graph(
    model: Any,
    keras: Any,
    ids: LayerIds,
    graph: str,
    input_shape: Any,
    called: CallRecorder | None,
    batch: Any | None,
) -> _Traced:
    """The graph of one trace of an eager model, the owners, and who tracks the variables that it captures."""
    import tensorflow as tf

    given = signature(tf, model, input_shape, called.arguments(model) if called is not None else None, batch)
    with random_state_kept(model), CallRecorder(tf.compat.v1.get_default_graph, functions=True) as recorder:
        recorder.watch(layer_base(keras))
        if graph == "train-step":
            concrete = trace_train_step(tf, model, given)
        else:
            concrete = trace_forward(tf, model, given, training=graph == "training")
    arguments = argument_names(concrete)
    owned, calls = call_record(model, ids, recorder, concrete.graph, arguments)
    # A captured variable is nobody's op, though a layer makes the placeholder for it.
    outside = set(arguments.values())
    owners = {name: owner for name, owner in owned.items() if name not in outside}
    names = iter(arguments.values())
    for layer_id, spec in zip(given.inputs, tf.nest.flatten(given.args), strict=False):
        for _ in tf.nest.flatten(spec, expand_composites=True):
            owners[next(names)] = layer_id
    trackers = find_trackers(model, ids, recorder.layers(concrete.graph))
    placeholders = {id(handle): arguments[placeholder.op.name] for handle, placeholder in concrete.graph.captures}
    handles = {id(_handle(variable)) for variable in trackers.variables.values()}
    trackers.add_others(
        [variable for variable in _variables(concrete.graph) if id(variable.handle) not in handles], "nobody"
    )
    named = NamedTrackers.of(trackers, lambda variable: placeholders.get(id(_handle(variable))))
    return _Traced(shown_graph(concrete, arguments), owners, named, calls)


def _variables(graph: Any) -> Sequence[Any]:
    """The variables that a traced function uses."""
    try:
        return [variable for variable in graph.variables if hasattr(variable, "handle")]
    except AssertionError:  # TensorFlow's answer where one was made for the trace only and is gone
        return []


def _name_within(variable: Any) -> str:
    """The last part of a variable's name: ``kernel`` for ``dense/kernel:0``."""
    return str(variable.name).partition(":")[0].rpartition("/")[2]


def _handle(variable: Any) -> Any:
    """The handle of an eager variable; None where there is not just one, as under a distribution strategy."""
    # In Keras 3 the value is TensorFlow's variable; there it is a method.
    value = getattr(variable, "value", None)
    try:
        return variable.handle if callable(value) else getattr(value, "handle", None)
    except (AttributeError, ValueError):
        return None


def _graph_of(model: Any) -> Any | None:
    """The TF 1 graph that a model was built in; None for an eager model."""
    tensors = flat(model.inputs) if is_network(model) else model.weights if model.built else []
    # An eager variable has no `graph` either: asking for it raises AttributeError.
    return next((tensor.graph for tensor in tensors[:1] if hasattr(tensor, "graph")), None)


def _stack(model: Any, keras: Any) -> str:
    import tensorflow as tf

    package = "tf_keras" if keras.__name__ == "tf_keras" else "Keras"
    mode = " in TF 1 graph mode" if _graph_of(model) is not None else ""
    return f"{package} {keras.__version__}{mode}, TensorFlow {tf.__version__}"


def _keras_json(model: Any, notes: list[str]) -> Mapping[str, Any] | None:
    if not is_network(model):
        return None
    try:
        parsed: Mapping[str, Any] = json.loads(model.to_json())
    except Exception as error:  # the user's own get_config runs here, and may raise anything
        notes.append(f"Keras cannot write the model as JSON: {reason(error)}")
        return None
    return parsed
