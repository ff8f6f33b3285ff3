"""GD107 reused-layer: the first use of a layer seems to feed every later use.

What it finds
    Drawn arrows from the box of a layer's first call to the boxes of its later calls, over which only the layer's own
    variables flow.

Why it matters
    The arrow is thick, one line for each variable, and leads past the real data flow: the uses of a shared encoder look
    like a chain. In the model they have nothing to do with each other.

Cause
    Variables (in TensorFlow 2.2: the placeholders of their handles) lie in the scope in which they were first needed.
    Later calls of the layer read them from there.

Proof
    The op edges under the arrow carry parameters or the handles of variables, both ends belong to the same layer or
    nested model, and no path leads from the values of a model input to any tensor under the arrow. Without a layer
    graph, the boxes have one name but for a number, and variables lie in the first.

Example
    `sequential/dense/MatMul/ReadVariableOp/resource -> sequential_1/dense/MatMul/ReadVariableOp`

Fix
    None is needed: it is one layer. On TensorFlow 2, trace a call of the model (`tf.summary.trace_on(graph=True)`,
    `tf.summary.trace_export`) instead of using the callback: variables are then arguments of the traced function and
    lie at the root, in nobody's box. Checked with TensorFlow 2.2, and with Keras 3.15 and tf_keras 2.21 on TensorFlow
    2.21. There is no such way on TensorFlow 1.

Reported upstream
    tensorboard#3118, tensorflow#29215
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from graphdiag.diagnosis.call_scopes import fits, tail, unit_of, without_number
from graphdiag.diagnosis.context import DiagnosisContext, once
from graphdiag.diagnosis.crossings import DirectEdge, OpEdge
from graphdiag.diagnosis.dataflow.classes import Carries
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fixes import traced_instead
from graphdiag.diagnosis.ownership import UNOWNED
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.diagnosis.state_arrows import Arrow, is_state, ops_with_state
from graphdiag.graphs.arrays import distinct_below, first_of_each, numbers_of_pairs
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.phrases import some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each layer, or nested model, whose first use feeds later ones."""
    for layer, first, reuses in find_reuses(context):
        drawn = sorted((arrow.source, arrow.target) for arrow, _ in reuses)
        uses = (
            f"{some([target for _, target in drawn])} are uses of one layer, and its variables are drawn in {first}"
            if first
            else "the boxes are uses of one layer, and its variables are drawn in the first"
        )
        all_edges = [edge for _, edges in reuses for edge in edges]
        yield finding(
            RULE,
            context,
            blame=None if context.layers else Blame.TENSORFLOW,
            message=(
                f"{len(drawn)} drawn arrow{'' if len(drawn) == 1 else 's'} "
                f"({some([f'{source} -> {target}' for source, target in drawn])}) "
                f"carr{'ies' if len(drawn) == 1 else 'y'} the variables of {layer} and no activation: {uses}."
            ),
            fix=f"None is needed: it is one layer.{traced_instead(context.ops)}",
            culprits=(layer,),
            edges=drawn,
            seen=all_edges,
        )


Reuse = tuple[str, str, Sequence[tuple[Arrow, Sequence[OpEdge]]]]
"""A layer, the box that holds nothing but its variables (empty where there is none), and the arrows to its uses."""


@once
def find_reuses(context: DiagnosisContext) -> Sequence[Reuse]:
    """The layers, and nested models, whose first use feeds later ones."""
    by_layer: dict[str, list[tuple[Arrow, list[OpEdge]]]] = defaultdict(list)
    for arrow in _numbered_arrows(context) if context.layers is None else _arrows_within_layers(context):
        edges = [_op_edge(context, edge) for edge in arrow.edges]
        carries = Carries.CONSTANT
        for edge in edges:
            carries |= edge.carries
        if not carries & Carries.ACTIVATION:
            layer = _one_layer(context, arrow, edges)
            if layer:
                by_layer[layer].append((arrow, edges))
    found: list[Reuse] = []
    for layer, reuses in by_layer.items():
        alone = context.layers is None and not context.computing_scopes[reuses[0][0].scope]
        # A box of variables alone is no use of the layer: where one box reads them, that is the layer.
        if not alone or len(reuses) > 1:
            found.append((layer, layer if alone else "", reuses))
    return found


def _op_edge(context: DiagnosisContext, edge: int) -> OpEdge:
    source, target, output = int(context.ops.source[edge]), int(context.ops.target[edge]), int(context.ops.output[edge])
    return DirectEdge(source, target, output, context.flow.over(source, output, context.ops.types[target]))


