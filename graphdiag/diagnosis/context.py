"""The context: everything that the rules look at, put together once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from graphdiag.diagnosis.calls import NOTHING_KNOWN, Calls, recorded_calls
from graphdiag.diagnosis.crossings import Crossings, OpEdge, find_crossings
from graphdiag.diagnosis.dataflow.flow import Carries, Flow, trace
from graphdiag.diagnosis.dataflow.op_specs import Kind, op_specs
from graphdiag.diagnosis.drawn_cycles import DrawnCycle, drawn_cycles
from graphdiag.diagnosis.explained import REAL, Explained, Pair, is_real
from graphdiag.diagnosis.finding import Evidence
from graphdiag.diagnosis.ownership import Ownership, assign_ownership
from graphdiag.diagnosis.rewriting import rerouted, rewriter_ops
from graphdiag.diagnosis.state_arrows import StateArrows, computing_scopes, state_arrows
from graphdiag.diagnosis.tensorboard_view import TensorBoardView
from graphdiag.garbage import no_garbage_collection
from graphdiag.graphs.layer_calls import CallRecord
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.op_graph import OpGraph
from graphdiag.sources.opened import NameScope

__all__ = ["REAL", "DiagnosisContext", "Pair", "analyze", "carried", "is_real", "once", "words_of"]

Answer = TypeVar("Answer")


def once(find: Callable[[DiagnosisContext], Answer]) -> Callable[[DiagnosisContext], Answer]:
    """Have something that several rules ask for found once for each context."""
    known: WeakKeyDictionary[DiagnosisContext, Answer] = WeakKeyDictionary()

    @wraps(find)
    def answer(context: DiagnosisContext) -> Answer:
        if context not in known:
            known[context] = find(context)
        return known[context]

    return answer


@dataclass(frozen=True, eq=False)
class DiagnosisContext:
    """The graphs of one source, and what was worked out about them.

    Attributes:
        ops: The op graph.
        layers: The layer graph, if there is one.
        ownership: Who owns each op.
        flow: What each tensor carries.
        crossings: The op edges between owners.
        view: What TensorBoard shows of it; ``None`` when that is of no interest.
        same_layer: For a layer that several nested models have, one of its ids by each of them.
        calls: The tensors that Keras gave to each call of a layer.
        read_by_python: Of each Python function that a live graph calls, by its token, the layers' variables that it is
            seen to read, by their own names, with the ids of the layers that track them.
        name_scopes: The name scopes that the user's code opens around layers, where it was run.
    """

    ops: OpGraph
    layers: LayerGraph | None
    ownership: Ownership
    flow: Flow
    crossings: Crossings
    view: TensorBoardView | None = None
    same_layer: Mapping[str, str] = field(default_factory=dict)
    calls: Calls = NOTHING_KNOWN
    read_by_python: Mapping[str, Sequence[tuple[str, Sequence[str]]]] = field(default_factory=dict)
    name_scopes: Sequence[NameScope] = ()

    @cached_property
    def explained(self) -> Explained | None:
        """The layer graph held against the crossings."""
        if self.layers is None:
            return None
        return Explained(self.ops, self.layers, self.ownership, self.flow, self.crossings, self.calls, self.same_layer)

    @property
    def is_own_trace(self) -> bool:
        """Whether graphdiag traced the op graph itself: see `graphdiag.sources.opened.Opened`."""
        return self.ownership.recorded or (self.view is not None and self.view.live)

    @property
    def without_ops(self) -> frozenset[str]:
        """Layers that have made no op, as ``Dropout`` makes none for inference."""
        return self.explained.without_ops if self.explained else frozenset()

    @property
    def identity_layers(self) -> frozenset[str]:
        """Layers that hand on their input as it is: what the next layer takes comes from the layer before."""
        return self.explained.identity_layers if self.explained else frozenset()

    @property
    def masks(self) -> frozenset[Pair]:
        """Pairs of layers that Keras does not link, and between which a mask flows that Keras hands on."""
        return self.explained.masks if self.explained else frozenset()

    @property
    def undrawn(self) -> Sequence[Pair]:
        """Edges of the layer graph between layers that have ops, along which no tensor goes in the op graph."""
        return self.explained.undrawn if self.explained else ()

    @cached_property
    def rewritten(self) -> Mapping[int, str]:
        """Rows of the ops that a rewriter put into the graph, with what it did: see `graphdiag.diagnosis.rewriting`."""
        return rewriter_ops(self.ops)

    @cached_property
    def drawn_cycles(self) -> Sequence[DrawnCycle]:
        """Cycles on screen that are not in the op graph: see `graphdiag.diagnosis.drawn_cycles`."""
        return drawn_cycles(self.ops, self.view.drawn) if self.view and self.view.drawn else ()

    @cached_property
    def state_arrows(self) -> StateArrows:
        """Arrows between boxes over which variables flow: see `graphdiag.diagnosis.state_arrows`."""
        return state_arrows(self.ops, self.flow)

    @cached_property
    def computing_scopes(self) -> np.ndarray:
        """Whether in each scope of `OpGraph.scopes` some op has activations, bookkeeping aside; bool."""
        return computing_scopes(self.ops, self.flow, self.ownership)

    @cached_property
    def unexplained(self) -> Mapping[Pair, Sequence[OpEdge]]:
        """The op edges that Keras does not explain: see `graphdiag.diagnosis.explained`.

        Without a layer graph nothing is explained, and a pair between which activations or parameters flow is taken
        for the model's own. What goes through training, saving and the like joins no layers then. What a rewriter made
        is left out: that is known.
        """
        if self.explained is None:
            roles = self.ownership.roles
            found: Mapping[Pair, Sequence[OpEdge]] = {
                pair: [edge for edge in edges if not any(row in roles for row in edge.through)]
                for pair, edges in self.crossings.edges.items()
                if not any(map(is_real, edges))
            }
        else:
            found = self.explained.unexplained
        if not self.rewritten and self.explained is not None:
            return found
        kept = {pair: [edge for edge in edges if not self._is_rewritten(edge)] for pair, edges in found.items()}
        return {pair: edges for pair, edges in kept.items() if edges}

    @cached_property
    def rerouted(self) -> Sequence[Pair]:
        """Those of `undrawn` that a rewriter led through ops of its own."""
        return rerouted(self.ops, self.ownership, self.undrawn, self.rewritten)

    @property
    def made_by_rewriters(self) -> Sequence[tuple[Pair, OpEdge]]:
        """The op edges that Keras does not explain, and that begin, end or run through the ops of a rewriter."""
        if self.explained is None or not self.rewritten:
            return ()
        return [
            (pair, edge)
            for pair, edges in self.explained.unexplained.items()
            for edge in edges
            if self._is_rewritten(edge)
        ]

    def _is_rewritten(self, edge: OpEdge) -> bool:
        rewritten = self.rewritten
        return bool(rewritten) and any(row in rewritten for row in (edge.source, edge.target, *edge.through))

    def feeds_of(self, row: int) -> frozenset[int]:
        """Rows of the feeds that an op's values depend on."""
        found = set()
        seen = {row}
        waiting = [row]
        while waiting:
            current = waiting.pop()
            if op_specs().get(self.ops.types[current]) and op_specs()[self.ops.types[current]].kind is Kind.FEED:
                found.add(current)
                continue
            for edge in range(int(self.ops.in_edges[current]), int(self.ops.in_edges[current + 1])):
                origin = int(self.ops.source[edge])
                if origin not in seen and self.ops.output[edge] >= 0:
                    seen.add(origin)
                    waiting.append(origin)
        return frozenset(found)

    def evidence(self, edges: Iterable[OpEdge]) -> tuple[Evidence, ...]:
        """Op edges in words."""
        return tuple(self._evidence(edges))

    def _evidence(self, edges: Iterable[OpEdge]) -> Iterator[Evidence]:
        names, types = self.ops.names, self.ops.types
        for edge in edges:
            yield Evidence(
                source=names[edge.source],
                source_type=types[edge.source],
                target=names[edge.target],
                target_type=types[edge.target],
                output=edge.output,
                control=edge.control,
                through=tuple(names[row] for row in edge.through),
            )


