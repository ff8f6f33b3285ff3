"""Values to run a graph on: for model inputs, flags and variables, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphdiag.execution.job import Fed

_BATCH = 2
_SIZES = (8, 4, 16, 32, 3, 64, 128, 224)
_RANKS = (2, 1, 3, 4, 0)
_NORMAL, _BITS = "normal", "bits"
_SCALES = (1.0, 1.0, 10.0, 0.1)


@dataclass(frozen=True)
class Recipe:
    """How model inputs are made.

    Attributes:
        kind: ``normal``, or ``bits`` for zeros and ones, which may be indices as well.
        size: For sizes left open, the batch's aside.
        rank: For shapes of which not even the rank is known.
    """

    kind: str
    size: int
    rank: int


def recipes(inputs: Sequence[Fed]) -> Iterator[Recipe]:
    """The recipes to try until the graph runs: those that can differ for these inputs, the likeliest first."""
    unranked = any(fed.shape is None for fed in inputs)
    is_open = unranked or any(-1 in (fed.shape or ())[1:] for fed in inputs)
    for kind in (_NORMAL, _BITS):
        for rank in _RANKS if unranked else _RANKS[:1]:
            for size in _SIZES if is_open else _SIZES[:1]:
                yield Recipe(kind, size, rank)


def of_input(fed: Fed, dtype: Any, recipe: Recipe, seed: int) -> Any:
    """Values of a model input; those of seed 2 differ from those of seed 1 in every element.

    Args:
        fed: The input.
        dtype: Its NumPy type.
        recipe: How to make it.
        seed: Chooses the values.

    Returns:
        An array.
    """
    shape = fed.shape if fed.shape is not None else (-1,) * recipe.rank
    sizes = [size if size >= 0 else recipe.size if axis else _BATCH for axis, size in enumerate(shape)]
    generator = _generator(fed, 1 if seed == 2 else seed)
    bits = generator.integers(0, 2, sizes) ^ (seed == 2)
    if dtype.kind in "OSU":
        return np.where(bits, b"1", b"0").astype(object)
    if dtype.kind in "biu" or recipe.kind == _BITS:
        return bits.astype(dtype)
    # A mean apart from zero, so that sums have both signs.
    normal = _generator(fed, seed).normal(0.5 if seed % 2 else -0.5, 1.0, sizes)
    return (normal * _SCALES[seed % len(_SCALES)]).astype(dtype)


def of_flag(fed: Fed, dtype: Any, on: bool) -> Any:
    """A flag that is on or off; for a rate such as ``keep_prob``, the whole or the half."""
    if dtype.kind in "biu":
        return np.full(fed.shape or (), on, dtype)
    return np.full(fed.shape or (), 1.0 if on else 0.5).astype(dtype)


def of_variable(fed: Fed, dtype: Any, seed: int) -> Any:
    """What a variable holds: small weights, or for vectors numbers around one, which may be variances."""
    shape = fed.shape or ()
    generator = _generator(fed, seed)
    if dtype.kind in "OSU":
        return np.full(shape, str(seed).encode(), object)
    if dtype.kind in "biu":
        return np.full(shape, seed % 2 if dtype.kind == "b" else seed, dtype)
    if len(shape) < 2:
        return generator.uniform(0.5, 1.5, shape).astype(dtype)
    return generator.normal(0, max(1, int(np.prod(shape[:-1]))) ** -0.5, shape).astype(dtype)


def _generator(fed: Fed, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, *fed.name.encode()])
