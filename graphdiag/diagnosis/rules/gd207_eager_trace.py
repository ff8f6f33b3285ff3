"""GD207 eager-trace: a heap of single ops instead of the model.

What it finds
    Traces in which each function graph is one kernel: its arguments, one op, its results.

Why it matters
    TensorBoard shows dozens of boxes (`MatMul`, `BiasAdd`, `ReadVariableOp`) that nothing joins, and no layer. The
    model seems to be in pieces.

Cause
    `tf.summary.trace_on(graph=True)` records the functions that run. A model that is called eagerly runs no function:
    TensorFlow traces each of its ops by itself, and only those that were not run before.

Proof
    Each graph of the trace has a single op beside its `_Arg` and `_Retval`.

Example
    `graph_2/a`, `graph_2/b` -> `graph_2/MatMul` -> `graph_2/product_RetVal`

Fix
    Call the model inside a `tf.function` (TensorFlow 2): `model(x)` once, so that its variables are there, `call =
    tf.function(model)`, `tf.summary.trace_on(graph=True)`, `call(x)`, `tf.summary.trace_export("model", step=0)`.
    Checked with TensorFlow 2.21 and Keras 3.15.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fix_code import TRACE_CODE
from graphdiag.diagnosis.fixes import TRACE_A_CALL
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.diagnosis.traces import eager_kernels
from graphdiag.phrases import some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for the whole trace."""
    kernels = eager_kernels(context.ops)
    if not kernels or context.is_own_trace:
        return
    types = Counter(context.ops.types[row] for row in kernels)
    listed = some([f"{op_type} ({count})" if count > 1 else op_type for op_type, count in types.most_common(4)], 4)
    graphs = (
        "The graph of this trace is a single op"
        if len(kernels) == 1
        else (f"Each of the {len(kernels)} graphs of this trace is a single op")
    )
    yield finding(
        RULE,
        context,
        f"{graphs} ({listed}): the model was called eagerly, so TensorFlow traced each op by itself, and nothing joins "
        f"them. No layer of the model can be seen.",
        TRACE_A_CALL,
        fix_code=TRACE_CODE,
        culprits=[context.ops.names[row] for row in kernels][:20],
    )


RULE = Rule("GD207", "eager-trace", Verdict.MISSING, Blame.TENSORFLOW, Severity.NOTE, find, __name__, rank=-1)
