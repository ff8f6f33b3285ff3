"""GD113 rewritten-graph: a tool changed the graph after the model was built.

What it finds
    Ops that a rewriter put into the graph: TensorFlow 1's quantizer (`FakeQuant*` in `weights_quant` and `act_quant`,
    `BatchNorm_Fold`) and pruner (`masked_weight`), quantized ops and folded constants of the Graph Transform Tool
    (`.._eightbit`, `..__cf__3`), ops of grappler's optimizers, and ops that were fused into one (`_FusedConv2D`); and
    the edges between layers that lead into or out of such ops.

Why it matters
    The picture has arrows that the model does not have, and lacks some that it has. Activations and weights do flow
    over them: the graph computes what the rewriter made of the model. No closure in the model's code is the reason.

Cause
    A rewriter works on the graph's ops and knows no layers: it gives a batch normalization's statistics to the
    convolution before it, and puts its ops into the scope of whatever layer they change.

Proof
    The ops have the types and names that the rewriter gives, and each edge that is reported begins or ends at one of
    them, or runs through one.

Example
    `bn/FusedBatchNormV3 -> cv/BatchNorm_Fold/mul_1`

Fix
    Look at the graph as it was before: write the log before the rewriter is called (TensorFlow 1.15: before
    `tf.contrib.quantize.create_training_graph`; or before `TransformGraph`). Or accept the edges; they are the
    rewriter's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from graphdiag.diagnosis.claims import edges_of
from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rewriting import FUSED, OPTIMIZED, PRUNED, QUANTIZED, TRANSFORMED
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.keras_facts import always_computes
from graphdiag.phrases import counted, some

_TELLING = re.compile("FakeQuant|Quantize|Dequantize|_Fused|_Mkl")

_WHO = {
    QUANTIZED: "A quantizer",
    TRANSFORMED: "A quantizer",
    FUSED: "An optimizer of graphs that fuses ops",
    OPTIMIZED: "An optimizer of graphs",
}
_BEFORE = {
    QUANTIZED: "before the quantizer is called (TensorFlow 1.15: tf.contrib.quantize.create_training_graph)",
    TRANSFORMED: "before the graph is quantized",
    FUSED: "before the graph is optimized",
    OPTIMIZED: "before the graph is optimized",
}


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each kind of rewriter."""
    rewritten = context.rewritten
    lost = context.rerouted
    for kind in dict.fromkeys(rewritten.values()):
        rows = [row for row, what in rewritten.items() if what == kind]
        mine = set(rows)
        edges = [
            (pair, edge)
            for pair, edge in context.made_by_rewriters
            if edge.source in mine or edge.target in mine or mine.intersection(edge.through)
        ]
        if context.layers is not None and kind in (QUANTIZED, PRUNED) and not edges and not lost:
            # The user's own layers may quantize: then Keras knows of it.
            continue
        types = Counter(context.ops.types[row] for row in rows if context.ops.types[row] not in ("Const", "Identity"))
        types = types or Counter(context.ops.types[row] for row in rows)
        telling = [op_type for op_type in types if _TELLING.match(op_type)]
        made = some(telling or [op_type for op_type, _ in types.most_common(3)])
        if kind == PRUNED:
            names = some([context.ops.names[row] for row in rows])
            message = f"Weights are pruned in this graph: {counted(len(rows), 'op')} ({names}) multiply them by masks."
            fix = "None is needed: the masks belong to the layers whose weights they prune."
        else:
            message = f"{_WHO[kind]} changed this graph after the model was built: {counted(len(rows), 'op')}"
            message += f" (as {made}) {'is' if len(rows) == 1 else 'are'} its own."
            fix = f"Write the log {_BEFORE[kind]}, and compare that; or accept what the rewriter made."
        pairs = edges_of(edges)
        if pairs:
            listed = some([f"{source} -> {target}" for source, target in pairs])
            message += (
                f" Into or out of them lead{'s' if len(pairs) == 1 else ''} {counted(len(pairs), 'edge')} that the "
                f"model does not have ({listed}); the rewriter made {'it' if len(pairs) == 1 else 'them'}, not a "
                f"closure in your code, and what flows there is real."
            )
        gone = _fused(context) if kind == FUSED else ()
        if gone:
            message += (
                f" {some(gone)} {'has' if len(gone) == 1 else 'have'} no op any more: what "
                f"{'it computes' if len(gone) == 1 else 'they compute'} is part of others."
            )
        if lost:
            listed = some([f"{source} -> {target}" for source, target in lost])
            message += f" Instead of {listed} the way leads through them."
        yield finding(
            RULE,
            context,
            message=message,
            fix=fix,
            seen=[edge for _, edge in edges],
            culprits=sorted({context.ops.names[row].rpartition("/")[0] or context.ops.names[row] for row in rows})[:20],
            edges=(*pairs, *lost),
        )
        lost = ()


def _fused(context: DiagnosisContext) -> Sequence[str]:
    """Layers that compute something and have no op."""
    if context.layers is None:
        return ()
    layers = context.layers.layers
    return [id_ for id_ in sorted(context.without_ops) if always_computes(layers[id_].class_name)]


RULE = Rule("GD113", "rewritten-graph", Verdict.LEFTOVER, Blame.TENSORFLOW, Severity.NOTE, find, __name__)
