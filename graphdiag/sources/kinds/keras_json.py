"""The JSON of a Keras model."""

from __future__ import annotations

from pathlib import Path

from graphdiag.sources.opened import Opened
from graphdiag.sources.registry import Match, SourceKind, SourceOptions


def _detect(path: Path, start: bytes) -> Match | None:
    return Match.GUESS if start.lstrip().startswith(b"{") else None


def _open(path: Path, options: SourceOptions) -> Opened:
    from graphdiag.sources.keras_files import open_keras_json

    return open_keras_json(path)


KIND = SourceKind(name="keras_json", title="a file of Keras JSON", open=_open, suffixes=(".json",), detect=_detect)
