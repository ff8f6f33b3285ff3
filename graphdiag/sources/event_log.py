"""Open a TensorBoard log: choose one op graph and one Keras model among those that its runs hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdiag.errors import SourceError, UsageError
from graphdiag.sources.event_runs import OWN_TAG, Run, holdings, read_runs
from graphdiag.sources.graph_names import check_depth
from graphdiag.sources.opened import Opened, Origin
from graphdiag.sources.run_choice import meant, table, without_validation
from graphdiag.sources.stack import describe_stack

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    from graphdiag.graphs.layer_graph import LayerGraph

_LISTED = 20
_NOTED = 5


@dataclass(frozen=True)
class _OpGraph:
    """One op graph of a log, parsed when it is first looked at; ``tag`` is empty for the run's own graph."""

    log: str
    run: str
    tag: str
    data: bytes
    form: str
    times: int

    def __str__(self) -> str:
        return f"run {self.run!r}, " + (f"tag {self.tag!r}" if self.tag else "the run's own graph (tag '')")

    @cached_property
    def graph_defs(self) -> tuple[GraphDef, ...]:
        from google.protobuf.message import DecodeError

        try:
            return tuple(self._parse())
        except DecodeError as error:
            raise SourceError(
                f"{self.log}: the op graph of {self} is damaged and cannot be parsed; write the log anew."
            ) from error

    def _parse(self) -> Iterator[GraphDef]:
        if self.form == "trace":
            from tensorboard.compat.proto.config_pb2 import RunMetadata

            for graphs in RunMetadata.FromString(self.data).function_graphs:
                yield graphs.pre_optimization_graph
        elif self.form == "meta_graph":
            from tensorboard.compat.proto.meta_graph_pb2 import MetaGraphDef

            yield MetaGraphDef.FromString(self.data).graph_def
        else:
            from tensorboard.compat.proto.graph_pb2 import GraphDef

            yield GraphDef.FromString(self.data)

    @property
    def is_empty(self) -> bool:
        return not any(graph_def.node for graph_def in self.graph_defs)


@dataclass(frozen=True)
class _KerasModel:
    """One Keras model of a log, as JSON."""

    run: str
    tag: str
    data: bytes
    times: int

    def __str__(self) -> str:
        return f"run {self.run!r}, tag {self.tag!r}"


def open_event_log(path: Path, *, run: str | None = None, tag: str | None = None) -> Opened:
    """Open a log directory or one event file.

    The op graph is a run's own graph (that of a meta graph where there is no other) or a tagged trace; where there
    are several, those without any op give way, and if several are left, ``run`` and ``tag`` must choose. The Keras
    model is taken from the op graph's run, or else from the only other run that has one. What was written several
    times is read as written last.

    Args:
        path: The log directory, searched to any depth, or an event file.
        run: Run as TensorBoard names it, ``.`` for the directory itself; or how its name begins, a pattern, or
            ``latest``; see `graphdiag.sources.run_choice.meant`.
        tag: Tag of a trace or of a Keras model; the empty string means the run's own graph.

    Returns:
        The op graph, the Keras model, or both.

    Raises:
        SourceError: A file is damaged, or the log holds neither an op graph nor a Keras model.
        UsageError: There are several op graphs, or no such run or tag.
    """
    log = str(path)
    runs = read_runs(path)
    graphs = list(_op_graphs(log, runs))
    models = list(_keras_models(runs))
    with_graphs = list(_held(graphs, models))
    chosen_runs = None if run is None else meant(run, runs, with_graphs)
    if chosen_runs == []:
        raise UsageError(f"{log} has no run {run!r}; its runs are {_listed(map(repr, runs))}.").with_table(
            f"{log} has no run {run!r}; these hold graphs:", table(_held(graphs, models), runs)
        )
    notes = [note for run_ in runs.values() for note in run_.notes]
    if not graphs and not models:
        raise SourceError(
            f"{log} holds neither an op graph nor a Keras model; it holds {holdings(runs)}. "
            f"{notes[0] + ' ' if notes else ''}"
            "To write an op graph, call tf.summary.trace_on() before the model and tf.summary.trace_export() after it."
        )
    notes = _first(notes)
    try:
        graph, model = _choose(log, graphs, models, chosen_runs, tag, notes)
    except _SeveralError as error:
        raise UsageError(str(error)).with_table(error.brief, table(_held(*error.among), runs)) from None
    if graph is not None:
        check_depth(log, graph.graph_defs)
    keras_json, layer_graph = _read_keras(log, model, required=graph is None, notes=notes)
    chosen = graph or model
    assert chosen is not None
    producer = graph.graph_defs[0].versions.producer if graph is not None and graph.graph_defs else 0
    return Opened(
        origin=Origin(
            path=log,
            kind="event_log",
            run=chosen.run,
            tag=graph.tag if graph is not None else "",
            stack=describe_stack(layer_graph.keras_version if layer_graph is not None else "", producer),
        ),
        graph_defs=graph.graph_defs if graph is not None else (),
        has_op_graph=graph is not None,
        layer_graph=layer_graph,
        keras_json=keras_json,
        notes=tuple(notes),
    )


