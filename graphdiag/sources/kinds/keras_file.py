"""What Keras saves: a ``.keras`` archive or an HDF5 file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from graphdiag.errors import SourceError, UsageError
from graphdiag.sources.keras_files import HDF5_SIGNATURE, ZIP_SIGNATURE
from graphdiag.sources.opened import Opened, Origin
from graphdiag.sources.registry import Match, SourceKind, SourceOptions

_NOTE = "A saved model has no op graph. --load has Keras load the model, which runs its code, and traces it."


def _detect(path: Path, start: bytes) -> Match | None:
    return Match.CONTENT if start.startswith((HDF5_SIGNATURE, ZIP_SIGNATURE)) else None


def _open(path: Path, options: SourceOptions) -> Opened:
    from graphdiag.sources.keras_files import open_keras_archive

    if not options.load:
        unfit = [name for name in options.given() if name in ("graph", "input_shape", "unsafe")]
        if unfit:
            raise UsageError(f"--{unfit[0].replace('_', '-')} applies to a Keras file that is loaded; add --load.")
        opened = open_keras_archive(path)
        return replace(opened, notes=(*opened.notes, _NOTE))
    from graphdiag.sources.loaded_model import load

    try:
        opened = open_keras_archive(path)
    except SourceError:
        # A subclassed model has no layers on record; whatever else is wrong, Keras says so.
        opened = Opened(Origin(str(path), "keras_file"))
    return load(
        path,
        opened,
        unsafe=bool(options.unsafe),
        graph=options.graph or "training",
        input_shape=options.input_shape,
    )


KIND = SourceKind(
    name="keras_file",
    title="a Keras file",
    open=_open,
    suffixes=(".keras", ".h5", ".hdf5"),
    detect=_detect,
    options=frozenset({"load", "unsafe", "graph", "input_shape"}),
)
