"""GD202 conceptual-graph-fails: "Graph visualization failed", or a traceback in TensorBoard's log.

What it finds
    Keras models whose JSON TensorBoard's server cannot turn into a conceptual graph.

Why it matters
    The page shows an error, or nothing at all, and the model looks broken.

Cause
    TensorBoard 2.21 expects a tensor in every argument of a layer: a Keras 3 model with a raw op and a Python number
    (`h * 2.0`) ends in `'float' object has no attribute 'get'`. And it expects a mapping in `config`: a Sequential
    model of Keras 2.1 ends in `'list' object has no attribute 'get'`.

Proof
    TensorBoard's own reading of the JSON (`tensorboard/plugins/graph/keras_util.py`) fails in these words.

Example
    `keras.Input((4,)) * 2.0` on Keras 3

Fix
    Look at the op graph instead. With Keras 3, put the number into a layer: `layers.Rescaling(2.0)(h)`.

Reported upstream
    tensorboard#6216, tensorboard#6686
"""

from __future__ import annotations

from collections.abc import Iterator

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fixes import repaired
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.diagnosis.tensorboard_view import TensorBoardView


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """The failure, if there is one."""
    view = context.view
    if view is None or not view.conceptual_failure:
        return
    edges = tuple(context.layers.edges) if context.layers else ()
    yield finding(
        RULE,
        context,
        message=(
            f"TensorBoard {'will fail' if view.live else 'fails'} to make a conceptual graph of this model: "
            f"{view.conceptual_failure}. None of its {len(edges)} layer edges is shown there."
        ),
        fix=_fix(view),
        culprits=("keras",),
        edges=edges,
        counted=False,
    )


def _fix(view: TensorBoardView) -> str:
    better = repaired("of layers in the shape that TensorBoard reads")
    if "'float' object" in view.conceptual_failure or "'int' object" in view.conceptual_failure:
        return f"Put the Python numbers into layers, as layers.Rescaling(2.0) (Keras 3). {better}"
    return better


RULE = Rule(
    "GD202", "conceptual-graph-fails", Verdict.MISSING, Blame.TENSORBOARD, Severity.NOTE, find, __name__, rank=1
)
