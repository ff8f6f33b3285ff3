"""Plain variables: what is stored in most variables, and who finds it there, in whole arrays.

A variable is plain when one op makes it, when all that is done to it is to assign to it whenever the graph runs, and
when whoever reads it finds its value. `graphdiag.diagnosis.dataflow.states` looks at all other states one by one, and
says what holds of both.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator

import numpy as np

from graphdiag.diagnosis.dataflow import levels
from graphdiag.diagnosis.dataflow.classes import ACTIVATION, ALL_CLASSES, HANDLE, Dependencies
from graphdiag.diagnosis.dataflow.graph_view import GraphView
from graphdiag.diagnosis.dataflow.op_specs import Kind
from graphdiag.diagnosis.dataflow.waiting import reads_before_writes
from graphdiag.graphs.arrays import offsets_of, ranges

_MOST = 1 << 12
"""Pairs of a write and a read of one variable; a variable with more is left to be looked at by itself."""
ASKS_ONLY = frozenset({"VarIsInitializedOp", "IsVariableInitialized"})
"""Types of ops that find no value, only whether there is one."""


class PlainVariables:
    """The writes to plain variables, the reads of them, and each pair of a write and a read of one variable.

    Args:
        view: The graph; one that calls no functions, is none, and lets nothing else write to its variables.
        variables: The row that makes each variable that may be plain.
        is_plain: For each of these whether it is plain, as far as its writes tell; bool.
        writes: Of each write the row, which writes to nothing else, and the number of the variable.
        reads: Of each read the row, the position of the input that gives the variable, and the number of the variable.
    """

    def __init__(
        self,
        view: GraphView,
        variables: np.ndarray,
        is_plain: np.ndarray,
        writes: tuple[np.ndarray, np.ndarray],
        reads: tuple[np.ndarray, np.ndarray, np.ndarray],
    ) -> None:
        self._view = view
        count = len(variables)
        asks = view.graph.of_types(ASKS_ONLY.__contains__)
        finds_more = view.are(lambda spec: spec.kind in (Kind.READ_STATE, Kind.DEQUEUE)) & ~asks
        is_plain = is_plain & (
            np.bincount(reads[2], minlength=count) * np.bincount(writes[1], minlength=count) <= _MOST
        )
        is_plain[reads[2][finds_more[reads[0]]]] = False

        # By variable, so that each read finds the writes to its own side by side.
        order = np.argsort(writes[1], kind="stable")
        order = order[is_plain[writes[1][order]]]
        self._writers = writes[0][order]
        self._write_of = np.full(len(view.graph), -1, dtype=np.int64)
        self._write_of[self._writers] = np.arange(len(order))
        begin = offsets_of(writes[1][order], count)

        # By row, so that each row finds its own reads.
        order = np.argsort(reads[0], kind="stable")
        order = order[is_plain[reads[2][order]]]
        self._readers, self._positions, number = (of_each[order] for of_each in reads)
        self._made_by = variables[number]
        self._of_row = self._readers.data
        asks = asks[self._readers]
        self._lets_values = np.where(asks, np.uint8(0), np.uint8(ALL_CLASSES))
        no_shape = asks | view.are(lambda spec: spec.kind is Kind.RANDOM)[self._readers]
        self._lets_shapes = np.where(no_shape, np.uint8(0), np.uint8(ALL_CLASSES))

        self._counts = np.diff(begin)[number]
        self._pair_read = np.repeat(np.arange(len(order)), self._counts)
        self._pair_write = ranges(begin[number], self._counts)
        self._comes_later = np.zeros(len(self._pair_read), dtype=bool)

        self._stored = np.zeros(len(self._writers), dtype=bool)
        self._values, self._shapes = (np.zeros(len(self._writers), dtype=np.uint8) for _ in range(2))
        # Of each read: whether anything was stored in its variable, and what of that it finds.
        self._holds_something: np.ndarray = np.zeros(len(self._readers), dtype=bool)
        self._found_values: np.ndarray = np.zeros(len(self._readers), dtype=np.uint8)
        self._found_shapes: np.ndarray = np.zeros(len(self._readers), dtype=np.uint8)

    def writing(self, rows: np.ndarray) -> np.ndarray:
        """Which of some rows write to plain variables; bool."""
        writing: np.ndarray = self._write_of[rows] >= 0
        return writing

    def update(self, rows: np.ndarray) -> np.ndarray:
        """Take note of what rows write now.

        Args:
            rows: Rows that write to plain variables, and may write more than before.

        Returns:
            The rows that find more than before, some more than once.
        """
        writes: np.ndarray = self._write_of[rows]
        values, shapes = self._given(writes)
        # What reading a variable carries anyway does not matter.
        matters = (values & ACTIVATION | shapes) != 0
        grew = ~self._stored[writes] | (values != self._values[writes]) | (shapes != self._shapes[writes])
        writes, values, shapes = writes[matters & grew], values[matters & grew], shapes[matters & grew]
        if not len(writes):
            return writes
        has_grown, is_new = (np.zeros(len(self._writers), dtype=bool) for _ in range(2))
        has_grown[writes] = True
        is_new[writes] = ~self._stored[writes]
        self._values[writes], self._shapes[writes], self._stored[writes] = values, shapes, True
        self._order(np.flatnonzero(is_new[self._pair_write]))
        counts, of_pairs = self._counts, self._pair_write
        self._holds_something = levels.joined(self._stored[of_pairs], counts)
        arrives = ~self._comes_later
        self._found_values = levels.joined(self._values[of_pairs] * arrives, counts) & self._lets_values
        self._found_shapes = levels.joined(self._shapes[of_pairs] * arrives, counts) & self._lets_shapes
        fresh: np.ndarray = self._readers[self._pair_read[has_grown[of_pairs] & arrives]]
        return fresh

    def _given(self, writes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The sets of what some writes are given to store; uint8."""
        view = self._view
        edges, counts = levels.edges_into(view.graph, self._writers[writes], position=1)
        origins = view.inputs.origins[edges]
        values, shapes = (levels.joined(sets[origins], counts) for sets in view.in_arrays())
        for place, row in enumerate(self._writers[writes].tolist()) if view.given_apart else ():
            if row in view.given_apart:
                values[place], shapes[place] = view.given_apart[row]
        return values & ~np.uint8(HANDLE), shapes & ~np.uint8(HANDLE)

    def _order(self, pairs: np.ndarray) -> None:
        """Find out in which of some pairs the read comes before the write."""
        view = self._view
        readers, writers = self._readers[self._pair_read[pairs]], self._writers[self._pair_write[pairs]]
        in_loop = np.zeros(len(view.graph), dtype=bool)
        in_loop[[*view.depths]] = True
        self._comes_later[pairs[(readers == writers) & ~in_loop[writers]]] = True
        # In a loop, what is read before a write is read again after it.
        earlier = (view.positions[readers] < view.positions[writers]) & ~(in_loop[readers] & in_loop[writers])
        pairs = pairs[earlier]
        self._comes_later[pairs] |= reads_before_writes(view, writers[earlier], readers[earlier])

    def read_by(self, row: int) -> list[tuple[int, int, Dependencies]]:
        """What a row finds in plain variables in which something was stored.

        Returns:
            For each the row that makes it, the position of the input, and the sets of what is found.
        """
        reads = range(bisect_left(self._of_row, row), bisect_right(self._of_row, row))
        return [
            (int(self._made_by[read]), int(self._positions[read]), (int(value), int(shape)))
            for read in reads
            if self._holds_something[read]
            for value, shape in [(self._found_values[read], self._found_shapes[read])]
        ]

    def reads(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows that read plain variables in which something was stored, with the positions of these inputs."""
        return self._readers[self._holds_something], self._positions[self._holds_something]

    def add_found(self, values: np.ndarray, shapes: np.ndarray) -> None:
        """Add to the sets of each row of the graph what it finds in plain variables.

        Args:
            values: What values depend on, for each row; uint8. Changed.
            shapes: What shapes depend on. Changed.
        """
        first = np.flatnonzero(np.diff(self._readers, prepend=-1))
        if len(first):
            values[self._readers[first]] |= np.bitwise_or.reduceat(self._found_values, first)
            shapes[self._readers[first]] |= np.bitwise_or.reduceat(self._found_shapes, first)

    def stores(self, reads_for_itself: Callable[[int, int], bool]) -> Iterator[tuple[int, int, int, bool]]:
        """The pairs of a row that stores activations and one that reads the variable.

        Args:
            reads_for_itself: Whether what a row reads, of the variable that another row makes, goes nowhere else.

        Yields:
            The row that stores, the row that reads, the one that makes the variable, and whether the read comes before.
        """
        storing = self._stored & ((self._values | self._shapes) & ACTIVATION != 0)
        pairs = np.flatnonzero(storing[self._pair_write])
        writers, reads = self._writers[self._pair_write[pairs]], self._pair_read[pairs]
        readers, made_by = self._readers[reads], self._made_by[reads]
        apart = writers != readers
        for writer, reader, variable, later in zip(
            writers[apart].tolist(),
            readers[apart].tolist(),
            made_by[apart].tolist(),
            self._comes_later[pairs[apart]].tolist(),
            strict=True,
        ):
            if not reads_for_itself(reader, variable):
                yield writer, reader, variable, later
