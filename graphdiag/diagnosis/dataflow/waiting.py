"""Waiting: which writes to a state come after which reads of it, because they depend on them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from graphdiag.diagnosis.dataflow.graph_view import GraphView
from graphdiag.diagnosis.dataflow.op_specs import Kind
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.graphs.reach import reached

_CHUNK = 1024
"""Reads that are carried forward at once."""


def reads_before_writes(view: GraphView, pairs: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those ``(writer, reader)`` pairs in which the writer has to wait for the reader, which is evaluated before it.

    It does when it depends on the reader. But a ``Merge`` waits for one of its inputs only, and what is inside a
    function waits for the inputs it needs itself: TensorFlow puts the body in the place of the call.

    Readers are bits, carried forward along every edge that leads from a reader to a writer: some at a time, and no
    further than to the last of their writers, so that memory and, where reads and writes stand near each other, time
    stay linear.
    """
    found: set[tuple[int, int]] = set()
    position, calls = view.position, view.callees.keys() | view.opaque
    wanted: dict[int, list[int]] = defaultdict(list)
    for writer, reader in pairs:
        wanted[reader].append(writer)
    if not wanted:
        return found
    source, output, first = view.source, view.output, view.first
    # What waits for all that its inputs wait for, and for its inputs, are all rows but these.
    special = calls.union(view.rows_with(lambda spec: spec.kind is Kind.MERGES))
    rows = _between(view, wanted)
    places = [position[row] for row in rows]
    for chunk, last in _chunks(wanted, position):
        bits = {reader: 1 << bit for bit, reader in enumerate(chunk)}
        # What the rows so far wait for; all others wait for no reader, or come later.
        waits_for: dict[int, int] = {}
        for row in rows[bisect_left(places, position[chunk[0]]) : bisect_right(places, last)]:
            passed = bits.get(row, 0)
            if row not in special:
                for origin in source[first[row] : first[row + 1]]:
                    passed |= waits_for.get(origin, 0)
                if calls:
                    for edge in range(first[row], first[row + 1]):
                        if output[edge] == CONTROL:
                            passed |= bits.get(source[edge], 0)
                waits_for[row] = passed
                continue
            passed = 0
            kind = view.op_specs[row].kind
            # All bits are set, so that what all inputs of a ``Merge`` wait for is left of them.
            through_all = -1
            for edge in range(first[row], first[row + 1]):
                origin = source[edge]
                if position[origin] >= position[row]:
                    continue
                before = waits_for.get(origin, 0)
                if output[edge] == CONTROL:
                    passed |= before | bits.get(origin, 0)
                elif kind is Kind.MERGES:
                    through_all &= before
                elif row not in calls or (kind is Kind.BRANCHES and edge == first[row]):
                    passed |= before
            # It is still -1 where the row is not a ``Merge``, or one without inputs.
            if through_all > 0:
                passed |= through_all
            if row not in calls:
                passed |= bits.get(row, 0)
            waits_for[row] = passed
        found.update(
            (writer, reader) for reader in chunk for writer in wanted[reader] if waits_for.get(writer, 0) & bits[reader]
        )
    return found


def _between(view: GraphView, wanted: Mapping[int, Sequence[int]]) -> list[int]:
    """The rows that lie on some way from a reader to a writer, these included, in the order of evaluation."""
    graph = view.graph
    readers, writers = np.zeros(len(graph), dtype=bool), np.zeros(len(graph), dtype=bool)
    readers[list(wanted)] = True
    writers[[writer for some in wanted.values() for writer in some]] = True
    _, offsets = graph.by_source
    after = reached(readers, offsets, graph.onward)
    between = np.flatnonzero(reached(writers & after, graph.in_edges, graph.source, through=after))
    rows: list[int] = between[np.argsort(view.positions[between])].tolist()
    return rows


def _chunks(wanted: Mapping[int, Sequence[int]], position: Sequence[int]) -> Iterator[tuple[Sequence[int], int]]:
    """Readers that are looked at together, in order, each time with the position of their last writer."""
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
