"""The keys under which a model takes and gives its tensors, live and in Keras's JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def keys_in(structure: Any, is_tensor: Callable[[Any], bool]) -> tuple[str, ...]:
    """The key of each tensor in nested lists and dicts.

    Args:
        structure: The inputs or the outputs of a model, as the user gave them.
        is_tensor: Whether a part of the structure is a tensor.

    Returns:
        The keys in Keras's order, which sorts those of a dict; ``a/b`` for a dict in a dict. Empty where no dict is.
    """
    keys = tuple(_keys(structure, (), is_tensor))
    return keys if any(keys) else ()


def _keys(structure: Any, around: tuple[str, ...], is_tensor: Callable[[Any], bool]) -> Iterator[str]:
    if is_tensor(structure):
        yield "/".join(around)
    elif isinstance(structure, Mapping):
        for key in sorted(structure, key=str):
            yield from _keys(structure[key], (*around, str(key)), is_tensor)
    elif isinstance(structure, (list, tuple)):
        for part in structure:
            yield from _keys(part, around, is_tensor)
