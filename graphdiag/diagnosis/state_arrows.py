"""Arrows of state: where, between the boxes of name scopes, the variables of a layer flow and no activation does.

Keras opens a scope for each call of a layer and makes its variables in one of them, so these arrows tell which boxes
are one layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import compress

import numpy as np

from graphdiag.diagnosis.dataflow.classes import ALL_CLASSES, Carries
from graphdiag.diagnosis.dataflow.flow import Flow
from graphdiag.diagnosis.dataflow.op_specs import UNKNOWN, Kind, op_specs
from graphdiag.diagnosis.ownership import Ownership
from graphdiag.graphs.arrays import distinct
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


@cache
def is_state(carries: Carries) -> bool:
    """Whether parameters, or the handle of a variable, flow, and no activation."""
    return bool(carries & _STATE) and not carries & Carries.ACTIVATION


def ops_with_state(flow: Flow) -> np.ndarray:
    """Whether each op gives state, as `is_state` has it: a boolean for each row of the op graph."""
    values = _classes(flow)
    state: np.ndarray = ((values & int(_STATE)) != 0) & ((values & int(Carries.ACTIVATION)) == 0)
    return state


def computing_scopes(graph: OpGraph, flow: Flow, ownership: Ownership) -> np.ndarray:
    """The scopes, at every level, in which some op has activations; bookkeeping does not count.

    Returns:
        bool, one for each scope of `OpGraph.scopes`.
    """
    computes = (_classes(flow) & int(Carries.ACTIVATION)) != 0
    computes[list(ownership.roles)] = False
    return graph.scopes.around(graph.drawn_in[computes])


def state_arrows(graph: OpGraph, flow: Flow) -> Sequence[Arrow]:
    """The arrows between boxes, at every level, over which some op edge carries a layer's state (see `is_state`).

    Args:
        graph: The op graph.
        flow: What its tensors carry.

    Returns:
        Each arrow with all its op edges, those that carry something else included, in the order of the graph.
    """
    state = _edges_with_state(graph, flow)
    if not state.any():
        return ()
    drawn_in, scopes = graph.drawn_in, graph.scopes
    edges = np.flatnonzero((graph.output != CONTROL) & (drawn_in[graph.source] != drawn_in[graph.target]))
    source, target = scopes.side_by_side(drawn_in[graph.source[edges]], drawn_in[graph.target[edges]])
    arrow = source.astype(np.int64) * len(scopes) + target
    of_interest = distinct(arrow[(source >= 0) & state[edges]])
    if not len(of_interest):
        return ()
    group = np.minimum(np.searchsorted(of_interest, arrow), len(of_interest) - 1)
    kept = of_interest[group] == arrow
    edges, source, target, group = edges[kept], source[kept], target[kept], group[kept]
    order = np.argsort(group, kind="stable")
    starts: list[int] = np.flatnonzero(np.diff(group[order], prepend=-1)).tolist()
    members: list[int] = edges[order].tolist()
    leaving, entering, carrying = (column[order].tolist() for column in (source, target, state[edges]))
    found = []
    # The edges of a group are in order, and the groups are to be in the order of their first edges.
    for start, stop in sorted(zip(starts, (*starts[1:], len(members)), strict=True), key=lambda part: members[part[0]]):
        of_arrow = members[start:stop]
        with_state = list(compress(of_arrow, carrying[start:stop]))
        names = scopes.names[leaving[start]], scopes.names[entering[start]]
        found.append(Arrow(*names, leaving[start], of_arrow, with_state))
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


def _classes(flow: Flow) -> np.ndarray:
    """What the values of each op depend on: bits of `Carries`; int64, one for each row."""
    return np.array([value & ALL_CLASSES for value in flow.values], dtype=np.int64)
