"""GD108 misplaced-ops: ops of one layer stand in the box of another, or outside of the box where they belong.

What it finds
    Layers whose ops lie in another layer's name scope; in graphs without a Keras model, variables that lie in another
    box than all ops that read them, be it a box of variables alone; and raw ops (`a + b`) that stand outside the group
    in which all layers around them stand.

Why it matters
    The box shows more than its layer does, and edges seem to end at the wrong layer.

Cause
    TensorBoard draws by name, and names come from the name scope that was open when the op was made: a scope that is
    entered again (`tf.name_scope("first/")`), a layer that is called inside another one, a layer's name that begins
    with another's (`conv1` and `conv1/bn`). In TensorFlow 1, `tf.layers` counts scopes of variables and of ops apart,
    so their numbers drift apart when a name is taken. In TensorFlow 2.2, Keras makes a layer of every raw op, and the
    op of that layer goes to the root.

Proof
    The op's owner, recorded while the model was traced or told by names, is not the layer in whose scope the op lies.

Example
    `dense_1/kernel`, which only `dense_2/MatMul` reads

Fix
    Give every layer a name that begins with no other layer's, and enter no scope twice. For a raw op, use a layer with
    a name in the group: `layers.Add(name="Model/Block0/add")([a, b])` instead of `a + b`; checked with TensorFlow 2.2.
    For `tf.layers`, give every layer a name; checked with TensorFlow 1.10.

Reported upstream
    tensorflow#7302, tensorflow#39398
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from graphdiag.diagnosis.call_scopes import Outermost, by_outermost, fits, tail, unit_of, without_number
from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.dataflow.classes import Carries
from graphdiag.diagnosis.dataflow.op_specs import UNKNOWN, VARIABLES, Kind, op_specs
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.ownership import UNOWNED
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.diagnosis.state_arrows import Arrow
from graphdiag.graphs.op_graph import CONTROL, OpGraph
from graphdiag.phrases import some

_RAW_OPS = frozenset({"TensorFlowOpLayer", "TFOpLambda", "SlicingOpLambda"})
_NUMBERS = re.compile(r"(?:_[0-9]+)+$")
_HOME: Pair = "", ""
_NAME_IT = "Give every layer a name of its own (TensorFlow 1: tf.layers.dense(..., name='hidden'))."


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each box with guests, and for each group that lacks some of its ops."""
    if context.layers is None:
        yield from _variables_apart(context)
    else:
        yield from _guests(context)
        yield from _raw_ops_outside(context)


def _guests(context: DiagnosisContext) -> Iterator[Found]:
    """Layers that lie in the box of another layer."""
    assert context.layers is not None
    hosts = _Hosts(context)
    finders = [Outermost(context.ops.scopes, hosts.of(owner)) for owner in context.ownership.owners]
    guests: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(dict)
    for owner, found, rows_there in by_outermost(context, finders):
        if found != _HOME:
            guests[found].setdefault(context.ownership.owners[owner], []).extend(rows_there)
    for (box, layer), unsorted in guests.items():
        rows = {guest: sorted(members) for guest, members in unsorted.items()}
        count = sum(map(len, rows.values()))
        names = list(dict.fromkeys(_place(context, guest, row) for guest, members in rows.items() for row in members))
        yield _found(
            context,
            f"{some(list(rows))} {'has' if len(rows) == 1 else 'have'} {count} op{'' if count == 1 else 's'} "
            f"({some(names)}) in the box {box}, which is drawn as the layer {layer}.",
            _apart(context, list(rows), layer),
            Blame.MODEL,
            names,
            [(guest, layer) for guest in rows],
        )


def _apart(context: DiagnosisContext, guests: Sequence[str], layer: str) -> str:
    """What to do about layers in another one's box."""
    assert context.layers is not None
    layers, nested = context.layers.layers, context.layers.nested
    inside = f"{layers[layer].name}/"
    if any((layers.get(guest) or nested[guest]).name.startswith(inside) for guest in guests):
        return f"Give {some(guests)} {'a name' if len(guests) == 1 else 'names'} without {inside!r} at the beginning."
    return f"Call {some(guests)} outside of {layer}, and do not enter its name scope (tf.name_scope('{inside}'))."


def _place(context: DiagnosisContext, guest: str, row: int) -> str:
    """The guest's own scope that holds an op; the op itself where there is none."""
    assert context.layers is not None
    place = context.layers.layers.get(guest) or context.layers.nested[guest]
    pieces = context.ops.names[row].split("/")
    depth = place.name.count("/") + 1
    for end in range(depth, len(pieces)):
        if fits("/".join(pieces[end - depth : end]), place.name):
            return "/".join(pieces[:end])
    return context.ops.names[row]


