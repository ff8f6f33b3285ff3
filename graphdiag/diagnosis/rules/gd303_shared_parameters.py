"""GD303 shared-parameters: one layer uses another layer's weights, or two layers a variable that no layer tracks.

What it finds
    Edges of the op graph over which a layer's parameters, or the handle of its variable, go to another layer; and
    variables outside all layers, as a traced function captures them, that several layers read. Of those the layer
    that reads first is named first; in a live model, the layer that tracks the variable. There a layer that reads
    another's variable is found also where activations flow between the two, which Keras knows of. A layer that holds
    the other one as an attribute tracks its variables, too, and is right to use them. Where no layer tracks the
    variable, each of those that read it depends on it as the others do. A layer that writes to a variable which another
    one reads is what the other depends on. Integers are weights as well; the states of random generators are not, nor
    are what a model, its metrics and its optimizer keep. In a live model, Python code that names another layer's
    weights reads them, too.

Why it matters
    The weights are tied, and Keras does not know: saving and cloning give two sets of weights, and freezing one
    layer freezes part of another. What no layer tracks is neither trained nor saved.

Proof
    The tensor is read from a variable of the first layer; no path leads from a model input to it.

Example
    `layers.Lambda(lambda t: tf.matmul(t, embedding.kernel, transpose_b=True))`; `layers.Lambda(lambda t: dense(t))`,
    where `dense` is a layer of the model; `dense.kernel.assign(...)` in another layer

Fix
    Write a layer that holds the other one as an attribute, so that Keras tracks it; or use one shared layer.
    Checked with Keras 3.15 and tf_keras 2.21. A layer's weights are for that layer to write: as a constraint, say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from graphdiag.diagnosis.captured import (
    NOTHING,
    VariableUse,
    apart,
    are_tracked,
    is_weight,
    pairs_in_file,
    uses_of_variables,
)
from graphdiag.diagnosis.claims import (
    carrying,
    layer_edges,
    one_for_each_culprit,
    with_others_from_there,
)
from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.crossings import OpEdge
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fixes import tracks_attributes
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.diagnosis.state_arrows import is_state
from graphdiag.phrases import some

_HOLD_IT = "Hold the other layer as an attribute of this one, so that Keras tracks it, or use one shared layer."
_SHARE_IT = "Use one shared layer: this Keras tracks no layers that another one holds as attributes."
_TRACK_IT = (
    "Make the variable with add_weight in one layer, and use it in that layer only; or call one shared layer twice."
)
_WRITE_YOUR_OWN = (
    "Let the layer that has the variable write to it itself: as a constraint of the weight, or from an input."
)
_MOST_PAIRS = 20
"""Layers that read one variable, up to which each of them is named with each other."""


def _tie(context: DiagnosisContext) -> str:
    """How to tie weights so that Keras knows."""
    return _HOLD_IT if tracks_attributes(context.layers) else _SHARE_IT


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for each op that gives parameters to another layer."""
    claims = with_others_from_there(
        open_edges,
        carrying(
            open_edges,
            lambda edge: is_state(edge.carries),
        ),
    )
    written = _written(context, claims)
    ids = {id(edge) for _, edge in written}
    yield from one_for_each_culprit(
        RULE,
        context,
        [claim for claim in claims if id(claim[1]) not in ids],
        lambda culprit, count: (
            f"{layer_edges(count, 'carries', 'carry')} parameters from {culprit} to another layer: the weights are "
            f"shared, and Keras does not know."
        ),
        _tie(context),
    )
    by_writer: dict[Pair, list[tuple[Pair, OpEdge]]] = defaultdict(list)
    for pair, edge in written:
        by_writer[pair].append((pair, edge))
    for (reader, writer), group in by_writer.items():
        names = [context.ops.names[row] for row in dict.fromkeys(edge.source for _, edge in group)]
        message = _is_written(writer, [reader], names)
        yield finding(RULE, context, message, _WRITE_YOUR_OWN, claims=group, culprits=names, edges=[(writer, reader)])
    yield from _outside_of_layers(context)
    yield from _in_python_code(context)


def _in_python_code(context: DiagnosisContext) -> Iterator[Found]:
    """Variables of other layers that a layer's Python code reads: one finding for each pair of layers."""
    found: dict[Pair, dict[str, None]] = defaultdict(dict)
    for row, tokens in context.flow.python.items() if context.read_by_python else ():
        reader = context.ownership.owner(row)
        for token in sorted(tokens):
            for name, layers in context.read_by_python.get(token, ()):
                if reader is not None and not _is_among(context, reader, layers):
                    found[layers[0], reader][name] = None
    for (owner, reader), names in found.items():
        read = list(names)
        message = (
            f"{reader} reads {_variables(read)} of {owner} ({some(read)}) in Python code: the weights are "
            "shared, and Keras does not know."
        )
        yield finding(RULE, context, message, _tie(context), culprits=read, edges=[(owner, reader)])


def _written(context: DiagnosisContext, claims: OpenEdges) -> OpenEdges:
    """Op edges on which a layer takes another one's variable to write to it, and reads it for nothing else."""
    places = {
        (pair, edge.source)
        for pair, edge in claims
        if edge.source in context.flow.touches and edge.target in context.flow.touches[edge.source].writers
    }
    return [
        (pair, edge)
        for pair, edge in claims
        if (pair, edge.source) in places and edge.target not in context.flow.touches[edge.source].readers
    ]


