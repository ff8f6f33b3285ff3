"""Raw ops: which ops are an operation of Keras 3 between two layers, such as ``x * 2``.

Keras 3 records such an operation as it records a layer, but opens no name scope for it. What a log shows of ``x * 2``
is an op of nobody between the two layers; it is the operation whose place in the layer graph it has.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cached_property

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.dataflow.classes import ACTIVATION
from graphdiag.diagnosis.ownership import UNOWNED
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.op_graph import CONTROL

_OTHER_NAMES = {
    "concatenate": "concat",
    "multiply": "mul",
    "subtract": "sub",
    "divide": "realdiv",
    "truedivide": "realdiv",
    "negative": "neg",
    "power": "pow",
    "absolute": "abs",
    "getitem": "stridedslice",
    "where": "select",
    "zeroslike": "fill",
    "oneslike": "fill",
}
"""Operations that are called another way in TensorFlow."""


def find_raw_ops(context: DiagnosisContext) -> Mapping[str, Sequence[int]]:
    """Find the ops of those operations that names do not tell.

    Args:
        context: The graphs of the source, with ownership and flow.

    Returns:
        For each operation of the layer graph that no op is known to belong to, and for which there are any, the rows
        of its ops, in the order of the graph. Operations in a chain get at least one op each, in the order of the
        chain.
    """
    layers = context.layers
    if layers is None or context.ownership.recorded:
        return {}
    operations = {id_ for id_ in context.without_ops if layers.layers[id_].is_operation}
    return _Matching(context, layers, operations).run() if operations else {}


class _Matching:
    def __init__(self, context: DiagnosisContext, layers: LayerGraph, operations: set[str]) -> None:
        self._context = context
        self._operations = operations
        self._position = {layer: number for number, layer in enumerate(layers.layers)}
        self._sources: dict[str, set[str]] = defaultdict(set)
        self._targets: dict[str, list[str]] = defaultdict(list)
        without_ops = context.without_ops - operations
        for edge in layers.connections:
            self._sources[edge.target].add(edge.source.layer)
        for target in layers.layers:
            # What an operation takes of a layer without ops comes from the layer before.
            while passed := self._sources[target] & without_ops:
                self._sources[target] -= passed
                for layer in passed:
                    self._sources[target] |= self._sources[layer] - {layer}
            for source in self._sources[target]:
                self._targets[source].append(target)
        self._classes = {_plain(layers.layers[layer].class_name) for layer in operations}
        values, ownership = context.flow.values, context.ownership
        nested = {number for number, owner in enumerate(ownership.owners) if owner in layers.nested}
        # A mask is given to the layer that makes it, whatever scope it is in.
        self._unowned = {
            row
            for row, owner in enumerate(ownership.of_op.tolist())
            if row not in ownership.roles
            and row not in ownership.model_inputs
            and (owner == UNOWNED or owner in nested or not ownership.scope_of_op[row])
        }
        self._free = {row: None for row in sorted(self._unowned) if values[row] & ACTIVATION}

    def run(self) -> Mapping[str, Sequence[int]]:
        owner_of = self._by_type()
        found: dict[str, list[int]] = defaultdict(list)
        for row, layer in owner_of.items():
            found[layer].append(row)
        waiting = self._operations - found.keys()
        # TensorFlow writes ops in the order of creation, so what an op takes has an owner already.
        for row in self._free:
            if row in owner_of:
                continue
            givers = {owner for origin in self._origins(row) for owner in self._owners(origin, owner_of)}
            taken = next((layer for layer in self._fitting(row, givers, waiting) if self._is_used(row, layer)), None)
            if taken is not None:
                waiting.discard(taken)
            else:
                # One more op of an operation that makes several.
                own = [giver for giver in givers if giver in self._operations]
                if len(givers) != 1 or not own or _plain(self._context.ops.types[row]) in self._classes:
                    continue
                taken = own[0]
            owner_of[row] = taken
            found[taken].append(row)
        return {layer: sorted(rows) for layer, rows in found.items()}

    def _by_type(self) -> dict[int, str]:
        """The ops that are called as an operation is, found from what takes them: Keras may compute a mask twice."""
        layers = self._context.layers
        assert layers is not None
        rows_of = self._rows_by_owner()
        found: dict[int, str] = {}
        taking: dict[str, list[int]] = {}
        for layer in reversed(self._in_order):
            users = [row for target in self._targets[layer] for row in taking.get(target, rows_of.get(target, ()))]
            kind = _plain(layers.layers[layer].class_name)
            fitting = dict.fromkeys(
                origin
                for user in users
                for origin in self._taken(user)
                if origin in self._unowned and origin not in found and _plain(self._context.ops.types[origin]) == kind
            )
            # Of two that are alike, the later operation takes the later op.
            best = max(reversed(fitting), key=lambda row: self._sources_met(row, layer), default=None)
            # One that makes no op lets those after it take from the one before it.
            taking[layer] = users if best is None else [best]
            if best is not None:
                found[best] = layer
        return found

    def _rows_by_owner(self) -> Mapping[str, Sequence[int]]:
        owners, rows = self._context.ownership.owners, defaultdict[str, list[int]](list)
        for row, owner in enumerate(self._context.ownership.of_op.tolist()):
            if owner != UNOWNED and row not in self._unowned:
                rows[owners[owner]].append(row)
        return rows

    @cached_property
    def _in_order(self) -> Sequence[str]:
        """The operations, each after those that it takes something of."""
        left = {layer: len(self._sources[layer] & self._operations) for layer in self._operations}
        done = [layer for layer in self._position if left.get(layer) == 0]
        for layer in done:
            for target in self._targets[layer]:
                if target in left:
                    left[target] -= 1
                    if not left[target]:
                        done.append(target)
        # A layer graph of which only the edges are known may seem to have a loop.
        return [*done, *(layer for layer in self._position if left.get(layer, 0) > 0)]

    def _sources_met(self, row: int, operation: str) -> int:
        owner = self._context.ownership.owner
        return len({owner(origin) for origin in self._taken(row)} & self._sources[operation])

    def _is_used(self, row: int, operation: str) -> bool:
        """Whether an op's result goes where Keras gives that of an operation."""
        ops = self._context.ops
        order, offsets = ops.by_source
        users = [int(ops.target[edge]) for edge in order[offsets[row] : offsets[row + 1]].tolist()]
        return not self._targets[operation] or any(
            self._context.ownership.owner(user) in self._beyond[operation] or user in self._free for user in users
        )

    @cached_property
    def _beyond(self) -> Mapping[str, Set[str]]:
        """For each operation the layers with ops that it feeds, directly or through further operations."""
        found: dict[str, Set[str]] = {}
        for operation in reversed(self._in_order):
            layers = {target for target in self._targets[operation] if target not in self._operations}
            further = {found.get(target, frozenset()) for target in self._targets[operation]}
            found[operation] = frozenset(layers.union(*further)) if layers or len(further) != 1 else further.pop()
        return found

    def _origins(self, row: int) -> Iterable[int]:
        return [origin for origin in self._taken(row) if self._context.flow.values[origin] & ACTIVATION]

    def _taken(self, row: int) -> Iterable[int]:
        ops = self._context.ops
        edges = range(int(ops.in_edges[row]), int(ops.in_edges[row + 1]))
        return [int(ops.source[edge]) for edge in edges if ops.output[edge] != CONTROL]

    def _owners(self, origin: int, owner_of: Mapping[int, str]) -> Iterable[str]:
        owner = owner_of.get(origin) or self._context.ownership.owner(origin)
        return [owner] if owner else []

    def _fitting(self, row: int, givers: set[str], waiting: set[str]) -> Iterable[str]:
        """The operations that take something of exactly these layers, and have no op yet, in Keras's order.

        Where operations are called as the op's type is, as ``LogicalOr``, the op can only be one of theirs.
        """
        assert self._context.layers is not None
        layers = self._context.layers.layers
        after = [target for giver in givers for target in self._targets[giver]]
        fitting = {target for target in after if target in waiting and self._sources[target] == givers}
        kind = _plain(self._context.ops.types[row])
        if kind in self._classes:
            fitting = {layer for layer in fitting if _plain(layers[layer].class_name) == kind}
        return sorted(fitting, key=self._position.__getitem__)


def _plain(name: str) -> str:
    """``add`` for ``AddV2`` of TensorFlow and ``Add`` of Keras."""
    plain = re.sub(r"v[0-9]+$", "", name.lower())
    return _OTHER_NAMES.get(plain, plain)