@no_garbage_collection()
def analyze(
    ops: OpGraph,
    layers: LayerGraph | None,
    recorded: Mapping[str, str] | None = None,
    view: TensorBoardView | None = None,
    trackers: Mapping[str, Sequence[str]] | None = None,
    same_layer: Mapping[str, str] | None = None,
    calls: CallRecord | None = None,
    belongs_to: Mapping[str, str] | None = None,
    python_code: Mapping[str, tuple[bool, bool, Sequence[str]]] | None = None,
    read_by_python: Mapping[str, Sequence[tuple[str, Sequence[str]]]] | None = None,
    name_scopes: Sequence[NameScope] = (),
) -> DiagnosisContext:
    """Work out who owns each op, what flows, and what crosses.

    Args:
        ops: The op graph.
        layers: The layer graph, if there is one.
        recorded: Layer id by op name, where a live model was traced.
        view: What TensorBoard shows of it.
        trackers: Ids of the layers that track each variable, by op name, where they are known from a live model.
        same_layer: For a live layer that several nested models have, one of its ids by each of them.
        calls: What each call of a layer was given and returned, where a live model was traced.
        belongs_to: What any other variable belongs to, by op name, where that is known.
        python_code: Of each Python function that the graph calls, by its token, whether it may find anything outside of
            its arguments, whether it may keep anything there, and the names of the variables that it may use, where
            that is known.
        read_by_python: The layers' variables that it is seen to read, by their own names, with the ids of the layers
            that track them.
        name_scopes: The name scopes that the user's code opens around layers, where it was run.

    Returns:
        The context that the rules look at.
    """
    # What only a layer graph needs is imported with one: most logs have none.
    if layers is not None and not recorded:
        from graphdiag.diagnosis.unnamed_models import named_as_in

        layers = named_as_in(ops, layers)
    ownership = assign_ownership(ops, layers, recorded, trackers, belongs_to)
    flow = trace(ops, ownership.model_inputs, ownership.inputs_found, python_code)
    crossings, known = _calls(ops, layers if len(ops) or view else None, ownership, flow, calls)
    if layers is not None and not recorded:
        from graphdiag.diagnosis.same_layers import find_same_layers

        same_layer = find_same_layers(ops, layers, ownership, flow)
    return DiagnosisContext(
        ops, layers, ownership, flow, crossings, view, same_layer or {}, known, read_by_python or {}, name_scopes
    )


