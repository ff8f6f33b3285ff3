"""Choose one op graph and one Keras model among those that the runs of a log hold.

Where the graphs come from, files or a running TensorBoard, is a matter of the entries: each knows how to read its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphdiag.errors import UsageError
from graphdiag.sources.event_runs import OWN_TAG
from graphdiag.sources.run_choice import meant, table, without_validation

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

_LISTED = 20


@dataclass(frozen=True)
class GraphEntry(ABC):
    """One op graph of a log, read when it is first looked at.

    Attributes:
        run: Its run.
        tag: Its tag; empty for the run's own graph.
        times: How many times it was written.
    """

    run: str
    tag: str
    times: int = 1

    def __str__(self) -> str:
        return f"run {self.run!r}, " + (f"tag {self.tag!r}" if self.tag else "the run's own graph (tag '')")

    @property
    @abstractmethod
    def graph_defs(self) -> Sequence[GraphDef]:
        """The graph, or the graphs of a trace."""

    @property
    @abstractmethod
    def is_empty(self) -> bool:
        """Whether it has no op."""

    @property
    def remark(self) -> str:
        """A sentence for the user about this graph, if it is chosen."""
        return ""


@dataclass(frozen=True)
class ModelEntry(ABC):
    """One Keras model of a log, read when it is first looked at.

    Attributes:
        run: Its run.
        tag: Its tag.
        times: How many times it was written.
    """

    run: str
    tag: str
    times: int = 1

    def __str__(self) -> str:
        return f"run {self.run!r}, tag {self.tag!r}"

    @property
    @abstractmethod
    def data(self) -> bytes:
        """The model as it was written, or as TensorBoard serves it; the same of two that are the same."""


@dataclass(frozen=True)
class Logged:
    """What the runs of a log hold.

    Attributes:
        log: What messages call the log.
        graphs: The op graphs.
        models: The Keras models.
        written: All runs, each with a number that is the greater the later it was begun.
        dated: Whether these numbers are seconds since 1970.
        of_any_run: Whether the model of another run may be that of an op graph.
    """

    log: str
    graphs: Sequence[GraphEntry]
    models: Sequence[ModelEntry]
    written: Mapping[str, float]
    dated: bool = True
    of_any_run: bool = True


def choose(
    logged: Logged, run: str | None, tag: str | None, notes: list[str], model_notes: list[str]
) -> tuple[GraphEntry | None, ModelEntry | None]:
    """Choose what is meant.

    The op graph is a run's own graph or a tagged trace; where there are several, those without any op give way, and if
    several are left, ``run`` and ``tag`` must choose. The Keras model is taken from the op graph's run, or else from
    the only other run that has one.

    Args:
        logged: What there is: at least one op graph or Keras model.
        run: Run as TensorBoard names it; or how its name begins, a pattern, or ``latest``.
        tag: Tag of a trace or of a Keras model; the empty string means the run's own graph.
        notes: Takes sentences for the user on the op graph, and what was passed over.
        model_notes: The same on the Keras model.

    Returns:
        The op graph, the Keras model, or both.

    Raises:
        UsageError: There are several op graphs, or no such run or tag.
    """
    with_graphs = list(_held(logged.graphs, logged.models))
    runs = None if run is None else meant(run, logged.written, with_graphs)
    if runs == []:
        raise UsageError(
            f"{logged.log} has no run {run!r}; its runs are {_listed(map(repr, logged.written))}."
        ).with_table(
            f"{logged.log} has no run {run!r}; these hold graphs:",
            table(_held(logged.graphs, logged.models), logged.written, dated=logged.dated),
        )
    try:
        return _choose(logged, runs, tag, notes, model_notes)
    except _SeveralError as error:
        lines = table(_held(*error.among), logged.written, dated=logged.dated)
        raise UsageError(str(error)).with_table(error.brief, lines) from None


class _SeveralError(UsageError):
    """There are several graphs, and nothing chooses among them.

    Attributes:
        among: The op graphs and the Keras models to choose from.
    """

    def __init__(self, message: str, graphs: Sequence[GraphEntry], models: Sequence[ModelEntry]) -> None:
        super().__init__(message)
        self.among = graphs, models
        several_tags = len(_held(graphs, models)) == 1
        how = "--tag TAG" if several_tags else "--run RUN: a name, its beginning, a pattern as 'exp*', or latest"
        self.brief = f"{message.partition(';')[0]}; choose one with {how}."


def _held(graphs: Sequence[GraphEntry], models: Sequence[ModelEntry]) -> Mapping[str, Sequence[str]]:
    """What each run holds, in words."""
    held: dict[str, list[str]] = {}
    for graph in graphs:
        held.setdefault(graph.run, []).append(f"op graph{f' {graph.tag!r}' if graph.tag else ''}")
    for model in models:
        held.setdefault(model.run, []).append(f"Keras model {model.tag!r}")
    return held


def _choose(
    logged: Logged, runs: Sequence[str] | None, tag: str | None, notes: list[str], model_notes: list[str]
) -> tuple[GraphEntry | None, ModelEntry | None]:
    log, graphs, models = logged.log, logged.graphs, logged.models
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
        return None, _choose_only_model(log, own_models, model_notes)
    beside = [model for model in models if logged.of_any_run or model.run == graph.run]
    return graph, _choose_model_beside(graph, beside, model_notes)


def _choose_graph(log: str, graphs: Sequence[GraphEntry], notes: list[str]) -> GraphEntry | None:
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
    if chosen.remark:
        notes.append(chosen.remark)
    _note_times(chosen, chosen.times, "op graph", notes)
    return chosen


def _choose_only_model(log: str, models: Sequence[ModelEntry], notes: list[str]) -> ModelEntry:
    training = without_validation(model.run for model in models)
    models = _one_of_two([model for model in models if model.run in training], notes)
    if len({model.data for model in models}) > 1:
        raise _SeveralError(
            f"{log} holds several Keras models; choose one with --run and --tag: {_listed(models)}.", (), models
        )
    _note_times(models[0], models[0].times, "Keras model", notes)
    return models[0]


def _choose_model_beside(graph: GraphEntry, models: Sequence[ModelEntry], notes: list[str]) -> ModelEntry | None:
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


def _one_of_two(models: Sequence[ModelEntry], notes: list[str]) -> Sequence[ModelEntry]:
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


def _listed(items: Iterable[object]) -> str:
    texts = [str(item) for item in items]
    more = len(texts) - _LISTED
    return "; ".join(texts[:_LISTED]) + (f"; and {more} more" if more > 0 else "")
