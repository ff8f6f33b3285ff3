"""The case: everything that the rules look at, put together once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from graphdiag.diagnosis.crossings import Crossings, OpEdge, find_crossings
from graphdiag.diagnosis.dataflow.flow import Carries, Flow, trace
from graphdiag.diagnosis.dataflow.op_specs import Kind, op_specs
from graphdiag.diagnosis.finding import Evidence
from graphdiag.diagnosis.ownership import Ownership, assign_ownership
from graphdiag.diagnosis.tensorboard_view import TensorBoardView
from graphdiag.diagnosis.unnamed_models import named_as_in
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.op_graph import CONTROL, OpGraph

Pair = tuple[str, str]
DT_BOOL = 10
REAL = Carries.ACTIVATION | Carries.PARAMETER | Carries.HANDLE
"""The classes that make a crossing a dependency."""


@dataclass(frozen=True)
class DiagnosisContext:
    """The graphs of one source, and what was worked out about them.

    Attributes:
        ops: The op graph.
        layers: The layer graph, if there is one.
        ownership: Who owns each op.
        flow: What each tensor carries.
        crossings: The op edges between owners.
        view: What TensorBoard shows of it; ``None`` when that is of no interest.
        same_layer: For a live layer that several nested models have, one of its ids by each of them.
    """

    ops: OpGraph
    layers: LayerGraph | None
    ownership: Ownership
    flow: Flow
    crossings: Crossings
    view: TensorBoardView | None = None
    same_layer: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def without_ops(self) -> frozenset[str]:
        """Layers that have made no op, as ``Dropout`` makes none for inference."""
        if self.layers is None:
            return frozenset()
        owners = self.ownership.owners
        present = {owners[row] for row in set(self.ownership.of_op.tolist()) if row >= 0}
        return frozenset(layer for layer in self.layers.layers if layer not in present)

    @cached_property
    def identity_layers(self) -> frozenset[str]:
        """Layers that hand on their input as it is: what the next layer takes comes from the layer before.

        Those are the layers without ops; those whose ops give nothing to any op outside and take at most a shape (for
        inference, ``RandomFlip`` looks at the shape of its input and flips nothing); and ``ActivityRegularization``,
        which only adds to the loss.
        """
        if self.layers is None:
            return frozenset()
        from_owner, to_owner = self.ownership.of_op[self.ops.source], self.ownership.of_op[self.ops.target]
        at_border = from_owner != to_owner
        observers = {
            row
            for row, id_ in enumerate(self.ownership.owners)
            if id_ in self.layers.layers and self.layers.layers[id_].class_name == "ActivityRegularization"
        }
        busy = set(from_owner[at_border & (self.ops.output != CONTROL)].tolist()) - observers
        for edge in np.flatnonzero(at_border & (self.ops.output != CONTROL)).tolist():
            owner = int(to_owner[edge])
            if owner not in busy and owner not in observers:
                source, slot = int(self.ops.source[edge]), int(self.ops.output[edge])
                if self.flow.over(source, slot, self.ops.types[int(self.ops.target[edge])]) & REAL:
                    busy.add(owner)
        owners = self.ownership.owners
        working = {owners[row] for row in busy if row >= 0} | {
            id_ for id_, layer in self.layers.layers.items() if layer.is_input
        }
        return frozenset(layer for layer in self.layers.layers if layer not in working) | self.without_ops

    @cached_property
    def unexplained(self) -> Mapping[Pair, Sequence[OpEdge]]:
        """The crossings that no edge of the layer graph explains.

        A Keras edge explains the crossing between its two layers, and between nested models that hold them. Where
        layers hand on their input as it is (`identity_layers`), a path of Keras edges through them explains the
        crossing between its ends. That one layer takes the other's variable is explained only where it tracks it as
        well.

        A mask is explained as well: see `masks`.

        Without a layer graph nothing is explained, and a pair between which activations or parameters flow is taken
        for the model's own.
        """
        if self.layers is None:
            return {
                pair: edges
                for pair, edges in self.crossings.edges.items()
                if not any(edge.carries & REAL for edge in edges)
            }
        return {pair: edges for pair, edges in self._not_in_keras.items() if pair not in self.masks}

    @cached_property
    def masks(self) -> frozenset[Pair]:
        """Pairs between which only a mask flows that Keras carries along its edges.

        ``Masking`` and ``Embedding`` make a mask, and Keras hands it on from layer to layer, past those that do not
        use it, to every layer further down that does; merging layers make one of several. It is a real dependency,
        and one that Keras knows, saves and clones: the path of Keras edges is its proof.
        """
        if self.layers is None:
            return frozenset()
        return frozenset(
            (source, target)
            for (source, target), edges in self._not_in_keras.items()
            if not self._is_lambda(target)
            and all(self._is_mask(edge.source) or not edge.carries & REAL for edge in edges)
            and any(edge.carries & REAL for edge in edges)
            and self._is_downstream(source, target)
        )

    def _is_lambda(self, owner: str) -> bool:
        """Whether it is a ``Lambda``, which takes no mask unless its function asks for one; a closure would look so."""
        assert self.layers is not None
        return owner in self.layers.layers and self.layers.layers[owner].class_name == "Lambda"

    def _is_mask(self, row: int) -> bool:
        """Whether an op's output is a bool that depends on activations by masks alone."""
        if not self._is_bool(row):
            return False
        found_one = False
        seen = {row}
        waiting = [row]
        while waiting:
            current = waiting.pop()
            if self._makes_masks(current) and self._is_bool(current):
                found_one = True
                continue
            edges = range(int(self.ops.in_edges[current]), int(self.ops.in_edges[current + 1]))
            origins = {int(self.ops.source[edge]) for edge in edges}
            real = [origin for origin in origins if self.flow.values[origin] & REAL]
            if not real:
                return False
            waiting += [origin for origin in real if origin not in seen]
            seen.update(real)
        return found_one

    def _makes_masks(self, row: int) -> bool:
        assert self.layers is not None
        layer = self.layers.layers.get(self.ownership.owner(row) or "")
        return layer is not None and layer.class_name in ("Masking", "Embedding")

    def _is_bool(self, row: int) -> bool:
        if self.ops.types[row] in ("NotEqual", "Any", "All"):
            return True
        attributes = self.ops.node_defs[row].attr
        return any(attributes[name].type == DT_BOOL for name in ("T", "DstT") if name in attributes)

    def _is_downstream(self, source: str, target: str) -> bool:
        assert self.layers is not None
        goal = set(self._members(target))
        seen = {source}
        waiting = [source]
        while waiting:
            for step in self._successors[waiting.pop()]:
                if step in goal:
                    return True
                if step not in seen:
                    seen.add(step)
                    waiting.append(step)
        return False

    @cached_property
    def _not_in_keras(self) -> Mapping[Pair, Sequence[OpEdge]]:
        return {
            pair: left
            for pair, edges in self.crossings.edges.items()
            if not self._inside_one_another(*pair)
            for left in [self._without_keras_edges(*pair, edges)]
            if left
        }

    def _without_keras_edges(self, source: str, target: str, edges: Sequence[OpEdge]) -> Sequence[OpEdge]:
        """What no Keras edge between two layers explains: none explains that one uses the other's variables.

        Who tracks a variable, though, may use it, and finds there what the layer itself stored in another call: one
        layer in two nested models has two ids.
        """
        trackers = self.ownership.trackers
        if self._are_one_layer(source, target):
            edges = [edge for edge in edges if not {source, target} <= self._holders_of_state(edge)]
        takers = self._members(target)
        if any(taker in self._keras_reach(giver) for giver in self._members(source) for taker in takers):
            return [edge for edge in edges if trackers and target not in trackers.get(edge.source, (target,))]
        return [edge for edge in edges if target not in trackers.get(edge.source, ())] if trackers else edges

    def _are_one_layer(self, left: str, right: str) -> bool:
        return left in self.same_layer and self.same_layer[left] == self.same_layer.get(right)

    def _holders_of_state(self, edge: OpEdge) -> Set[str]:
        """The layers that track the variable in which the first op of an edge stores something for the other."""
        if (edge.source, edge.target) not in self._stores:
            return frozenset()
        first = int(self.ops.in_edges[edge.source])
        handle = int(self.ops.source[first]) if first < int(self.ops.in_edges[edge.source + 1]) else -1
        return frozenset(self.ownership.trackers.get(handle, ()))

    @cached_property
    def _stores(self) -> Set[tuple[int, int]]:
        return set(self.flow.stores)

    @cached_property
    def undrawn(self) -> Sequence[Pair]:
        """Edges of the layer graph between layers that have ops, which the op graph does not have."""
        if self.layers is None:
            return ()
        drawn = set(self.crossings.edges)
        onward: dict[str, set[str]] = defaultdict(set)
        for source, target in drawn:
            onward[source].add(target)
        return [
            (source, target)
            for source, target in self.layers.edges
            if source not in self.identity_layers
            and target not in self.identity_layers
            and source != target
            and not self._drawn(source, target, onward)
        ]

    def _drawn(self, source: str, target: str, onward: Mapping[str, set[str]]) -> bool:
        """Whether there is a crossing, directly or by way of the nested models' own ops."""
        assert self.layers is not None
        seen = {source}
        waiting = [source]
        while waiting:
            for step in onward.get(waiting.pop(), ()):
                if step == target:
                    return True
                if step in self.layers.nested and step not in seen:
                    seen.add(step)
                    waiting.append(step)
        return False

    @cached_property
    def _successors(self) -> Mapping[str, Sequence[str]]:
        assert self.layers is not None
        successors: dict[str, list[str]] = defaultdict(list)
        for source, target in self.layers.edges:
            successors[source].append(target)
        return successors

    def _keras_reach(self, source: str) -> Set[str]:
        """The layers that a layer feeds in Keras, directly or through layers that hand on their input."""
        if source not in self._reached:
            found: set[str] = set()
            waiting = [source]
            while waiting:
                for target in self._successors.get(waiting.pop(), ()):
                    if target not in found:
                        found.add(target)
                        if target in self.identity_layers:
                            waiting.append(target)
            self._reached[source] = found
        return self._reached[source]

    @cached_property
    def _reached(self) -> dict[str, Set[str]]:
        """What was found by `_keras_reach`; of most layers nobody asks."""
        return {}

    def _members(self, owner: str) -> Collection[str]:
        """A layer itself; the layers of a nested model."""
        return self._layers_inside.get(owner) or (owner,)

    @cached_property
    def _layers_inside(self) -> Mapping[str, Mapping[str, None]]:
        """The layers of each nested model, at every depth, in Keras's order."""
        assert self.layers is not None
        found: dict[str, dict[str, None]] = {id_: {} for id_ in self.layers.nested}
        for layer in self.layers.layers.values():
            for depth in range(1, len(layer.path) + 1):
                found.get("/".join(layer.path[:depth]), {})[layer.id] = None
        return found

    def _inside_one_another(self, left: str, right: str) -> bool:
        inside = self._layers_inside
        if left in inside and right in inside:
            return inside[left].keys() <= inside[right].keys() or inside[right].keys() <= inside[left].keys()
        return left in inside.get(right, ()) or right in inside.get(left, ())

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


