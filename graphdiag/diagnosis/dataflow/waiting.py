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
"""So many reads are carried forward at once, which bounds the length of the integers whose bits they are."""


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
    # All other rows wait for their inputs, and for all that these wait for.
    special = calls.union(view.rows_with(lambda spec: spec.kind is Kind.MERGES))
    rows = _between(view, wanted)
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
