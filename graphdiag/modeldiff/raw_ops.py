"""Raw ops between layers under one class, whatever Keras: tf_keras wraps a function, Keras 3 has a class for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphdiag.keras_facts import is_raw_op

_CLASSES = {
    "math.truediv": "TrueDivide",
    "__operators__.getitem": "GetItem",
    "math.pow": "Power",
    "math.reduce_sum": "Sum",
    "math.reduce_mean": "Mean",
    "math.reduce_max": "Max",
    "math.reduce_min": "Min",
    "math.abs": "Absolute",
    "concat": "Concatenate",
    "linalg.matmul": "Matmul",
}
"""Operations of Keras 3 by the function of TensorFlow, where their names differ."""
_OPERANDS = {"x": "0", "y": "1"}


def one_class(class_name: str, settings: Mapping[str, Any] | None) -> tuple[str, Mapping[str, Any] | None]:
    """The class and the settings of a layer, those of Keras 3 for a raw op of tf_keras.

    Args:
        class_name: As Keras records it.
        settings: The settings, if they are recorded.

    Returns:
        ``("Multiply", {"arguments": {"1": 2.0}})`` for ``TFOpLambda`` with the function ``math.multiply``.
    """
    if settings is None or not is_raw_op(class_name) or not isinstance(settings.get("function"), str):
        return class_name, settings
    function = settings["function"]
    name = _CLASSES.get(function) or "".join(
        part[:1].upper() + part[1:] for part in function.rpartition(".")[2].split("_")
    )
    found = {key: value for key, value in settings.items() if key != "function"}
    arguments = settings.get("arguments")
    if isinstance(arguments, Mapping):
        found["arguments"] = {_OPERANDS.get(key, key): value for key, value in arguments.items()}
    return name, found
