"""Open the graph of a run from where it lies. Runs in a process of its own."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from graphdiag.comparison import compare_opened, compare_with_found, open_model_file
from graphdiag.errors import ModelError, SourceError
from graphdiag.graphs.serialized_graph import nodes_of, unparsed
from graphdiag.sources.event_log import open_runs
from graphdiag.sources.event_runs import Run, Written, add_record
from graphdiag.sources.records import read_records
from graphdiag.tensorboard_plugin.places import KERAS, META_GRAPH, OWN_GRAPH, TRACE, Graph, Model, Place, RunPlaces

if TYPE_CHECKING:
    from graphdiag.results.report import Report
    from graphdiag.sources.opened import Opened


_OPTION = "--model FILE gives one."
_CHOICE = "Choose one above, as 'Layer graph'."


def report_on(graph: Graph) -> Report:
    """Compare a graph with its model.

    Raises:
        GraphdiagError: It cannot be read, or the model that was chosen does not fit.
    """
    opened = _open(graph)
    model = graph.model
    if model is None:
        return _in_words_of_the_tab(compare_opened(opened))
    if model.found:
        return _in_words_of_the_tab(compare_with_found(opened, lambda: _open_model(model), model.label))
    try:
        return compare_opened(opened, _open_model(model))
    except (ModelError, SourceError) as error:
        raise ModelError(str(error).replace("--model", model.label)) from error


def _in_words_of_the_tab(report: Report) -> Report:
    """The report with notes that say what to do in the tab, where the command line has an option for it."""
    return replace(report, notes=tuple(note.replace(_OPTION, _CHOICE) for note in report.notes))


def _open(graph: Graph) -> Opened:
    """The graph with the tag; without a tag the first that has ops, or else the first."""
    if graph.tag is not None:
        return _opened(graph.places, graph.tag)
    first = None
    for tag in graph.places.tags or (None,):
        opened = _opened(graph.places, tag)
        if any(len(nodes_of(graph_def)) for graph_def in unparsed(opened.graph_defs)):
            return opened
        first = first or opened
    assert first is not None
    return first


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
