"""GD205 hidden-in-function: two boxes that must be linked are not.

What it finds
    Ops that call library functions (conditionals, loops, calls of a `tf.function`), and the edges of the model that run
    inside such functions.

Why it matters
    TensorBoard draws a function apart from the graph, in a list of its own ("Functions"), and nothing links the op that
    calls it with what runs inside. A branch of a `cond`, the body of an RNN's loop, or a whole part of the model seems
    to be connected to nothing.

Cause
    TensorFlow 2 keeps the bodies of `If`, `While`, `PartitionedCall` and the like in the graph's function library. An
    LSTM or GRU of Keras 2 has two there, for cuDNN and for a while loop, of which one runs; a SavedModel keeps the
    whole model in one.
    TensorBoard 2.21 draws a call with its body only where the op's type is the function's name, as TensorFlow 1's
    `Defun` made it.

Proof
    The op's attributes name the function. For each layer edge that is reported, the layer at one end has its ops in a
    function's body, and none in the graph itself.

Example
    `dropout_0/cond` (`If`) and `dropout_0_cond_true_1006`

Fix
    Look under "Functions" in TensorBoard's graph for the function that the op's attributes name. To have a part of the
    model drawn in its place, take away its own `tf.function`: what is called inside a traced function is traced with
    it. Checked with tf_keras 2.21 and Keras 3.15 on TensorFlow 2.21, with a nested model and with a layer. Of a
    SavedModel, give the directory itself: `graphdiag compare DIRECTORY`. `graphdiag repair SOURCE -o LOGDIR` puts the
    functions in which layers are in the place of their calls; branches and loops stay functions.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from graphdiag.diagnosis.call_scopes import pieces_of
from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from graphdiag.diagnosis.fixes import repaired
from graphdiag.diagnosis.rule import Found, OpenEdges, Rule, finding
from graphdiag.graphs.node_attributes import functions_of
from graphdiag.graphs.op_graph import OpGraph
from graphdiag.keras_facts import may_hold_others
from graphdiag.phrases import some

_GRAPH = re.compile(r"(graph_[0-9]+)[/_]")
_LOOPS = frozenset({"ReduceDataset", "ScanDataset"})
"""What TensorFlow makes of ``for batch in dataset:`` in a ``tf.function``: the body of the loop is in the function."""
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
_SIGNATURE = re.compile(r"__inference_signature_wrapper_[0-9]+$")
_OF_GRADIENT = re.compile(r"__(?:forward|inference___backward|backward)_")


def find(context: DiagnosisContext, open_edges: OpenEdges) -> Iterator[Found]:
    """One finding for all functions that are drawn apart, and one for those of input pipelines."""
    calls = _calls(context)
    if not calls:
        return
    inside = _layers_inside(context, calls)
    of_pipelines = [
        row
        for row in calls
        if context.ownership.roles.get(row) == "input pipeline" and context.ops.types[row] not in _LOOPS
    ]
    whole = [row for row in calls if any(_SIGNATURE.search(name) for name in calls[row])]
    if whole and context.layers is None:
        yield _whole_model(context, whole, calls)
        return
    of_model = {row: called for row, called in calls.items() if row not in of_pipelines}
    if of_model:
        yield _apart(context, of_model, inside)
    if of_pipelines:
        names = [context.ops.names[row] for row in of_pipelines]
        one = len(names) == 1
        yield finding(
            RULE,
            context,
            f"{some(names)} {'runs' if one else 'run'} the functions of an input pipeline, which TensorBoard draws "
            f"under 'Functions': they are not part of the model.",
            "None is needed.",
            culprits=names,
            rank=2,
        )


def _apart(context: DiagnosisContext, calls: Mapping[int, Sequence[str]], inside: Mapping[str, Sequence[int]]) -> Found:
    edges = _lost(context, inside)
    names = [context.ops.names[row] for row in calls]
    culprits = names
    called = list(dict.fromkeys(function for functions in calls.values() for function in functions))
    one = len(calls) == 1
    message = (
        f"{len(calls)} op{'' if one else 's'} ({some(names)}) run{'s' if one else ''} "
        f"{len(called)} library function{'' if len(called) == 1 else 's'}, which TensorBoard draws apart and links to "
        f"none."
    )
    if inside:
        culprits = [context.ops.names[row] for row in dict.fromkeys(row for rows in inside.values() for row in rows)]
        message += (
            f" The ops of {some(list(inside))} are in {'such a function' if len(called) == 1 else 'such functions'} "
            f"only, so {len(edges)} edge{'' if len(edges) == 1 else 's'} of the model cannot be seen"
        )
        message += f" ({some([f'{source} -> {target}' for source, target in edges])})." if edges else "."
    twice = _of_which_one_runs(_alternatives(context, called))
    if twice:
        # That is what was asked; how many ops there are comes after it.
        message = f"{twice} {message}"
    fix = f"Look under 'Functions' in TensorBoard for {_without_prefix(called[0])}."
    if inside and all(_is_call(context.ops, row) for rows in inside.values() for row in rows):
        fix += f" {repaired('with the functions in the place of their calls')}"
    return finding(
        RULE,
        context,
        message=message,
        fix=fix,
        culprits=culprits,
        edges=edges,
        rank=0 if inside else None,
    )


def _of_which_one_runs(alternatives: Mapping[str, Sequence[str]]) -> str:
    """That functions which stand for one another do not all run: a sentence, empty where there are none."""
    for implements, functions in alternatives.items():
        kind = implements.partition("_")[0]
        said = f"{some(functions)} are alternatives of one function ({kind}), of which one runs"
        if len(alternatives) > 1:
            more = len(alternatives) - 1
            said += f", and so are those of {more} more such function{'' if more == 1 else 's'}"
        return f"{said}: a layer is not computed twice."
    return ""


def _is_call(ops: OpGraph, row: int) -> bool:
    """Whether an op runs one function, once, whatever it is given."""
    return ops.types[row] in _CALLS or ops.types[row] in ops.functions


def _whole_model(context: DiagnosisContext, whole: Sequence[int], calls: Mapping[int, Sequence[str]]) -> Found:
    """The model of a SavedModel whose graph was written as it is."""
    row = whole[0]
    name = context.ops.names[row]
    wrapper = next(function for function in calls[row] if _SIGNATURE.search(function))
    count = sum(len(context.ops.functions[function].graph) for function in calls[row])
    return finding(
        RULE,
        context,
        f"The whole model is in one function: {name} runs {wrapper}, with {count} ops in it and in what it calls. "
        f"TensorBoard draws {name} as one box, and links it to none of them. This is the graph of a SavedModel.",
        "Give graphdiag the SavedModel directory itself, 'graphdiag compare DIRECTORY': the function's own graph is "
        "read from there.",
        culprits=[context.ops.names[row] for row in whole],
        rank=0,
    )


def _alternatives(context: DiagnosisContext, called: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Functions of the library that stand for one another, some of which the graph runs, by what they implement.

    Each call of a layer implements a function of its own.
    The RNNs of Keras 2 have one for cuDNN and one of a while loop (``generate_defun_backend`` in
    ``tf_keras/src/layers/rnn/gru_lstm_utils.py``); gradients and forward passes for them do not count twice.
    """
    functions = context.ops.functions
    found: dict[str, list[str]] = defaultdict(list)
    run = {functions[name].implements for name in called} - {""}
    for name, body in functions.items():
        if body.implements in run and not _OF_GRADIENT.search(name):
            found[body.implements].append(name)
    return {implements: names for implements, names in found.items() if len(names) > 1}