def _is_written(writer: str, readers: Sequence[str], names: Sequence[str]) -> str:
    return (
        f"{writer} writes to {_variables(names)} of {some(readers)} ({some(names)}), so that what {some(readers)} "
        f"compute{'s' if len(readers) == 1 else ''}, in this call or in the next call, depends on {writer}, and Keras "
        "does not know."
    )


def _outside_of_layers(context: DiagnosisContext) -> Iterator[Found]:
    """Variables outside of all layers that several layers use: one finding for the same layers."""
    if context.layers is None:
        return
    tracked = are_tracked(context)
    shared: dict[tuple[tuple[Pair, ...], bool], list[tuple[int, list[OpEdge]]]] = defaultdict(list)
    written: dict[tuple[str, tuple[str, ...]], list[tuple[int, list[OpEdge]]]] = defaultdict(list)
    for use in uses_of_variables(context):
        if not use.reads or not is_weight(context, use.variable):
            continue
        pairs = _pairs_of_readers(context, use)
        if pairs:
            untracked = not tracked.get(use.variable, True)
            reads = [edge for edges in use.reads.values() for edge in edges]
            shared[pairs, untracked].append((use.variable, reads))
        for writer, found in _writers_for_readers(context, use):
            written[writer, found].append((use.variable, list(use.writes[writer])))
    for (pairs, untracked), variables in shared.items():
        names = [context.ops.names[row] for row, _ in variables]
        if untracked:
            sharing = list(dict.fromkeys(layer for pair in pairs for layer in pair))
            message = (
                f"{some(sharing)} read {_variables(names)} ({some(names)}) that no layer tracks: what the layers share "
                "is hidden from Keras, and neither trained nor saved with the model."
            )
        else:
            takers = list(dict.fromkeys(target for _, target in pairs))
            message = (
                f"{some(takers)} read{'s' if len(takers) == 1 else ''} {_variables(names)} of {pairs[0][0]} "
                f"({some(names)}): the weights are shared, and Keras does not know."
            )
        yield _on_variables(context, message, _TRACK_IT if untracked else _tie(context), names, pairs, variables)
    for (writer, readers), variables in written.items():
        names = [context.ops.names[row] for row, _ in variables]
        to_each = [(writer, reader) for reader in readers]
        yield _on_variables(context, _is_written(writer, readers, names), _WRITE_YOUR_OWN, names, to_each, variables)


def _on_variables(
    context: DiagnosisContext,
    message: str,
    fix: str,
    names: Sequence[str],
    pairs: Sequence[Pair],
    variables: Sequence[tuple[int, Sequence[OpEdge]]],
) -> Found:
    reads = [edge for _, edges in variables for edge in edges]
    return finding(RULE, context, message, fix, seen=reads, culprits=names, edges=pairs)


def _variables(names: Sequence[str]) -> str:
    return f"{len(names)} variable{'' if len(names) == 1 else 's'}"


def _pairs_of_readers(context: DiagnosisContext, use: VariableUse) -> tuple[Pair, ...]:
    """The layer whose variable it is, with each other one that reads it.

    In a live model it is known which layers track a variable; another layer that reads it is one too many, and of one
    that none tracks each reader shares it with each other. Elsewhere classes tell, as far as they do.
    """
    assert context.layers is not None
    readers = apart(context, use.reads)
    if context.ownership.recorded:
        trackers = context.ownership.trackers.get(use.variable, ())
        if context.ownership.belongs_to.get(use.variable) != NOTHING:
            return tuple(
                (trackers[0], other) for other in readers if trackers and not _is_among(context, other, trackers)
            )
        centers = readers if len(readers) <= _MOST_PAIRS else readers[:1]
        pairs = [(center, other) for center in centers for other in readers if other != center]
        return tuple(dict.fromkeys(pair for left, right in pairs for pair in ((left, right), (right, left))))
    return tuple(pairs_in_file(context, use)[0])


def _writers_for_readers(context: DiagnosisContext, use: VariableUse) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Layers that write to a variable, each with those that read it there; not what they store of activations."""
    readers = apart(context, use.reads)
    trackers = context.ownership.trackers.get(use.variable, ())
    for writer in apart(context, use.writes):
        # In a file the layer that reads first counts as the one that has the variable, and writes to its own.
        owns = writer in readers[:1] if not context.ownership.recorded else False
        rows = {edge.target for edge in use.writes[writer]}
        found = {reader for store, reader in context.flow.stored_in if store in rows}
        others = tuple(
            reader
            for reader in readers
            if not _is_among(context, reader, [writer])
            and (not trackers or _is_among(context, reader, trackers))
            and not any(edge.target in found for edge in use.reads[reader])
        )
        if others and not owns:
            yield writer, others


def _is_among(context: DiagnosisContext, layer: str, layers: Iterable[str]) -> bool:
    same = context.same_layer.get(layer, layer)
    return any(same == context.same_layer.get(other, other) for other in layers)


RULE = Rule("GD303", "shared-parameters", Verdict.HIDDEN, Blame.MODEL, Severity.ERROR, find, __name__)
