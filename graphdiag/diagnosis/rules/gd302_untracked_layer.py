"""GD302 untracked-layer: a layer feeds the model that the model does not know.

What it finds
    Activations that go from one layer to another through ops with variables of their own that belong to no layer of the
    model; `Lambda` layers that make or read variables, which a `Lambda` cannot track; and, in a live model, any layer
    that calls one which neither it nor the model holds.

Why it matters
    The variables are neither trained nor counted, saved or loaded: `model.summary()` and `model.weights` do not have
    them. After loading, the model computes something else.

Proof
    A path leads from the value of a model input, or from a variable that no layer tracks, through the box to an op of a
    layer, and Keras has no such layer.

Example
    `gate = layers.Dense(8)(x); layers.Lambda(lambda t: t * gate)(y)`, where `gate` leads to no output but through the
    `Lambda`; or `layers.Lambda(lambda t: layers.Dense(8)(t))(y)`

Fix
    Give the tensor to the layer as an input: `layers.Multiply()([y, gate])`; the layer that computes it is then part of
    the model. Instead of a `Lambda` that makes or reads variables, write a layer that makes its own layers in
    `__init__` and holds them as attributes. Checked with Keras 2.1.6 (as an input), and with Keras 3.15 and tf_keras
    2.21 (both).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

import numpy as np

from graphdiag.diagnosis.call_scopes import fits
from graphdiag.diagnosis.captured import NOTHING, are_tracked, is_weight, uses_of_variables
from graphdiag.diagnosis.claims import edge_count, layer_edges
from graphdiag.diagnosis.context import REAL, DiagnosisContext, Pair
from graphdiag.diagnosis.crossings import DirectEdge, OpEdge
from graphdiag.diagnosis.dataflow.classes import Carries
from graphdiag.diagnosis.dataflow.op_specs import VARIABLES
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fixes import tracks_attributes
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.diagnosis.state_arrows import is_state
from graphdiag.diagnosis.unowned_scopes import find_unowned_scopes, reads_stray_variables
from graphdiag.graphs.layer_graph import Layer
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.phrases import some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each unknown box on the way between two layers, one for each `Lambda` with variables."""
    if context.layers is None:
        return
    tracked = are_tracked(context)
    stray = _left(reads_stray_variables(context), {row for row, is_tracked in tracked.items() if is_tracked})
    yield from _between_layers(context, open_edges, stray)
    # What several layers of a live model use, and no layer makes, is shared, and another rule's.
    loose = {row for row, what in context.ownership.belongs_to.items() if what == NOTHING}
    several = {use.variable for use in uses_of_variables(context) if len(use.reads) > 1} & loose if loose else loose
    yield from _in_layers(context, _left(stray, several), tracked)


def _left(stray: Mapping[int, frozenset[int]], without: Set[int]) -> Mapping[int, frozenset[int]]:
    if not without:
        return stray
    return {row: left for row, variables in stray.items() if (left := variables - without)}


def _between_layers(
    context: DiagnosisContext, open_edges: OpenEdges, stray: Mapping[int, frozenset[int]]
) -> Iterator[Found]:
    if not stray:
        return
    unowned_scopes = find_unowned_scopes(context)
    # A variable in which one layer leaves activations for another is a way for them, and no weight.
    stores = frozenset[int]().union(*(stray.get(reader, frozenset()) for _, reader in context.flow.stores))
    by_box: dict[str, list[tuple[Pair, OpEdge]]] = defaultdict(list)
    for pair, edge in open_edges:
        row = next((row for row in edge.through if stray.get(row, stores) - stores), None)
        if row is not None:
            number = int(unowned_scopes.box_of[row])
            by_box[unowned_scopes.boxes[number] if number >= 0 else context.ops.names[row]].append((pair, edge))
    for box, claims in by_box.items():
        if not any(edge.carries & REAL for _, edge in claims):
            continue
        variables = {variable for _, edge in claims for row in edge.through for variable in stray.get(row, ())} - stores
        yield finding(
            RULE,
            context,
            message=(
                f"{layer_edges(edge_count(context, claims), 'leads', 'lead')} "
                f"through {box}, which is not a layer of the model "
                f"and has {_variables(len(variables))}: {_flowing(claims)}, and the variables are neither trained nor "
                f"saved with the model."
            ),
            fix="Give the tensor to the layer as an input, so that the layer that computes it joins the model.",
            culprits=[box],
            claims=claims,
        )


def _flowing(claims: OpenEdges) -> str:
    """What goes through the box."""
    return f"{'activations' if any(edge.carries & Carries.ACTIVATION for _, edge in claims) else 'parameters'} flow"


def _is_without_weights(layer: Layer) -> bool:
    """Whether a file says so; a layer with weights is taken to look after whatever it reads."""
    return layer.class_name == "Lambda" or (layer.parameters == 0 and not layer.parameters_computed)


