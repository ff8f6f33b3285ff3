"""Ownership where there is no layer graph: the outer name scopes, which are the boxes that TensorBoard draws.

Not every such box is a layer. What only holds constants, variables and inputs computes nothing; an op at the root has a
box where its shape, or what else serves it, lies in a scope of its name; and losses, metrics, summaries, optimizers,
savers and input pipelines serve the model from outside.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from graphdiag.diagnosis.dataflow.op_specs import VARIABLES
from graphdiag.diagnosis.model_inputs import FEEDS
from graphdiag.diagnosis.roles import NUMBERED, UNOWNED, bookkeeping_ops, role_of_name, roles_of
from graphdiag.graphs.op_graph import CONTROL, OpGraph
from graphdiag.keras_facts import role_of_box

_PIPELINE = re.compile(
    r".*Dataset(V[0-9])?|.*Iterator(V[0-9]|Init|ToStringHandle|FromStringHandle)?|.*IteratorGetNext(Sync|FromShard|V[0-9])?"
    r"|(FIFO|Padding|Random|Priority|Record)\w*Queue(V2)?|Queue(Enqueue|Close|Size)\w*|\w*Reader(V2)?|Reader\w+"
    r"|Parse(Single)?(Sequence)?Example(V2)?|Decode(Raw|CSV|Jpeg|Png|Bmp|Gif|Image)|ReadFile|MatchingFiles"
)
"""Op types of input pipelines: datasets, iterators, queues, readers and parsers."""

_SUMMARY = "/write_summary"
"""The scope in which TensorFlow 2 computes a summary; the scope around it is named as the summary is."""

_LEVELS = 8
"""How many scopes that hold the whole model are looked into, one inside the other."""

_FROM_PIPELINE = re.compile(r"\w*IteratorGetNext\w*|QueueDequeue\w*|ReaderRead\w*|Stage|Unstage")
"""Op types that hand over what an input pipeline has read."""


def own_by_outer_scope(
    graph: OpGraph, recorded: Mapping[str, str]
) -> tuple[Sequence[str], np.ndarray, Mapping[int, str]]:
    """Owners by the outer name scopes.

    A scope that holds nearly everything (the model's own, as Keras 3 and tf_keras make one) is looked into.

    Args:
        graph: The op graph.
        recorded: Layer id by op name, for a live model whose layers are known but not the edges between them.

    Returns:
        The boxes that may be layers; for each op its row among them, `UNOWNED` for none; and the role of ops that have
        one.
    """
    around = _scope_around(graph)
    found = _boxes(graph, recorded, around)
    deepest = found
    for _ in range(_LEVELS if not recorded else 0):
        names = deepest[0]
        if len(names) != 1 or names[0] + "/" == around:
            break
        # A box that holds the whole model: what is in it are the layers.
        around = names[0] + "/"
        deepest = _boxes(graph, recorded, around)
        if len(deepest[0]) > 1:
            found = deepest
    return found


def _boxes(
    graph: OpGraph, recorded: Mapping[str, str], around: str
) -> tuple[Sequence[str], np.ndarray, Mapping[int, str]]:
    """As `own_by_outer_scope`, with the scopes right inside a given one for boxes."""
    boxes: dict[str, int] = {}
    of_op = np.full(len(graph), UNOWNED, dtype=np.int32)
    role_of_scope: dict[str, str] = {}
    for row, name in enumerate(graph.names):
        if name in recorded:
            box = recorded[name]
        elif name.startswith(around):
            inner, slash, _ = name[len(around) :].partition("/")
            box = around + inner if slash else ""
        else:
            first, slash, _ = name.partition("/")
            box = first if slash else ""
        if not box:
            continue
        if box not in boxes and box not in role_of_scope and name not in recorded:
            role = _role(box)
            if role:
                role_of_scope[box] = role
        if box not in role_of_scope:
            of_op[row] = boxes.setdefault(box, len(boxes))
    # An op named as a box is part of it: "a" beside "a/b" is drawn inside "a".
    for row, name in enumerate(graph.names):
        if of_op[row] == UNOWNED and name in boxes:
            of_op[row] = boxes[name]
    bookkeeping = bookkeeping_ops(graph) | _initial_values(graph)
    of_op[list(bookkeeping)] = UNOWNED
    layers = _layers(graph, list(boxes), of_op, {boxes[id_] for id_ in recorded.values() if id_ in boxes})
    pipelines = _pipelines(graph, of_op, layers)
    numbers = {old: new for new, old in enumerate(layers)}
    of_op = np.array([numbers.get(old, UNOWNED) for old in of_op.tolist()], dtype=np.int32)
    names = list(boxes)
    roles = roles_of(graph, of_op, role_of_scope) | pipelines | bookkeeping
    return [names[old] for old in layers], of_op, roles


def _role(box: str) -> str:
    """Role of a box by its name."""
    segment = box.rpartition("/")[2]
    numbered = NUMBERED.fullmatch(segment)
    return role_of_name(segment) or role_of_box(segment) or (role_of_box(numbered[1]) if numbered else "")


def _layers(graph: OpGraph, boxes: Sequence[str], of_op: np.ndarray, known: Collection[int]) -> list[int]:
    """The boxes that compute something from what comes in, by more than one op that lies at the root."""
    computing = set(known)
    from_outside = _from_outside(graph)
    at_root = _ops_with_boxes(graph, boxes, of_op) - computing
    for row, box in enumerate(of_op.tolist()):
        if box in computing or box == UNOWNED or box in at_root or row not in from_outside:
            continue
        if graph.names[row] != boxes[box] and graph.types[row] not in FEEDS and _SUMMARY not in graph.names[row]:
            computing.add(box)
    return sorted(computing)


def _ops_with_boxes(graph: OpGraph, boxes: Sequence[str], of_op: np.ndarray) -> set[int]:
    """The boxes that are single ops with a scope of their own, such as ``Reshape`` beside ``Reshape/shape``.

    What has weights is more than an op.
    """
    numbers = {number for number, box in enumerate(boxes) if box in graph.index}
    with_weights = {int(of_op[row]) for row, op_type in enumerate(graph.types) if op_type in VARIABLES}
    return numbers - with_weights


def hands_over_inputs(op_type: str) -> bool:
    """Whether ops of a type hand over what an input pipeline has read."""
    return _FROM_PIPELINE.fullmatch(op_type) is not None


def session_scaffold(graph: OpGraph) -> str:
    """The scope by which a ``MonitoredSession`` is known, an Estimator's, say; empty where there is none.

    Such a session makes ops of its own, finalizes the graph and then writes it (``Scaffold`` in TensorFlow 1.15,
    ``python/training/monitored_session.py``).
    """
    step = graph.index.get("global_step")
    if step is None or graph.types[step] not in VARIABLES:
        return ""
    scope = "report_uninitialized_variables"
    return next((name.partition("/")[0] for name in graph.names if name.startswith(scope)), "")


def _from_outside(graph: OpGraph) -> set[int]:
    """Ops that depend on a feed, on an input pipeline, or on random numbers."""
    found: set[int] = set()
    order, offsets = graph.by_source
    waiting = [
        row
        for row, op_type in enumerate(graph.types)
        if op_type in FEEDS or op_type.startswith(("Random", "StatelessRandom")) or hands_over_inputs(op_type)
    ]
    while waiting:
        row = waiting.pop()
        if row in found:
            continue
        found.add(row)
        for edge in order[offsets[row] : offsets[row + 1]].tolist():
            if graph.output[edge] != CONTROL:
                waiting.append(int(graph.target[edge]))
    return found


def _pipelines(graph: OpGraph, of_op: np.ndarray, layers: Sequence[int]) -> dict[int, str]:
    """Ops of input pipelines that are in no layer's box."""
    kept = set(layers)
    return {
        row: "input pipeline"
        for row, op_type in enumerate(graph.types)
        if int(of_op[row]) not in kept and (_PIPELINE.fullmatch(op_type) or hands_over_inputs(op_type))
    }


def _initial_values(graph: OpGraph) -> dict[int, str]:
    """Ops that only compute a variable's initial value, and the assignments of it."""
    from_outside = set()
    for row, op_type in enumerate(graph.types):
        edges = range(int(graph.in_edges[row]), int(graph.in_edges[row + 1]))
        if op_type in FEEDS or any(int(graph.source[edge]) in from_outside for edge in edges):
            from_outside.add(row)
    order, offsets = graph.by_source
    found: dict[int, str] = {}
    for row in range(len(graph) - 1, -1, -1):
        if row in from_outside or graph.types[row] in VARIABLES:
            continue
        targets = [int(graph.target[edge]) for edge in order[offsets[row] : offsets[row + 1]].tolist()]
        if graph.types[row] in ("Assign", "AssignVariableOp") or (
            targets and all(target in found for target in targets)
        ):
            found[row] = "initialization"
    return found


def _scope_around(graph: OpGraph) -> str:
    """The prefix of names under which nearly all scoped ops lie, ``""`` when there is no such scope."""
    prefix = ""
    while True:
        counts: dict[str, int] = defaultdict(int)
        scoped = 0
        for name in graph.names:
            if name.startswith(prefix):
                first, slash, rest = name[len(prefix) :].partition("/")
                if slash and not role_of_name(first):
                    scoped += 1
                    counts[first] += "/" in rest
        if not counts:
            return prefix
        largest = max(counts, key=lambda scope: counts[scope])
        if counts[largest] * 10 < scoped * 9:
            return prefix
        prefix += largest + "/"
