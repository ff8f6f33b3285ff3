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

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from graphdiag.diagnosis.context import DiagnosisContext, Pair, is_real, words_of
from graphdiag.diagnosis.crossings import DirectEdge, OpEdge
from graphdiag.diagnosis.dataflow.classes import Carries
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fixes import repaired
from graphdiag.diagnosis.handles import captured_handles
from graphdiag.diagnosis.ownership import UNOWNED
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.graphs.arrays import distinct, first_of_each, numbers_of_pairs
from graphdiag.graphs.drawn_graph import ROOT, SERIES, Extraction
from graphdiag.graphs.op_graph import CONTROL, OpGraph
from graphdiag.phrases import CARRIED, some

_ACTIVATION = Carries.ACTIVATION
_OPS_OF = "ops of "
_NEVER_HIGH = 4
"""A degree that TensorBoard never takes for high, whatever the other boxes have: one less than ``MIN_DEGREE``."""


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each extracted box that is a layer's; without a layer graph, one for all."""
    view = context.view
    if view is None or view.drawn is None:
        return
    extractions = view.drawn.root.extractions
    if not extractions:
        return
    if context.layers is None:
        yield from _without_layers(context, extractions)
        return
    followers = [name for name, extraction in extractions.items() if extraction.rule == "isolated"]
    in_box = _layers_by_box(context)
    neighbors = _Neighbors(context)
    degrees: dict[bool, Mapping[str, int]] = {}
    for_handles = view.boxes_moved_for(captured_handles(context).readers)
    for name, extraction in extractions.items():
        layers = in_box.get(name, ())
        if not layers or (extraction.rule == "isolated" and len(followers) < len(extractions)):
            continue
        if name in for_handles:
            # Those are another rule's; of a live model nothing is on screen yet.
            continue
        before, after = ([end for end in ends if end not in context.without_ops] for ends in neighbors.of(layers))
        message = f"TensorBoard {_moves(context)} {name} to 'Auxiliary Nodes' ({extraction.why})"
        if before or after:
            message += f", which breaks {_chains(before, layers[0], after)} on screen"
        message += "."
        if followers and extraction.rule != "isolated":
            goes = "would go" if _moves(context) != "moved" else "went"
            message += (
                f" {some(followers)} {goes} with it: nothing else joins {'it' if len(followers) == 1 else 'them'}."
            )
            followers = []
        fix = "In TensorBoard, click the node and choose 'Add to main graph'."
        if extraction.rule in ("out-degree", "in-degree") and not extraction.control:
            outward = extraction.rule == "out-degree"
            if outward not in degrees:
                degrees[outward] = _degrees_without_artifacts(context, outward)
            without = degrees[outward].get(name, 0)
            if without < extraction.degree:
                fits = ", and it would stay where it belongs" if without <= _NEVER_HIGH else ""
                message += f" Without the artifacts its {extraction.rule} would be {without}{fits}."
                fix = "Fix the artifact. Until then, click the node in TensorBoard and choose 'Add to main graph'."
            else:
                raised, by_bookkeeping = _raised_by(context, name, extraction)
                message += raised
                fix += f" {repaired('with one box for each kind of bookkeeping')}" if by_bookkeeping else ""
        yield finding(
            RULE,
            context,
            message=message,
            fix=fix,
            culprits=(name,),
            edges=(
                *((source, layers[0]) for source in before[:1]),
                *((layers[0], target) for target in after),
                *((source, layers[0]) for source in before[1:]),
            ),
        )


def _without_layers(context: DiagnosisContext, extractions: Mapping[str, Extraction]) -> Iterator[Found]:
    """All boxes that may be layers, in one finding: what is moved for one reason belongs together."""
    view = context.view
    assert view is not None
    assert view.drawn is not None
    for_handles = view.boxes_moved_for(captured_handles(context).readers)
    outer = {owner.partition("/")[0] for owner in context.ownership.owners}
    moved = [
        name
        for name, extraction in extractions.items()
        if name in outer and name not in for_handles and extraction.rule in ("in-degree", "out-degree")
    ]
    if not moved:
        return
    _, real = _arrows(context, moved)
    order = {name: place for place, name in enumerate(view.drawn.children(ROOT))}
    moved.sort(key=lambda name: order.get(name, 0))
    one = len(moved) == 1
    why = some([f"{name}: {extractions[name].why}" if not one else extractions[name].why for name in moved], 4)
    message = f"TensorBoard {_moves(context)} {some(moved, 6)} to 'Auxiliary Nodes' ({why})"
    if real:
        real.sort(key=lambda arrow: (order.get(arrow[0], 0), order.get(arrow[1], 0)))
        listed = some([f"{source} -> {target}" for source, target in real], 4)
        message += f", so {listed} {'is' if len(real) == 1 else 'are'} not on screen"
    message += "."
    # Bookkeeping is joined to every layer alike, so one layer stands for all.
    raised, by_bookkeeping = _raised_by(context, moved[0], extractions[moved[0]], "it" if one else moved[0])
    message += raised
    fix = "In TensorBoard, click a box and choose 'Add to main graph'."
    if raised and not by_bookkeeping and any(_artifacts(context)):
        fix = "Fix the artifact. Until then, click a box in TensorBoard and choose 'Add to main graph'."
    fix += f" {repaired('with one box for each kind of bookkeeping')}" if by_bookkeeping else ""
    yield finding(RULE, context, message=message, fix=fix, culprits=moved, edges=real)


