"""Unfolding: names that TensorBoard does not fold into series, where the folded nodes would point at each other.

TensorBoard folds five or more ops of a box whose names differ only in the number at their end into one node. Where two
such nodes, or one and its neighbors, form a loop that the ops do not form, the ops get names that end otherwise. In
boxes of bookkeeping series stay: there is much in them, and nobody looks there for the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphdiag.diagnosis.drawn_cycles import drawn_cycles
from graphdiag.graphs.drawn_graph import SERIES, DrawnGraph
from graphdiag.graphs.op_graph import merge
from graphdiag.repairing.legal_names import Taken

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

_END = "_op"


def unfold(graph_def: GraphDef, drawn: DrawnGraph, names: Sequence[str]) -> Sequence[str]:
    """Rename the ops of series that are on a loop.

    Args:
        graph_def: The graph that was drawn.
        drawn: What TensorBoard draws of it.
        names: Names of its first ops; what follows keeps its name.

    Returns:
        The names; the same object if there is nothing to rename.
    """
    if SERIES not in drawn.types:
        return names
    ops = merge([graph_def])
    looped = {
        op
        for cycle in drawn_cycles(ops, drawn)
        if not cycle.is_behind_the_scenes(drawn)
        for row in cycle.rows
        if drawn.types[row] == SERIES
        for op in cycle.ops[row]
        if op < len(names)
    }
    if not looped:
        return names
    taken = Taken(ops.names)
    return [taken.unique(name + _END) if row in looped else name for row, name in enumerate(names)]
