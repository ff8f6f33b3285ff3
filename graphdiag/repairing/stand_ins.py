"""Stand-ins: one identity op for what a layer hands on, so that the picture has the layer and its edges.

A layer that hands on its input, as ``Dropout`` does for inference, makes no op for it: the layer after it takes the
tensor of the layer before it, and is drawn so. An identity op in the layer's box, between the two, draws what Keras
has. It changes no value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from graphdiag.diagnosis.calls import NO_CALL, Call, Tensor, original
from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.dataflow.classes import ACTIVATION
from graphdiag.graphs.layer_graph import LayerGraph, LayerTensor, TensorEdge
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.repairing.boxes import Boxes, BoxKind

_MASK = "mask"


@dataclass(frozen=True)
class StandIn:
    """One identity op to insert.

    Attributes:
        layer: Id of the layer in whose box it stands.
        call: Which of the layer's calls it is for.
        tensor: The tensor that it hands on.
        of: Place among the stand-ins of the one that it takes the tensor from; ``None`` to take the tensor itself.
    """

    layer: str
    call: int
    tensor: Tensor
    of: int | None


@dataclass(frozen=True)
class StandIns:
    """The identity ops to insert, and who takes their output.

    Attributes:
        ops: The stand-ins; each comes after the one that it takes its tensor from.
        of_edge: Place among the stand-ins of the one that an op edge comes from now, by number of the edge.
    """

    ops: Sequence[StandIn] = ()
    of_edge: Mapping[int, int] = field(default_factory=dict)


def find_stand_ins(context: DiagnosisContext, boxes: Boxes, hidden: Set[str] = frozenset()) -> StandIns:
    """Find where identity ops are wanted.

    Args:
        context: The graphs of the source.
        boxes: The box of each op.
        hidden: Ids of layers whose ops are in library functions that stay called.

    Returns:
        The stand-ins.
    """
    return _Search(context, boxes, hidden).run()


class _Search:
    def __init__(self, context: DiagnosisContext, boxes: Boxes, hidden: Set[str]) -> None:
        self._context = context
        self._boxes = boxes
        self._hidden = hidden
        self._given: dict[tuple[str, int], list[TensorEdge]] = defaultdict(list)
        self._taken: dict[str, dict[Tensor, list[int]]] = {}
        self._made: dict[tuple[str, int, Tensor], int] = {}
        self._ops: list[StandIn] = []
        self._of_edge: dict[int, int] = {}

    def run(self) -> StandIns:
        layers = self._context.layers
        if layers is None:
            return StandIns()
        in_boxes = {self._boxes.boxes[number].name for number in set(self._boxes.of_op.tolist())}
        for edge in layers.connections:
            # Keras 3 has a mask on record as an argument of each layer that could take one.
            if not edge.argument.endswith(_MASK) or layers.layers[edge.source.layer].is_operation:
                self._given[edge.target, edge.call].append(edge)
        # By names, the tensor of an operation is that of the layer before it.
        self._found = self._context.without_ops & in_boxes
        self._find_taken()
        for (layer, number), edges in self._given.items():
            for call in self._calls(layer, number):
                self._redirect(call, edges)
        for tensor in layers.output_tensors:
            for value in self._results(tensor):
                self._stand_in(tensor.layer, tensor.call, value)
        self._stand_in_for_ends(layers)
        return StandIns(self._ops, self._of_edge)

    def _stand_in_for_ends(self, layers: LayerGraph) -> None:
        """Stand in for layers whose results nobody takes, and the model does not give either, as ``AddLoss``."""
        taken = {edge.source.layer for edge in layers.connections} | {tensor.layer for tensor in layers.output_tensors}
        ends = self._context.without_ops - taken
        for layer, number in [node for node in self._given if node[0] in ends]:
            for call in self._calls(layer, number):
                # Of a log only results that are taken are known.
                for tensor in sorted(call.handed_on if call.returned else call.all_given):
                    self._stand_in(layer, number, tensor)

    def _find_taken(self) -> None:
        """The op edges into each layer's box or call, by tensor, in the order in which its ops take them."""
        ops, of_op, calls = self._context.ops, self._boxes.of_op, self._context.calls.of_op
        into = of_op[ops.source] != of_op[ops.target]
        if len(calls):
            # A layer may be given what another has handed on of its own result.
            source, target = calls[ops.source], calls[ops.target]
            into |= (source != target) & (source != NO_CALL) & (target != NO_CALL)
        into &= ops.output != CONTROL
        for edge in into.nonzero()[0].tolist():
            layer = self._boxes.layer_of(int(ops.target[edge]))
            if layer is not None:
                tensor = int(ops.source[edge]), int(ops.output[edge])
                self._taken.setdefault(layer, defaultdict(list))[tensor].append(edge)

    def _calls(self, layer: str, number: int) -> Sequence[Call]:
        return self._context.calls.by_number.get((layer, number), ())

    def _redirect(self, call: Call, edges: Sequence[TensorEdge]) -> None:
        """Have a call take from stand-ins what Keras gives it from layers that hand on."""
        waiting: dict[Tensor, list[int | None]] = defaultdict(list)
        from_outside = self._from_outside(call)
        for edge in edges:
            tensors = self._tensors(edge, call)
            if not tensors and self._is_input_without_op(edge.source.layer):
                tensors = list(islice(from_outside, 1))
            for tensor in tensors:
                waiting[tensor].append(self._stand_in(edge.source.layer, edge.source.call, tensor))
        for tensor, sources in waiting.items():
            for position, taken in enumerate(self._edges_of(call, tensor)):
                source = sources[min(position, len(sources) - 1)]
                if source is not None:
                    self._of_edge[taken] = source

    def _is_input_without_op(self, layer: str) -> bool:
        assert self._context.layers is not None
        return self._context.layers.layers[layer].is_input and layer in self._context.without_ops

    def _from_outside(self, call: Call) -> Iterator[Tensor]:
        """What a call takes of the data that a train step is given: it belongs to no layer and is no parameter."""
        for tensor in self._taken.get(call.layer, {}):
            is_data = self._boxes.layer_of(tensor[0]) is None and self._context.flow.values[tensor[0]] & ACTIVATION
            if is_data and next(self._edges_of(call, tensor), None) is not None:
                yield tensor

    def _tensors(self, edge: TensorEdge, call: Call) -> Sequence[Tensor]:
        """The tensors of the op graph that a tensor of Keras is."""
        layer, seen = edge.source.layer, {call.layer}
        while layer in self._context.without_ops and layer not in seen:
            if layer in self._found:
                return [self._result_of(layer)]
            seen.add(layer)
            layer = next((before.source.layer for before in self._given.get((layer, 0), ())), layer)
        return sorted(call.given.get(edge.argument, ()))

    def _result_of(self, operation: str) -> Tensor:
        """What an operation gives whose ops were found by its place: the tensor of the last one."""
        return self._last_op[operation], 0

    @cached_property
    def _last_op(self) -> Mapping[str, int]:
        """Row of the last op in each layer's box."""
        last = {number: row for row, number in enumerate(self._boxes.of_op.tolist())}
        return {
            box.name: last[number]
            for number, box in enumerate(self._boxes.boxes)
            if box.kind is BoxKind.LAYER and number in last
        }

    def _edges_of(self, call: Call, tensor: Tensor) -> Iterator[int]:
        ops, calls = self._context.ops, self._context.calls
        for edge in self._taken.get(call.layer, {}).get(tensor, ()):
            if calls.call_of(int(ops.target[edge])) in (None, call):
                yield edge

    def _stand_in(self, layer: str, number: int, tensor: Tensor) -> int | None:
        """The stand-in for a tensor that a call of a layer gives; ``None`` where the tensor is the layer's own."""
        if layer in self._hidden:
            return None
        if self._boxes.layer_of(tensor[0]) == layer or layer in self._found or self._is_own(layer, number, tensor):
            return None
        key = layer, number, tensor
        if key not in self._made:
            sources = [
                edge.source
                for edge in self._given.get((layer, number), ())
                for call in self._calls(layer, number)
                if self._hands_on(self._tensors(edge, call), tensor)
            ]
            # Without an end to it, a layer graph of which only the edges are known may seem to have a loop.
            self._made[key] = -1
            of = self._stand_in(sources[0].layer, sources[0].call, tensor) if sources else None
            self._made[key] = len(self._ops)
            self._ops.append(StandIn(layer, number, tensor, of if of != -1 else None))
        return self._made[key]

    def _hands_on(self, given: Iterable[Tensor], tensor: Tensor) -> bool:
        ops = self._context.ops
        return original(ops, tensor) in {original(ops, one) for one in given}

    def _is_own(self, layer: str, number: int, tensor: Tensor) -> bool:
        """Whether the layer has made the tensor, though it stands in another box, and was not given it."""
        assert self._context.layers is not None
        if self._context.layers.layers[layer].is_input:
            # What the model itself makes of an input is not the input's any more. A train step has no op for an input:
            # what the iterator gives goes to the layers as it is.
            return layer not in self._context.without_ops
        if layer in self._context.without_ops:
            return False
        calls = self._calls(layer, number)
        return bool(calls) and not any(self._hands_on(given, tensor) for call in calls for given in call.given.values())

    def _results(self, tensor: LayerTensor) -> Iterator[Tensor]:
        for call in self._calls(tensor.layer, tensor.call):
            if not call.made_ops and tensor.output < len(call.returned):
                yield from sorted(call.returned[tensor.output])