def _calls(
    ops: OpGraph, layers: LayerGraph | None, ownership: Ownership, flow: Flow, record: CallRecord | None
) -> tuple[Crossings, Calls]:
    """The crossings, and the calls: those on record, or what names tell."""
    if layers is None:
        return find_crossings(ops, ownership, flow), NOTHING_KNOWN
    if ownership.recorded:
        recorded = recorded_calls(ops, record or CallRecord(), ownership.roles)
        return find_crossings(ops, ownership, flow, recorded.of_op), recorded
    from graphdiag.diagnosis.inferred_calls import inferred_calls
    from graphdiag.diagnosis.scoped_calls import number_calls

    scopes = number_calls(ops, layers, ownership, flow)
    crossings = find_crossings(ops, ownership, flow, scopes)
    return crossings, inferred_calls(ops, layers, ownership, flow, crossings, scopes)


def carried(edges: Iterable[OpEdge]) -> tuple[str, ...]:
    """The classes that flow over some op edges, in words, sorted.

    Activations and parameters hide what else they were computed from.
    """
    words: set[str] = set()
    for edge in edges:
        words.update(words_of(edge))
    return tuple(sorted(words))


def words_of(edge: OpEdge) -> tuple[str, ...]:
    """The classes that flow over one op edge, in words."""
    return _words(edge.carries, edge.control)


@cache
def _words(carries: Carries, control: bool) -> tuple[str, ...]:
    if carries & Carries.ACTIVATION:
        return ("activation",)
    if control:
        return ("control",)
    if carries == Carries.CONSTANT:
        return ("constant",)
    return tuple(sorted(str(member.name).lower() for member in Carries if member & carries))
