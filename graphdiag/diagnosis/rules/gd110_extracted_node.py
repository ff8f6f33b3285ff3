"""GD110 extracted-node: a layer stands under "Auxiliary Nodes" instead of in the main chain.

What it finds
    Layers whose box TensorBoard pulls out of the layout, with the reason, and the chain of layers that is broken on
    screen by it.

Why it matters
    The main graph seems to begin, or to be cut, where the layer should be.

Cause
    In a root of many nodes TensorBoard extracts nodes whose in- or out-degree is far above the others', so that the
    layout stays readable. An artifact may be what makes the degree high: in the reference model GD101 does.

Proof
    The rule and the numbers are TensorBoard's own (`tf_graph_common/render.ts`).

Example
    `batchnorm_0_0`: out-degree 10 > 4; without the artifacts it would be 1.

Fix
    In TensorBoard, click the node and choose "Add to main graph". Where an artifact is the reason, fix that.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.crossings import OpEdge
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.phrases import some


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each extracted box that is a layer's."""
    view = context.view
    if view is None or view.drawn is None:
        return
    extractions = view.drawn.root.extractions
    followers = [name for name, extraction in extractions.items() if extraction.rule == "isolated"]
    for name, extraction in extractions.items():
        layers = _layers_in(context, name)
        if not layers or (extraction.rule == "isolated" and len(followers) < len(extractions)):
            continue
        chain = _chain(context, layers)
        message = f"TensorBoard moved {name} to 'Auxiliary Nodes' ({extraction.why})"
        if chain:
            message += f", which breaks {some([' -> '.join(link) for link in chain], shown=1)} on screen"
        message += "."
        if followers and extraction.rule != "isolated":
            message += f" {some(followers)} went with it: nothing else joins {'it' if len(followers) == 1 else 'them'}."
            followers = []
        fix = "In TensorBoard, click the node and choose 'Add to main graph'."
        if extraction.rule in ("out-degree", "in-degree") and not extraction.control:
            without = _degree_without_artifacts(context, name, outward=extraction.rule == "out-degree")
            if without < extraction.degree:
                fits = "" if without > extraction.limit else ", and it would stay where it belongs"
                message += f" Without the artifacts its {extraction.rule} would be {without}{fits}."
                fix = "Fix the artifact. Until then, click the node in TensorBoard and choose 'Add to main graph'."
        yield finding(
            RULE,
            context,
            message=message,
            fix=fix,
            culprits=(name,),
            edges=tuple(dict.fromkeys(edge for link in chain for edge in pairwise(link))),
        )


def _layers_in(context: DiagnosisContext, box: str) -> list[str]:
    """Layers that have ops in a box of the root."""
    assert context.view is not None
    owners: dict[str, None] = {}
    for row, top in enumerate(context.view.box_of_row):
        if top == box:
            owner = context.ownership.owner(row)
            if owner is not None:
                owners.setdefault(owner)
    return list(owners)


def _chain(context: DiagnosisContext, layers: list[str]) -> list[tuple[str, ...]]:
    """The paths of Keras edges through the extracted layer: before, it, after."""
    if context.layers is None or len(layers) != 1:
        return []
    layer = layers[0]
    before = [source for source, target in context.layers.edges if target == layer]
    after = [target for source, target in context.layers.edges if source == layer]
    if before and after:
        return [(source, layer, target) for source in before for target in after]
    return [(source, layer) for source in before] or [(layer, target) for target in after]


def _degree_without_artifacts(context: DiagnosisContext, box: str, outward: bool) -> int:
    """How many boxes a box would be joined with if only real edges were drawn."""
    assert context.view is not None
    boxes = context.view.box_of_row
    spurious = {(edge.source, edge.target) for _, edge in _artifacts(context)}
    joined: set[str] = set()
    for source, target, output in zip(
        context.ops.source.tolist(), context.ops.target.tolist(), context.ops.output.tolist(), strict=True
    ):
        near, far = (source, target) if outward else (target, source)
        if boxes[near] == box and boxes[far] not in ("", box) and output >= 0 and (source, target) not in spurious:
            joined.add(boxes[far])
    return len(joined)


def _artifacts(context: DiagnosisContext) -> Iterator[tuple[Pair, OpEdge]]:
    from graphdiag.diagnosis.context import REAL

    for pair, edges in context.unexplained.items():
        for edge in edges:
            if not edge.carries & REAL:
                yield pair, edge


RULE = Rule("GD110", "extracted-node", Verdict.MISPLACED, Blame.TENSORBOARD, Severity.NOTE, find, __name__)
