"""GD101 shared-learning-phase: one bool feeds every layer that behaves differently in training.

What it finds
    Drawn edges from one layer to others over which only Keras's learning phase flows: a scalar bool that says
    whether the model is training.

Why it matters
    TensorBoard shows the first BatchNormalization, Dropout or recurrent layer feeding every other such layer. The
    model has no such edges; `model.summary()` and `plot_model` are right. And because the layer's out-degree is now
    high, TensorBoard may move it to "Auxiliary Nodes", which breaks the main chain on screen.

Cause
    `K.learning_phase()` makes one placeholder for each graph, when it is first asked for. In Keras up to 2.2, and in
    the tf.keras of TensorFlow 1.x, that happens inside the name scope of the first layer that asks, so the op is
    drawn inside that layer's box. Every later `Switch` or `cond` of other layers reads it from there.

Proof
    The tensor is a scalar feed that is not an input of the model and that depends on no input and on no variable.

Example
    `batchnorm_0_0/keras_learning_phase -> batchnorm_1_0/cond/Switch`

Fix
    Ask for the learning phase once before the first layer is built: the op then lies at the root, in nobody's box.
    Keras 2.0 to 2.2: `from keras import backend as K; K.learning_phase()`. TensorFlow 1.x:
    `tf.keras.backend.learning_phase()`. Checked with Keras 2.1.6 on TensorFlow 1.10. Keras 3 has no such op.

Reported upstream
    tensorboard#1514, keras#9896, deep-learning-models#79, tensorflow#17985, Stack Overflow 52586853
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from graphdiag.diagnosis.claims import edge_count, layer_edges
from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.dataflow.flow import LEARNING_PHASE, Carries, is_scalar
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fixes import repaired
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.graphs.node_attributes import DT_BOOL, dtype_of


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each learning-phase op that sits in a layer's scope."""
    by_culprit: dict[int, list[int]] = defaultdict(list)
    for position, (_, edge) in enumerate(open_edges):
        if edge.carries != Carries.FLAG or edge.control:
            continue
        feeds = context.feeds_of(edge.source)
        if len(feeds) == 1:
            (feed,) = feeds
            # A flag that a layer derives from a learning phase at the root is that layer's own doing, not Keras's.
            at_home = context.ownership.of_op[feed] == context.ownership.of_op[edge.source]
            if at_home and LEARNING_PHASE.fullmatch(context.ops.names[feed]):
                by_culprit[feed].append(position)
    for feed, positions in sorted(by_culprit.items()):
        claims = [open_edges[position] for position in positions]
        culprit = context.ops.names[feed]
        yield finding(
            RULE,
            context,
            message=(
                f"{layer_edges(edge_count(context, claims), 'comes', 'come')} from one op, {culprit}: "
                f"{_what(context, feed)} that depends on no input and no variable, so nothing that "
                f"{context.ownership.owner(feed)} computes crosses. Keras made the op inside the scope of the first "
                f"layer that asked for the learning phase."
            ),
            fix=_fix(context),
            culprits=[culprit],
            claims=claims,
        )


def _what(context: DiagnosisContext, feed: int) -> str:
    """``a scalar bool``, as far as the graph records it."""
    is_bool = dtype_of(context.ops.node_defs[feed]) == DT_BOOL
    return f"a {'scalar ' if is_scalar(context.ops, feed) else ''}{'bool' if is_bool else 'feed'}"


def _fix(context: DiagnosisContext) -> str:
    version = context.layers.keras_version if context.layers else ""
    if version.endswith("-tf"):
        call, where = "tf.keras.backend.learning_phase()", "tf.keras of TensorFlow 1.x"
    elif version:
        call, where = "K.learning_phase()", "Keras 2.0 to 2.2"
    else:
        call, where = "K.learning_phase()", "Keras 2.0 to 2.2, tf.keras of TensorFlow 1.x"
    return (
        f"Call {call} once before the first layer is built; the op then lies at the root ({where}). "
        f"{repaired('with the op at the root')}"
    )


RULE = Rule("GD101", "shared-learning-phase", Verdict.ARTIFACT, Blame.KERAS, Severity.WARNING, find, __name__)
