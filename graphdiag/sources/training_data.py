"""What a model takes, from what it is to be trained on: arrays, a ``tf.data.Dataset``, or batches that code makes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any


def batch_specs(data: Any) -> Any | None:
    """The shapes and dtypes of one batch of the inputs.

    The batch axis is left open where the data do not set it, as Keras does when it makes batches of arrays.

    Args:
        data: What ``fit``, ``evaluate`` or ``predict`` are given: arrays, or lists or dicts of them; a dataset; or an
            object that gives batches, of which the first is made.

    Returns:
        ``tf.TensorSpec`` in the structure of the inputs; ``None`` where the data do not tell.
    """
    tf = sys.modules.get("tensorflow")
    if tf is None or data is None:
        return None
    try:
        if hasattr(data, "element_spec"):
            return _inputs(data.element_spec)
        if not _holds_arrays(data) and isinstance(data, Iterable):
            first = data[0] if hasattr(data, "__getitem__") else next(iter(data))
            data = _inputs(first)
        return tf.nest.map_structure(lambda array: _spec(tf, array), data)
    except Exception:  # the user's own code may make the batch, and may raise anything
        return None


def _inputs(batch: Any) -> Any:
    """The inputs of a batch, which is a tuple where it has targets too."""
    return batch[0] if isinstance(batch, tuple) else batch


def _holds_arrays(data: Any) -> bool:
    return hasattr(data, "shape") or isinstance(data, (list, tuple, Mapping))


def _spec(tf: Any, array: Any) -> Any:
    array = array.to_numpy() if hasattr(array, "to_numpy") else array
    return tf.TensorSpec((None, *array.shape[1:]), array.dtype)