def _moves(context: DiagnosisContext) -> str:
    """``moved``; of what is not on anybody's screen, what would happen."""
    assert context.view is not None
    return "would move" if context.view.live or context.view.imagined else "moved"


def _raised_by(context: DiagnosisContext, name: str, extraction: Extraction, it: str = "it") -> tuple[str, bool]:
    """What raises the degree of a box, where it is not the model.

    Returns:
        Sentences with a space before them, empty where it is the model; and whether bookkeeping has a part in it.
    """
    if extraction.control or extraction.rule not in ("in-degree", "out-degree"):
        return "", False
    inward = extraction.rule == "in-degree"
    arrows, real = _arrows(context, [name])
    near, far = (1, 0) if inward else (0, 1)
    order = dict.fromkeys(pair[far] for pair in sorted(arrows) if pair[near] == name)
    with_activations = {pair[far] for pair in real if pair[near] == name}
    giving = [box for box in order if box in with_activations]
    others = [box for box in order if box not in with_activations]
    if len(others) <= len(giving):
        return "", False
    serving = _boxes_of_bookkeeping(context)
    layers = [box for box in others if box not in serving]
    beside = [box for box in others if box in serving]
    said = (
        f" Of the {len(order)} boxes that {f'lead into {it}' if inward else f'{it} leads to'}, "
        f"{f'only {some(giving)}' if giving else 'none'} {'give' if inward else 'take'}"
        f"{'s' if len(giving) < 2 else ''} activations."
    )
    if beside:
        said += f" {some(beside, 4)} {'is' if len(beside) == 1 else 'are'} no part of the model."
    if layers:
        shared = _shared(context, name, layers, inward)
        said += f" {some(layers, 4)} {'is' if len(layers) == 1 else 'are'} joined to {it} by {some(shared)} only."
        beside += [kind for kind in shared if kind.startswith(_OPS_OF)]
    return said, bool(beside)


def _shared(context: DiagnosisContext, name: str, layers: Sequence[str], inward: bool) -> Sequence[str]:
    """What goes over the arrows between a box and others that no activation joins."""
    assert context.view is not None
    ops, boxes, roles = context.ops, context.view.box_rows, context.ownership.roles
    near, far = (ops.target, ops.source) if inward else (ops.source, ops.target)
    chosen = _marked(context, layers)[boxes[far]] & _marked(context, [name])[boxes[near]] & (ops.output != CONTROL)
    kinds: dict[str, None] = {}
    words: set[str] = set()
    for source, target, output in _ends(ops, chosen):
        role = roles.get(target) or roles.get(source)
        if role:
            kinds.setdefault(f"{_OPS_OF}{role}")
        else:
            carries = context.flow.over(source, output, ops.types[target])
            words.update(words_of(DirectEdge(source, target, output, carries)))
    return [*sorted(kinds), *(CARRIED[word] for word in sorted(words))]


def _boxes_of_bookkeeping(context: DiagnosisContext) -> frozenset[str]:
    """The boxes of the root in which no layer's op stands, and ops of training, saving and the like do."""
    assert context.view is not None
    boxes = context.view.box_rows
    serves = context.ownership.has_role
    in_layers = np.flatnonzero((boxes >= 0) & ~serves)
    in_layers = in_layers[_in_own_box(context, in_layers)]
    return frozenset(context.view.boxes_of(np.flatnonzero((boxes >= 0) & serves).tolist())) - frozenset(
        context.view.boxes_of(in_layers.tolist())
    )


def _in_own_box(context: DiagnosisContext, rows: np.ndarray) -> np.ndarray:
    """Whether each op is drawn in the box that its name begins with. A constant is drawn beside what takes it."""
    assert context.view is not None
    assert context.view.drawn is not None
    boxes, scopes, drawn_names = context.view.box_rows[rows], context.ops.scopes, context.view.drawn.names
    around = scopes.at_depth(1)[scopes.of_op[rows]]
    # Ops of one outer scope in one box are all alike; an op outside of all scopes is looked at for itself.
    places = np.where(around > 0, numbers_of_pairs(around, boxes, len(drawn_names)), -1 - rows)
    first, which = first_of_each(places)
    answers = [
        context.ops.names[row].partition("/")[0] == drawn_names[box]
        for row, box in zip(rows[first].tolist(), boxes[first].tolist(), strict=True)
    ]
    found: np.ndarray = np.array(answers, dtype=bool)[which]
    return found


