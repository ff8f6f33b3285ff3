"""Trace an eager Keras model: what it takes, its forward pass or train step, and the graph that TensorBoard is shown.

TensorFlow is handed in as ``tf`` by the one who has it; the Keras package is the model's own.
"""

from __future__ import annotations

import inspect
import re
import sys
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphdiag.errors import ModelError, UsageError
from graphdiag.graphs.node_attributes import text_of
from graphdiag.sources.keras_layers import Network, flat, is_network, layer_of
from graphdiag.sources.python_code import access_of, variables_of, weights_of

PYTHON_TYPES = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
"""Types of ops that call a Python function."""

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
"""Positional and named arguments of a call."""


@dataclass(frozen=True)
class Signature:
    """What a model is traced on.

    Attributes:
        args: Positional arguments, as ``tf.TensorSpec`` in lists and dicts.
        kwargs: Named arguments.
        inputs: Names of the model's input layers, one for each spec of ``args``; empty for a subclassed model.
    """

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    inputs: Sequence[str] = ()


# --- What the model takes --------------------------------------------------------------------------------------------


def signature(
    tf: Any, model: Any, input_shape: Any = None, called: Arguments | None = None, batch: Any | None = None
) -> Signature:
    """What a model takes, as far as Keras or the caller knows it.

    A Functional model is traced on the shapes of its inputs, batch size open. A subclassed one is traced on exactly
    the shape that is given, or that it was called on: more is not known to work.

    Args:
        tf: TensorFlow.
        model: An eager Keras 3 or tf_keras model.
        input_shape: Shape with the batch axis, ``None`` for sizes left open, or a list or dict of shapes.
        called: What the model was called on, if that was seen.
        batch: What it was to be called on, where nothing else tells: see `graphdiag.sources.training_data`.

    Returns:
        The signature; specs are named after the model's inputs.

    Raises:
        UsageError: The shape is none.
        ModelError: What the model takes is not known.
    """
    if is_network(model):
        structure = Network(model).graph.input
        specs = tf.nest.map_structure(lambda tensor: _tensor_spec(tf, tensor), structure)
        return Signature((specs,), inputs=[layer_of(tensor).name for tensor in tf.nest.flatten(structure)])
    dtype = model.compute_dtype
    if input_shape is not None:
        return Signature((_shape_specs(tf, input_shape, dtype, "inputs"),))
    if hasattr(model, "save_spec"):  # tf_keras notes the first call
        recorded = model.save_spec(dynamic_batch=False)
        if recorded is not None:
            return Signature(tuple(recorded[0]), recorded[1])
    elif called is not None:
        return _called_signature(tf, model, called)
    elif model.built:  # Keras 3 notes the shapes of the first call, or only that of the first argument
        config = model.get_build_config() or {}
        if config.get("input_shape") is not None:
            return Signature((_shape_specs(tf, config["input_shape"], dtype, "inputs"),))
        shapes = {key.removesuffix("_shape"): shape for key, shape in config.get("shapes_dict", {}).items()}
        if shapes:
            return Signature((), {key: _shape_specs(tf, shape, dtype, key) for key, shape in shapes.items()})
    if batch is not None:
        return _called_signature(tf, model, ((batch,), {}))
    raise ModelError(unbuilt(model))


def unbuilt(model: Any) -> str:
    """The message for a model whose input is not known."""
    if model.built:
        return (
            f"Keras has no record of what the model {model.name!r} takes, as when its code cannot be traced: start it "
            "with an Input, or give --input-shape (batch axis first, as None,32)."
        )
    return (
        f"The model {model.name!r} was never built, so its input is not known: start it with an Input, call it once "
        "in the file, or give --input-shape (batch axis first, as None,32)."
    )


def _tensor_spec(tf: Any, tensor: Any) -> Any:
    spec = getattr(tensor, "type_spec", None)
    if spec is not None and not isinstance(spec, tf.TensorSpec):
        return spec
    if getattr(tensor, "sparse", False):
        return tf.SparseTensorSpec(tensor.shape, tensor.dtype)
    return tf.TensorSpec(tensor.shape, tensor.dtype, name=layer_of(tensor).name)


