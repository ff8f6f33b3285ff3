"""Origins: which op makes the state behind each handle and each reference, in whole arrays.

A state is known by the op that makes its handle or, where ops share one by name, by that name.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from graphdiag.diagnosis.dataflow.classes import HANDLE, Dependencies
from graphdiag.diagnosis.dataflow.graph_view import Key
from graphdiag.diagnosis.dataflow.inputs import TensorInputs
from graphdiag.diagnosis.dataflow.op_specs import Kind, OpSpec
from graphdiag.graphs.node_attributes import text_of
from graphdiag.graphs.op_graph import CONTROL, OpGraph
from graphdiag.graphs.serialized_graph import texts_of

_ANONYMOUS = b"cd2c89b7-88b7-44c8-ad83-06c2a9158347"
"""The shared name by which TensorFlow tells variables that are not shared (``ResourceHandle::ANONYMOUS_NAME``)."""
PER_RUN = ("Stack", "TensorArray", "Anonymous", "Temporary")
"""Beginnings of the types of ops that make a new state each time they run."""
_REFERENCE = frozenset({"RefIdentity", "RefEnter", "RefExit", "RefSwitch", "RefNextIteration"})
"""Types whose output is the reference that came in; writing gives back the reference as well."""
_HANDED_ON = _REFERENCE | {
    *("Identity", "Enter", "Exit", "Switch", "NextIteration", "DisableCopyOnRead"),
    *("TensorArrayGrad", "TensorArrayGradV2", "TensorArrayGradV3", "TensorArrayGradWithShape"),
}
"""Types whose output is the handle that came in; the gradients of a TensorArray count as part of it."""


class Rows(Protocol):
    """What has to be known of a graph; see `graphdiag.diagnosis.dataflow.graph_view`."""

    graph: OpGraph
    inputs: TensorInputs
    op_specs: list[OpSpec]
    feeds: Mapping[int, Dependencies]

    def rows_with(self, fits: Callable[[OpSpec], object]) -> list[int]:
        """The rows whose specs are of some sort."""


class Origins:
    """The op that makes the state behind what each row gives.

    Attributes:
        variables: Rows that are variables of TF 1, and give a reference to their value.
        made: Rows that make a handle, and these; in order.
        given: Rows that stand for a handle that is fed.
        keys: The key of the state of each of these.
        of_row: For each row the one of these whose handle or reference it gives; the number of rows where it gives
            neither, as far as can be seen. int32, and one more than there are rows, for none.
    """

    def __init__(self, view: Rows) -> None:
        graph, size = view.graph, len(view.graph)
        self.variables: Sequence[int] = view.rows_with(lambda spec: spec.kind is Kind.VARIABLE)
        handles = view.rows_with(lambda spec: spec.kind is Kind.HANDLE)
        self.made: Sequence[int] = sorted((*self.variables, *handles))
        fed = [row for row, sets in view.feeds.items() if sets[0] & HANDLE and view.op_specs[row].kind is Kind.FEED]
        takes_nothing = view.inputs.first(np.array(fed, dtype=np.int64)) == size
        self.given: Sequence[int] = [row for row, nothing in zip(fed, takes_nothing.tolist(), strict=True) if nothing]
        keys = dict(zip(self.made, state_keys(graph, self.made), strict=True))
        keys.update((row, row) for row in self.given)
        self.keys: Mapping[int, Key] = keys
        self.of_row = self._of_row(view, [*self.made, *self.given])

    def _of_row(self, view: Rows, makers: Sequence[int]) -> np.ndarray:
        graph, size = view.graph, len(view.graph)
        to = np.full(size + 1, size, dtype=np.int32)
        if not makers:
            return to
        is_variable = np.zeros(size + 1, dtype=bool)
        is_variable[self.variables] = True
        writing = np.zeros(size, dtype=bool)
        writing[view.rows_with(lambda spec: spec.kind is Kind.WRITES)] = True
        by_type = graph.of_types(_HANDED_ON.__contains__)
        # Whether a reference, and whether another handle, goes on from a row to the one that takes it.
        hands_reference = np.ones(size + 1, dtype=bool)
        hands_reference[:size] = graph.of_types(_REFERENCE.__contains__) | writing
        hands_handle = np.ones(size + 1, dtype=bool)
        hands_handle[:size] = by_type
        handing = by_type | writing
        handing[makers] = False
        hands_reference[makers] = hands_handle[makers] = True
        waiting = np.flatnonzero(handing)
        to[waiting] = view.inputs.first(waiting)
        to[makers] = makers
        # Each step is twice as long as the one before.
        for _ in range(size.bit_length() + 1):
            waiting = waiting[to[to[waiting]] != to[waiting]]
            if not len(waiting):
                break
            there = to[waiting]
            hands_reference[waiting] &= hands_reference[there]
            hands_handle[waiting] &= hands_handle[there]
            to[waiting] = to[there]
        # What goes round and round comes from nowhere.
        to[waiting] = size
        lost = ~np.where(is_variable[to], hands_reference, hands_handle)
        to[lost] = size
        return to

    def key(self, row: int) -> Key | None:
        """The state behind a handle or reference; ``None`` when the row gives neither, as far as can be seen."""
        return self.keys.get(int(self.of_row[row]))

    def keys_of(self, rows: np.ndarray, otherwise: Key) -> list[Key]:
        """As `key`, for many rows.

        Args:
            rows: Rows; the number of rows of the graph for none.
            otherwise: The key where there is no origin.

        Returns:
            The key of each.
        """
        keys = self.keys
        return [keys.get(maker, otherwise) for maker in self.of_row[rows].tolist()]


class References:
    """TF 1: whoever takes a variable's reference reads it, and may hand it on. Who that is, is told for each variable.

    Attributes:
        givers: Whether each row gives a reference to a variable; bool.
        variables: The variable of each reference that is taken, ascending; int32.
        takers: The row that takes it; int32.
        positions: The position of the input that it is; int64.
    """

    def __init__(self, graph: OpGraph, origins: Origins) -> None:
        is_variable = np.zeros(len(graph) + 1, dtype=bool)
        is_variable[origins.variables] = True
        self.givers: np.ndarray = is_variable[origins.of_row[:-1]]
        self.variables = self.takers = self.positions = np.zeros(0, dtype=np.int64)
        if not origins.variables:
            return
        edges = np.flatnonzero(self.givers[graph.source] & (graph.output != CONTROL))
        made_by = origins.of_row[graph.source[edges]]
        order = np.argsort(made_by, kind="stable")
        edges, self.variables = edges[order], made_by[order]
        self.takers = graph.target[edges]
        self.positions = edges - graph.in_edges[self.takers]

    def of(self, variable: int) -> Iterator[tuple[int, int]]:
        """The rows that take a reference to a variable, each with the position of the input that it is.

        Args:
            variable: The row that makes the variable.
        """
        variables = self.variables.data
        of_it = slice(bisect_left(variables, variable), bisect_right(variables, variable))
        return zip(self.takers[of_it].tolist(), self.positions[of_it].tolist(), strict=True)


def state_keys(graph: OpGraph, rows: Sequence[int]) -> list[Key]:
    """The key of the state that each of some ops makes or, for a staging area, uses."""
    if not rows or graph.names[rows[0]] != graph.node_defs[rows[0]].name:
        return [state_key(graph, row) for row in rows]
    # Only graphs that were merged have a prefix before their names.
    shared_names = texts_of(graph.node_defs, rows, "shared_name")
    types, names = graph.types, graph.names
    by_name = {op_type for op_type in graph.type_names if not op_type.startswith(PER_RUN) and op_type != "VarHandleOp"}
    return [
        _key(graph, row, "", shared) if shared or types[row] not in by_name else ("", names[row])
        for row, shared in zip(rows, shared_names, strict=True)
    ]


def state_key(graph: OpGraph, row: int) -> Key:
    """The key of the state that an op makes or, for a staging area, uses."""
    node, name = graph.node_defs[row], graph.names[row]
    return _key(graph, row, name[: len(name) - len(node.name)], text_of(node, "shared_name"))


def _key(graph: OpGraph, row: int, prefix: str, shared: bytes) -> Key:
    op_type = graph.types[row]
    if op_type.startswith(PER_RUN) or shared == _ANONYMOUS:
        return row
    # Resources without a shared name go by the op's own; a variable without one goes by the empty name.
    own = "" if op_type == "VarHandleOp" else graph.names[row][len(prefix) :]
    return prefix, shared.decode(errors="replace") or own