def analyze(
    ops: OpGraph,
    layers: LayerGraph | None,
    recorded: Mapping[str, str] | None = None,
    view: TensorBoardView | None = None,
    trackers: Mapping[str, Sequence[str]] | None = None,
    same_layer: Mapping[str, str] | None = None,
) -> DiagnosisContext:
    """Own, trace and cross.

    Args:
        ops: The op graph.
        layers: The layer graph, if there is one.
        recorded: Layer id by op name, where a live model was traced.
        view: What TensorBoard shows of it.
        trackers: Ids of the layers that track each variable, by op name, where they are known from a live model.
        same_layer: For a live layer that several nested models have, one of its ids by each of them.

    Returns:
        The case that the rules look at.
    """
    if layers is not None and not recorded:
        layers = named_as_in(ops, layers)
    ownership = assign_ownership(ops, layers, recorded, trackers)
    flow = trace(ops, ownership.model_inputs, scalars_are_flags=ownership.inputs_found)
    return DiagnosisContext(ops, layers, ownership, flow, find_crossings(ops, ownership, flow), view, same_layer or {})


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
    if edge.carries & Carries.ACTIVATION:
        return ("activation",)
    if edge.control:
        return ("control",)
    if edge.carries == Carries.CONSTANT:
        return ("constant",)
    return tuple(sorted(str(member.name).lower() for member in Carries if member & edge.carries))
