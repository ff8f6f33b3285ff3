"""The log that ``graphdiag demo`` compares: a point-cloud network, as Keras 2.1.6 and TensorFlow 1.10.0 wrote it.

``pointcloud/`` holds the event file and Keras's JSON of the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

MODEL = "model.json"
"""Keras's JSON of the model, beside the event file."""

_LOG = "pointcloud"


@contextmanager
def log_directory() -> Iterator[Path]:
    """The log directory, for as long as the block runs."""
    with as_file(files(__name__).joinpath(_LOG)) as directory:
        yield directory


def contents() -> Mapping[str, bytes]:
    """The files of the log directory, by name."""
    return {file.name: file.read_bytes() for file in files(__name__).joinpath(_LOG).iterdir()}
