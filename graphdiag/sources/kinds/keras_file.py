"""What Keras saves: a ``.keras`` archive or an HDF5 file."""

from __future__ import annotations

from pathlib import Path

from graphdiag.sources.keras_files import HDF5_SIGNATURE, ZIP_SIGNATURE
from graphdiag.sources.opened import Opened
from graphdiag.sources.registry import Match, SourceKind, SourceOptions


def _detect(path: Path, start: bytes) -> Match | None:
    return Match.CONTENT if start.startswith((HDF5_SIGNATURE, ZIP_SIGNATURE)) else None


def _open(path: Path, options: SourceOptions) -> Opened:
    from graphdiag.sources.keras_files import open_keras_archive

    return open_keras_archive(path)


KIND = SourceKind(
    name="keras_file", title="a Keras file", open=_open, suffixes=(".keras", ".h5", ".hdf5"), detect=_detect
)
