"""GD301 hidden-dependency: activations flow between two layers, and Keras does not know.

What it finds
    Edges of the op graph over which activations flow from one layer to another, or from one call of a layer to
    another, as a tensor that Keras does not give to that call. The layer graph may have an edge between the two all the
    same: for another output, or another call. And activations that one layer stores and another reads: in a variable, a
    table or a queue, in a file, or in whatever Python code keeps. State outlives a call: what is stored after it was
    read arrives in the next call. Whatever could not be proved harmless is reported here as well, such as two layers
    that both run Python code: what the one is given, the other may find.

Why it matters
    The dependency is real: saving, cloning, slicing or quantizing the model will not carry it, and
    `model.summary()` and `plot_model` will never show it.

Proof
    A path leads from the value of a model input through the first layer to the tensor that crosses, or to what it
    stores; and the other layer reads the same variable, table or queue, or what lies outside of the graph.

Example
    `gate = layers.Dense(8)(x); layers.Lambda(lambda t: t * gate)(y)`: `gate` goes in by the closure.

Fix
    Give the tensor to the layer as an input: `layers.Lambda(lambda ts: ts[0] * ts[1])([y, gate])`, or write a layer
    whose `call` takes both. Checked with Keras 2.1.6, Keras 3.15 and tf_keras 2.21. State belongs in one layer, which
    writes and reads it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from graphdiag.diagnosis.claims import (
    carrying,
    layer_edges,
    one_for_each_culprit,
    with_others_from_there,
)
from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.crossings import OpEdge
from graphdiag.diagnosis.dataflow.classes import ACTIVATION
from graphdiag.diagnosis.dataflow.flow import Carries
from graphdiag.diagnosis.dataflow.op_specs import UNKNOWN, Kind, op_specs
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.phrases import some

_FIX = "Give the tensor to the layer as an input instead of closing over it."


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each op whose activations go to layers that Keras does not know of."""
    claims = carrying(open_edges, lambda edge: bool(int(edge.carries) & ACTIVATION) or _between_code(context, edge))
    stores = [(claim, store) for claim in claims for store in [_store(context, claim[1])] if store is not None]
    stored = {id(edge) for (_, edge), _ in stores}
    direct = with_others_from_there(open_edges, [claim for claim in claims if id(claim[1]) not in stored])
    waiting_code = [claim for claim in direct if _between_code(context, claim[1]) and id(claim[1]) not in stored]
    unproved = _unproved(context, [claim for claim in direct if id(claim[1]) not in stored])
    apart = {id(edge) for _, edge in (*waiting_code, *unproved)} | stored
    flowing = [claim for claim in direct if id(claim[1]) not in apart]
    in_keras = set(context.layers.edges) if context.layers else set()
    yield from one_for_each_culprit(
        RULE,
        context,
        waiting_code,
        lambda culprit, count: (
            f"{layer_edges(count, 'leads', 'lead')} from Python code ({culprit}) to Python code of another layer, "
            f"which runs after it: what the one keeps, the other may find. The graph cannot tell."
        ),
        "Return the tensor from the first layer, and give it to the second as an input; or keep nothing in the code.",
    )
    yield from one_for_each_culprit(
        RULE,
        context,
        unproved,
        lambda culprit, count: (
            f"{layer_edges(count, 'may carry', 'may carry')} activations from {culprit}, and the model has no such "
            f"edge{'' if count == 1 else 's'}: what {some(_unknown_before(context, culprit))} gives is not known, so "
            f"it is taken to pass on all that it takes."
        ),
        _FIX,
    )
    yield from one_for_each_culprit(
        RULE,
        context,
        [claim for claim in flowing if claim[0] not in in_keras],
        lambda culprit, count: (
            f"{layer_edges(count)} from {culprit} {'carries' if count == 1 else 'carry'} activations, and the model "
            f"has no such edge{'' if count == 1 else 's'}: the dependency is real and hidden from Keras."
        ),
        _FIX,
    )
    yield from one_for_each_culprit(
        RULE,
        context,
        [claim for claim in flowing if claim[0] in in_keras],
        lambda culprit, count: (
            f"{layer_edges(count)} from {culprit} {'carries' if count == 1 else 'carry'} activations that Keras does "
            f"not give there: {'its edge' if count == 1 else 'its edges'} between these layers "
            f"{'stands' if count == 1 else 'stand'} for another output, or for another call. The dependency is real "
            f"and hidden from Keras."
        ),
        _FIX,
    )
    later = frozenset(context.flow.stores_for_next_call)
    groups: dict[tuple[int | None, bool, str], list[tuple[Pair, OpEdge]]] = defaultdict(list)
    for (pair, edge), store in stores:
        groups[context.flow.stored_in[store], store in later, pair[0]].append((pair, edge))
    claimed = {id(edge) for _, edge in direct} | stored
    for (state, in_next_call, writer), group in groups.items():
        left = [claim for claim in open_edges if id(claim[1]) not in claimed]
        waiting = [claim for claim in with_others_from_there(left, group) if claim[1].control]
        # A variable that lies in another layer's scope is drawn as if it led from there to the op that writes to it.
        handles = [claim for claim in left if claim[0][1] == writer and _is_no_read(context, state, claim[1])]
        claimed |= {id(edge) for _, edge in (*waiting, *handles)}
        yield _through_state(context, state, in_next_call, writer, [*group, *waiting], handles)


