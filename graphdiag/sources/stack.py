"""Say who made a graph, as exactly as a file allows."""

from __future__ import annotations

from collections.abc import Iterable

PYTORCH = "PyTorch, as SummaryWriter.add_graph writes it"
"""The stack of a graph that PyTorch wrote."""

_IO_NODE = "IO Node"
_PYTORCH_PREFIXES = ("aten::", "prim::")


def is_pytorch(op_types: Iterable[str]) -> bool:
    """Whether a graph is PyTorch's: ``torch.utils.tensorboard`` writes its ops under their own names.

    Args:
        op_types: The types of its ops.

    Returns:
        Whether there is an ``IO Node``, or an ``aten::`` or ``prim::`` op
        (``torch/utils/tensorboard/_pytorch_graph.py``).
    """
    return any(op_type == _IO_NODE or op_type.startswith(_PYTORCH_PREFIXES) for op_type in op_types)


# TF_GRAPH_DEF_VERSION of TensorFlow 1.10.0, 2.2.0 and 2.21.0 (tensorflow/core/public/version.h). Neighboring releases
# may write the same number, so it is told as a likeness.
_RELEASES = {26: "1.10", 175: "2.2", 2474: "2.21"}


def describe_stack(keras_version: str = "", producer: int = 0, tensorflow_version: str = "") -> str:
    """Name the Keras and the TensorFlow that made a model.

    Args:
        keras_version: As the Keras JSON records it, as ``2.1.6`` or ``2.3.0-tf``; empty when it does not.
        producer: ``GraphDef.versions.producer``; 0 when there is no graph.
        tensorflow_version: As a SavedModel records it; empty elsewhere.

    Returns:
        Text such as ``Keras 2.1.6, GraphDef producer 26 (as of TensorFlow 1.10)``; empty when nothing is known.
    """
    parts = []
    if keras_version:
        parts.append(f"Keras {keras_version}")
    if tensorflow_version:
        parts.append(f"TensorFlow {tensorflow_version}")
    elif producer:
        release = _RELEASES.get(producer)
        parts.append(f"GraphDef producer {producer}" + (f" (as of TensorFlow {release})" if release else ""))
    return ", ".join(parts)
