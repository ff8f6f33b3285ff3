"""Arrows of state: where, between the boxes of name scopes, the variables of a layer flow and no activation does.

Keras opens a scope for each call of a layer and makes its variables in one of them, so these arrows tell which boxes
are one layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from graphdiag.diagnosis.dataflow.classes import ACTIVATION, Carries
from graphdiag.diagnosis.dataflow.flow import Flow
from graphdiag.diagnosis.dataflow.op_specs import UNKNOWN, Kind, op_specs
from graphdiag.diagnosis.ownership import Ownership
from graphdiag.graphs.arrays import distinct, first_of_each, grouped, numbers_of_pairs
from graphdiag.graphs.op_graph import CONTROL, OpGraph

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
class StateArrows:
    """The op edges that carry a layer's state (see `is_state`) from box to box, at every level, as columns.

    There may be very many of them, and rules look into few arrows: `through` makes those.

    Attributes:
        graph: The op graph.
        edges: Positions of the op edges in its edge arrays, ascending; int64.
        source: The scope, in `OpGraph.scopes`, that is the box which each of them leaves; int32.
        target: The scope that is the box which it enters, and stands beside the other; int32.
    """

    graph: OpGraph
    edges: np.ndarray
    source: np.ndarray
    target: np.ndarray

    def through(self, chosen: np.ndarray) -> Sequence[Arrow]:
        """The arrows that hold some of the edges, with all op edges in them, in the order of the graph.

        Args:
            chosen: Which of `edges` they hold, one boolean for each.
        """
        if not chosen.any():
            return ()
        graph, scopes = self.graph, self.graph.scopes
        # Most op edges have an end that lies in no box of a chosen one, which leaves few to be looked at.
        left, entered = (self._inside(ends[chosen]) for ends in (self.source, self.target))
        edges = np.flatnonzero(left[graph.source] & entered[graph.target] & (graph.output != CONTROL))
        source, target = scopes.side_by_side(graph.drawn_in[graph.source[edges]], graph.drawn_in[graph.target[edges]])
        wanted = distinct(numbers_of_pairs(self.source[chosen], self.target[chosen], len(scopes)))
        kept = np.flatnonzero(np.isin(numbers_of_pairs(source, target, len(scopes)), wanted))
        edges, source, target = edges[kept], source[kept], target[kept]
        first, arrow = first_of_each(numbers_of_pairs(source, target, len(scopes)))
        order, offsets = grouped(arrow, len(first))
        state = frozenset(self.edges.tolist())
        arrows = []
        for place, number in zip(first.tolist(), range(len(first)), strict=True):
            members: list[int] = edges[order[offsets[number] : offsets[number + 1]]].tolist()
            scope = int(source[place])
            with_state = [edge for edge in members if edge in state]
            arrows.append(Arrow(scopes.names[scope], scopes.names[int(target[place])], scope, members, with_state))
        return arrows

    def _inside(self, boxes: np.ndarray) -> np.ndarray:
        """Whether each op is drawn inside one of some scopes, at any depth; bool."""
        is_inside = np.zeros(len(self.graph.scopes), dtype=bool)
        is_inside[boxes] = True
        found: np.ndarray = self.graph.scopes.spread(is_inside)[self.graph.drawn_in]
        return found


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
    """The op edges that carry a layer's state (see `is_state`) from box to box.

    Args:
        graph: The op graph.
        flow: What its tensors carry.

    Returns:
        The edges, and the boxes of their arrows.
    """
    drawn_in = graph.drawn_in
    edges = _edges_with_state(graph, flow)
    source, target = drawn_in[graph.source[edges]], drawn_in[graph.target[edges]]
    apart = np.flatnonzero(source != target)
    source, target = graph.scopes.side_by_side(source[apart], target[apart])
    kept = source >= 0
    return StateArrows(graph, edges[apart[kept]], source[kept], target[kept])


def _edges_with_state(graph: OpGraph, flow: Flow) -> np.ndarray:
    """The positions of the op edges that carry state, ascending; int64."""
    gives_state = ops_with_state(flow)
    decided = np.fromiter(flow.pivots, dtype=np.int64, count=len(flow.pivots))
    decided = decided[gives_state[decided]]
    by_predicate = np.fromiter(map(flow.pivots.__getitem__, decided.tolist()), dtype=np.int64, count=len(decided))
    gives_state[decided] = (by_predicate & ACTIVATION) == 0
    edges = np.flatnonzero(gives_state[graph.source])
    source, output = graph.source[edges], graph.output[edges]
    has_state = output != CONTROL
    by_slot = np.zeros(len(graph), dtype=bool)
    by_slot[[*flow.slots]] = True
    # Everywhere else what an op gives is what its values, and what decides whether it runs, depend on.
    asked = has_state & (by_slot[source] | graph.of_types(_takes_shape)[graph.target[edges]])
    for place in np.flatnonzero(asked).tolist():
        taker = graph.types[int(graph.target[edges[place]])]
        has_state[place] = is_state(flow.over(int(source[place]), int(output[place]), taker))
    with_state: np.ndarray = edges[has_state]
    return with_state


@cache
def _takes_shape(op_type: str) -> bool:
    return op_specs().get(op_type, UNKNOWN).kind in (Kind.SHAPE_OF, Kind.SHAPED_CONSTANT)
