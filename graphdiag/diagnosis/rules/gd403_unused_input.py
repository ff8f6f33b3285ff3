"""GD403 unused-input: an input of the model reaches no output.

What it finds
    Inputs of the model from which no path leads to any of its outputs; without a layer graph, placeholders and
    arguments of a traced function that no op takes, and arguments of a traced function from which no path leads to what
    it returns or writes. In other graphs without a layer graph outputs are not marked, so only inputs that no op takes
    can be told.

Why it matters
    The box stands apart, or a branch that begins at it leads nowhere. What is fed there changes nothing.

Cause
    The input was given to `keras.Model(inputs=...)`, and what is computed from it was not made an output, nor used on
    the way to one. A functional model keeps all its inputs, but only the calls on the paths to its outputs.

Proof
    No path of Keras's edges leads from the input to an output.

Example
    `keras.Model([left, middle, right], [total, side])`, where `middle` is in neither

Fix
    Leave the input out of `keras.Model(inputs=...)` (Keras 2 and 3), or use what is computed from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.dataflow.op_specs import UNKNOWN, Kind, op_specs
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.model_inputs import FEEDS
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.diagnosis.traces import graphs_of, rows_of_single_ops
from graphdiag.graphs.node_attributes import DT_RESOURCE, dtype_of
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.keras_facts import LOSS_ENDS
from graphdiag.phrases import some

_MAY_WRITE = (Kind.UNKNOWN, Kind.WRITES, Kind.FOREIGN, Kind.CALLS, Kind.BRANCHES, Kind.LOOPS)
"""Kinds of ops that may write somewhere, or run what does."""


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for all inputs that reach no output."""
    if context.layers is None:
        unused = _unread_feeds(context)
        if unused:
            one = len(unused) == 1
            yield finding(
                RULE,
                context,
                f"{some(unused, 5)} {'is an input' if one else 'are inputs'} of the graph that no op takes: what is "
                f"fed there changes nothing.",
                f"Leave {'it' if one else 'them'} out where the graph is built, or use {'it' if one else 'them'}.",
                culprits=unused,
            )
        dropped = _not_returned(context)
        if dropped:
            one = len(dropped) == 1
            yield finding(
                RULE,
                context,
                f"{some(dropped, 5)} {'is an argument' if one else 'are arguments'} of the traced function, and no "
                f"path leads from {'it' if one else 'them'} to anything that it returns or writes.",
                f"Leave {'it' if one else 'them'} out of the function, or return what is computed from "
                f"{'it' if one else 'them'}.",
                culprits=dropped,
            )
        return
    unused = _without_output(context)
    if not unused:
        return
    one = len(unused) == 1
    message = (
        f"{some(unused)} {'is an input' if one else 'are inputs'} of the model, and no path leads from "
        f"{'it' if one else 'them'} to an output ({some(list(context.layers.outputs), 4)}): what is fed there changes "
        f"no output."
    )
    takers = _takers(context, unused)
    if takers:
        message += (
            f" In the graph {some(takers)} {'is' if len(takers) == 1 else 'are'} called on {'it' if one else 'them'}, "
            f"and the result goes nowhere."
        )
    yield finding(
        RULE,
        context,
        message,
        f"Leave {'it' if one else 'them'} out of keras.Model(inputs=...) (Keras 2 and 3), or use what is computed from "
        f"{'it' if one else 'them'}.",
        culprits=unused,
        edges=[edge for edge in context.layers.edges if edge[0] in unused],
    )


def _without_output(context: DiagnosisContext) -> Sequence[str]:
    """Inputs from which no path of Keras's edges leads to an output, or to a loss."""
    layers = context.layers
    assert layers is not None
    before: dict[str, list[str]] = defaultdict(list)
    for source, target in layers.edges:
        before[target].append(source)
    reached = {*layers.outputs, *(id_ for id_, layer in layers.layers.items() if layer.class_name in LOSS_ENDS)}
    if not layers.outputs or layers.unrecorded:
        return ()
    waiting = list(reached)
    while waiting:
        for source in before[waiting.pop()]:
            if source not in reached:
                reached.add(source)
                waiting.append(source)
    return [id_ for id_ in layers.inputs if id_ not in reached and id_ in layers.layers]


def _takers(context: DiagnosisContext, inputs: Sequence[str]) -> Sequence[str]:
    """Layers whose ops take what is fed to some inputs."""
    owners = context.ownership.owners
    numbers = {number for number, owner in enumerate(owners) if owner in inputs}
    feeds = np.isin(context.ownership.of_op, sorted(numbers))
    found: dict[str, None] = {}
    for edge in np.flatnonzero(feeds[context.ops.source]).tolist():
        owner = context.ownership.owner(int(context.ops.target[edge]))
        if owner is not None and owner not in inputs and context.ops.output[edge] != CONTROL:
            found.setdefault(owner)
    return list(found)


def _not_returned(context: DiagnosisContext) -> Sequence[str]:
    """Arguments of a traced function that some op takes, and that what leaves the function does not depend on."""
    ops, specs = context.ops, op_specs()
    if "_Retval" not in ops.type_names or len(graphs_of(ops)) > 1:
        return ()
    leaving = ops.rows_of_types(lambda op_type: op_type == "_Retval" or specs.get(op_type, UNKNOWN).kind in _MAY_WRITE)
    seen = {*leaving, *context.ownership.roles, *context.flow.runs_code}
    needed = list(seen)
    while needed:
        row = needed.pop()
        for edge in range(int(ops.in_edges[row]), int(ops.in_edges[row + 1])):
            source = int(ops.source[edge])
            if source not in seen:
                seen.add(source)
                needed.append(source)
    read = set(ops.source.tolist())
    return [
        ops.names[row]
        for row in ops.rows_of_types("_Arg".__eq__)
        if row in read and row not in seen and dtype_of(ops.node_defs[row]) != DT_RESOURCE
    ]


def _unread_feeds(context: DiagnosisContext) -> Sequence[str]:
    ops = context.ops
    read = np.zeros(len(ops), dtype=bool)
    read[ops.source] = True
    # An op that is recorded twice has its arguments twice, and takes the later ones.
    read[list(rows_of_single_ops(ops))] = True
    return [
        ops.names[row]
        # Keras 2 makes a learning phase for each graph, whether a layer asks for it or not.
        for row in ops.rows_of_types((FEEDS - {"PlaceholderWithDefault"}).__contains__)
        if not read[row] and dtype_of(ops.node_defs[row]) != DT_RESOURCE and row not in context.ownership.roles
    ]


RULE = Rule("GD403", "unused-input", Verdict.LEFTOVER, Blame.MODEL, Severity.NOTE, find, __name__)
