"""Waiting: which writes to a state come after which reads of it, because they depend on them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from graphdiag.diagnosis.dataflow import levels
from graphdiag.diagnosis.dataflow.graph_view import GraphView
from graphdiag.diagnosis.dataflow.op_specs import Kind
from graphdiag.graphs.arrays import first_of_each, offsets_of
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.graphs.reach import edges_of, reached

_CHUNK = 1024
"""So many reads are carried forward at once, which bounds the length of the integers whose bits they are."""
_NEAR = 256
"""A read whose last write is at most so many rows on is followed in whole arrays: no more than so many steps."""
_OVERLAP = 8
"""Reads are followed in whole arrays as long as, on average, no more than so many are on their way at a row."""


def reads_before_writes(view: GraphView, writers: np.ndarray, readers: np.ndarray) -> np.ndarray:
    """In which pairs the writer has to wait for the reader, which is evaluated before it.

    It does when it depends on the reader. But a ``Merge`` waits for one of its inputs only, and what is inside a
    function waits for the inputs it needs itself: TensorFlow puts the body in the place of the call.

    Args:
        view: The graph.
        writers: The row that writes, of each pair.
        readers: The row that reads, of each pair.

    Returns:
        A boolean for each pair.
    """
    if not len(writers):
        return np.zeros(0, dtype=bool)
    ways = _Ways(view, writers, readers)
    near = ways.near()
    waits = ways.search(near)
    far = np.flatnonzero(ways.exist & ~near)
    pairs = list(zip(writers[far].tolist(), readers[far].tolist(), strict=True))
    wanted: dict[int, list[int]] = defaultdict(list)
    for writer, reader in pairs:
        wanted[reader].append(writer)
    found = _found_row_by_row(view, ways.rows, wanted)
    waits[far] = [pair in found for pair in pairs]
    return waits


class _Ways:
    """The ways from reads to writes. A place is that of a row among the rows on them, in the order of evaluation.

    Attributes:
        rows: The rows on some way, both ends included, in the order of evaluation; int64.
        exist: Whether both ends of each pair are among these; bool.
    """

    def __init__(self, view: GraphView, writers: np.ndarray, readers: np.ndarray) -> None:
        self._view = view
        self.rows = _between(view, writers, readers)
        self._place_of = np.full(len(view.graph), -1, dtype=np.int64)
        self._place_of[self.rows] = np.arange(len(self.rows))
        self._writers, self._readers = self._place_of[writers], self._place_of[readers]
        is_merge = np.array([spec.kind is Kind.MERGES for spec in view.specs])
        self._is_merge = is_merge[view.spec_numbers[self.rows]]
        self.exist = (self._writers >= 0) & (self._readers >= 0)
        # How far each reader is followed: up to the last of its writers.
        self._last = np.arange(len(self.rows))
        np.maximum.at(self._last, self._readers[self.exist], self._writers[self.exist])

    def near(self) -> np.ndarray:
        """The pairs that are cheaper to look at in whole arrays: a boolean for each."""
        near = self.exist.copy()
        distances = self._last[self._readers[near]] - self._readers[near]
        near[near] = distances <= _NEAR
        many = np.count_nonzero(near) >= levels.WIDE
        if not many or self._view.callees or self._view.opaque:
            return np.zeros_like(near)
        together = distances[distances <= _NEAR].sum()
        return near if together <= _OVERLAP * len(self.rows) else np.zeros_like(near)

    def search(self, chosen: np.ndarray) -> np.ndarray:
        """In which of some pairs the writer waits for the reader, in a graph without calls: a boolean for each pair.

        Each reader has a cell for each place from its own to that of the last of its writers, and the search goes
        forward from all readers at once, edge by edge.

        Args:
            chosen: The pairs that are looked at: a boolean for each.
        """
        waits = np.zeros(len(chosen), dtype=bool)
        if not chosen.any():
            return waits
        first, number = first_of_each(self._readers[chosen])
        readers = self._readers[chosen][first]
        last = self._last[readers]
        ends = np.cumsum(last - readers + 1)
        starts = ends - (last - readers + 1)
        reached = np.zeros(ends[-1], dtype=bool)
        reached[starts] = True
        # Over how many of its inputs a ``Merge`` was reached.
        inputs_reached = np.zeros(ends[-1], dtype=np.int32)
        offsets, onward, as_input = self._edges()
        inputs_of_merges = self._inputs_of_merges()
        cell, place, stop = starts, readers, last
        while len(cell):
            edges, counts = edges_of(place, offsets), offsets[place + 1] - offsets[place]
            before = np.repeat(np.arange(len(place)), counts)
            target = onward[edges]
            within = target <= stop[before]
            edges, before, target = edges[within], before[within], target[within]
            cell, stop, place = cell[before] + target - place[before], stop[before], target
            counted = as_input[edges]
            np.add.at(inputs_reached, cell[counted], 1)
            enters = ~reached[cell] & (~counted | (inputs_reached[cell] == inputs_of_merges[place]))
            cell, place, stop = cell[enters], place[enters], stop[enters]
            once, _ = first_of_each(cell)
            cell, place, stop = cell[once], place[once], stop[once]
            reached[cell] = True
        waits[chosen] = reached[starts[number] + self._writers[chosen] - self._readers[chosen]]
        return waits

    def _edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The edges between the rows that go forward, by the place that they leave.

        Returns:
            Where the edges of each place begin, the place to which each leads, and whether it is a data input of a
            ``Merge``.
        """
        graph = self._view.graph
        by_source, begin = graph.by_source
        edges = by_source[edges_of(self.rows, begin)]
        source, target = self._place_of[graph.source[edges]], self._place_of[graph.target[edges]]
        forward = source < target
        edges, source, target = edges[forward], source[forward], target[forward]
        as_input = self._is_merge[target] & (graph.output[edges] != CONTROL)
        return offsets_of(source, len(self.rows)), target, as_input

    def _inputs_of_merges(self) -> np.ndarray:
        """How many data inputs of each row come before it, if it is a ``Merge``; int64."""
        graph, positions = self._view.graph, self._view.positions
        merges = np.flatnonzero(self._is_merge)
        edges = edges_of(self.rows[merges], graph.in_edges)
        source, target = graph.source[edges], graph.target[edges]
        counted = (graph.output[edges] != CONTROL) & (positions[source] < positions[target])
        return np.bincount(self._place_of[target[counted]], minlength=len(self.rows))


