"""What to do, in words that several rules share, so that they stand in one place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphdiag.graphs.layer_graph import LayerGraph
    from graphdiag.graphs.op_graph import OpGraph

_OF_TENSORFLOW_1 = frozenset({"Variable", "VariableV2", "IsVariableInitialized", "VarIsInitializedOp", "SaveV2"})
"""Op types of graphs that a session runs."""
_OF_FUNCTIONS = frozenset({"_Arg", "_Retval", "ReadVariableOp", "PartitionedCall", "StatefulPartitionedCall"})
"""Op types of functions that TensorFlow 2 traces."""

REPAIR = "graphdiag repair SOURCE -o LOGDIR"
"""The command that writes a log which TensorBoard draws right; it takes the sources and options of ``compare``."""

TRACE_A_CALL = "On TensorFlow 2 trace a call of the model on a batch x, in a tf.function that did not run before:"
"""What stands before `graphdiag.diagnosis.fix_code.TRACE_CODE`."""


def repaired(how: str) -> str:
    """A sentence that names `REPAIR`.

    Args:
        how: What is different in the log that it writes, as ``with each handle in the box of its layer``.

    Returns:
        The sentence.
    """
    return f"'{REPAIR}' writes the same graph {how}."


def tracks_attributes(layers: LayerGraph | None) -> bool:
    """Whether a layer's weights are those of the layers that it holds as attributes, too.

    Keras 3, tf_keras and the tf.keras of TensorFlow 2 look at attributes; Keras up to 2.2 by itself has only
    ``add_weight`` and what a model is made of (``Layer.weights`` in Keras 2.1.6, ``keras/engine/topology.py``). Where
    no version is on record, as in a log of Keras 3, it is a new one.
    """
    version = layers.keras_version if layers is not None else ""
    return re.match(r"(1\.|2\.[0-2]\.|2\.1\.6-tf)", version) is None


def is_of_tensorflow_1(graph: OpGraph) -> bool:
    """Whether a session runs a graph: it holds what makes, initializes or saves variables."""
    return any(op_type in _OF_TENSORFLOW_1 for op_type in graph.type_names)


def is_traced(graph: OpGraph) -> bool:
    """Whether a graph is that of a function which TensorFlow 2 traced, the callback's included."""
    return not is_of_tensorflow_1(graph) and any(op_type in _OF_FUNCTIONS for op_type in graph.type_names)


def traced_instead(graph: OpGraph, gain: str = "has the variables at the root, in nobody's box") -> str:
    """What a traced call would be without, for a graph that is none and was made by TensorFlow 2.

    Args:
        graph: The op graph.
        gain: What is better there.

    Returns:
        A sentence with a space before it; empty where there is no such way, on TensorFlow 1, or where the graph is such
        a trace already.
    """
    if "_Retval" in graph.type_names or is_of_tensorflow_1(graph):
        return ""
    return f" On TensorFlow 2 a traced call (tf.summary.trace_on, trace_export) {gain}."
