"""Inputs: which tensors many ops take at one position, in whole arrays."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from graphdiag.graphs.op_graph import CONTROL, OpGraph


class TensorInputs:
    """The tensors that the ops of a graph take; control dependencies do not count.

    Args:
        graph: The op graph.
    """

    def __init__(self, graph: OpGraph) -> None:
        self._graph = graph

    def edges(self, rows: np.ndarray, position: int) -> np.ndarray:
        """The edges over which some rows take the tensors at one position.

        Args:
            rows: Rows of the graph.
            position: Which of the tensors that a row takes, from 0 on, or from the end.

        Returns:
            The edge for each row, -1 where it takes fewer tensors; int64.
        """
        if not len(rows) or not len(self._with_tensor):
            return np.full(len(rows), -1, dtype=np.int64)
        in_edges, before = self._graph.in_edges, self._before
        begin, end = before[in_edges[rows]], before[in_edges[rows + 1]]
        place = (end if position < 0 else begin) + position
        takes = (begin <= place) & (place < end)
        return np.where(takes, self._with_tensor[np.where(takes, place, 0)], -1)

    def first(self, rows: np.ndarray) -> np.ndarray:
        """The row that gives the first tensor of each of some rows; the number of rows where it takes none; int32."""
        edges = self.edges(rows, 0)
        found = np.full(len(rows), len(self._graph), dtype=np.int32)
        found[edges >= 0] = self._graph.source[edges[edges >= 0]]
        return found

    @cached_property
    def origins(self) -> np.ndarray:
        """The row from which each edge brings a tensor, the number of rows where it brings none; int32."""
        return np.where(self._brings_tensor, self._graph.source, np.int32(len(self._graph)))

    @cached_property
    def _brings_tensor(self) -> np.ndarray:
        brings: np.ndarray = self._graph.output != CONTROL
        return brings

    @cached_property
    def _with_tensor(self) -> np.ndarray:
        return np.flatnonzero(self._brings_tensor)

    @cached_property
    def _before(self) -> np.ndarray:
        """How many edges with a tensor come before each edge, and how many there are; int32."""
        counts = np.zeros(len(self._brings_tensor) + 1, dtype=np.int32)
        np.cumsum(self._brings_tensor, out=counts[1:])
        return counts