def _in_layers(
    context: DiagnosisContext, stray: Mapping[int, frozenset[int]], tracked: Mapping[int, bool]
) -> Iterator[Found]:
    """Layers that use variables which nobody tracks."""
    assert context.layers is not None
    suspects = {
        number: context.layers.layers[owner]
        for number, owner in enumerate(context.ownership.owners)
        if owner in context.layers.layers
        and (context.ownership.recorded or _is_without_weights(context.layers.layers[owner]))
    }
    rows_of: dict[int, list[int]] = {number: [] for number in suspects}
    for row in np.flatnonzero(np.isin(context.ownership.of_op, list(suspects))).tolist():
        rows_of[int(context.ownership.of_op[row])].append(row)
    for number, rows in rows_of.items():
        layer, owner = suspects[number], context.ownership.owners[number]
        reads = [edge for row in rows for edge in _reads(context, row, stray, tracked)]
        if not reads:
            continue
        inside, culprits = _where(context, reads, stray)
        yield finding(
            RULE,
            context,
            message=(
                f"{owner} ({layer.class_name}) uses {_variables(len(culprits))} ({some(culprits)}) that no layer "
                f"of the model tracks: {'it is' if len(culprits) == 1 else 'they are'} neither trained nor saved "
                "with it."
            ),
            fix=_fix(context, layer, reads, stray),
            culprits=culprits,
            seen=reads,
            edges=[(place, owner) for place in inside],
        )


def _fix(context: DiagnosisContext, layer: Layer, reads: Sequence[OpEdge], stray: Mapping[int, frozenset[int]]) -> str:
    if not tracks_attributes(context.layers):
        return "Call the layer that has these variables in the model, and give what it returns to this one as an input."
    if layer.class_name == "Lambda":
        return (
            "Write a layer that makes its own layers in __init__ and holds them as attributes, instead of the Lambda."
        )
    used = {variable for edge in reads for variable in stray.get(edge.source, ())}
    if used and all(context.ownership.belongs_to.get(variable) == NOTHING for variable in used):
        of_keras_3 = context.layers is not None and context.layers.keras_version.startswith("3.")
        why = ": Keras 3 tracks no tf.Variable, and no global one" if of_keras_3 else ""
        return f"Make the variable with add_weight in the layer{why}."
    return "Make the layer that has these variables in __init__, and hold it as an attribute."


def _reads(
    context: DiagnosisContext, row: int, stray: Mapping[int, frozenset[int]], tracked: Mapping[int, bool]
) -> Iterator[OpEdge]:
    """The edges on which an op takes a variable's value that is the layer's own, or nobody's, and that none tracks."""
    ops, of_op = context.ops, context.ownership.of_op
    for edge in range(int(ops.in_edges[row]), int(ops.in_edges[row + 1])):
        source, output = int(ops.source[edge]), int(ops.output[edge])
        if output == CONTROL or not (
            source in stray or (ops.types[source] in VARIABLES and of_op[source] == of_op[row])
        ):
            continue
        carries = context.flow.over(source, output, ops.types[row])
        if not is_state(carries):
            continue
        variables = [
            variable
            for variable in stray.get(source, (source,))
            if is_weight(context, variable) and (variable != source or _is_read(context, variable, row))
        ]
        if context.ownership.recorded:
            untracked = any(not tracked.get(variable, True) for variable in variables)
        else:
            untracked = bool(variables) and not _used_elsewhere(context, stray.get(source, ()), row)
        if untracked:
            yield DirectEdge(source, row, output, carries)


def _is_read(context: DiagnosisContext, variable: int, row: int) -> bool:
    """Whether what a row does with a variable shows in anything but the variable itself."""
    touches = context.flow.touches.get(variable)
    return touches is None or row in touches.readers


def _used_elsewhere(context: DiagnosisContext, variables: Iterable[int], row: int) -> bool:
    """Whether another layer reads one of the variables: then they are tied, and tracked there."""
    ops, of_op, roles = context.ops, context.ownership.of_op, context.ownership.roles
    order, offsets = ops.by_source
    waiting = list(variables)
    seen = set(waiting)
    while waiting:
        current = waiting.pop()
        for edge in order[offsets[current] : offsets[current + 1]].tolist():
            target = int(ops.target[edge])
            if ops.output[edge] == CONTROL or target in seen or target in roles:
                continue
            if of_op[target] >= 0:
                if of_op[target] != of_op[row]:
                    return True
                continue
            seen.add(target)
            waiting.append(target)
    return False


def _where(
    context: DiagnosisContext, reads: Sequence[OpEdge], stray: Mapping[int, frozenset[int]]
) -> tuple[Sequence[str], list[str]]:
    """The box of the unknown layer, or where its variables lie; and the variables' names."""
    variables = sorted({variable for edge in reads for variable in stray.get(edge.source, (edge.source,))})
    names = [context.ops.names[row] for row in variables]
    # A variable of the Lambda's own lies in the unknown layer's box. Of others only the op that reads them does.
    own = [name for row, name in zip(variables, names, strict=True) if context.ownership.owner(row) is not None]
    scopes = [name.split("/")[:-1] for name in own or [context.ops.names[edge.target] for edge in reads]]
    common = _common(scopes)
    owner = context.ownership.owner(reads[0].target) or ""
    at_own_box = not common or fits(common[-1], owner.rpartition("/")[2])
    boxes = sorted({name.rpartition("/")[0] or name for name in names}) if at_own_box else ["/".join(common)]
    return boxes, names


def _common(paths: Sequence[Sequence[str]]) -> Sequence[str]:
    """The pieces with which all paths begin."""
    shared: list[str] = []
    for pieces in zip(*paths, strict=False):
        if len(set(pieces)) > 1:
            break
        shared.append(pieces[0])
    return shared


def _variables(count: int) -> str:
    return f"{count} variable{'' if count == 1 else 's'}"


# Before GD301, of which it is a special case.
RULE = Rule("GD302", "untracked-layer", Verdict.HIDDEN, Blame.MODEL, Severity.ERROR, find, __name__, claim_order=-1)