class _Hosts:
    """The layers by the names that their boxes may have."""

    def __init__(self, context: DiagnosisContext) -> None:
        assert context.layers is not None
        self.context = context
        self.names: dict[str, str] = {}
        for id_, layer in context.layers.layers.items():
            if not layer.is_input and not layer.is_operation and layer.class_name not in _RAW_OPS:
                self.names.setdefault(layer.name, id_)
        self.longest = max((name.count("/") + 1 for name in self.names), default=1)

    def of(self, owner: str) -> Callable[[str], Pair | None]:
        """Tells whether a scope is another layer's box: the box and the layer, `_HOME` for the owner's own."""
        assert self.context.layers is not None
        model_name = self.context.layers.model_name
        place = self.context.layers.layers.get(owner) or self.context.layers.nested[owner]
        own = {_NUMBERS.sub("", name) for name in (*place.path, place.name, *getattr(place, "inner", ()))}
        depths = range(1, max(self.longest, *(name.count("/") + 1 for name in own)) + 1)

        def host(scope: str) -> Pair | None:
            pieces = dict.fromkeys(tail(scope, depth) for depth in depths)
            if any(_NUMBERS.sub("", piece) in own for piece in pieces):
                return _HOME
            for piece in pieces:
                layer = self.names.get(piece) or self.names.get(without_number(piece))
                if layer and not fits(piece, model_name) and unit_of(self.context, layer) != owner:
                    return scope, layer
            return None

        return host


def _raw_ops_outside(context: DiagnosisContext) -> Iterator[Found]:
    """Raw ops whose layers' neighbors all stand in one group, while they do not."""
    assert context.layers is not None
    layers = context.layers.layers
    around = _neighbors(context)
    if not around:
        return
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row in np.flatnonzero(context.ownership.of_op != UNOWNED).tolist():
        rows_of[context.ownership.owners[int(context.ownership.of_op[row])]].append(row)
    outside: dict[str, list[str]] = defaultdict(list)
    edges: dict[str, set[Pair]] = defaultdict(set)
    for id_, layer in layers.items():
        if layer.class_name not in _RAW_OPS or layer.path:
            continue
        groups = {layers[other].name.partition("/")[0] if "/" in layers[other].name else "" for other in around[id_]}
        rows = rows_of[id_]
        if len(groups) != 1 or "" in groups or not rows:
            continue
        (group,) = groups
        names = [context.ops.names[row] for row in rows]
        if any(name.startswith((f"{group}/", f"{layer.name}/")) for name in names):
            continue
        outside[group] += names
        edges[group] |= _arrows_at(context, rows, group)
    for group, names in outside.items():
        yield _found(
            context,
            f"{some(names)} stand{'s' if len(names) == 1 else ''} outside of {group}, where all layers that "
            f"{'it joins' if len(names) == 1 else 'they join'} are drawn: Keras makes a layer of each raw op, and "
            f"that layer's op lies {_where(names)}.",
            f"Use a layer with a name in the group instead of the raw op, as in Keras 2 "
            f'layers.Add(name="{group}/add")([a, b]).',
            Blame.KERAS,
            names,
            sorted(edges[group]),
        )


def _where(names: Sequence[str]) -> str:
    return "in a scope of its own" if all("/" in name for name in names) else "at the root"


def _neighbors(context: DiagnosisContext) -> Mapping[str, set[str]]:
    """The layers next to each raw op, past other raw ops; inputs do not count."""
    assert context.layers is not None
    layers = context.layers.layers
    beside: dict[str, set[str]] = defaultdict(set)
    for source, target in context.layers.edges:
        beside[source].add(target)
        beside[target].add(source)
    found: dict[str, set[str]] = {}
    for id_, layer in layers.items():
        if layer.class_name not in _RAW_OPS:
            continue
        seen = {id_}
        waiting = [id_]
        found[id_] = set()
        while waiting:
            for other in beside[waiting.pop()]:
                if other in seen:
                    continue
                seen.add(other)
                if layers[other].class_name in _RAW_OPS:
                    waiting.append(other)
                elif not layers[other].is_input:
                    found[id_].add(other)
    return found


def _arrows_at(context: DiagnosisContext, rows: Sequence[int], group: str) -> set[Pair]:
    """The drawn edges between a group's box and ops outside of it."""
    ops = context.ops
    order, offsets = ops.by_source
    inside = f"{group}/"
    found = set()
    for row in rows:
        for edge in range(int(ops.in_edges[row]), int(ops.in_edges[row + 1])):
            if ops.output[edge] != CONTROL and ops.names[int(ops.source[edge])].startswith(inside):
                found.add((group, ops.names[row]))
        for edge in order[offsets[row] : offsets[row + 1]].tolist():
            if ops.output[edge] != CONTROL and ops.names[int(ops.target[edge])].startswith(inside):
                found.add((ops.names[row], group))
    return found