def _numbered_arrows(context: DiagnosisContext) -> Sequence[Arrow]:
    """The arrows that leave a box with variables for one of its name but for a number.

    Ops of one call have names like this too: `mul` and `mul_1` in a batch normalization. Variables lie in the first.
    """
    arrows, (segments, kinds) = context.state_arrows, context.ops.scopes.kinds
    pairs = numbers_of_pairs(kinds[arrows.source], kinds[arrows.target], len(segments))
    present = distinct_below(pairs, len(segments) ** 2)
    names = ((segments[pair // len(segments)], segments[pair % len(segments)]) for pair in present.tolist())
    alike = present[[_are_numbered_alike(first, later) for first, later in names]]
    chosen = np.isin(pairs, alike)
    if chosen.any():
        chosen &= _scopes_of_variables(context)[arrows.source]
    return arrows.through(chosen)


def _arrows_within_layers(context: DiagnosisContext) -> Sequence[Arrow]:
    """The arrows over which some op edge that carries state leads from one box of a layer to another."""
    ops, of_op, arrows = context.ops, context.ownership.of_op, context.state_arrows
    names, owners = ops.scopes.names, context.ownership.owners
    giver, taker = of_op[ops.source[arrows.edges]], of_op[ops.target[arrows.edges]]
    within = np.flatnonzero((giver == taker) & (giver != UNOWNED))
    # Many edges leave a box for others of its layer: each box is asked once.
    box, owner = arrows.source[within], giver[within]
    first, which = first_of_each(numbers_of_pairs(box, owner, len(owners)))
    is_call = [
        not _is_inside_a_call(context, names[scope], owners[number])
        for scope, number in zip(box[first].tolist(), owner[first].tolist(), strict=True)
    ]
    chosen = np.zeros(len(arrows.edges), dtype=bool)
    chosen[within] = np.array(is_call, dtype=bool)[which]
    return arrows.through(chosen)


def _are_numbered_alike(first: str, later: str) -> bool:
    """Whether two boxes have one name but for a number."""
    base = without_number(first)
    return fits(later, first) or (fits(first, base) and fits(later, base))


def _is_inside_a_call(context: DiagnosisContext, box: str, owner: str) -> bool:
    """Whether a box lies in a call of the layer, as ``dense/kernel`` does."""
    assert context.layers is not None
    place = context.layers.layers.get(owner) or context.layers.nested[owner]
    depth = place.name.count("/") + 1
    around = box.rpartition("/")[0]
    while around:
        if fits(tail(around, depth), place.name):
            return True
        around = around.rpartition("/")[0]
    return False


def _scopes_of_variables(context: DiagnosisContext) -> np.ndarray:
    """The scopes in which variables, or what stands for their handles, lie: ops that take nothing and give state.

    Returns:
        bool, one for each scope of `OpGraph.scopes`.
    """
    ops = context.ops
    rows = np.flatnonzero(ops_with_state(context.flow))
    first = ops.in_edges[rows]
    # Control dependencies come last, so the first edge into an op tells whether it takes data.
    takes_data = first < ops.in_edges[rows + 1]
    takes_data[takes_data] = ops.output[first[takes_data]] != CONTROL
    return ops.scopes.around(ops.drawn_in[rows[~takes_data]])


def _one_layer(context: DiagnosisContext, arrow: Arrow, edges: list[OpEdge]) -> str:
    """The layer or nested model that both boxes are uses of; empty when they are not."""
    if context.layers is None:
        # What only watches variables, as a summary, an average or a copy on another device, is no call: a call
        # computes activations.
        return arrow.source if _computes(context, arrow) else ""
    of_op = context.ownership.of_op
    owners = {(int(of_op[edge.source]), int(of_op[edge.target])) for edge in edges if is_state(edge.carries)}
    if any(giver != taker or giver == UNOWNED for giver, taker in owners):
        return ""
    units = {unit_of(context, context.ownership.owners[giver]) for giver, _ in owners}
    return units.pop() if len(units) == 1 else ""


def _computes(context: DiagnosisContext, arrow: Arrow) -> bool:
    """Whether what is taken over an arrow goes into activations, in the box that it leads to."""
    ops, values, roles = context.ops, context.flow.values, context.ownership.roles
    order, offsets = ops.by_source
    waiting = [int(ops.target[edge]) for edge in arrow.edges]
    seen = set(waiting)
    while waiting:
        row = waiting.pop()
        name = ops.names[row]
        if row in roles or not (name == arrow.target or name.startswith(f"{arrow.target}/")):
            continue
        if values[row] & int(Carries.ACTIVATION):
            return True
        for edge in order[offsets[row] : offsets[row + 1]].tolist():
            target = int(ops.target[edge])
            if target not in seen and ops.output[edge] != CONTROL:
                seen.add(target)
                waiting.append(target)
    return False


RULE = Rule("GD107", "reused-layer", Verdict.MISPLACED, Blame.KERAS, Severity.NOTE, find, __name__, rank=1)