def _between_code(context: DiagnosisContext, edge: OpEdge) -> bool:
    """Whether both ops may run code outside of the graph, and one waits for the other."""
    return edge.control and edge.target in context.flow.runs_code and edge.source in context.flow.runs_code


def _unproved(context: DiagnosisContext, claims: OpenEdges) -> OpenEdges:
    """Op edges to which activations lead only through ops that graphdiag does not know."""
    unknown = _unknown(context)
    if not unknown:
        return []
    ops, flow = context.ops, context.flow
    order, offsets = ops.by_source
    fed = {Kind.FEED, Kind.OUTSIDE, Kind.FOREIGN, Kind.READ_STATE, Kind.DEQUEUE, Kind.READS}
    are_fed = ops.of_types(lambda op_type: op_specs().get(op_type, UNKNOWN).kind in fed)
    waiting: list[int] = np.flatnonzero(are_fed & ((flow.classes & int(Carries.ACTIVATION)) != 0)).tolist()
    reached = set(waiting)
    while waiting:
        row = waiting.pop()
        for edge in order[offsets[row] : offsets[row + 1]].tolist():
            target = int(ops.target[edge])
            if target in reached or target in unknown or not flow.values[target] & int(Carries.ACTIVATION):
                continue
            if flow.over(row, int(ops.output[edge]), ops.types[target]) & Carries.ACTIVATION:
                reached.add(target)
                waiting.append(target)
    return [(pair, edge) for pair, edge in claims if edge.source not in reached and not edge.control]


def _unknown(context: DiagnosisContext) -> set[int]:
    """Rows of the ops of types that graphdiag does not know, and that are no functions of the library."""
    known, functions = op_specs(), context.ops.functions
    return set(context.ops.rows_of_types(lambda op_type: op_type not in known and op_type not in functions))


def _unknown_before(context: DiagnosisContext, culprit: str) -> Sequence[str]:
    """The unknown ops that a tensor comes from, each with its type."""
    ops, unknown = context.ops, _unknown(context)
    waiting = [ops.index[culprit]]
    seen = set(waiting)
    found = []
    while waiting:
        row = waiting.pop()
        if row in unknown:
            found.append(f"{ops.names[row]} ({ops.types[row]})")
            continue
        for edge in range(int(ops.in_edges[row]), int(ops.in_edges[row + 1])):
            source = int(ops.source[edge])
            if source not in seen and ops.output[edge] != CONTROL:
                seen.add(source)
                waiting.append(source)
    return found


def _store(context: DiagnosisContext, edge: OpEdge) -> tuple[int, int] | None:
    """The write and the read of a state over which an op edge leads; ``None`` for one that leads from op to op."""
    if not edge.carries & Carries.ACTIVATION:
        return None
    way = (edge.source, *edge.through, edge.target)
    return next((pair for pair in pairwise(way) if pair in context.flow.stored_in), None)


def _is_no_read(context: DiagnosisContext, state: int | None, edge: OpEdge) -> bool:
    """Whether an op takes a variable only to write to it."""
    return (
        edge.source == state
        and state in context.flow.touches
        and (edge.target not in context.flow.touches[state].readers)
    )


def _through_state(
    context: DiagnosisContext,
    state: int | None,
    in_next_call: bool,
    writer: str,
    group: OpenEdges,
    handles: OpenEdges,
) -> Found:
    readers = sorted({target for (_, target), _ in group})
    takes = "s" if len(readers) == 1 else ""
    both_ways = False
    if state is None:
        ops = list(dict.fromkeys(context.ops.names[row] for _, edge in group for row in (edge.source, edge.target)))
        where = f"outside of the graph, in Python code or a file ({some(ops)})"
        culprits = tuple(ops)
        runs_code = context.flow.runs_code
        both_ways = any(edge.source in runs_code and edge.target in runs_code for _, edge in group)
    else:
        owners = [layer for layer in context.ownership.trackers.get(state, ()) if layer != writer]
        is_anothers = owners and writer not in context.ownership.trackers[state]
        where = f"in {context.ops.names[state]}" + (f", a variable of {owners[0]}" if is_anothers else "")
        culprits = (context.ops.names[state],)
    if in_next_call:
        how = (
            f"{some(readers)} read{takes} it before {writer} writes to it, so what {writer} stores arrives in the next "
            "call"
        )
    elif both_ways:
        how = f"{some(readers)} may find them there, as {writer} may in the next call what {some(readers)} keep{takes}"
    else:
        how = f"{some(readers)} may find them there"
    return finding(
        RULE,
        context,
        claims=group,
        message=(f"{writer} stores activations {where}, and {how}: the dependency is real and hidden from Keras."),
        fix=(
            "Keep the state in one layer that both writes and reads it, or make it an output of the model and an "
            "input of the next call."
            if in_next_call
            else f"Return the tensor from {writer}, and give it to the layer as an input."
        ),
        culprits=culprits,
        besides=handles,
    )


RULE = Rule("GD301", "hidden-dependency", Verdict.HIDDEN, Blame.MODEL, Severity.ERROR, find, __name__)
