"""What parsing gives: TensorBoard's "slim graph", the ops that are drawn and the edges between them.

Follows ``SlimGraph``, ``BaseEdge`` and ``NormalizedInput`` in ``tensorboard/plugins/graph/tf_graph_common/graph.ts``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphdiag.graphs.scope_tree import ScopeTree

LIBRARY_PREFIX = "__function_library__"
"""What the name of a library function's metanode begins with."""

Input = tuple[str, str, bool]
"""A normalized input: name of the op, output key (``0``, ``1``, ``output:1``), whether it is a control input."""

Embedding = tuple[str, str, bool]
"""An embedded op: its strict name, its type, and whether it is an input (a constant) of the op that holds it."""


@dataclass(frozen=True, eq=False)
class BaseEdges:
    """The edges of the slim graph, in TensorBoard's order; columns of one length.

    Attributes:
        source: Row of the op that the edge leaves; int64.
        target: Row of the op that it enters; int64.
        control: Whether it is a control dependency; bool.
        reference: Whether it enters the variable that an ``Assign``-like op changes; bool.
    """

    source: np.ndarray
    target: np.ndarray
    control: np.ndarray
    reference: np.ndarray

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, eq=False)
class Calls:
    """What the drawing of function calls needs to know. Only an op whose *type* is a function's name is a call.

    Attributes:
        inputs: Normalized inputs of each calling op, by row.
        keys: Output key of each edge that leaves a calling op, by number of the edge.
        arguments: Position of the function argument that a row stands for.
        results: Position of the function result that a row stands for.
    """

    inputs: Mapping[int, Sequence[Input]]
    keys: Mapping[int, str]
    arguments: Mapping[int, int]
    results: Mapping[int, int]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """The embedded ops and what holds them; columns of one length, ordered by host, constants first.

    Attributes:
        hosts: Row of the op that holds each; int64.
        guests: The embedded op, by its place in the merged graph, or behind that in a function; int64.
        inward: Whether it is an input, a constant, and not a summary; bool.
        names: Strict name of each op of the merged graph and of functions, by that place.
        ops: Type of each.
        again: Names of summaries that were renamed more than once, by position in the columns.
    """

    hosts: np.ndarray
    guests: np.ndarray
    inward: np.ndarray
    names: Sequence[str]
    ops: Sequence[str]
    again: Mapping[int, str]

    def of(self, host: int) -> list[Embedding]:
        """What is embedded in the op of a row."""
        first, last = np.searchsorted(self.hosts, [host, host + 1]).tolist()
        return [self._at(position) for position in range(first, last)]

    def _at(self, position: int) -> Embedding:
        guest = int(self.guests[position])
        return self.again.get(position) or self.names[guest], self.ops[guest], bool(self.inward[position])


@dataclass(frozen=True, eq=False)
class SlimGraph:
    """The ops that are not embedded, and the edges between them.

    Attributes:
        names: Strict names, unique, in TensorBoard's order.
        ops: Op types; empty for the op that stands for a library function.
        op_numbers: A number for each op type; int32.
        embeddings: What is embedded in which op.
        edges: The base edges.
        calls: For the drawing of function calls.
        rows: Row of each op of the merged graph, in the order of the file; -1 for an op that is embedded; int64.
        embedded: Strict name of each op of the merged graph that is embedded in some op, by its place in the file.
        scopes: Name scopes, among them all that hold a drawn op.
        scope_of: The scope of each op; int64.
        are_distinct: Whether no two of ops, embedded ops and scopes have one name. If not, `scope_of` means nothing.
        own_ops: Row of each op at the root that was renamed because it is also a scope, by its strict name.
        marks: Those of the characters ``(`` and ``[`` that occur in names.
    """

    names: Sequence[str]
    ops: Sequence[str]
    op_numbers: np.ndarray
    embeddings: Embeddings
    edges: BaseEdges
    calls: Calls
    rows: np.ndarray
    embedded: Mapping[int, str]
    scopes: ScopeTree
    scope_of: np.ndarray
    are_distinct: bool
    own_ops: Mapping[str, int]
    marks: frozenset[str]
