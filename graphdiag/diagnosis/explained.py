"""Explained: which crossings Keras explains, tensor by tensor, and which of its edges the op graph lacks.

Keras gives a call of a layer certain tensors, and gets certain tensors back. An op edge into a call is explained only
if its tensor is among those given, or is a parameter that the layer tracks. So a layer may hand its input on, return it
beside a score, or add a loss and return its input. What comes another way is hidden, even where Keras has a path
between the two layers: another output, another call, or a tensor picked up behind a layer that changes nothing.

Over an edge that carries no activation and no parameter it is enough that Keras links the two layers: there is nothing
to hide, and the arrow on screen is one that the model has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

from graphdiag.diagnosis.calls import Call, Calls, original
from graphdiag.diagnosis.crossings import Crossings, DirectEdge, OpEdge
from graphdiag.diagnosis.dataflow.classes import ACTIVATION, Carries
from graphdiag.diagnosis.dataflow.flow import Flow
from graphdiag.diagnosis.dataflow.op_specs import VARIABLES
from graphdiag.diagnosis.ownership import UNOWNED, Ownership
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.node_attributes import DT_BOOL, type_of
from graphdiag.graphs.op_graph import CONTROL, OpGraph
from graphdiag.keras_facts import MASK_MAKERS, drops_masks, may_hold_others

Pair = tuple[str, str]
REAL = Carries.ACTIVATION | Carries.PARAMETER | Carries.HANDLE
"""The classes that make a crossing a dependency."""
_REAL = int(REAL)


def is_real(edge: OpEdge) -> bool:
    """Whether activations or parameters flow over an op edge, which makes it a dependency."""
    # Members of a flag take 20 times as long to be joined as integers, and all edges are asked.
    return bool(int(edge.carries) & _REAL)


@dataclass(frozen=True, eq=False)
class Explained:
    """The layer graph held against the crossings.

    Attributes:
        ops: The op graph.
        layers: The layer graph.
        ownership: Who owns each op.
        flow: What each tensor carries.
        crossings: The op edges between owners.
        calls: The tensors that Keras gave to each call.
        same_layer: For a live layer that several nested models have, one of its ids by each of them.
    """

    ops: OpGraph
    layers: LayerGraph
    ownership: Ownership
    flow: Flow
    crossings: Crossings
    calls: Calls
    same_layer: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def unexplained(self) -> Mapping[Pair, Sequence[OpEdge]]:
        """The op edges that Keras does not explain, by the layers at their ends.

        The two may be one layer, where one of its calls takes what another one made; and the second may be a layer that
        has no op at that place, because it returns what it was not given.
        """
        found: dict[Pair, list[OpEdge]] = {}
        for pair, edges in self.crossings.edges.items():
            if self._inside_one_another(*pair):
                continue
            left = [edge for edge in edges if not self._is_explained(*pair, edge)]
            if left:
                found[pair] = left
        for layer, edges in self.crossings.between_calls.items():
            left = [edge for edge in edges if not self._is_given(edge)]
            if left:
                found.setdefault((layer, layer), []).extend(left)
        for pair, edge in self._returned_unasked():
            found.setdefault(pair, []).append(edge)
        return found

    def _is_explained(self, source: str, target: str, edge: OpEdge) -> bool:
        if not is_real(edge):
            return self._linked(source, target)
        if not int(edge.carries) & ACTIVATION:
            if self._are_one_layer(source, target) or self._may_hold(source, target):
                return True
            if edge.source in self.flow.touches and not self.ownership.trackers:
                return False  # a variable itself, which Keras gives to no layer
        if self._is_stored(edge):
            return self._are_one_layer(source, target) and {source, target} <= self._trackers_of_state(edge)
        if self.calls.call_of(edge.target) is None or source in self.layers.nested:
            return self._linked(source, target) and self._may_read(target, edge)
        if self._is_given(edge) or (not self.calls.recorded and self._is_handed_mask(source, target, edge)):
            return True
        return not int(edge.carries) & ACTIVATION and self._tracks(target, edge.source)

    def _is_given(self, edge: OpEdge) -> bool:
        """Whether the tensor on an op edge is one that Keras gave to the call that takes it.

        Of a live model that is on record. By names it is the tensor of a layer, also where the model's own ops make
        another of it on the way; ops with weights are not the model's own.
        """
        call = self.calls.call_of(edge.target)
        if call is None:
            return False
        given = call.all_given
        if edge.entering in given or original(self.ops, edge.entering) in {
            original(self.ops, tensor) for tensor in given
        }:
            return True
        if self.calls.recorded:
            return False
        return (edge.source, edge.output) in given and not any(map(self._has_weights, edge.through))

    def _has_weights(self, row: int) -> bool:
        """Whether an op of no layer takes what is read from a variable."""
        for edge in range(int(self.ops.in_edges[row]), int(self.ops.in_edges[row + 1])):
            origin, slot = int(self.ops.source[edge]), int(self.ops.output[edge])
            if slot != CONTROL and self.ownership.of_op[origin] == UNOWNED:
                values = self.flow.of_output(origin, slot)[0]
                if values & int(Carries.PARAMETER | Carries.HANDLE) and not values & ACTIVATION:
                    return True
        return False

    # --- parameters and state ---------------------------------------------------------------------------------------

    def _tracks(self, layer: str, row: int) -> bool:
        """Whether a layer tracks every variable that an op's value comes from."""
        if not self.ownership.trackers:
            return False
        found = False
        seen = {row}
        waiting = [row]
        while waiting:
            current = waiting.pop()
            trackers = self.ownership.trackers.get(current)
            if trackers is not None:
                if layer not in trackers:
                    return False
                found = True
                continue
            if self.ops.types[current] in VARIABLES:
                return False
            for edge in range(int(self.ops.in_edges[current]), int(self.ops.in_edges[current + 1])):
                origin = int(self.ops.source[edge])
                if self.ops.output[edge] != CONTROL and origin not in seen and self.flow.values[origin] & _REAL:
                    seen.add(origin)
                    waiting.append(origin)
        return found

    def _may_read(self, layer: str, edge: OpEdge) -> bool:
        trackers = self.ownership.trackers
        return not trackers or layer in trackers.get(edge.source, (layer,))

    def _may_hold(self, source: str, target: str) -> bool:
        """Whether one of two layers may hold the other: in a file nothing tells who tracks a variable."""
        if self.ownership.trackers:
            return False
        classes = [self.layers.layers[layer].class_name for layer in (source, target) if layer in self.layers.layers]
        return "Lambda" not in classes and any(map(may_hold_others, classes))

    @cached_property
    def perhaps_held(self) -> Sequence[tuple[int, Pair]]:
        """Variables of a layer that another layer reads, which may hold the first: their rows, with the two layers.

        Nothing says whether it does, so these edges count as explained.
        """
        return [
            (edge.source, (source, target))
            for (source, target), edges in self.crossings.edges.items()
            if not self._are_one_layer(source, target) and self._may_hold(source, target)
            for edge in edges
            if edge.source in self.flow.touches and not edge.carries & Carries.ACTIVATION
        ]

    def _is_stored(self, edge: OpEdge) -> bool:
        return (edge.source, edge.target) in self._stores

    @cached_property
    def _stores(self) -> Set[tuple[int, int]]:
        return set(self.flow.stored_in)

    def _are_one_layer(self, left: str, right: str) -> bool:
        return left in self.same_layer and self.same_layer[left] == self.same_layer.get(right)

    def _trackers_of_state(self, edge: OpEdge) -> Set[str]:
        """The layers that track the variable in which the first op of an edge stores something for the other."""
        first = int(self.ops.in_edges[edge.source])
        handle = int(self.ops.source[first]) if first < int(self.ops.in_edges[edge.source + 1]) else -1
        return frozenset(self.ownership.trackers.get(handle, ()))

    # --- results that are not the layer's own ------------------------------------------------------------------------

    def _returned_unasked(self) -> Iterator[tuple[Pair, OpEdge]]:
        """What a layer returns though it neither made it nor was given it: it has picked it up."""
        order, offsets = self.ops.by_source
        for call in self.calls.calls:
            for row, slot in sorted(call.foreign):
                if not self.flow.of_output(row, slot)[0] & ACTIVATION:
                    continue
                edges = order[offsets[row] : offsets[row + 1]].tolist()
                takers = [int(self.ops.target[edge]) for edge in edges if self.ops.output[edge] == slot]
                taker = min(takers, key=lambda taker: (not self._gets_from(call, taker), taker), default=None)
                if taker is None:
                    continue
                for origin, output, through in self._origins(row, slot):
                    owner = self.ownership.owner(origin)
                    assert owner is not None
                    carries = self.flow.over(origin, output, self.ops.types[taker])
                    yield (owner, call.layer), DirectEdge(origin, taker, output, carries, through)

    def _gets_from(self, call: Call, taker: int) -> bool:
        """Whether the op that takes a tensor is in a layer that Keras gives this call's results to."""
        return (call.layer, self.ownership.owner(taker) or "") in self._pairs

    def _origins(self, row: int, slot: int) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """The tensors of layers that a tensor is, or is computed from by unowned ops, with the ops on the way."""
        if self.ownership.of_op[row] != UNOWNED:
            yield row, slot, ()
            return
        seen = {row}
        waiting: list[tuple[int, ...]] = [(row,)]
        for way in waiting:  # it grows while it is walked
            for edge in range(int(self.ops.in_edges[way[0]]), int(self.ops.in_edges[way[0] + 1])):
                origin, output = int(self.ops.source[edge]), int(self.ops.output[edge])
                if output == CONTROL or origin in seen or not self.flow.of_output(origin, output)[0] & ACTIVATION:
                    continue
                seen.add(origin)
                if self.ownership.of_op[origin] != UNOWNED:
                    yield origin, output, way
                else:
                    waiting.append((origin, *way))

    # --- masks -------------------------------------------------------------------------------------------------------

    @cached_property
    def masks(self) -> frozenset[Pair]:
        """Pairs of layers that Keras does not link, and between which a mask flows that Keras hands on.

        ``Masking`` and ``Embedding`` make a mask, and Keras hands it on from layer to layer, past those that do not
        use it, to every layer further down that does; merging layers make one of several. It is a real dependency,
        and one that Keras knows, saves and clones. Of a live model it is on record who was given one. By names the
        path of Keras edges is the proof.
        """
        return frozenset(
            (source, target)
            for (source, target), edges in self.crossings.edges.items()
            if target in self.layers.layers and not self._linked(source, target)
            for real in [list(filter(is_real, edges))]
            if real and all(self._is_handed_mask(source, target, edge) for edge in real)
        )

    def _is_handed_mask(self, source: str, target: str, edge: OpEdge) -> bool:
        if not self.calls.recorded:
            # A Lambda takes no mask unless its function asks for one; a closure would look the same.
            layer = self.layers.layers.get(target)
            is_lambda = layer is not None and layer.class_name == "Lambda"
            return not is_lambda and self._is_mask(edge.source) and self._is_downstream(source, target)
        call = self.calls.call_of(edge.target)
        return call is not None and any(
            place.startswith("mask of ") and edge.entering in tensors for place, tensors in call.given.items()
        )

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
            origins = {int(self.ops.source[edge]) for edge in edges if self.ops.output[edge] != CONTROL}
            real = [origin for origin in origins if self.flow.values[origin] & _REAL]
            if not real:
                return False
            waiting += [origin for origin in real if origin not in seen]
            seen.update(real)
        return found_one

    def _makes_masks(self, row: int) -> bool:
        layer = self.layers.layers.get(self.ownership.owner(row) or "")
        return layer is not None and (layer.class_name in MASK_MAKERS or layer.id in self._given_as_masks)

    @cached_property
    def _given_as_masks(self) -> Set[str]:
        """Operations whose result Keras gives to a layer as its mask: Keras 3 records those that compute one."""
        return {edge.source.layer for edge in self.layers.connections if edge.argument == "mask"}

    def _is_bool(self, row: int) -> bool:
        if self.ops.types[row] in ("NotEqual", "Any", "All"):
            return True
        node = self.ops.node_defs[row]
        return DT_BOOL in (type_of(node, "T"), type_of(node, "DstT"))

    def _is_downstream(self, source: str, target: str) -> bool:
        """Whether a path of Keras edges leads from one layer to another, through layers that may hand a mask on."""
        goal = set(self._members(target))
        seen = {source}
        waiting = [source]
        while waiting:
            for step in self._successors.get(waiting.pop(), ()):
                if step in goal:
                    return True
                if step not in seen and not drops_masks(self.layers.layers[step].class_name):
                    seen.add(step)
                    waiting.append(step)
        return False

    # --- the layers that Keras links ---------------------------------------------------------------------------------

    def _linked(self, source: str, target: str) -> bool:
        """Whether Keras has an edge between two layers, or layers in two models, or a path through identity layers."""
        takers = self._members(target)
        if (source, target) in self._pairs:
            return True
        return any(taker in self._reach(giver) for giver in self._members(source) for taker in takers)

    @cached_property
    def identity_layers(self) -> frozenset[str]:
        """Layers that hand on their input as it is: what the next layer takes comes from the layer before."""
        return self.calls.identity_layers | self.without_ops

    @cached_property
    def without_ops(self) -> frozenset[str]:
        """Layers that have made no op, as ``Dropout`` makes none for inference."""
        owners = self.ownership.owners
        present = {owners[row] for row in set(self.ownership.of_op.tolist()) if row >= 0}
        return frozenset(layer for layer in self.layers.layers if layer not in present)

    def _reach(self, source: str) -> Set[str]:
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
        """What was found by `_reach`; most layers are never asked for."""
        return {}

    @cached_property
    def _pairs(self) -> Set[Pair]:
        return set(self.layers.edges)

    @cached_property
    def _successors(self) -> Mapping[str, Sequence[str]]:
        successors: dict[str, list[str]] = defaultdict(list)
        for source, target in self.layers.edges:
            successors[source].append(target)
        return successors

    def _members(self, owner: str) -> Collection[str]:
        """A layer itself; the layers of a nested model."""
        return self._layers_inside.get(owner) or (owner,)

    @cached_property
    def _layers_inside(self) -> Mapping[str, Mapping[str, None]]:
        """The layers of each nested model, at every depth, in Keras's order."""
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

    # --- edges that the op graph lacks -------------------------------------------------------------------------------

    @cached_property
    def undrawn(self) -> Sequence[Pair]:
        """Edges of the layer graph between layers that have ops, along which no tensor goes in the op graph."""
        drawn: dict[Pair, bool] = {}
        for edge in self.layers.connections:
            pair = edge.source.layer, edge.target
            if pair[0] == pair[1] or self.without_ops & set(pair):
                continue
            drawn[pair] = (
                drawn.get(pair, False)
                or self._is_drawn(edge.target, edge.call, edge.argument)
                or self._gives_constants(pair)
            )
        return [pair for pair in self.layers.edges if not drawn.get(pair, True)]

    def _gives_constants(self, pair: Pair) -> bool:
        """Whether all that goes from one layer to another depends on nothing, as the zeros of a ``zeros_like`` do."""
        edges = self.crossings.edges.get(pair, ())
        return bool(edges) and not any(edge.control or is_real(edge) for edge in edges)

    def _is_drawn(self, layer: str, number: int, argument: str) -> bool:
        """Whether a call takes one of its arguments; one that it hands on as it is, others may take."""
        if argument.endswith("mask"):
            # Keras 3 has a mask on record as an argument of each layer that could take one.
            return True
        calls = self.calls.by_number.get((layer, number), ())
        for call in calls:
            if not call.made_ops:
                return True
            given = call.given.get(argument, frozenset())
            # A constant is not on record; by names nothing is given where nothing enters.
            if (not given and self.calls.recorded) or given & (call.taken | call.handed_on):
                return True
        return not calls