def _variables_apart(context: DiagnosisContext) -> Iterator[Found]:
    """Variables that only another box reads than the one in which they lie."""
    origins = _behind_identities(context.ops)
    for arrow in _arrows_of_variables(context, origins):
        variables = [
            row
            for row in _variables_over(context, arrow, origins)
            if context.ops.names[row] != arrow.source and _only_for(context, row, arrow)
        ]
        if not variables:
            continue
        computes = context.computing_scopes[arrow.scope]
        names = [context.ops.names[row] for row in variables]
        if not computes and _numbered_alike(arrow):
            yield _found(
                context,
                f"{arrow.source} and {arrow.target} are one layer: {arrow.source} holds its variables ({some(names)}) "
                f"and computes nothing, and {arrow.target} computes with them. The scopes of variables and of ops are "
                f"counted apart.",
                _NAME_IT,
                Blame.TENSORFLOW,
                names,
                [(arrow.source, arrow.target)],
            )
        if computes:
            apart = _numbered_alike(arrow)
            why = ": the scopes of variables and of ops are counted apart" if apart else ""
            yield _found(
                context,
                f"{some(names)} {'lies' if len(names) == 1 else 'lie'} in the box {arrow.source}, and only "
                f"{arrow.target} uses {'it' if len(names) == 1 else 'them'}{why}.",
                _NAME_IT if apart else f"Make {'it' if len(names) == 1 else 'them'} in the scope of {arrow.target}.",
                Blame.TENSORFLOW,
                names,
                [(arrow.source, arrow.target)],
            )


def _numbered_alike(arrow: Arrow) -> bool:
    """Whether the names of both boxes differ in a number alone: ``dense_1`` and ``dense_2``."""
    first, later = (scope.rpartition("/")[2] for scope in (arrow.source, arrow.target))
    return without_number(first) == without_number(later)


def _arrows_of_variables(context: DiagnosisContext, origins: np.ndarray) -> Sequence[Arrow]:
    """The arrows over which variables go that may belong to a layer."""
    ops, arrows = context.ops, context.state_arrows
    is_variable = ops.of_types(VARIABLES.__contains__)
    variables = origins[ops.source[arrows.edges]]
    chosen = is_variable[variables]
    # A variable that is drawn as a box of its own lies in no other box.
    chosen &= ops.row_of_scope[arrows.source] != variables
    # What lies in the scope of a variable, as an optimizer's slot or a moving average of it does, belongs to that.
    around = ops.row_of_scope[ops.scopes.of_op[variables]]
    chosen &= (around < 0) | ~is_variable[around]
    return arrows.through(chosen)


def _variables_over(context: DiagnosisContext, arrow: Arrow, origins: np.ndarray) -> Sequence[int]:
    """The variables whose values, or handles, go over an arrow."""
    ops = context.ops
    rows = [int(origins[ops.source[edge]]) for edge in arrow.state]
    return [row for row in dict.fromkeys(rows) if ops.types[row] in VARIABLES]


def _behind_identities(ops: OpGraph) -> np.ndarray:
    """The op whose value each op gives: what an ``Identity`` takes, through any number of them, else the op itself.

    Returns:
        A row for each row; int64. In a cycle of ``Identity`` ops it is one of these.
    """
    origins = np.arange(len(ops))
    passing = np.flatnonzero(ops.of_types("Identity".__eq__))
    passing = passing[ops.in_edges[passing] < ops.in_edges[passing + 1]]
    origins[passing] = ops.source[ops.in_edges[passing]]
    # Each round doubles the number of ops that are passed.
    for _ in range(len(passing).bit_length()):
        further = origins[origins[passing]]
        if np.array_equal(further, origins[passing]):
            break
        origins[passing] = further
    return origins


def _only_for(context: DiagnosisContext, variable: int, arrow: Arrow) -> bool:
    """Whether the box at the arrow's end computes with a variable, and nothing else reads it."""
    ops = context.ops
    order, offsets = ops.by_source
    own_scope = ops.names[variable] + "/"
    around = int(ops.row_of_scope[ops.scopes.of_op[variable]])
    if around >= 0 and ops.types[around] in VARIABLES:
        return False
    waiting = [variable]
    seen = {variable}
    computes = False
    while waiting:
        row = waiting.pop()
        for edge in order[offsets[row] : offsets[row + 1]].tolist():
            target = int(ops.target[edge])
            name = ops.names[target]
            if target in context.ownership.roles or ops.output[edge] == CONTROL:
                continue
            if name.startswith(own_scope):
                if target not in seen:
                    seen.add(target)
                    waiting.append(target)
            elif not name.startswith(arrow.target + "/"):
                return False
            else:
                # What is only updated is an optimizer's slot.
                updates = op_specs().get(ops.types[target], UNKNOWN).kind is Kind.WRITES
                computes = computes or bool(context.flow.values[target] & Carries.ACTIVATION and not updates)
    return computes


def _found(
    context: DiagnosisContext, message: str, fix: str, blame: Blame, culprits: Sequence[str], edges: Sequence[Pair]
) -> Found:
    return finding(
        RULE,
        context,
        blame=blame,
        message=message,
        fix=fix,
        culprits=culprits,
        edges=edges,
    )


RULE = Rule("GD108", "misplaced-ops", Verdict.MISPLACED, Blame.KERAS, Severity.NOTE, find, __name__)