def _shape_specs(tf: Any, shape: Any, dtype: str, name: str) -> Any:
    """One spec for a shape, or a list or dict of them for a list or dict of shapes."""
    if isinstance(shape, Mapping):
        return {key: _shape_specs(tf, part, dtype, str(key)) for key, part in shape.items()}
    sequence = isinstance(shape, (list, tuple))
    if sequence and all(size is None or isinstance(size, int) for size in shape):
        return tf.TensorSpec(shape, dtype, name=name)
    if not sequence or any(size is None or isinstance(size, int) for size in shape):
        raise UsageError(f"{shape!r} is not an input shape: give sizes with the batch axis first, as (None, 32).")
    return [_shape_specs(tf, part, dtype, f"{name}_{number}") for number, part in enumerate(shape)]


def _called_signature(tf: Any, model: Any, called: Arguments) -> Signature:
    args, kwargs = called

    def spec(value: Any, name: str | None = None) -> Any:
        is_dense = not isinstance(value, tf.TypeSpec) or isinstance(value, tf.TensorSpec)
        if not hasattr(value, "shape") or not hasattr(value, "dtype") or not is_dense:
            return value
        dtype = tf.as_dtype(value.dtype)
        return tf.TensorSpec(value.shape, model.compute_dtype if dtype.is_floating else dtype, name)

    def specs(value: Any, name: str) -> Any:
        return tf.nest.map_structure(spec, value) if tf.nest.is_nested(value) else spec(value, name)

    names = list(inspect.signature(model.call).parameters)
    named = {**dict(zip(names, args, strict=False)), **kwargs}
    named.pop("training", None)
    first = (specs(named.pop(names[0]), names[0]),) if names and names[0] in named else ()
    return Signature(first, {name: specs(value, name) for name, value in named.items()})


# --- The trace -------------------------------------------------------------------------------------------------------


def trace_forward(tf: Any, model: Any, given: Signature, training: bool) -> Any:
    """Trace the forward pass.

    Args:
        tf: TensorFlow.
        model: An eager Keras model.
        given: What to trace it on.
        training: Value of the ``training`` argument.

    Returns:
        The ``tf.types.experimental.ConcreteFunction``.

    Raises:
        ModelError: The model fails while it is traced.
    """

    def forward(*args: Any, **kwargs: Any) -> Any:
        _own_traces.add(tf.compat.v1.get_default_graph())
        return model(*args, training=training, **kwargs)

    return _trace(tf.function(forward), given.args, given.kwargs, model)


def trace_train_step(tf: Any, model: Any, given: Signature) -> Any:
    """Trace the train step of a compiled model: forward pass, loss, metrics, gradients and optimizer.

    Args:
        tf: TensorFlow.
        model: An eager Keras model.
        given: What to trace it on. The targets are shaped like the outputs, or as class numbers for a loss whose name
            begins with ``sparse``.

    Returns:
        The ``tf.types.experimental.ConcreteFunction``.

    Raises:
        ModelError: The model is not compiled, takes several arguments, or fails while it is traced.
    """
    if getattr(model, "optimizer", None) is None:
        raise ModelError(
            f"The model {model.name!r} is not compiled, so it has no train step; call its compile() in the file, "
            "or choose --graph training."
        )
    if given.kwargs or len(given.args) != 1:
        raise ModelError(f"The model {model.name!r} takes several arguments, but a train step feeds only one.")
    if is_network(model):
        outputs = Network(model).graph.output
        names = [layer_of(tensor).name for tensor in flat(outputs)]
    else:
        outputs = trace_forward(tf, model, given, training=True).structured_outputs
        names = []
    targets = _targets(tf, outputs, names, model.loss)
    strategy = model.distribute_strategy
    with strategy.scope():
        # TensorFlow traces twice when variables are made in a trace.
        model.optimizer.build(model.trainable_variables)
        has_replicas = tf.distribute.has_strategy()

    def train_step(x: Any, y: Any) -> Any:
        _own_traces.add(tf.compat.v1.get_default_graph())
        # As Keras does it: what sums up over replicas may be written to in a replica only.
        return strategy.run(model.train_step, ((x, y),)) if has_replicas else model.train_step((x, y))

    return _trace(tf.function(train_step, autograph=False), (given.args[0], targets), {}, model)


