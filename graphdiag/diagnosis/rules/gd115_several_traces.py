"""GD115 several-traces: one tag holds several graphs, drawn side by side.

What it finds
    Traces under one tag that hold more than one graph: which of them are the same function, and which are single ops
    that ran eagerly.

Why it matters
    The model stands on screen several times, or beside graphs that have nothing to do with it; nothing joins them, and
    TensorBoard draws no control dependencies in any of them.

Cause
    `tf.summary.trace_on(graph=True)` records every function that runs until `tf.summary.trace_export`; and a
    `tf.function` is traced anew for each shape and type of its arguments. TensorBoard puts them all into one picture,
    as `graph_1`, `graph_2` and so on.

Proof
    The graphs that the tag holds, and their ops.

Example
    `graph_1/dense/MatMul` and `graph_2/dense/MatMul`

Fix
    Run one function, on arguments of one shape, between `tf.summary.trace_on(graph=True)` and
    `tf.summary.trace_export` (TensorFlow 2). Call the model once before, outside of the function, or what makes its
    variables is traced as well; the function itself must run for the first time. Checked with TensorFlow 2.21.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.diagnosis.traces import graphs_of, single_ops
from graphdiag.phrases import counted, some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for all graphs of the tag."""
    graphs = graphs_of(context.ops)
    singles = single_ops(context.ops)
    if len(graphs) < 2 or len(singles) == len(graphs):
        return
    names = list(graphs)
    message = f"The tag holds {counted(len(graphs), 'graph')}, drawn side by side as {_listed(names)}."
    types = list(dict.fromkeys(context.ops.types[row] for row in singles.values()))
    if singles:
        message += (
            f" {len(singles)} of them {'is a single op' if len(singles) == 1 else 'are single ops'} ({some(types)}) "
            f"that ran eagerly, outside of every tf.function."
        )
    functions = [name for name in names if name not in singles]
    alike: dict[Sequence[tuple[str, str]], list[str]] = defaultdict(list)
    for name in functions:
        ops = ((context.ops.names[row][len(name) :], context.ops.types[row]) for row in graphs[name])
        alike[tuple(sorted(ops))].append(name)
    for same in [same for same in alike.values() if len(same) > 1][:2]:
        # A function is in the trace once for each time that it ran, and is traced anew for other arguments.
        arguments = {_arguments(context, graphs[name]) for name in same}
        how = f"ran {len(same)} times" if len(arguments) == 1 else "was traced for arguments of several shapes or types"
        message += f" {some(same, 4)} have the same ops: one function that {how}."
    if len(alike) > 1:
        message += f" {len(alike)} functions ran ({_listed(functions)})."
    elif singles and len(functions) == 1:
        message += f" {functions[0]} is the one function that ran."
    fix = "Run one function, on arguments of one shape, between tf.summary.trace_on and trace_export (TensorFlow 2)."
    if singles and types == ["_EagerConst"] and len(functions) == 1:
        fix = "None is needed: the single ops are constants that TensorFlow made for itself."
    elif singles:
        fix = (
            "Call the model once before tf.summary.trace_on, outside of the tf.function, so that its variables are "
            "there; then let nothing run but the function, for the first time, until trace_export (TensorFlow 2)."
        )
    yield finding(RULE, context, message, fix, culprits=names[:20])


def _listed(names: Sequence[str]) -> str:
    return some(names) if len(names) < 4 else f"{names[0]} to {names[-1]}" if _follow(names) else some(names, 3)


def _follow(names: Sequence[str]) -> bool:
    """Whether the numbers of some graphs follow one another."""
    numbers = [int(name.rpartition("_")[2]) for name in names]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _arguments(context: DiagnosisContext, rows: Sequence[int]) -> Sequence[bytes]:
    """The attributes of the arguments of a graph, their shapes and types included."""
    nodes = [context.ops.node_defs[row] for row in rows if context.ops.types[row] == "_Arg"]
    return tuple(
        node.attr[key].SerializeToString(deterministic=True) for node in nodes for key in sorted(node.attr.keys())
    )


RULE = Rule("GD115", "several-traces", Verdict.MISPLACED, Blame.TENSORFLOW, Severity.NOTE, find, __name__)
