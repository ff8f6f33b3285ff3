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

import re
from collections.abc import Iterator

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fixes import repaired
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.diagnosis.tensorboard_view import TensorBoardView
from graphdiag.phrases import some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """The failure, if there is one."""
    view = context.view
    if view is None or not view.conceptual_failure:
        return
    edges = tuple(context.layers.edges) if context.layers else ()
    given = [f"{name} the number {number}" for name, _, number in _given_numbers(view)]
    numbers = some(given) if re.match("'(float|int)'", view.conceptual_failure) else ""
    yield finding(
        RULE,
        context,
        message=(
            f"TensorBoard {'will fail' if view.live else 'fails'} to make a conceptual graph of this model: "
            f"{view.conceptual_failure}. None of its {len(edges)} layer edges is shown there."
            + (f" It expects a tensor in each argument of a layer, and the model gives {numbers}." if numbers else "")
        ),
        fix=_fix(view),
        culprits=("keras",),
        edges=edges,
        counted=False,
    )


def _given_numbers(view: TensorBoardView) -> list[tuple[str, str, float]]:
    """Layers that are given a number where TensorBoard expects a tensor: name, class and the first such number."""
    found = []
    config = (view.keras_json or {}).get("config")
    for layer in config.get("layers", ()) if isinstance(config, dict) else ():
        nodes = layer.get("inbound_nodes") if isinstance(layer, dict) else None
        for node in nodes if isinstance(nodes, list) else ():
            arguments = node.get("args", ()) if isinstance(node, dict) else ()
            numbers = [value for value in arguments if isinstance(value, int | float) and not isinstance(value, bool)]
            if numbers:
                found.append((str(layer.get("name", "")), str(layer.get("class_name", "")), numbers[0]))
    return found


def _fix(view: TensorBoardView) -> str:
    better = repaired("of layers in the shape that TensorBoard reads")
    scaled = next(((name, by) for name, class_name, by in _given_numbers(view) if class_name == "Multiply"), None)
    if scaled is not None:
        return f"Put the number of {scaled[0]} into a layer: layers.Rescaling({scaled[1]}) (Keras 3). {better}"
    return better


RULE = Rule(
    "GD202", "conceptual-graph-fails", Verdict.MISSING, Blame.TENSORBOARD, Severity.NOTE, find, __name__, rank=1
)