def _marked(context: DiagnosisContext, boxes: Iterable[str]) -> np.ndarray:
    """Which rows of the drawn graph are some boxes of its root; bool, one more at the end for what is not drawn."""
    view = context.view
    assert view is not None
    assert view.drawn is not None
    marked = np.zeros(len(view.drawn.names) + 1, dtype=bool)
    marked[[view.rows_of_boxes[box] for box in boxes]] = True
    return marked


def _ends(ops: OpGraph, chosen: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Source, target and output slot of some edges, in the order of the graph."""
    yield from zip(ops.source[chosen].tolist(), ops.target[chosen].tolist(), ops.output[chosen].tolist(), strict=True)


def _arrows(context: DiagnosisContext, moved: Sequence[str]) -> tuple[set[Pair], list[Pair]]:
    """The arrows at some boxes of the root: all of them, and those over which activations go within the model."""
    assert context.view is not None
    assert context.view.drawn is not None
    ops, flow, roles, boxes = context.ops, context.flow, context.ownership.roles, context.view.box_rows
    names, is_moved = context.view.drawn.names, _marked(context, moved)
    leaving, entering = boxes[ops.source], boxes[ops.target]
    chosen = (ops.output != CONTROL) & (leaving != entering) & (leaving >= 0) & (entering >= 0)
    chosen &= is_moved[leaving] | is_moved[entering]
    arrows: set[Pair] = set()
    real: dict[Pair, None] = {}
    for source, target, output in _ends(ops, chosen):
        pair = names[boxes[source]], names[boxes[target]]
        arrows.add(pair)
        if source not in roles and target not in roles and flow.over(source, output, ops.types[target]) & _ACTIVATION:
            real.setdefault(pair)
    return arrows, list(real)


def _layers_by_box(context: DiagnosisContext) -> Mapping[str, Sequence[str]]:
    """Layers that have ops in each box of the root."""
    assert context.view is not None
    drawn = context.view.drawn
    assert drawn is not None
    boxes, of_op = context.view.box_rows, context.ownership.of_op
    owned = np.flatnonzero((boxes >= 0) & (of_op != UNOWNED))
    is_series = np.zeros(len(drawn.names), dtype=bool)
    is_series[[box for box in distinct(boxes[owned]).tolist() if drawn.types[box] == SERIES]] = True
    owned = owned[_in_own_box(context, owned) | is_series[boxes[owned]]]
    first, _ = first_of_each(numbers_of_pairs(boxes[owned], of_op[owned], len(context.ownership.owners)))
    layers: dict[str, list[str]] = {}
    for row in owned[first].tolist():
        layers.setdefault(drawn.names[boxes[row]], []).append(context.ownership.owners[int(of_op[row])])
    return layers


class _Neighbors:
    """The layers before and after each layer in Keras."""

    def __init__(self, context: DiagnosisContext) -> None:
        self._before: dict[str, list[str]] = {}
        self._after: dict[str, list[str]] = {}
        for source, target in context.layers.edges if context.layers else ():
            self._before.setdefault(target, []).append(source)
            self._after.setdefault(source, []).append(target)

    def of(self, layers: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
        """Those of the only layer of a box; none of several."""
        if len(layers) != 1:
            return (), ()
        return self._before.get(layers[0], ()), self._after.get(layers[0], ())


def _chains(before: Sequence[str], layer: str, after: Sequence[str]) -> str:
    """The paths of Keras edges through the extracted layer: the first, and how many more."""
    first = " -> ".join([*before[:1], layer, *after[:1]])
    more = max(len(before), 1) * max(len(after), 1) - 1
    return f"{first} and {more} more" if more else first


def _degrees_without_artifacts(context: DiagnosisContext, outward: bool) -> Mapping[str, int]:
    """How many boxes each box would be joined with if only real edges were drawn."""
    assert context.view is not None
    assert context.view.drawn is not None
    ops, boxes, names = context.ops, context.view.box_rows, context.view.drawn.names
    spurious = {edge.source * len(ops) + edge.target for _, edge in _artifacts(context)}
    near, far = (boxes[ops.source], boxes[ops.target])[:: 1 if outward else -1]
    real = (near >= 0) & (far >= 0) & (near != far) & (ops.output >= 0)
    real &= ~np.isin(numbers_of_pairs(ops.source, ops.target, len(ops)), list(spurious))
    pairs = distinct(numbers_of_pairs(near[real], far[real], len(names)))
    counts = np.bincount(pairs // len(names))
    joined = np.flatnonzero(counts)
    return {names[box]: number for box, number in zip(joined.tolist(), counts[joined].tolist(), strict=True)}


def _artifacts(context: DiagnosisContext) -> Iterator[tuple[Pair, OpEdge]]:
    for pair, edges in context.unexplained.items():
        for edge in edges:
            if not is_real(edge):
                yield pair, edge


RULE = Rule("GD110", "extracted-node", Verdict.MISPLACED, Blame.TENSORBOARD, Severity.NOTE, find, __name__)