class _SeveralError(UsageError):
    """There are several graphs, and nothing chooses among them.

    Attributes:
        among: The op graphs and the Keras models to choose from.
    """

    def __init__(self, message: str, graphs: Sequence[_OpGraph], models: Sequence[_KerasModel]) -> None:
        super().__init__(message)
        self.among = graphs, models
        several_tags = len(_held(graphs, models)) == 1
        how = "--tag TAG" if several_tags else "--run RUN: a name, its beginning, a pattern as 'exp*', or latest"
        self.brief = f"{message.partition(';')[0]}; choose one with {how}."


def _held(graphs: Sequence[_OpGraph], models: Sequence[_KerasModel]) -> Mapping[str, Sequence[str]]:
    """What each run holds, in words."""
    held: dict[str, list[str]] = {}
    for graph in graphs:
        held.setdefault(graph.run, []).append(f"op graph{f' {graph.tag!r}' if graph.tag else ''}")
    for model in models:
        held.setdefault(model.run, []).append(f"Keras model {model.tag!r}")
    return held


def _first(notes: list[str]) -> list[str]:
    """The notes on single files, as far as they can be read."""
    more = len(notes) - _NOTED
    return [*notes[:_NOTED], *([f"Of {more} more event files the same is true."] if more > 0 else [])]


def _op_graphs(log: str, runs: Mapping[str, Run]) -> Iterator[_OpGraph]:
    for name, run in runs.items():
        if run.graph.times:
            yield _OpGraph(log, name, "", run.graph.data, "graph", run.graph.times)
        elif run.meta_graph.times:
            yield _OpGraph(log, name, "", run.meta_graph.data, "meta_graph", run.meta_graph.times)
        for tag, trace in run.traces.items():
            yield _OpGraph(log, name, tag, trace.data, "trace", trace.times)


def _keras_models(runs: Mapping[str, Run]) -> Iterator[_KerasModel]:
    for name, run in runs.items():
        for tag, written in run.keras.items():
            yield _KerasModel(name, tag, written.data, written.times)


def _choose(
    log: str,
    graphs: Sequence[_OpGraph],
    models: Sequence[_KerasModel],
    runs: Sequence[str] | None,
    tag: str | None,
    notes: list[str],
) -> tuple[_OpGraph | None, _KerasModel | None]:
    own_graphs = [graph for graph in graphs if runs is None or graph.run in runs]
    own_models = [model for model in models if runs is None or model.run in runs]
    if not own_graphs and not own_models:
        [run, *_] = runs or [""]
        raise UsageError(f"{log}: run {run!r} holds no graph; these do: {_listed([*graphs, *models])}.")
    if tag is not None:
        tagged_graphs = [graph for graph in own_graphs if graph.tag == tag]
        tagged_models = [model for model in own_models if model.tag == tag]
        if not tagged_graphs and not tagged_models:
            raise UsageError(f"{log} has no graph with the tag {tag!r}; it has {_listed([*own_graphs, *own_models])}.")
        # A tag that only a Keras model has leaves the op graph to choose, and the other way round.
        own_graphs = tagged_graphs or own_graphs
        models = tagged_models or models
        own_models = tagged_models or own_models
    graph = _choose_graph(log, own_graphs, notes)
    if graph is None:
        return None, _choose_only_model(log, own_models, notes)
    return graph, _choose_model_beside(graph, models, notes)


