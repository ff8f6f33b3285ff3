"""One model as a snapshot from each source, without tracing it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from graphdiag.modeldiff.snapshot import Snapshot
from graphdiag.modeldiff.take_snapshot import take
from graphdiag.results.report import Report
from graphdiag.sources.keras_files import open_keras_archive, open_keras_json
from graphdiag.sources.keras_layers import functional_ids
from graphdiag.sources.keras_live_settings import with_settings
from graphdiag.sources.opened import Origin

SOURCES = ("live", "keras", "h5", "json")


def snapshot_of(model: Any, source: str, directory: Path) -> Snapshot:
    """A snapshot of a model as it is in memory, or as Keras saves it in a ``.keras``, ``.h5`` or JSON file."""
    if source == "live":
        graph = with_settings(functional_ids(model, ""), json.loads(model.to_json())).graph
        return take(Report(origin=Origin("live", "model"), layer_graph=graph, op_graph=None, findings=()))
    file = directory / f"model.{source}"
    if source == "json":
        file.write_text(model.to_json())
        opened = open_keras_json(file)
    else:
        model.save(file)
        opened = open_keras_archive(file)
    return take(Report(origin=opened.origin, layer_graph=opened.layer_graph, op_graph=None, findings=()))
