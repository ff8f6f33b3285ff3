"""What can be reached in a graph whose edges are sorted by the row that they leave: a search in whole arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphdiag.graphs.arrays import ranges

_FEW = 64
"""Rows of a frontier that are followed one by one: a step in whole arrays costs as much as some dozens of them."""
_WIDE = 16
"""A frontier of more than one in so many rows is followed by a look at all edges, which needs no list of its own."""


def reached(
    start: np.ndarray, offsets: np.ndarray, onward: np.ndarray, through: np.ndarray | None = None
) -> np.ndarray:
    """The rows that can be reached from some rows, these included.

    A breadth-first search, a whole frontier at a time where it is wide and row by row where it is narrow, so that
    broad graphs and long chains both take time linear in rows and edges.

    Args:
        start: Where to begin: a boolean for each row.
        offsets: The edges out of row ``r`` are ``offsets[r]`` up to ``offsets[r + 1]``.
        onward: The row that each of these edges leads to; int32.
        through: A boolean for each row: whether it can be entered; all rows by default.

    Returns:
        A boolean for each row.
    """
    # Rows that cannot be entered count as seen until the end.
    seen: np.ndarray = start.copy() if through is None else start | ~through
    place_of = np.empty(len(seen), dtype=np.int64)
    begin, rows, marks = offsets.data, onward.data, seen.view(np.uint8).data
    frontier: Sequence[int] | np.ndarray = np.flatnonzero(start)
    while len(frontier):
        if len(frontier) * _WIDE > len(seen) and len(frontier) > _FEW:
            frontier = _step_of_many(np.asarray(frontier), offsets, onward, seen)
            continue
        if len(frontier) > _FEW:
            edges = edges_of(np.asarray(frontier), offsets)
            targets = onward[edges]
            targets = targets[~seen[targets]]
            seen[targets] = True
            # Of several edges to a row the last one counts.
            places = np.arange(len(targets))
            place_of[targets] = places
            frontier = targets[place_of[targets] == places]
            continue
        waiting = list(map(int, frontier))
        while waiting and len(waiting) <= _FEW:
            row = waiting.pop()
            for target in rows[begin[row] : begin[row + 1]]:
                if not marks[target]:
                    marks[target] = 1
                    waiting.append(target)
        frontier = np.array(waiting, dtype=np.int64)
    return seen if through is None else seen & (through | start)


def _step_of_many(frontier: np.ndarray, offsets: np.ndarray, onward: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Follow all edges out of many rows at once.

    Args:
        frontier: The rows.
        offsets: See `reached`.
        onward: See `reached`.
        seen: A boolean for each row: whether it was reached before. Changed.

    Returns:
        The rows that are reached for the first time; int64.
    """
    leaving = np.zeros(len(seen), dtype=bool)
    leaving[frontier] = True
    entered = np.zeros(len(seen), dtype=bool)
    entered[onward[np.repeat(leaving, np.diff(offsets))]] = True
    entered &= ~seen
    seen |= entered
    return np.flatnonzero(entered)


def edges_of(rows: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The places of the edges of some rows, row by row: int64."""
    return ranges(offsets[rows], offsets[rows + 1] - offsets[rows])
