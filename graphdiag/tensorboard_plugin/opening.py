"""Open the graph of a run from where it lies. Runs in a process of its own."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from graphdiag.comparison import compare_opened, open_model_file
from graphdiag.errors import ModelError, SourceError
from graphdiag.sources.event_log import open_runs
from graphdiag.sources.event_runs import Run, Written, add_record
from graphdiag.sources.records import read_records
from graphdiag.tensorboard_plugin.places import KERAS, META_GRAPH, OWN_GRAPH, TRACE, Graph, Model, Place, RunPlaces

if TYPE_CHECKING:
    from graphdiag.results.report import Report
    from graphdiag.sources.opened import Opened


def report_on(graph: Graph) -> Report:
    """Compare a graph with its model.

    Raises:
        GraphdiagError: It cannot be read, or the model that was chosen does not fit.
    """
    opened = _open(graph)
    model = graph.model
    if model is None:
        return compare_opened(opened)
    try:
        return compare_opened(opened, _open_model(model))
    except (ModelError, SourceError) as error:
        if not model.found:
            raise
        note = f"{model.label}, which lies beside the log, was not taken for its model. {error}"
        report = compare_opened(opened)
        return replace(report, notes=(note, *report.notes))


def _open(graph: Graph) -> Opened:
    places = graph.places
    tags = places.tags if graph.tag is None else (graph.tag,)
    opened = [_opened(places, tag) for tag in tags[:1]] or [_opened(places, None)]
    for tag in tags[1:]:
        if any(graph_def.node for graph_def in opened[-1].graph_defs):
            break
        opened.append(_opened(places, tag))
    return next((each for each in opened if any(graph_def.node for graph_def in each.graph_defs)), opened[0])


def _opened(places: RunPlaces, tag: str | None) -> Opened:
    """One op graph of a run, with its Keras model."""
    run = Run([], notes=list(places.notes))
    for place in places.places:
        if place.kind == KERAS:
            run.keras[place.tag] = Written(_read(place), place.times)
        elif place.tag != tag:
            continue
        elif place.kind == OWN_GRAPH:
            run.graph = Written(_read(place), place.times)
        elif place.kind == META_GRAPH:
            run.meta_graph = Written(_read(place), place.times)
        else:
            run.traces[place.tag] = Written(_read(place), place.times)
    return open_runs(places.log, {places.run: run}, run=places.run, tag=tag)


def _read(place: Place) -> bytes:
    """What a record holds.

    Raises:
        SourceError: It holds that no longer.
    """
    run, file = Run([]), Path(place.file)
    # A later writing of a tag may be without the plugin's name.
    {TRACE: run.traces, KERAS: run.keras}.get(place.kind, {})[place.tag] = Written()
    add_record(run, file, next(read_records(file, start=place.position), b""))
    held = {OWN_GRAPH: run.graph, META_GRAPH: run.meta_graph}
    data = (held.get(place.kind) or (run.traces if place.kind == TRACE else run.keras)[place.tag]).data
    if hashlib.sha256(data).hexdigest() != place.digest:
        raise SourceError(f"{file} has changed while it was read; it is read again soon.")
    return data


def _open_model(model: Model) -> Opened:
    if model.run is None:
        opened = open_model_file(model.file)
    else:
        opened = _opened(model.run, None)
        if opened.layer_graph is None:
            raise ModelError(f"{model.label}: holds no layer graph.")
    return replace(opened, origin=replace(opened.origin, path=model.label))
