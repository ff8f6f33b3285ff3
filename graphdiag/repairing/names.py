"""Names: what each op of the repaired graph is called, so that TensorBoard draws the boxes that are wanted.

TensorBoard makes a box of each name scope, so an op's name begins with the name of its box: see
`graphdiag.repairing.blocks` for those of layers.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

from graphdiag.diagnosis.call_scopes import without_number
from graphdiag.diagnosis.calls import original
from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.dataflow.classes import ACTIVATION, HANDLE, PARAMETER
from graphdiag.diagnosis.ownership import UNOWNED
from graphdiag.diagnosis.scoped_calls import scope_in_layer
from graphdiag.graphs.layer_graph import Layer, LayerGraph
from graphdiag.graphs.op_graph import name_of_input
from graphdiag.repairing.blocks import LIMIT, layer_boxes
from graphdiag.repairing.boxes import Box, Boxes, BoxKind
from graphdiag.repairing.legal_names import Taken, legal, legal_from_start, tidy

_EMBEDDED = frozenset(
    {"Const", "ScalarSummary", "ImageSummary", "AudioSummary", "HistogramSummary", "TensorSummary", "MergeSummary"}
)
"""Types of ops that TensorBoard draws inside the op they are linked to."""
_VARIABLES = frozenset({"Variable", "VariableV2", "VarHandleOp"})
_INITIALIZES = frozenset({"Assign", "AssignVariableOp"})
_OF_SEVERAL = frozenset({"shared", "random"})
"""Roles of what several layers use."""
_HANDLE = re.compile(r"(?P<read>.*?)_?readvariableop(?P<number>_[0-9]+)?_resource")
"""How TensorFlow names what a trace captures: after the op that reads it, ``/`` and capitals lost."""


@dataclass(frozen=True)
class Names:
    """The names of the repaired graph.

    Attributes:
        of_op: The name of each op, in the order of the graph; unique.
        scope_of: The scope of each layer's box, and of each nested model's, by id.
        places: The names of the boxes around each of these and of its own; empty where there is no layer graph.
        scopes: The scope of every box, in the order of `Boxes.boxes`; for an op that stands alone, its name.
    """

    of_op: Sequence[str]
    scope_of: Mapping[str, str]
    places: Mapping[str, Sequence[str]]
    scopes: Sequence[str]


def choose_names(
    context: DiagnosisContext, boxes: Boxes, variables: Mapping[int, str], *, limit: int | None = LIMIT
) -> Names:
    """Choose the names of all ops.

    Args:
        context: The graphs of the source.
        boxes: The box of each op.
        variables: Names of variables, by the row of the op that stands for their handle, as far as they are known.
        limit: Boxes that a level may have before they are put into blocks; ``None`` for no blocks.

    Returns:
        The names.
    """
    return _Naming(context, boxes, variables, limit).run()


@dataclass
class _Naming:
    context: DiagnosisContext
    boxes: Boxes
    variables: Mapping[int, str]
    limit: int | None
    scope_of: dict[str, str] = field(default_factory=dict)
    places: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def layer_names(self) -> Set[str]:
        """Names of layers and nested models, without the number that Keras made some unique with."""
        layers = self.context.layers
        if layers is None:
            return frozenset()
        names = [*(layer.name for layer in layers.layers.values()), *(model.name for model in layers.nested.values())]
        return set(map(without_number, names))

    @cached_property
    def variable_ops(self) -> Set[str]:
        """Names of the ops that make variables."""
        ops = self.context.ops
        return {name for name, type_ in zip(ops.names, ops.types, strict=True) if type_ in _VARIABLES}

    @cached_property
    def initializers(self) -> Set[int]:
        """Rows of the ops that make what variables begin with: no call needs them."""
        ops, flow = self.context.ops, self.context.flow
        waiting = [row for row, type_ in enumerate(ops.types) if type_ in _INITIALIZES]
        found = set()
        while waiting:
            row = waiting.pop()
            for edge in range(int(ops.in_edges[row]), int(ops.in_edges[row + 1])):
                source = int(ops.source[edge])
                if source not in found and not flow.values[source] & (ACTIVATION | PARAMETER | HANDLE):
                    found.add(source)
                    waiting.append(source)
        return found

    def run(self) -> Names:
        scopes = self._name_boxes()
        ops, of_op = self.context.ops, self.boxes.of_op.tolist()
        taken = Taken(
            scope for box, scope in zip(self.boxes.boxes, scopes, strict=True) if box.kind is not BoxKind.ALONE
        )
        # What names no op must name none afterwards.
        taken.take_with_scopes(name_of_input(text) for _, text in ops.dangling)
        patterns = [self._pattern(box) for box in self.boxes.boxes]
        names = []
        for row, old in enumerate(ops.names):
            number = of_op[row]
            box = self.boxes.boxes[number]
            if box.kind is BoxKind.ALONE:
                names.append(taken.unique(scopes[number]))
                continue
            inside = self._inside(row, old, box, patterns[number])
            call = self._call(row, box)
            # In a log that was repaired before, it is there already.
            names.append(taken.unique(f"{scopes[number]}/{call}{inside.removeprefix(call)}"))
        return Names(self._apart_from_scopes(names, taken), self.scope_of, self.places, scopes)

    # --- scopes ------------------------------------------------------------------------------------------------------

    def _name_boxes(self) -> list[str]:
        """The scope of each box."""
        roles = {box.name for box in self.boxes.boxes if box.kind is BoxKind.ROLE}
        self._name_layers(roles)
        at_root = {scope.partition("/")[0] for scope in self.scope_of.values()}
        taken = Taken(at_root)
        return [
            self.scope_of[box.name]
            if box.kind is BoxKind.LAYER
            else taken.unique(legal_from_start(box.name.rpartition("/")[2]))
            for box in self.boxes.boxes
        ]

    def _name_layers(self, roles: Collection[str]) -> None:
        layers = self.context.layers
        if layers is None:
            unique = Taken()
            for box in self.boxes.boxes:
                if box.kind is BoxKind.LAYER:
                    self.scope_of[box.name] = unique.unique(legal_from_start(box.name))
            return
        # Layers keep their names; what is left for a role gets a number.
        taken_names = {name for name in roles if name not in self._names_at_root(layers)}
        self.places = layer_boxes(layers, limit=self.limit, taken=taken_names)
        self.scope_of = {id_: "/".join(place) for id_, place in self.places.items()}

    def _names_at_root(self, layers: LayerGraph) -> Collection[str]:
        return {
            *(layer.name for layer in layers.layers.values() if not layer.path),
            *(model.name for model in layers.nested.values() if not model.path),
        }

    # --- inside a box ------------------------------------------------------------------------------------------------

    def _call(self, row: int, box: Box) -> str:
        """The scope of a call, where a layer is called more than once."""
        layers = self.context.layers
        if layers is None or box.kind is not BoxKind.LAYER:
            return ""
        name = self.context.ops.names[row]
        if name in self.variable_ops or name.rpartition("/")[0] in self.variable_ops or row in self.initializers:
            return ""
        if row in self.templates:
            return f"{scope_in_layer(None)}/"
        # A result of the model is a copy that no call made.
        call = self.context.calls.call_of(row) or self.context.calls.call_of(self._copied(row))
        known = call is not None and call.number is not None and layers.uses(box.name) > 1
        return f"{scope_in_layer(call.number)}/" if call is not None and known else ""

    def _copied(self, row: int) -> int:
        """The op whose result an op copies, or hands to the caller of the graph."""
        ops = self.context.ops
        first = int(ops.in_edges[row])
        if ops.types[row] == "_Retval" and first < int(ops.in_edges[row + 1]):
            row = int(ops.source[first])
        return original(ops, (row, 0))[0]

    @cached_property
    def templates(self) -> Set[int]:
        """Rows of the ops that a layer makes in none of its calls in the layer graph, and of those that feed them."""
        ops, of_op = self.context.ops, self.context.ownership.of_op
        order, offsets = ops.by_source
        found: set[int] = set()
        for row in reversed(range(len(ops))):
            if of_op[row] != UNOWNED:
                inside = self._is_owned_by_template(row)
            else:
                # What a template is built on is a feed of its own.
                takers = ops.target[order[offsets[row] : offsets[row + 1]]].tolist()
                inside = bool(takers) and found.issuperset(takers)
            if inside:
                found.add(row)
        return found

    def _is_owned_by_template(self, row: int) -> bool:
        if self.context.calls.recorded:
            # A layer of several nested models is in none of them when it is called on their own inputs.
            call = self.context.calls.call_of(row)
            return (call is None or call.number is None) and self.context.ownership.owner(row) in self.layers_called
        scopes = self.calls_by_scope.get(int(self.context.ownership.of_op[row]), {})
        return scopes.get(self._scope(row)) is False

    def _scope(self, row: int) -> str:
        scopes = self.context.ownership.scope_of_op
        return scopes[row] if scopes else ""

    @cached_property
    def layers_called(self) -> Set[str]:
        """The layers of a live model some ops of which were made in one of Keras's own calls."""
        return {call.layer for call in self.context.calls.calls if call.number is not None and call.made_ops}

    @cached_property
    def calls_by_scope(self) -> Mapping[int, Mapping[str, bool]]:
        """For each owner that has calls, its scopes, and whether each is that of a call in the layer graph."""
        calls = self.context.calls
        found: dict[int, dict[str, bool]] = defaultdict(dict)
        for row, owner in enumerate(self.context.ownership.of_op.tolist()):
            if owner != UNOWNED and self._scope(row):
                call = calls.call_of(row)
                known = found[owner].get(self._scope(row), False)
                found[owner][self._scope(row)] = known or (call is not None and call.number is not None)
        return {owner: scopes for owner, scopes in found.items() if any(scopes.values())}

    def _pattern(self, box: Box) -> re.Pattern[str] | None:
        """Finds the end of a layer's own scope in a name: after the layer's name, which may have been numbered."""
        if box.kind is not BoxKind.LAYER:
            return None
        name = self._layer_name(box)
        return re.compile(rf"(?:.*/)?{re.escape(name)}(?:_[0-9]+)?/(?P<inside>.+)")

    def _layer_name(self, box: Box) -> str:
        layer: Layer | None = self.context.layers.layers.get(box.name) if self.context.layers else None
        return layer.name if layer else box.name.rpartition("/")[2]

    def _inside(self, row: int, old: str, box: Box, pattern: re.Pattern[str] | None) -> str:
        if row in self.variables:
            return legal(self.variables[row])
        if pattern is not None:
            found = pattern.fullmatch(old)
            if found:
                return tidy(found["inside"])
            handle = _HANDLE.fullmatch(old)
            if handle:
                name = self._layer_name(box).replace("/", "_").lower()
                read = re.sub(rf".*?{re.escape(name)}_(?:[0-9]+_)?", "", handle["read"], count=1)
                return tidy(f"{read or 'variable'}{handle['number'] or ''}")
            return tidy(old.rpartition("/")[2])
        if box.name in _OF_SEVERAL:
            # A layer's name would make a box in it that looks like the layer's.
            *scopes, name = old.split("/")
            old = "/".join([*(scope for scope in scopes if without_number(scope) not in self.layer_names), name])
        scope, _, inside = old.partition("/")
        return tidy(inside if inside and scope.startswith(box.name) else old)

    def _apart_from_scopes(self, names: list[str], taken: Taken) -> list[str]:
        """Take constants out of the scopes they name: drawn inside an op of that scope, they would hold themselves."""
        scopes = {name[:end] for name in names for end in _slashes(name)}
        types = self.context.ops.types
        return [
            taken.unique(f"{name}/{types[row]}") if types[row] in _EMBEDDED and name in scopes else name
            for row, name in enumerate(names)
        ]


def _slashes(name: str) -> Iterable[int]:
    position = name.find("/")
    while position >= 0:
        yield position
        position = name.find("/", position + 1)