def _without_prefix(name: str) -> str:
    return _GRAPH.sub("", name, count=1)


def _lost(context: DiagnosisContext, inside: Mapping[str, Sequence[int]]) -> tuple[Pair, ...]:
    """The edges of the model that run inside a function, or into one whose call they do not reach on screen."""
    if context.layers is None:
        return ()

    def drawn_as(layer: str) -> set[str]:
        return {context.ownership.owner(row) or "" for row in inside[layer]} if layer in inside else {layer}

    return tuple(
        (source, target)
        for source, target in context.layers.edges
        if (source in inside or target in inside)
        and not any(
            (giver, taker) in context.crossings.edges for giver in drawn_as(source) for taker in drawn_as(target)
        )
    )


def _calls(context: DiagnosisContext) -> Mapping[int, Sequence[str]]:
    """The functions that each op of the graph runs, those that they call themselves included."""
    functions = context.ops.functions
    if not functions:
        return {}
    direct: dict[str, Sequence[str]] = {
        name: [inner for _, called in _named(body.graph, functions, name) for inner in called]
        for name, body in functions.items()
    }
    found = {}
    for row, called in _named(context.ops, functions):
        # A copy of the function is drawn in place of such an op.
        if context.ops.types[row] not in functions:
            found[row] = _closure(called, direct)
    return found


def _named(graph: OpGraph, functions: Mapping[str, object], around: str = "") -> Iterator[tuple[int, Sequence[str]]]:
    """Each op that names functions of the library in its attributes, with their names."""
    takes_functions: dict[str, bool] = {}
    for row, op_type in enumerate(graph.types):
        if takes_functions.get(op_type) is False:
            continue
        # Several graphs of one trace have a prefix on the names of their functions, and none where those are called.
        numbered = _GRAPH.match(around or graph.names[row])
        prefix = f"{numbered[1]}_" if numbered else ""
        called = [name for name in functions_of(graph.node_defs[row]) if name]
        takes_functions[op_type] = bool(called)
        known = [name if name in functions else prefix + name for name in called]
        known = [name for name in known if name in functions]
        if known:
            yield row, known


def _closure(called: Sequence[str], direct: Mapping[str, Sequence[str]]) -> Sequence[str]:
    seen = dict.fromkeys(called)
    waiting = list(seen)
    while waiting:
        for name in direct[waiting.pop()]:
            if name not in seen:
                seen[name] = None
                waiting.append(name)
    return list(seen)


def _layers_inside(context: DiagnosisContext, calls: Mapping[int, Sequence[str]]) -> Mapping[str, Sequence[int]]:
    """Layers whose ops are in functions only, with the ops of the graph that run them."""
    if context.layers is None or not context.without_ops:
        return {}
    pieces: dict[str, set[str]] = {}
    found: dict[str, list[int]] = defaultdict(list)
    for row, called in calls.items():
        if context.ownership.roles.get(row) == "gradients":
            continue  # it names its ops as those of which it is the gradient, and more
        owner = context.layers.layers.get(context.ownership.owner(row) or "")
        if owner is not None and (owner.inner or not may_hold_others(owner.class_name)):
            continue  # the loop of an RNN, wrapped or not, holds ops of its own only, whatever their names are
        for function in called:
            if function not in pieces:
                pieces[function] = pieces_of(context.ops.functions[function].graph.names)
            for layer in context.without_ops:
                name = context.layers.layers[layer].name
                if row not in found[layer] and name in pieces[function]:
                    found[layer].append(row)
    return {layer: rows for layer, rows in sorted(found.items()) if rows}


RULE = Rule("GD205", "hidden-in-function", Verdict.MISSING, Blame.TENSORFLOW, Severity.NOTE, find, __name__, rank=1)
