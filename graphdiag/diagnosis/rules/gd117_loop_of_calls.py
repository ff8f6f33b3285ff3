"""GD117 loop-of-calls: a loop on screen, because one box holds ops of several places.

What it finds
    Cycles among the boxes of one level, without a series node in them, where the ops in the boxes form no cycle.

Why it matters
    The picture shows a loop in a feed-forward model.

Cause
    TensorBoard draws a name scope as one box, whatever is in it. A layer object that is called at several places (one
    `ReLU` for all blocks) has the ops of all its calls in one scope under tf_keras, where the model is traced as a
    whole; a scope that is entered again holds ops of both times. The box then takes what comes after it in the model.
    `tf.gradients` opens a scope for each op, so a layer's box among the gradients holds ops of several places as well.

Proof
    Followed from op to op, no path in the boxes comes back to where it began.

Example
    `relu -> c2 -> bn2 -> plus -> relu`, with `relu/Relu` and `relu/Relu_1` in one box

Fix
    Where the layer has no weights, make a new one at each place: `layers.ReLU()` twice instead of one object (Keras 2
    and 3). A layer with weights that is shared on purpose is one box, and the loop is the model's own. Enter a scope
    once; `graphdiag repair SOURCE -o LOGDIR` writes the same graph with the ops of each layer in a box of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.dataflow.classes import Carries
from graphdiag.diagnosis.drawn_cycles import DrawnCycle
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fixes import repaired
from graphdiag.diagnosis.roles import role_of_name
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.disjoint_sets import DisjointSets
from graphdiag.graphs.drawn_graph import ROOT, DrawnGraph
from graphdiag.graphs.layer_graph import Layer
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.keras_facts import always_computes, has_weights, role_of_box
from graphdiag.phrases import some

_PLACES = 3


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each cycle."""
    drawn = context.view.drawn if context.view else None
    if drawn is None:
        return
    for cycle in context.drawn_cycles:
        if cycle.series(drawn) or cycle.is_behind_the_scenes(drawn):
            continue
        if any(op in context.rewritten for members in cycle.ops.values() for op in members):
            continue  # what a rewriter put into a layer's box is told by the rule on rewriters
        pieces = {row: _pieces(context, cycle.ops[row]) for row in cycle.rows}
        split = [row for row in cycle.rows if len(pieces[row]) > 1]
        names = {row: drawn.names[row] for row in cycle.rows}
        where = "" if drawn.names[cycle.parent] == ROOT else f" in {drawn.names[cycle.parent]}"
        message = (
            f"The loop{where} through {some([_short(names[row]) for row in cycle.rows], 5)} is only on screen: no "
            f"path of ops comes back to where it began."
        )
        fix = "Enter each name scope once, so that a box holds the ops of one place."
        # Under other names a layer that is called at several places is one box all the same.
        can_be_repaired = True
        blame = Blame.TENSORBOARD
        gradients = bool(split) and all(_holds_gradients(context, names[row], cycle.ops[row]) for row in split)
        bookkeeping = gradients or (
            bool(split)
            and not _holds_layers(context, cycle, names)
            and all(_serves(_short(names[row])) for row in split)
        )
        if gradients:
            message += (
                f" {some([names[row] for row in split])} hold{'s' if len(split) == 1 else ''} gradients, which go "
                f"through the layers backwards."
            )
            fix = "None is needed: no layer is in the loop."
            can_be_repaired = False
            blame = Blame.TENSORFLOW
        elif bookkeeping:
            message += f" {some([names[row] for row in split])} {'is' if len(split) == 1 else 'are'} bookkeeping."
            fix = "None is needed: no layer is in the loop."
            can_be_repaired = False
            blame = Blame.TENSORFLOW
        for row in split[:2] if not bookkeeping else ():
            layer = _layer(context, cycle.ops[row])
            serving = _serving(context, names[row], cycle.ops[row])
            if serving:
                message += f" The box {names[row]} holds ops of the model, and {some(serving)} as well."
                fix = f"Leave the scope {names[row]} before {some(serving)} is called."
                continue
            several = _layers_named_alike(context, names[row], cycle.ops[row])
            what = f"the calls of the layer {layer}" if layer else "ops of several places"
            if len(several) > 1:
                what = f"the layers {some(several)}"
                fix = "Begin the names of layers alike only where the one follows on the other."
                can_be_repaired = False
            can_be_repaired = can_be_repaired and not layer
            places = _places(context, pieces[row], _Places(context, drawn, cycle.parent))
            message += f" The box {names[row]} holds {what}{': ' if places else ''}{places}."
            if layer and context.layers is not None and _without_weights(context.layers.layers[layer]):
                class_name = context.layers.layers[layer].class_name
                fix = (
                    f"{layer} has no weights to share: make a new {class_name} at each place where it is called (Keras "
                    f"2 and 3)."
                )
                blame = Blame.MODEL
            elif layer:
                fix = "None is needed: it is one layer, called at several places."
        yield finding(
            RULE,
            context,
            message=message,
            fix=f"{fix} {repaired('with the ops of each layer in its own box')}" if can_be_repaired else fix,
            blame=blame,
            rank=2 if bookkeeping else None,
            culprits=[names[row] for row in split or cycle.rows],
            edges=_arrows(cycle, names),
        )


def _layers_named_alike(context: DiagnosisContext, box: str, rows: Sequence[int]) -> Sequence[str]:
    """The layers in a box, where its name is the beginning of theirs."""
    if context.layers is None:
        return ()
    owners = dict.fromkeys(context.ownership.owner(row) for row in rows)
    return [owner for owner in owners if owner is not None and f"{owner}/".startswith(f"{box}/")]


