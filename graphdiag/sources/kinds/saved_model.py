"""A SavedModel directory; its ``saved_model.pb`` alone is a file of the kind ``graph_def``."""

from __future__ import annotations

import os
from pathlib import Path

from graphdiag.sources.opened import Opened
from graphdiag.sources.registry import Match, SourceKind, SourceOptions
from graphdiag.sources.saved_model import SAVED_MODEL_FILES


def _detect(path: Path, start: bytes) -> Match | None:
    is_saved_model = not start and not set(SAVED_MODEL_FILES).isdisjoint(os.listdir(path))
    return Match.CONTENT if is_saved_model else None


def _open(path: Path, options: SourceOptions) -> Opened:
    from graphdiag.sources.saved_model import open_saved_model

    return open_saved_model(path)


KIND = SourceKind(
    name="saved_model",
    title="a SavedModel",
    open=_open,
    detect=_detect,
    holds="a SavedModel",
    instead="the saved_model.pb",
)
