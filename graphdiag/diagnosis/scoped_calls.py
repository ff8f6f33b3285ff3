"""Scoped calls: where names decide, which ops were made in the same call of a layer.

Keras opens a name scope for each call, and TensorFlow makes its name unique: ``lstm``, ``lstm_1``. Only tf_keras goes
back into the same scope when it traces a function; there the ops of a call follow one another, those of two calls that
follow one another are mostly of the same types, and where they are not, they are linked only within each. A train step
of the user's own may call a whole model several times, though the layer graph has one call of each layer. A graph that
`graphdiag repair` wrote has one scope for each layer, and in it one for each call.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from graphdiag.diagnosis.calls import NO_CALL, Tensor
from graphdiag.diagnosis.dataflow.classes import Carries
from graphdiag.diagnosis.dataflow.flow import Flow
from graphdiag.diagnosis.ownership import UNOWNED, Ownership
from graphdiag.disjoint_sets import DisjointSets
from graphdiag.graphs.arrays import first_of_each, grouped
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.op_graph import CONTROL, OpGraph
from graphdiag.keras_facts import always_computes

_NUMBERED_CALL = re.compile(r"call_([1-9][0-9]{0,8})")
_OF_CALL = re.compile(rf"{_NUMBERED_CALL.pattern}|template")


def scope_in_layer(number: int | None) -> str:
    """How a repaired graph names the scope of a call inside of the layer's own.

    Args:
        number: Which of the layer's calls in the layer graph it is, from 0; ``None`` for one that it does not have.
    """
    return "template" if number is None else f"call_{number + 1}"


def call_in_name(name: str, scope: str) -> int | None:
    """Which of its layer's calls an op is made in, where the graph is one that was repaired.

    Args:
        name: Name of the op.
        scope: Scope of the layer.

    Returns:
        The number of the call in the layer graph, from 0; ``None`` where the name does not have one.
    """
    inside, slash, _ = name.removeprefix(f"{scope}/").partition("/")
    found = _NUMBERED_CALL.fullmatch(inside) if slash else None
    return int(found[1]) - 1 if found else None


def number_calls(graph: OpGraph, layers: LayerGraph, ownership: Ownership, flow: Flow) -> np.ndarray:
    """Number what seem to be the calls of the layers.

    A layer that wraps others has scopes beside its own; one that is called once may have its ops in two scopes, if the
    one feeds the other; and where only the edges of the layer graph are known, calls are not: these count as one.

    Args:
        graph: The op graph.
        layers: The layer graph.
        ownership: Who owns each op, by names.
        flow: What each tensor carries.

    Returns:
        For each op the number of its call, `NO_CALL` for ops of no layer; int32.
    """
    return _Numbering(graph, layers, ownership, flow).run()


class _Numbering:
    def __init__(self, graph: OpGraph, layers: LayerGraph, ownership: Ownership, flow: Flow) -> None:
        self.graph = graph
        self.layers = layers
        self.ownership = ownership
        self.flow = flow
        self.of_op: list[int] = ownership.of_op.tolist()
        self.around: list[int] = graph.scopes.of_op.tolist()
        self.scope_around: dict[int, str] = {}
        self.has_scopes_of_calls = any(map(_OF_CALL.fullmatch, graph.scopes.kinds[0]))

    def run(self) -> np.ndarray:
        rows_of = self._rows_of_layers()
        parts_of = {owner: list(self._calls(self.ownership.owners[owner], rows)) for owner, rows in rows_of.items()}
        self._split_models(parts_of)
        numbers = np.full(len(self.graph), NO_CALL, dtype=np.int32)
        for number, part in enumerate(part for parts in parts_of.values() for part in parts):
            numbers[part] = number
        return numbers

    def _rows_of_layers(self) -> Mapping[int, Sequence[int]]:
        """The ops of each layer, by its row among the owners; in order of their first ops."""
        are_layers = np.array([owner in self.layers.layers for owner in self.ownership.owners], dtype=bool)
        rows = np.flatnonzero(self.ownership.of_op != UNOWNED)
        rows = rows[are_layers[self.ownership.of_op[rows]]]
        first, layer = first_of_each(self.ownership.of_op[rows])
        order, offsets = grouped(layer, len(first))
        members: list[int] = rows[order].tolist()
        owners: list[int] = self.ownership.of_op[rows[first]].tolist()
        parts = zip(owners, pairwise(offsets.tolist()), strict=True)
        return {owner: members[start:stop] for owner, (start, stop) in parts}

    def _split_models(self, parts_of: dict[int, list[Sequence[int]]]) -> None:
        """Split the parts of layers that have one call, in a model that as a whole is called several times."""
        if self.layers.keras_version.startswith("3") or "_Arg" not in self.graph.type_names:
            return
        copies = {
            owner: self._copies(parts[0])
            for owner, parts in parts_of.items()
            if len(parts) == 1 and self.layers.uses(self.ownership.owners[owner]) == 1
        }
        once: set[tuple[str, ...]] = set()
        for owner in parts_of:
            layer = self.layers.layers[self.ownership.owners[owner]]
            if always_computes(layer.class_name) and len(copies.get(owner, ())) == 1:
                once.add(layer.path)
        for owner, parts in copies.items():
            if self.layers.layers[self.ownership.owners[owner]].path not in once:
                parts_of[owner] = parts

    def _copies(self, rows: Sequence[int]) -> list[Sequence[int]]:
        """The parts of a scope that have the same types of ops, with ops of other layers between them."""
        parts = list(self._uninterrupted(rows))
        alike = len({tuple(self.graph.types[row] for row in part) for part in parts}) == 1
        return parts if alike else [rows]

    def _calls(self, layer: str, rows: Sequence[int]) -> Iterator[Sequence[int]]:
        """The rows of each call of a layer."""
        scopes_of = self._scope if self.has_scopes_of_calls else self.ownership.scope_of_op.__getitem__
        scope_of_row = list(map(scopes_of, rows))
        by_scope: dict[str, list[int]] = defaultdict(list)
        # Most layers have one scope, which holds all their ops.
        if scope_of_row.count(scope_of_row[0]) == len(rows):
            by_scope[scope_of_row[0]] = list(rows)
        else:
            for row, scope in zip(rows, scope_of_row, strict=True):
                by_scope[scope].append(row)
        # An input's feed, and the mask of an embedding, lie outside of the layer's scope.
        outside = by_scope.pop("", [])
        scopes = list(by_scope.values())
        if scopes:
            self._add_outside(scopes, outside)
        else:
            scopes = [outside]
        uses = self.layers.uses(layer)
        if self.layers.layers[layer].inner or not self.layers.tensors:
            yield rows
        elif uses == 1:
            yield from self._joined(scopes)
        elif len(scopes) < uses and not self.layers.keras_version.startswith("3"):
            yield from self._split(scopes, uses)
        else:
            yield from scopes

    def _add_outside(self, scopes: Sequence[list[int]], outside: Sequence[int]) -> None:
        """Add ops that lie in no scope of the layer to the call that takes the same tensor, or else to the first."""
        takers: dict[Tensor, list[int]] = {}
        for rows in scopes if outside else ():
            for row in rows:
                for tensor in self._taken(row):
                    takers.setdefault(tensor, rows)
        for row in outside:
            of_call = (takers[tensor] for tensor in self._taken(row) if tensor in takers)
            next(of_call, scopes[0]).append(row)

    def _scope(self, row: int) -> str:
        """The scope of the call in which an op was made."""
        scope = self.ownership.scope_of_op[row]
        if not scope or scope == self.graph.names[row]:
            return scope
        around = self.around[row]
        if around not in self.scope_around:
            inside = self.graph.scopes.names[around][len(scope) + 1 :].partition("/")[0]
            self.scope_around[around] = f"{scope}/{inside}" if _OF_CALL.fullmatch(inside) else scope
        return self.scope_around[around]

    def _joined(self, scopes: Sequence[Sequence[int]]) -> Iterator[Sequence[int]]:
        """Scopes of which one feeds another count as one."""
        if len(scopes) == 1:
            yield from scopes
            return
        number_of = {row: number for number, rows in enumerate(scopes) for row in rows}
        joined = DisjointSets[int]()
        for row, number in number_of.items():
            for origin, slot in self._taken(row):
                if origin in number_of and self._is_activation(origin, slot, row):
                    joined.join(number, into=number_of[origin])
        together: dict[int, list[int]] = defaultdict(list)
        for row, number in number_of.items():
            together[joined.root(number)].append(row)
        yield from together.values()

    def _split(self, scopes: Sequence[Sequence[int]], uses: int) -> Iterator[Sequence[int]]:
        """Parts of scopes between which ops of other layers were made.

        Where these are too few, as many parts as there are calls, if all have the same types of ops; or linked parts.
        """
        parts = [part for rows in scopes for part in self._uninterrupted(rows)]
        if len(parts) < uses:
            rows = sorted(row for part in parts for row in part)
            length = len(rows) // uses
            repeated = [rows[start : start + length] for start in range(0, len(rows), length)] if length else []
            if len(repeated) == uses and len({tuple(self.graph.types[row] for row in part) for part in repeated}) == 1:
                yield from repeated
                return
            linked = [piece for part in parts for piece in self._linked(part, by_inputs=False)]
            if len(linked) != uses:
                linked = [piece for part in parts for piece in self._linked(part, by_inputs=True)]
            parts = linked
        yield from parts

    def _uninterrupted(self, rows: Sequence[int]) -> Iterator[Sequence[int]]:
        rows = sorted(rows)
        part = rows[:1]
        for before, row in pairwise(rows):
            if any(self.of_op[other] != UNOWNED for other in range(before + 1, row)):
                yield part
                part = []
            part.append(row)
        yield part

    def _linked(self, rows: Sequence[int], by_inputs: bool) -> Iterator[Sequence[int]]:
        """The parts that are linked by activations, or by taking the same tensor; the rest goes with the first."""
        members = set(rows)
        joined = DisjointSets[int]()
        takers: dict[Tensor, int] = {}
        computing: set[int] = set()
        for row in rows:
            for origin, slot in self._taken(row):
                if self._is_activation(origin, slot, row):
                    computing.add(row)
                    if origin in members:
                        computing.add(origin)
                        joined.join(row, into=origin)
                    elif by_inputs:
                        joined.join(row, into=takers.setdefault((origin, slot), row))
        parts: dict[int, list[int]] = defaultdict(list)
        for row in rows:
            if row in computing:
                parts[joined.root(row)].append(row)
        rest = [row for row in rows if row not in computing]
        first, *others = parts.values() if parts else ([],)
        yield [*first, *rest]
        yield from others

    def _taken(self, row: int) -> Iterator[Tensor]:
        for edge in range(int(self.graph.in_edges[row]), int(self.graph.in_edges[row + 1])):
            if self.graph.output[edge] != CONTROL:
                yield int(self.graph.source[edge]), int(self.graph.output[edge])

    def _is_activation(self, row: int, slot: int, target: int) -> bool:
        return bool(self.flow.over(row, slot, self.graph.types[target]) & Carries.ACTIVATION)
