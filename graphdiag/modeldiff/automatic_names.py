"""Names that Keras gives by itself: they say which class a layer has, and when it was made, and nothing else."""

from __future__ import annotations

import re
from functools import lru_cache

_NUMBER = re.compile(r"_[1-9][0-9]*$")
_MODELS = {"Functional": ("functional", "model"), "Model": ("model", "functional"), "Sequential": ("sequential",)}
_RAW_OPS = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")
"""Classes of tf_keras for a raw op between layers; it is named after the op, as ``tf.math.add_3``."""


@lru_cache(maxsize=100_000)
def is_automatic(name: str, class_name: str) -> bool:
    """Whether Keras would have made up this name for a layer of this class.

    Keras writes the class in snake case and adds ``_1``, ``_2`` ... from the second on (``auto_name`` of Keras 3,
    ``unique_object_name`` of Keras 2; a counter starts anew with each process). An input layer is called
    ``input_layer`` by Keras 3, ``input_1`` by Keras 2, and after the first layer, ``dense_input``, in a Sequential
    model of Keras 2.

    Args:
        name: The layer's own name.
        class_name: Its Keras class.

    Returns:
        Whether it is such a name. A name that the user chose may look the same, as ``dense_1`` does.
    """
    if class_name in _RAW_OPS:
        return name.startswith(("tf.", "tf_op_layer"))
    base = _NUMBER.sub("", name)
    if class_name == "InputLayer":
        return base in ("input_layer", "input") or name.endswith("_input")
    return base in _MODELS.get(class_name, (_snake_case(class_name),))


def is_automatic_model(name: str) -> bool:
    """Whether Keras would have made up this name for a model that is no subclass."""
    return any(is_automatic(name, class_name) for class_name in _MODELS)


@lru_cache(maxsize=1_000)
def _snake_case(class_name: str) -> str:
    """The class name as Keras writes it in a layer's name: ``max_pooling2d`` for ``MaxPooling2D``."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W", "", class_name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
