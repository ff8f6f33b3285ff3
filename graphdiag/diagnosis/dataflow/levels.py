"""Levels: rows of which none depends on another, evaluated together in whole arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphdiag.diagnosis.dataflow.classes import ALL_CLASSES, transfer_together
from graphdiag.diagnosis.dataflow.inputs import TensorInputs
from graphdiag.diagnosis.dataflow.op_specs import OpSpec
from graphdiag.graphs.arrays import ranges
from graphdiag.graphs.op_graph import OpGraph
from graphdiag.graphs.reach import edges_of

WIDE = 100
"""A level of at least so many rows is wide: a step in whole arrays costs as much as some dozens of rows one by one."""
_NARROW_IN_A_ROW = 8
"""After so many levels that are not wide, no more are looked for."""


def wide_levels(graph: OpGraph) -> Iterator[np.ndarray]:
    """Rows level by level: each after all rows that it takes something from or waits for.

    What lies on cycles or behind them is in no level, nor is what comes after a graph has become narrow. A graph that
    is narrow from the beginning has none.

    Args:
        graph: The op graph.

    Yields:
        The rows of a level: int64.
    """
    _, offsets = graph.by_source
    onward = graph.onward
    missing = np.diff(graph.in_edges)
    place_of = np.empty(len(graph), dtype=np.int64)
    level = np.flatnonzero(missing == 0)
    narrow = 0 if len(level) >= WIDE else _NARROW_IN_A_ROW
    while len(level) and narrow < _NARROW_IN_A_ROW:
        yield level
        narrow = 0 if len(level) >= WIDE else narrow + 1
        targets = onward[edges_of(level, offsets)]
        np.subtract.at(missing, targets, 1)
        ready = targets[missing[targets] == 0]
        # A row that takes several tensors from the level before stands there several times; one of these is kept.
        places = np.arange(len(ready))
        place_of[ready] = places
        level = ready[place_of[ready] == places].astype(np.int64)


class RulesInBulk:
    """What the rules of many ops make of their inputs, for rules that tell no input from another, dimensions aside.

    Such a rule lets some classes through and adds others: it is four masks and two sets of classes.

    Args:
        graph: The op graph.
        inputs: The tensors that its ops take.
        specs: The different rules.
        spec_numbers: Which of them each row has.
    """

    def __init__(self, graph: OpGraph, inputs: TensorInputs, specs: Sequence[OpSpec], spec_numbers: np.ndarray) -> None:
        self._graph = graph
        self._spec_numbers = spec_numbers
        self._origins = inputs.origins
        self._gives_dimensions = _giving_dimensions(inputs, specs, spec_numbers)
        self._added, self._from_values, self._from_shapes = (
            np.array([transfer_together(spec, *sets) for spec in specs], dtype=np.uint8)
            for sets in ((0, 0), (ALL_CLASSES, 0), (0, ALL_CLASSES))
        )

    def evaluate(
        self,
        rows: np.ndarray,
        values: np.ndarray,
        shapes: np.ndarray,
        found: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Add to the sets of some rows what follows from those of their inputs.

        Args:
            rows: The rows.
            values: What the values of each row depend on, and of one row more, on which nothing does; uint8. Changed.
            shapes: What their shapes depend on. Changed.
            found: The two sets of what each row of the graph reads from states, if any does; uint8.

        Returns:
            Whether the sets of each of the rows grew; bool.
        """
        edges, counts = edges_into(self._graph, rows)
        origins = self._origins[edges]
        of_edges = values[origins]
        value = joined(of_edges, counts)
        shape = joined(shapes[origins] | of_edges & self._gives_dimensions[edges], counts)
        if found:
            value |= found[0][rows]
            shape |= found[1][rows]
        spec = self._spec_numbers[rows]
        grew = np.zeros(len(rows), dtype=bool)
        for sets, which in ((values, 0), (shapes, 1)):
            before = sets[rows]
            through = value & self._from_values[spec, which] | shape & self._from_shapes[spec, which]
            after = before | through | self._added[spec, which]
            sets[rows] = after
            grew |= after != before
        return grew


def edges_into(graph: OpGraph, rows: np.ndarray, position: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The edges into some rows, from a position on, row by row, and how many each of the rows has; int64."""
    begin = graph.in_edges[rows] + position
    counts = np.maximum(graph.in_edges[rows + 1] - begin, 0)
    return ranges(begin, counts), counts


def joined(sets: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """What each run of some sets has together.

    Args:
        sets: The sets, one run after the other.
        counts: How many sets there are in each run.

    Returns:
        One for each run; empty for an empty run.
    """
    found = np.zeros(len(counts), dtype=sets.dtype)
    filled = np.flatnonzero(counts)
    if len(filled):
        found[filled] = np.bitwise_or.reduceat(sets, (np.cumsum(counts) - counts)[filled])
    return found


def _giving_dimensions(inputs: TensorInputs, specs: Sequence[OpSpec], spec_numbers: np.ndarray) -> np.ndarray:
    """A mask for the values that come over each edge: all classes where they give dimensions, else none; uint8."""
    found = np.zeros(len(inputs.origins), dtype=np.uint8)
    for position in sorted({position for spec in specs for position in spec.dimensions}):
        rows = np.flatnonzero(np.array([position in spec.dimensions for spec in specs])[spec_numbers])
        edges = inputs.edges(rows, position)
        found[edges[edges >= 0]] = ALL_CLASSES
    return found
