"""Inputs: which tensors many ops take at one position, in whole arrays."""

from __future__ import annotations

import numpy as np

from graphdiag.graphs.op_graph import CONTROL, OpGraph


def tensor_edges(graph: OpGraph, rows: np.ndarray, position: int) -> np.ndarray:
    """The edges over which some rows take the tensors at one position.

    Args:
        graph: The op graph.
        rows: Rows of it.
        position: Which of the tensors that a row takes, from 0 on, or from the end; control dependencies do not count.

    Returns:
        The edge for each row, -1 where it takes fewer tensors; int64.
    """
    data = np.flatnonzero(graph.output != CONTROL) if len(rows) else ()
    if not len(data):
        return np.full(len(rows), -1, dtype=np.int64)
    begin, end = np.searchsorted(data, graph.in_edges[rows]), np.searchsorted(data, graph.in_edges[rows + 1])
    place = (end if position < 0 else begin) + position
    takes = (begin <= place) & (place < end)
    return np.where(takes, data[np.where(takes, place, 0)], -1)


def first_inputs(graph: OpGraph, rows: np.ndarray) -> np.ndarray:
    """The row that gives the first tensor that each of some rows takes; the number of rows where it takes none."""
    edges = tensor_edges(graph, rows, 0)
    found = np.full(len(rows), len(graph), dtype=np.int32)
    found[edges >= 0] = graph.source[edges[edges >= 0]]
    return found
