"""GD405 frozen-variables: the weights are constants, because the graph was frozen.

What it finds
    Graphs in which variables were turned into constants: a `Const` with an `Identity` called `read` behind it
    (TensorFlow 1), or one that feeds an `Identity` called `ReadVariableOp` (TensorFlow 2).

Why it matters
    Weights look like constants that somebody put into the model, and where the scope of a layer's variables is not that
    of its ops, arrows of constants lead from one box to another. They are the layers' weights.

Cause
    `freeze_graph`, `convert_variables_to_constants` and exporters of frozen graphs replace each variable by a `Const`
    of its value, under its name.

Proof
    The names that are left of the variables: `kernel` and `kernel/read`, `MatMul/ReadVariableOp/resource`; and no
    variable is left.

Example
    `conv/kernel` (`Const`) and `conv/kernel/read` (`Identity`)

Fix
    None is needed: it is what freezing does. The graph before it was frozen has the variables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graphdiag.diagnosis.claims import edges_of
from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.dataflow.flow import Carries
from graphdiag.diagnosis.dataflow.op_specs import VARIABLES
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.phrases import counted, some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for all weights that are constants."""
    if any(op_type in VARIABLES for op_type in context.ops.type_names):
        return
    frozen = _frozen(context)
    if not frozen:
        return
    of_weights = {*frozen, *frozen.values()}
    claims = [
        (pair, edge)
        for pair, edge in open_edges
        if not edge.control and edge.carries == Carries.CONSTANT and edge.source in of_weights
    ]
    names = [context.ops.names[row] for row in frozen.values()]
    one = len(names) == 1
    message = (
        f"{counted(len(names), 'weight')} ({some(names)}) {'is a constant' if one else 'are constants'}: the graph was "
        f"frozen, which puts a Const in the place of each variable."
    )
    pairs = edges_of(claims)
    if pairs:
        message += (
            f" {counted(len(pairs), 'edge')} between boxes ({some([f'{left} -> {right}' for left, right in pairs])}) "
            f"carr{'ies' if len(pairs) == 1 else 'y'} such weights and nothing else."
        )
    yield finding(
        RULE,
        context,
        message,
        "None is needed: freezing does this. The graph before it was frozen has the variables.",
        claims=claims,
        culprits=names[:20],
    )


def _frozen(context: DiagnosisContext) -> Mapping[int, int]:
    """The ops that read a variable which is a constant now, each with that constant."""
    ops = context.ops
    found: dict[int, int] = {}
    for row in ops.rows_of_types("Identity".__eq__):
        first, last = int(ops.in_edges[row]), int(ops.in_edges[row + 1])
        data = [int(ops.source[edge]) for edge in range(first, last) if ops.output[edge] != CONTROL]
        if len(data) != 1 or ops.types[data[0]] != "Const":
            continue
        scope, _, leaf = ops.names[row].rpartition("/")
        if (leaf == "read" and ops.names[data[0]] == scope) or leaf.startswith("ReadVariableOp"):
            found[row] = data[0]
    return found


# Before GD105, which knows no variables.
RULE = Rule(
    "GD405",
    "frozen-variables",
    Verdict.LEFTOVER,
    Blame.TENSORFLOW,
    Severity.NOTE,
    find,
    __name__,
    claim_order=-1,
    rank=1,
)