def _found_row_by_row(view: GraphView, on_ways: np.ndarray, wanted: Mapping[int, list[int]]) -> set[tuple[int, int]]:
    """The ``(writer, reader)`` pairs in which the writer waits for the reader.

    Readers are bits, carried forward along every edge that leads from a reader to a writer: some at a time, and no
    further than to the last of their writers, so that memory and, where reads and writes stand near each other, time
    stay linear.

    Args:
        view: The graph.
        on_ways: The rows on the ways from the readers to the writers, in the order of evaluation.
        wanted: The writers that may wait for each reader.
    """
    found: set[tuple[int, int]] = set()
    if not wanted:
        return found
    position, calls = view.position, view.callees.keys() | view.opaque
    source, output, first = view.source, view.output, view.first
    # All other rows wait for their inputs, and for all that these wait for.
    special = calls.union(view.rows_with(lambda spec: spec.kind is Kind.MERGES))
    rows: list[int] = on_ways.tolist()
    places = [position[row] for row in rows]
    for chunk, last in _chunks(wanted, position):
        bits = {reader: 1 << bit for bit, reader in enumerate(chunk)}
        # The readers of this chunk that the rows so far wait for, as bits.
        waits_for: dict[int, int] = {}
        for row in rows[bisect_left(places, position[chunk[0]]) : bisect_right(places, last)]:
            if row in special:
                waits_for[row] = _of_merge_or_call(view, row, row in calls, waits_for, bits)
                continue
            passed = bits.get(row, 0)
            for origin in source[first[row] : first[row + 1]]:
                passed |= waits_for.get(origin, 0)
            if calls:
                # What waits for a call by a control dependency waits for all of it, its reads included.
                for edge in range(first[row], first[row + 1]):
                    if output[edge] == CONTROL:
                        passed |= bits.get(source[edge], 0)
            waits_for[row] = passed
        found.update(
            (writer, reader) for reader in chunk for writer in wanted[reader] if waits_for.get(writer, 0) & bits[reader]
        )
    return found


def _of_merge_or_call(
    view: GraphView, row: int, is_call: bool, waits_for: Mapping[int, int], bits: Mapping[int, int]
) -> int:
    """The readers that a ``Merge`` or a call of functions waits for, as bits; a ``Merge`` that is a reader is included.

    Args:
        view: The graph.
        row: The ``Merge`` or the call.
        is_call: Whether it is a call. The ops of its body wait, not the call: for control dependencies, and where it
            branches for the predicate.
        waits_for: What the rows before it wait for.
        bits: The bit of each reader.
    """
    kind = view.op_specs[row].kind
    start, stop = view.first[row], view.first[row + 1]
    passed = 0
    # All bits are set, so that what all inputs of a ``Merge`` wait for is left of them.
    through_all = -1
    for edge in range(start, stop):
        origin = view.source[edge]
        if view.position[origin] >= view.position[row]:
            continue
        before = waits_for.get(origin, 0)
        if view.output[edge] == CONTROL:
            passed |= before | bits.get(origin, 0)
        elif kind is Kind.MERGES:
            through_all &= before
        elif kind is Kind.BRANCHES and edge == start:
            passed |= before
    # It is still -1 where the row is not a ``Merge``, or one without inputs.
    if through_all > 0:
        passed |= through_all
    return passed if is_call else passed | bits.get(row, 0)


def _between(view: GraphView, writers: np.ndarray, readers: np.ndarray) -> np.ndarray:
    """The rows on some way from a reader to a writer, both ends included, in the order of evaluation; int64."""
    graph = view.graph
    is_reader, is_writer = np.zeros(len(graph), dtype=bool), np.zeros(len(graph), dtype=bool)
    is_reader[readers] = True
    is_writer[writers] = True
    _, offsets = graph.by_source
    after = reached(is_reader, offsets, graph.onward)
    between = np.flatnonzero(reached(is_writer & after, graph.in_edges, graph.source, through=after))
    rows: np.ndarray = between[np.argsort(view.positions[between])]
    return rows


def _chunks(wanted: Mapping[int, Sequence[int]], position: Sequence[int]) -> Iterator[tuple[Sequence[int], int]]:
    """Readers to carry forward together, in the order of evaluation, with the position of their last writer."""
    chunk: list[int] = []
    last = -1
    for reader in sorted(wanted, key=position.__getitem__):
        if chunk and (position[reader] > last or len(chunk) == _CHUNK):
            yield chunk, last
            chunk, last = [], -1
        chunk.append(reader)
        last = max(last, *(position[writer] for writer in wanted[reader]))
    if chunk:
        yield chunk, last
