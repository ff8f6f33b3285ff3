"""The model beside a run: files in the run's own directory that may hold one, told from names and first bytes."""

from __future__ import annotations

from graphdiag.sources.files import LARGEST_JSON

JSON = ".json"
START = 4096
"""Bytes at the beginning of a JSON file in which a Keras model says of what class it is."""

_SUFFIXES = (JSON, ".keras", ".h5", ".hdf5")
_WEIGHTS_ALONE = ".weights.h5"
_IN_KERAS_JSON = b"class_name"


def may_be_model(name: str) -> bool:
    """Whether a file may hold a Keras model with its layers, by its name."""
    return name.lower().endswith(_SUFFIXES) and not name.lower().endswith(_WEIGHTS_ALONE)


def is_json(name: str) -> bool:
    """Whether a file is one of those of which most hold something else than a model."""
    return name.lower().endswith(JSON)


def may_be_keras_json(start: bytes, size: int | None) -> bool:
    """Whether JSON may hold a Keras model.

    Args:
        start: Its first `START` bytes.
        size: Bytes of all of it; ``None`` if that is not known.
    """
    return (size is None or size <= LARGEST_JSON) and _IN_KERAS_JSON in start