def _without_weights(layer: Layer) -> bool:
    if layer.parameters is None:
        # A file may not say; Keras's own classes are known.
        return always_computes(layer.class_name) and not has_weights(layer.class_name)
    return layer.parameters == 0


def _holds_layers(context: DiagnosisContext, cycle: DrawnCycle, names: Mapping[int, str]) -> bool:
    """Whether an op of a layer is in one of the boxes; its constants are drawn beside whatever takes them."""
    return any(
        context.ownership.owner(op) is not None and f"{context.ops.names[op]}/".startswith(f"{names[row]}/")
        for row, members in cycle.ops.items()
        for op in members
    )


def _serves(piece: str) -> bool:
    """Whether a scope of this name serves training, saving and the like."""
    return bool(role_of_name(piece) or role_of_box(piece))


def _holds_gradients(context: DiagnosisContext, box: str, rows: Sequence[int]) -> bool:
    """Whether ``tf.gradients`` made what is in a box: it opens a scope named after the op whose gradient it computes.

    What other ops' constants are drawn beside does not count.
    """
    inside = [name for row in rows for name in [context.ops.names[row]] if name.startswith(f"{box}/")]
    return bool(inside) and all(
        any(piece.endswith("_grad") for piece in name[len(box) :].split("/")[:-1]) for name in inside
    )


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def _arrows(cycle: DrawnCycle, names: Mapping[int, str]) -> Sequence[tuple[str, str]]:
    return tuple((names[source], names[target]) for source, target in cycle.arrows)


def _pieces(context: DiagnosisContext, rows: Sequence[int]) -> Sequence[Sequence[int]]:
    """The ops of a box by what hangs together through activations; what carries none is left out."""
    ops, values = context.ops, context.flow.values
    members = {row for row in rows if values[row] & int(Carries.ACTIVATION)}
    joined: DisjointSets[int] = DisjointSets()
    for row in members:
        for edge in range(int(ops.in_edges[row]), int(ops.in_edges[row + 1])):
            source = int(ops.source[edge])
            if source in members and ops.output[edge] != CONTROL:
                joined.join(row, into=source)
    pieces: dict[int, list[int]] = defaultdict(list)
    for row in sorted(members):
        pieces[joined.root(row)].append(row)
    return list(pieces.values())


def _layer(context: DiagnosisContext, rows: Sequence[int]) -> str:
    """The layer with several calls that owns all owned ops of a box; empty for none."""
    if context.layers is None:
        return ""
    owners = {context.ownership.owner(row) for row in rows} - {None}
    if len(owners) != 1:
        return ""
    (owner,) = owners
    layer = context.layers.layers.get(owner or "")
    return owner if owner and layer is not None and layer.calls > 1 else ""


def _serving(context: DiagnosisContext, box: str, rows: Sequence[int]) -> Sequence[str]:
    """The scopes right inside a box that serve training and the like, beside ops of the model."""
    found: dict[str, None] = {}
    depth = box.count("/") + 1
    of_model = False
    for row in rows:
        pieces = context.ops.names[row].split("/")
        if len(pieces) > depth + 1 and _serves(pieces[depth]):
            found.setdefault("/".join(pieces[: depth + 1]))
        else:
            of_model = of_model or context.ownership.owner(row) is not None
    return list(found) if of_model else ()


class _Places:
    """What to call the places that a piece stands between: the layer, or the box beside it on the level of the loop."""

    def __init__(self, context: DiagnosisContext, drawn: DrawnGraph, parent: int) -> None:
        self._context = context
        self._around = "" if drawn.names[parent] == ROOT else f"{drawn.names[parent]}/"

    def of(self, row: int) -> str:
        """The place in which an op stands."""
        name = self._context.ops.names[row]
        owner = self._context.ownership.owner(row)
        if self._around and name.startswith(self._around) and (owner is None or self._context.layers is None):
            return self._around + name[len(self._around) :].partition("/")[0]
        return owner or name


def _places(context: DiagnosisContext, pieces: Sequence[Sequence[int]], places: _Places) -> str:
    """``relu/Relu between bn1 and c2, relu/Relu_1 between plus and gap``."""
    ops = context.ops
    order, offsets = ops.by_source
    said: list[str] = []
    ends = 0
    for piece in pieces:
        inside = set(piece)
        before = {
            places.of(int(ops.source[edge]))
            for row in piece
            for edge in range(int(ops.in_edges[row]), int(ops.in_edges[row + 1]))
            if ops.output[edge] != CONTROL
            and int(ops.source[edge]) not in inside
            and context.flow.values[int(ops.source[edge])] & int(Carries.ACTIVATION)
        }
        after = {
            places.of(int(ops.target[edge]))
            for row in piece
            for edge in order[offsets[row] : offsets[row + 1]].tolist()
            if ops.output[edge] != CONTROL and int(ops.target[edge]) not in inside
        }
        if before and after:
            ends += 1
            if len(said) < _PLACES:
                leaf = ops.names[piece[-1]].rpartition("/")[2]
                said.append(f"{leaf} leads from {some(sorted(before))} to {some(sorted(after))}")
    return ", ".join(said) + (f", and {ends - len(said)} more" if ends > len(said) else "")


RULE = Rule("GD117", "loop-of-calls", Verdict.MISPLACED, Blame.TENSORBOARD, Severity.NOTE, find, __name__)
