"""Open what has an op graph without Keras: a ``tf.function``, a ``tf.Module``, or a graph of TF 1."""

from __future__ import annotations

import sys
from typing import Any

from graphdiag.errors import ModelError
from graphdiag.sources.keras_trace import argument_names, graph_def, reason, shown_graph
from graphdiag.sources.opened import Opened, Origin


def has_op_graph(thing: Any) -> bool:
    """Whether a thing is a ``tf.function``, a concrete function, a ``tf.Module`` that can be called, or a graph."""
    tf = sys.modules.get("tensorflow")
    if tf is None or isinstance(thing, type):
        return False
    if _is_function(thing) or isinstance(thing, tf.Graph):
        return True
    return isinstance(thing, tf.Module) and callable(thing)


def default_graph() -> Any | None:
    """The default graph of TF 1, if something was built in it."""
    tf = sys.modules.get("tensorflow")
    if tf is None or not hasattr(tf, "compat"):
        return None
    graph = tf.compat.v1.get_default_graph()
    return graph if graph.get_operations() else None


def open_function(thing: Any, name: str, input_shape: Any = None) -> Opened:
    """Open the op graph of a function, module or graph.

    Args:
        thing: What `has_op_graph` takes.
        name: What messages call it.
        input_shape: Shape of its one input, for a function without a signature that was never called.

    Returns:
        The op graph by itself: without a layer graph, name scopes stand for layers.

    Raises:
        ModelError: It is not known what it takes, or it fails while it is traced.
    """
    import tensorflow as tf

    stack = f"TensorFlow {tf.__version__}"
    if isinstance(thing, tf.Graph):
        made, mode = graph_def(thing), "a graph of TF 1"
    else:
        concrete = _concrete(tf, thing, name, input_shape)
        made, mode = shown_graph(concrete, argument_names(concrete)), "TensorFlow's own"
    return Opened(
        origin=Origin(path=name, kind="model", stack=stack),
        graph_defs=(made,),
        has_op_graph=True,
        notes=(f"{name} is {mode}, and no Keras model: there is the op graph only.",),
    )


def _is_function(thing: Any) -> bool:
    return callable(thing) and (hasattr(thing, "get_concrete_function") or hasattr(thing, "structured_input_signature"))


def _concrete(tf: Any, thing: Any, name: str, input_shape: Any) -> Any:
    if hasattr(thing, "structured_input_signature"):
        return thing
    function = thing if _is_function(thing) else type(thing).__call__.__get__(thing, type(thing))
    if not hasattr(function, "get_concrete_function"):
        function = tf.function(function)
    try:
        if getattr(function, "input_signature", None) is not None:
            return function.get_concrete_function()
        if input_shape is not None:
            return function.get_concrete_function(tf.TensorSpec(input_shape, tf.float32, name="inputs"))
        called: list[Any] = getattr(function, "_list_all_concrete_functions", list)()
        if called:
            return called[0]
        return function.get_concrete_function()
    except Exception as error:  # the user's own code runs here, and may raise anything
        if "missing a required argument" in str(error) and input_shape is None:
            raise ModelError(
                f"{name} cannot be traced: it has neither a signature nor a trace of a call, so it is not known what "
                "it takes; give the shape with --input-shape."
            ) from error
        raise ModelError(f"{name} cannot be traced: {reason(error).rstrip('.')}.") from error
