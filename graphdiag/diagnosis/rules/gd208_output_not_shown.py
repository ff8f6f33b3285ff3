"""GD208 output-not-shown: an output of the model that no arrow shows.

What it finds
    Outputs of the model whose layer also feeds other layers, in graphs that do not mark outputs: graphs of TensorFlow
    1, and the conceptual graph of the Keras model.

Why it matters
    The layer looks like any other on the way, and the output seems to be lost: the second result of a GRU, say.

Cause
    TensorBoard draws what goes from op to op. An output goes nowhere; only a traced function has ops for what it
    returns (`Identity`, `_Retval`).

Proof
    Keras's record of the model's outputs, and the layers that each feeds.

Example
    `keras.Model(x, [out, state])`, where `gru` gives `state` and feeds `out`

Fix
    None is needed: the output is there. A traced call shows what it returns (TensorFlow 2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.phrases import some

_ORDINALS = ("first", "second", "third", "fourth")


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for all outputs that are not shown."""
    layers, view = context.layers, context.view
    if layers is None or view is None or "_Retval" in context.ops.types:
        return
    feeds: dict[str, list[str]] = defaultdict(list)
    for source, target in layers.edges:
        feeds[source].append(target)
    hidden = [tensor for tensor in layers.output_tensors if feeds[tensor.layer]]
    if not hidden:
        return
    said = []
    for tensor in dict.fromkeys(hidden):
        number = _ORDINALS[tensor.output] if tensor.output < len(_ORDINALS) else f"{tensor.output + 1}th"
        said.append(f"the {number} result of {tensor.layer}, which feeds {some(feeds[tensor.layer])} as well")
    one = len(said) == 1
    where = "the op graph" if len(context.ops) else "the conceptual graph"
    yield finding(
        RULE,
        context,
        f"{len(said)} output{'' if one else 's'} of the model {'is' if one else 'are'} not shown in {where}: "
        f"{some(said)}. TensorBoard marks no outputs there.",
        "None is needed: the model gives them. A traced call shows what it returns (TensorFlow 2).",
        culprits=list(dict.fromkeys(tensor.layer for tensor in hidden)),
        counted=False,
    )


RULE = Rule("GD208", "output-not-shown", Verdict.MISSING, Blame.TENSORBOARD, Severity.NOTE, find, __name__, rank=1)
