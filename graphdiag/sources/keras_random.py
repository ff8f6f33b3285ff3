"""Keep the random numbers of a program as they are while a model is traced in it.

A trace runs the model's Python code once more. Some of it draws numbers: Keras 3 takes the seed of a random op that was
given none from Python's ``random``, and tf_keras counts the seed of a layer on with every random op that it makes
(``RandomGenerator.make_legacy_seed`` in ``tf_keras/src/backend.py``). A training that goes on after the trace would
draw others than without it.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def random_state_kept(model: Any) -> Iterator[None]:
    """Put the state of all random number generators that a trace may use back when it is done.

    These are Python's and NumPy's global ones, that of tf_keras, and the seeds of a tf_keras model's layers.

    Args:
        model: The Keras model that is traced.
    """
    python, numpy = random.getstate(), np.random.get_state()
    generator = _generator_of_tf_keras()
    made = generator.getstate() if generator is not None else None
    seeds = [(counter, vars(counter)["_seed"]) for counter in _seed_counters(model)]
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        if generator is not None:
            generator.setstate(made)
        for counter, seed in seeds:
            counter._seed = seed


def _generator_of_tf_keras() -> Any | None:
    """The generator that ``tf_keras.utils.set_random_seed`` makes; None where it was not called."""
    backend = sys.modules.get("tf_keras.src.backend")
    return getattr(getattr(backend, "_SEED_GENERATOR", None), "generator", None)


def _seed_counters(model: Any) -> Iterator[Any]:
    """The generators of a tf_keras model's layers; those of Keras 3 count in variables, which a trace leaves alone."""
    kind = getattr(sys.modules.get("tf_keras.src.backend"), "RandomGenerator", None)
    if kind is None or not hasattr(model, "_flatten_layers"):
        return
    # `submodules` fails where an RNN's cell keeps the masks of its dropout.
    for layer in model._flatten_layers():
        yield from (value for value in vars(layer).values() if isinstance(value, kind))
