"""Calls: which call of its layer each op was made in, and the tensors that Keras gave to each call and got back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import NewType

import numpy as np

from graphdiag.graphs.layer_calls import CallRecord, TensorName
from graphdiag.graphs.op_graph import CONTROL, OpGraph

CallNumber = NewType("CallNumber", int)
"""Place of a call in `Calls.calls`; or `NO_CALL`, for an op of no call."""
NO_CALL = CallNumber(-1)
Tensor = tuple[int, int]
"""A tensor of the op graph: the row of its op, and the output slot."""


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer.

    Attributes:
        layer: Id of the layer.
        number: Which of the layer's calls in the layer graph it is; ``None`` for one that the layer graph does not
            have.
        given: The tensors that Keras gave, by argument, masks included.
        returned: The tensors that came back: each result, with its mask.
        made_ops: Whether it made any op but copies of what it hands on.
        taken: The tensors from outside that these ops take.
        handed_on: Those among them that the layer was given, or that are copies of what it was given.
        foreign: Those that it was not given, and that were not made in this call either.
    """

    layer: str
    number: int | None
    given: Mapping[str, frozenset[Tensor]]
    returned: Sequence[frozenset[Tensor]] = ()
    made_ops: bool = False
    taken: Set[Tensor] = frozenset()
    handed_on: frozenset[Tensor] = frozenset()
    foreign: frozenset[Tensor] = frozenset()

    @cached_property
    def all_given(self) -> frozenset[Tensor]:
        """All tensors that Keras gave."""
        return frozenset().union(*self.given.values())


@dataclass(frozen=True, eq=False)
class Calls:
    """All calls that are known.

    Attributes:
        calls: The calls, in the order in which they were made.
        of_op: Position in ``calls`` for each op, `NO_CALL` where it is not known; int32.
        recorded: Whether they were recorded while a live model was traced, and not found by names.
        doubts: What names do not tell, a sentence each.
    """

    calls: Sequence[Call]
    of_op: np.ndarray
    recorded: bool = False
    doubts: Sequence[str] = ()

    def call_of(self, row: int) -> Call | None:
        """The call in which an op was made, if it is known."""
        number = int(self.of_op[row]) if row < len(self.of_op) else NO_CALL
        return None if number == NO_CALL else self.calls[number]

    @cached_property
    def by_number(self) -> Mapping[tuple[str, int], Sequence[Call]]:
        """The calls of each layer in the layer graph, by the layer's id and the number of the call."""
        found: dict[tuple[str, int], list[Call]] = {}
        for call in self.calls:
            if call.number is not None:
                found.setdefault((call.layer, call.number), []).append(call)
        return found

    @cached_property
    def identity_layers(self) -> frozenset[str]:
        """Layers some call of which hands on what it was given."""
        return frozenset(call.layer for call in self.calls if call.handed_on)


NOTHING_KNOWN = Calls((), np.empty(0, dtype=np.int32))
"""Where no call is known, because there is no layer graph."""


def recorded_calls(graph: OpGraph, record: CallRecord, bookkeeping: Collection[int] = ()) -> Calls:
    """The calls that were recorded while a live model was traced.

    Args:
        graph: The op graph.
        record: What was recorded.
        bookkeeping: Rows of the ops that serve training, saving or initializing. Some are made while a layer is called,
            and are not part of the call.

    Returns:
        The calls, with rows in place of names.
    """
    of_op = np.full(len(graph), NO_CALL, dtype=np.int32)
    for name, position in record.of_op.items():
        if name in graph.index:
            of_op[graph.index[name]] = position
    of_op[list(bookkeeping)] = NO_CALL

    def rows(names: Iterable[TensorName]) -> frozenset[Tensor]:
        return frozenset((graph.index[name], slot) for name, slot in names if name in graph.index)

    taken = _taken(graph, of_op, len(record.calls))
    # In TF 1, Keras copies what a layer hands on.
    with_ops = {int(of_op[row]) for row in np.flatnonzero(of_op != NO_CALL).tolist() if graph.types[row] != "Identity"}
    calls = []
    for position, call in enumerate(record.calls):
        given = {place: rows(names) for place, names in call.given.items()}
        returned = [rows(names) for names in call.returned]
        back = frozenset().union(*returned, rows(call.masks))
        # A mask is handed on by layers, too, that do not look at it.
        passing = frozenset().union(*given.values(), rows(call.attached))
        originals = {original(graph, tensor) for tensor in passing}
        handed_on = frozenset(tensor for tensor in back if original(graph, tensor) in originals)
        elsewhere = frozenset(tensor for tensor in back - handed_on if of_op[tensor[0]] != position)
        made_ops = position in with_ops
        calls.append(Call(call.layer, call.number, given, returned, made_ops, taken[position], handed_on, elsewhere))
    return Calls(calls, of_op, recorded=True)


def original(graph: OpGraph, tensor: Tensor) -> Tensor:
    """The tensor that a tensor is a copy of, or itself: in TF 1, Keras copies what a layer hands on."""
    row, slot = tensor
    while graph.types[row] == "Identity":
        edge = int(graph.in_edges[row])
        if edge == int(graph.in_edges[row + 1]) or graph.output[edge] == CONTROL:
            break
        row, slot = int(graph.source[edge]), int(graph.output[edge])
    return row, slot


def _taken(graph: OpGraph, of_op: np.ndarray, calls: int) -> Sequence[set[Tensor]]:
    """The tensors from outside that the ops of each call take."""
    taken: list[set[Tensor]] = [set() for _ in range(calls)]
    giver, taker = of_op[graph.source], of_op[graph.target]
    edges = np.flatnonzero((taker != NO_CALL) & (taker != giver) & (graph.output != CONTROL))
    for source, slot, call in zip(
        graph.source[edges].tolist(), graph.output[edges].tolist(), taker[edges].tolist(), strict=True
    ):
        taken[call].add((source, slot))
    return taken