def _targets(tf: Any, outputs: Any, names: Sequence[str], losses: Any) -> Any:
    def spec(tensor: Any, loss: Any) -> Any:
        text = loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", "")
        if str(text).lower().startswith("sparse"):
            return tf.TensorSpec(tensor.shape[:-1], "int64")
        return tf.TensorSpec(tensor.shape, tensor.dtype)

    if isinstance(outputs, Mapping):
        given = losses if isinstance(losses, Mapping) else dict.fromkeys(outputs, losses)
        return {key: spec(tensor, given.get(key)) for key, tensor in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        if isinstance(losses, Mapping):
            losses = [losses.get(name) for name in names]
        elif not isinstance(losses, (list, tuple)):
            losses = [losses] * len(outputs)
        return [spec(tensor, loss) for tensor, loss in zip(outputs, losses, strict=False)]
    return spec(outputs, losses[0] if isinstance(losses, (list, tuple)) else losses)


_own_traces: weakref.WeakSet[Any] = weakref.WeakSet()
"""The graphs of the traces made here."""


def _trace(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], model: Any) -> Any:
    try:
        concrete = function.get_concrete_function(*args, **kwargs)
    except Exception as error:  # the user's own layers run here, and may raise anything
        raise ModelError(f"The model {model.name!r} fails while it is traced: {reason(error)}") from error
    for outer, inner in getattr(concrete.graph, "captures", ()):
        # TensorFlow traces a function that takes a tensor of another graph, and does not run it. The user's own run
        # meets no tensor of a trace that was made here.
        if not hasattr(outer, "numpy") and hasattr(outer, "graph") and outer.graph not in _own_traces:
            takers = ", ".join(taker.name for taker in inner.consumers()[:3]) or "it"
            raise ModelError(
                f"The model {model.name!r} cannot be run: {takers} takes {outer.name!r}, a tensor that was made in "
                "another call of the model; give it to the layer as an input."
            )
    return concrete