def _choose_graph(log: str, graphs: Sequence[_OpGraph], notes: list[str]) -> _OpGraph | None:
    if not graphs:
        notes.append("The log holds no op graph, only a Keras model.")
        return None
    pool = list(graphs)
    if len(pool) > 1:
        pool = [graph for graph in graphs if not graph.is_empty] or pool
    if len({graph.run for graph in pool}) > 1:
        training = without_validation(graph.run for graph in pool)
        pool = [graph for graph in pool if graph.run in training]
    if len(pool) > 1:
        raise _SeveralError(
            f"{log} holds several op graphs; choose one with --run and --tag: {_listed(pool)}.", pool, ()
        )
    chosen = pool[0]
    empty = [graph for graph in graphs if graph is not chosen]
    if empty:
        notes.append(f"The op graph is that of {chosen}; passed over, because empty: {_listed(empty)}.")
    if chosen.form == "meta_graph":
        notes.append(f"The op graph of {chosen} is part of a meta graph, which TensorBoard 2.21 does not draw.")
    _note_times(chosen, chosen.times, "op graph", notes)
    return chosen


def _choose_only_model(log: str, models: Sequence[_KerasModel], notes: list[str]) -> _KerasModel:
    training = without_validation(model.run for model in models)
    models = _one_of_two([model for model in models if model.run in training], notes)
    if len({model.data for model in models}) > 1:
        raise _SeveralError(
            f"{log} holds several Keras models; choose one with --run and --tag: {_listed(models)}.", (), models
        )
    _note_times(models[0], models[0].times, "Keras model", notes)
    return models[0]


def _choose_model_beside(graph: _OpGraph, models: Sequence[_KerasModel], notes: list[str]) -> _KerasModel | None:
    pool = _one_of_two([model for model in models if model.run == graph.run] or models, notes)
    if not pool:
        return None
    if len({model.data for model in pool}) > 1:
        notes.append(
            f"The log holds several Keras models and none was taken ({_listed(pool)}); "
            "choose one with --tag, or give the model with --model."
        )
        return None
    if pool[0].run != graph.run:
        notes.append(f"The Keras model is that of {pool[0]}, because the run of the op graph, {graph.run!r}, has none.")
    _note_times(pool[0], pool[0].times, "Keras model", notes)
    return pool[0]


def _one_of_two(models: Sequence[_KerasModel], notes: list[str]) -> Sequence[_KerasModel]:
    """Of one model that two callbacks wrote into a run, what graphdiag's wrote: its op graph has the names of that."""
    own = [model for model in models if model.tag == OWN_TAG]
    if len(own) != 1 or len(models) != 2 or len({model.run for model in models}) != 1:
        return models
    [other] = [model for model in models if model.tag != OWN_TAG]
    notes.append(f"The Keras model is that of {own[0]}; passed over, as the same model: {other}.")
    return own


def _note_times(what: object, times: int, kind: str, notes: list[str]) -> None:
    if times > 1:
        notes.append(f"The {kind} of {what} was written {times} times; the newest is taken.")


def _read_keras(
    log: str, model: _KerasModel | None, *, required: bool, notes: list[str]
) -> tuple[Mapping[str, Any] | None, LayerGraph | None]:
    if model is None:
        return None, None
    where = f"{log}: the Keras model of {model}"
    try:
        config = json.loads(model.data)
        if not isinstance(config, dict):
            raise SourceError("it is not a JSON object")
    except (ValueError, RecursionError, SourceError) as error:
        if required:
            raise SourceError(f"{where} cannot be read: {error}.") from error
        notes.append(f"The Keras model of {model} cannot be read ({error}); give the model with --model.")
        return None, None
    from graphdiag.sources.keras_json import layer_graph_from_json

    try:
        return config, layer_graph_from_json(config)
    except SourceError as error:
        if required:
            raise SourceError(f"{where} cannot be used. {error}") from error
        notes.append(f"The Keras model of {model} was not used. {error}")
        return config, None


def _listed(items: Iterable[object]) -> str:
    texts = [str(item) for item in items]
    more = len(texts) - _LISTED
    return "; ".join(texts[:_LISTED]) + (f"; and {more} more" if more > 0 else "")
