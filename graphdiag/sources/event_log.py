"""Open a TensorBoard log: one op graph and one Keras model among those that its runs hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdiag.errors import EmptySourceError, SourceError
from graphdiag.sources.event_runs import Run, Written, check_memory, holdings, read_runs
from graphdiag.sources.graph_choice import GraphEntry, Logged, ModelEntry, choose
from graphdiag.sources.graph_names import check_depth
from graphdiag.sources.opened import Opened, Origin
from graphdiag.sources.run_choice import written_at
from graphdiag.sources.stack import describe_stack

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    from graphdiag.graphs.layer_graph import LayerGraph
    from graphdiag.graphs.serialized_graph import SerializedGraph

_NOTED = 5


@dataclass(frozen=True)
class _OpGraph(GraphEntry):
    """An op graph in an event file."""

    log: str = ""
    content: Written = field(default_factory=Written)
    form: str = "graph"

    @cached_property
    def graph_defs(self) -> Sequence[GraphDef]:
        """The graph, or the graphs of a trace."""
        from google.protobuf.message import DecodeError

        from graphdiag.graphs.serialized_graph import SerializedGraphs

        try:
            return SerializedGraphs(self._parse())
        except DecodeError as error:
            check_memory(error)
            raise SourceError(
                f"{self.log}: the op graph of {self} is damaged and cannot be parsed; write the log anew."
            ) from error

    def _parse(self) -> Iterator[GraphDef | SerializedGraph]:
        if self.form == "trace":
            from tensorboard.compat.proto.config_pb2 import RunMetadata

            for graphs in RunMetadata.FromString(self.content.data).function_graphs:
                yield graphs.pre_optimization_graph
        elif self.form == "meta_graph":
            from tensorboard.compat.proto.meta_graph_pb2 import MetaGraphDef

            yield MetaGraphDef.FromString(self.content.data).graph_def
        else:
            from graphdiag.graphs.serialized_graph import SerializedGraph

            yield SerializedGraph(self.content.record, self.content.start)

    @property
    def is_empty(self) -> bool:
        """Whether it has no op."""
        from graphdiag.graphs.serialized_graph import nodes_of, unparsed

        return not any(len(nodes_of(graph)) for graph in unparsed(self.graph_defs))

    @property
    def remark(self) -> str:
        """That TensorBoard does not draw it."""
        if self.form != "meta_graph":
            return ""
        return f"The op graph of {self} is part of a meta graph, which TensorBoard 2.21 does not draw."


@dataclass(frozen=True)
class _KerasModel(ModelEntry):
    """A Keras model in an event file, as JSON."""

    content: bytes = b""

    @property
    def data(self) -> bytes:
        """The JSON."""
        return self.content


def open_event_log(path: Path, *, run: str | None = None, tag: str | None = None) -> Opened:
    """Open a log directory or one event file.

    A run's own graph is that of a meta graph where there is no other. What was written several times is read as written
    last. Which is taken says `graphdiag.sources.graph_choice.choose`.

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
    return open_runs(str(path), read_runs(path), run=run, tag=tag)


def open_runs(log: str, runs: Mapping[str, Run], *, run: str | None = None, tag: str | None = None) -> Opened:
    """As `open_event_log`, of runs that were read.

    Args:
        log: What messages and the origin call the log.
        runs: Run by name.
        run: As for `open_event_log`.
        tag: As for `open_event_log`.

    Returns:
        As `open_event_log`.

    Raises:
        SourceError: As `open_event_log`.
        UsageError: As `open_event_log`.
    """
    graphs = list(_op_graphs(log, runs))
    models = list(_keras_models(runs))
    notes = [note for run_ in runs.values() for note in run_.notes]
    if not graphs and not models:
        raise EmptySourceError(
            f"{log} holds neither an op graph nor a Keras model; it holds {holdings(runs)}. "
            f"{notes[0] + ' ' if notes else ''}"
            "To write an op graph, call tf.summary.trace_on() before the model and tf.summary.trace_export() after it."
        )
    notes = _first(notes)
    written = {name: written_at(run_) for name, run_ in runs.items()}
    model_notes: list[str] = []
    graph, model = choose(Logged(log, graphs, models, written), run, tag, notes, model_notes)
    if graph is not None:
        check_depth(log, graph.graph_defs)
    keras_json, layer_graph = _read_keras(log, model, required=graph is None, notes=model_notes)
    chosen = graph or model
    assert chosen is not None
    from graphdiag.graphs.serialized_graph import producer_of, unparsed

    producer = producer_of(unparsed(graph.graph_defs)[0]) if graph is not None and graph.graph_defs else 0
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
        model_notes=tuple(model_notes),
    )


def _first(notes: list[str]) -> list[str]:
    """The notes on single files, as far as they can be read."""
    more = len(notes) - _NOTED
    return [*notes[:_NOTED], *([f"Of {more} more event files the same is true."] if more > 0 else [])]


def _op_graphs(log: str, runs: Mapping[str, Run]) -> Iterator[_OpGraph]:
    for name, run in runs.items():
        if run.graph.times:
            yield _OpGraph(name, "", run.graph.times, log, run.graph)
        elif run.meta_graph.times:
            yield _OpGraph(name, "", run.meta_graph.times, log, run.meta_graph, "meta_graph")
        for tag, trace in run.traces.items():
            yield _OpGraph(name, tag, trace.times, log, trace, "trace")


def _keras_models(runs: Mapping[str, Run]) -> Iterator[_KerasModel]:
    for name, run in runs.items():
        for tag, written in run.keras.items():
            yield _KerasModel(name, tag, written.times, written.data)


def _read_keras(
    log: str, model: ModelEntry | None, *, required: bool, notes: list[str]
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