def reason(error: BaseException) -> str:
    """One line of an error that Keras and AutoGraph have wrapped in explanations of their own.

    AutoGraph puts a traceback before the message, ended by a line ``Type: message``; Keras 3 puts ``Exception
    encountered when calling Layer.call().`` before it and the arguments behind it.
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    kind, place = type(error).__name__, ""
    if text.startswith("in user code:"):
        files = re.findall(r'File "([^"]+)", line (\d+)', text)
        place = f" ({files[-1][0]}, line {files[-1][1]})" if files else ""
        heads = list(re.finditer(rf"^ *{re.escape(kind)}: ", text, re.MULTILINE))
        text = text[heads[-1].end() :] if heads else text
    called = re.match(r"Exception encountered when calling (.*)\.\s*$", text, re.MULTILINE)
    if called:
        kind = f"{kind} in {called[1]}"
        text = text[called.end() :]
    line = next((line.strip() for line in text.splitlines() if line.strip()), "no message")
    return f"{kind}: {line}{place}"


# --- The graph -------------------------------------------------------------------------------------------------------


def argument_names(concrete: Any) -> dict[str, str]:
    """Names that TensorFlow's runtime gives to the placeholders of a function.

    Args:
        concrete: A concrete function.

    Returns:
        Argument name by placeholder, in the order of the arguments; captured variables come last.
    """
    arguments = concrete.function_def.signature.input_arg
    return {tensor.op.name: argument.name for tensor, argument in zip(concrete.graph.inputs, arguments, strict=True)}


def shown_graph(concrete: Any, arguments: Mapping[str, str]) -> GraphDef:
    """The graph of a function as ``tf.summary.trace_export`` writes it, before any optimization.

    The runtime makes ``_Arg`` ops of the placeholders, captured variables too, and puts them first; it ends with one
    ``_Retval`` for each result (``InstantiateFunction`` in TensorFlow's ``core/framework/function.cc``).

    Args:
        concrete: A concrete function.
        arguments: Its `argument_names`.

    Returns:
        The graph, with the shape of every tensor.
    """
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    made = graph_def(concrete.graph)
    shown = GraphDef(versions=made.versions, library=made.library)
    for index, (name, argument) in enumerate(arguments.items()):
        placeholder = concrete.graph.get_operation_by_name(name)
        arg = shown.node.add(name=argument, op="_Arg")
        arg.attr["T"].type = placeholder.get_attr("dtype").as_datatype_enum
        arg.attr["index"].i = index
    positions = {name: position for position, name in enumerate(arguments)}
    for node in made.node:
        if node.name in arguments:
            shown.node[positions[node.name]].attr["_output_shapes"].CopyFrom(node.attr["_output_shapes"])
            continue
        for position, text in enumerate(node.input):
            renamed = _renamed(text, arguments)
            if renamed != text:
                node.input[position] = renamed
        shown.node.append(node)
    results = concrete.function_def.signature.output_arg
    # If a gradient was taken of the function, its graph has further outputs, for the backward function.
    outputs = concrete.graph.outputs[: len(results)]
    for index, (tensor, result) in enumerate(zip(outputs, results, strict=True)):
        retval = shown.node.add(name=f"{result.name}_RetVal", op="_Retval")
        retval.input.append(_renamed(tensor.name.removesuffix(":0"), arguments))
        retval.attr["T"].type = result.type
        retval.attr["index"].i = index
    return shown


def graph_def(graph: Any) -> GraphDef:
    """A ``tf.Graph`` as TensorBoard's copy of the message, with shapes, the same at every run.

    tf_keras and TensorFlow put random UUIDs into the graph (``lstm_<uuid>`` as the name of a choice of kernels); they
    are numbered instead.
    """
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    numbers: dict[bytes, int] = {}

    def numbered(match: re.Match[bytes]) -> bytes:
        # As long as it was, so that the lengths in the message still hold.
        return b"_00000000-0000-4000-8000-%012d" % numbers.setdefault(match[0], len(numbers))

    message = graph.as_graph_def(add_shapes=True).SerializeToString(deterministic=True)
    return GraphDef.FromString(_UUID.sub(numbered, message))


_UUID = re.compile(rb"_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def _renamed(text: str, arguments: Mapping[str, str]) -> str:
    control = "^" if text.startswith("^") else ""
    name, colon, slot = text[len(control) :].partition(":")
    return f"{control}{arguments[name]}{colon}{slot}" if name in arguments else text


@dataclass(frozen=True)
class PythonCode:
    """What a Python function that a graph calls does outside of its arguments.

    Attributes:
        reads: Whether it may find anything there.
        writes: Whether it may keep anything there.
        variables: The variables that it may use.
        weights: Those of layers that it is seen to read.
    """

    reads: bool
    writes: bool
    variables: Sequence[Any]
    weights: Sequence[Any] = ()


def python_code(graph: GraphDef) -> Mapping[str, PythonCode]:
    """What the Python functions that a live graph calls do with what lies outside of their arguments.

    Args:
        graph: A graph that was traced in this process.

    Returns:
        The code by the token under which TensorFlow knows the function.
    """
    # A module of TensorFlow's that has no public name; whoever traced the graph has loaded it.
    registry = getattr(sys.modules.get("tensorflow.python.ops.script_ops"), "_py_funcs", None)
    known = getattr(registry, "_funcs", {})
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    tokens = {text_of(node, "token").decode() for node in nodes if node.op in PYTHON_TYPES}
    found = {}
    for token in sorted(tokens):
        function = known.get(token)
        # What tf.py_function is given lies in an object of TensorFlow's own.
        function = getattr(function, "_func", function)
        access = access_of(function)
        weights = weights_of(function) if access.reads else ()
        found[token] = PythonCode(access.reads, access.writes, variables_of(function), weights)
    return found
