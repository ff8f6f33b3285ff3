"""Arrows of state: where, between the boxes of name scopes, the variables of a layer flow and no activation does.

Keras opens a scope for each call of a layer and makes its variables in one of them, so these arrows tell which boxes
are one layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import compress
from typing import overload

import numpy as np

from graphdiag.diagnosis.dataflow.classes import ALL_CLASSES, Carries
from graphdiag.diagnosis.dataflow.flow import Flow
from graphdiag.diagnosis.dataflow.op_specs import UNKNOWN, Kind, op_specs
from graphdiag.diagnosis.ownership import Ownership
from graphdiag.graphs.arrays import first_of_each, grouped, numbers_of_pairs
from graphdiag.graphs.op_graph import CONTROL, OpGraph
from graphdiag.graphs.scope_tree import ScopeTree

_STATE = Carries.PARAMETER | Carries.HANDLE


@dataclass(frozen=True)
class Arrow:
    """An arrow between two boxes that stand side by side.

    Attributes:
        source: Name of the scope that is the box it leaves.
        target: Name of the scope that is the box it enters.
        scope: Number of the scope that it leaves, in `OpGraph.scopes`.
        edges: Positions of the op edges in it, in the edge arrays of the op graph; control dependencies are left out.
        state: Those of them that carry state.
    """

    source: str
    target: str
    scope: int
    edges: Sequence[int]
    state: Sequence[int]


@dataclass(frozen=True, eq=False)
class StateArrows(Sequence[Arrow]):
    """Arrows between boxes as columns, as there may be very many; an `Arrow` is made when it is asked for.

    Attributes:
        source: Number of the scope that each arrow leaves, in `OpGraph.scopes`; int32.
        target: Number of the scope that it enters; int32.
        edges: Positions of the op edges, arrow by arrow; int64.
        carry_state: Whether each of these carries state; bool.
        offsets: The edges of arrow ``a`` are ``edges[offsets[a]:offsets[a + 1]]``; int64.
        scopes: The scopes.
    """

    source: np.ndarray
    target: np.ndarray
    edges: np.ndarray
    carry_state: np.ndarray
    offsets: np.ndarray
    scopes: ScopeTree

    def __len__(self) -> int:
        return len(self.source)

    @overload
    def __getitem__(self, place: int) -> Arrow: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Arrow]: ...
    def __getitem__(self, place: int | slice) -> Arrow | Sequence[Arrow]:
        if isinstance(place, slice):
            return [self[arrow] for arrow in range(*place.indices(len(self)))]
        place = range(len(self))[place]
        scope, entered = int(self.source[place]), int(self.target[place])
        members = slice(int(self.offsets[place]), int(self.offsets[place + 1]))
        edges: list[int] = self.edges[members].tolist()
        names = self.scopes.names
        return Arrow(names[scope], names[entered], scope, edges, list(compress(edges, self.carry_state[members])))

    @property
    def arrow_of_edge(self) -> np.ndarray:
        """Which arrow each of `edges` is in; int64."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))


@cache
def is_state(carries: Carries) -> bool:
    """Whether parameters, or the handle of a variable, flow, and no activation."""
    return bool(carries & _STATE) and not carries & Carries.ACTIVATION


def ops_with_state(flow: Flow) -> np.ndarray:
    """Whether each op gives state, as `is_state` has it: a boolean for each row of the op graph."""
    values = flow.classes
    state: np.ndarray = ((values & int(_STATE)) != 0) & ((values & int(Carries.ACTIVATION)) == 0)
    return state


def computing_scopes(graph: OpGraph, flow: Flow, ownership: Ownership) -> np.ndarray:
    """The scopes, at every level, in which some op has activations; bookkeeping does not count.

    Returns:
        bool, one for each scope of `OpGraph.scopes`.
    """
    computes = ((flow.classes & int(Carries.ACTIVATION)) != 0) & ~ownership.has_role
    return graph.scopes.around(graph.drawn_in[computes])


def state_arrows(graph: OpGraph, flow: Flow) -> StateArrows:
    """The arrows between boxes, at every level, over which some op edge carries a layer's state (see `is_state`).

    Args:
        graph: The op graph.
        flow: What its tensors carry.

    Returns:
        Each arrow with all its op edges, those that carry something else included, in the order of the graph.
    """
    drawn_in, scopes = graph.drawn_in, graph.scopes
    state = _edges_with_state(graph, flow)
    edges = np.flatnonzero((graph.output != CONTROL) & (drawn_in[graph.source] != drawn_in[graph.target]))
    if not state[edges].any():
        # Without state there is no arrow to look for.
        edges = edges[:0]
    source, target = scopes.side_by_side(drawn_in[graph.source[edges]], drawn_in[graph.target[edges]])
    kept = _with_those_beside(source, target, state[edges] & (source >= 0), len(scopes))
    edges, source, target = edges[kept], source[kept], target[kept]
    first, arrow = first_of_each(numbers_of_pairs(source, target, len(scopes)))
    order, offsets = grouped(arrow, len(first))
    edges = edges[order]
    return StateArrows(source[first], target[first], edges, state[edges], offsets, scopes)


def _with_those_beside(source: np.ndarray, target: np.ndarray, chosen: np.ndarray, count: int) -> np.ndarray:
    """Choose all edges between two scopes that a chosen edge connects.

    Args:
        source: The scope that each edge leaves; -1 for none.
        target: The scope that it enters.
        chosen: Whether it is chosen; bool.
        count: How many scopes there are.

    Returns:
        The places of the edges, ascending; int64.
    """
    left, entered = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    left[source[chosen]], entered[target[chosen]] = True, True
    # Most edges have an end that no chosen edge has, which leaves few to be sorted.
    places = np.flatnonzero(left[source] & entered[target] & (source >= 0))
    _, arrow = first_of_each(numbers_of_pairs(source[places], target[places], count))
    is_wanted = np.zeros(len(places), dtype=bool)
    is_wanted[arrow[chosen[places]]] = True
    found: np.ndarray = places[is_wanted[arrow]]
    return found


def _edges_with_state(graph: OpGraph, flow: Flow) -> np.ndarray:
    """Whether each op edge carries state; bool, one for each edge."""
    state: np.ndarray = ops_with_state(flow)[graph.source] & (graph.output != CONTROL)
    by_predicate = np.zeros(len(graph), dtype=np.int64)
    by_predicate[[*flow.pivots]] = [classes & ALL_CLASSES for classes in flow.pivots.values()]
    computes = (by_predicate & int(Carries.ACTIVATION)) != 0
    state &= ~computes[graph.source]
    by_slot = np.zeros(len(graph), dtype=bool)
    by_slot[[*flow.slots]] = True
    # Everywhere else what an op gives is what its values, and what decides whether it runs, depend on.
    for edge in np.flatnonzero(state & (by_slot[graph.source] | graph.of_types(_takes_shape)[graph.target])).tolist():
        taker = graph.types[int(graph.target[edge])]
        state[edge] = is_state(flow.over(int(graph.source[edge]), int(graph.output[edge]), taker))
    return state


@cache
def _takes_shape(op_type: str) -> bool:
    return op_specs().get(op_type, UNKNOWN).kind in (Kind.SHAPE_OF, Kind.SHAPED_CONSTANT)
