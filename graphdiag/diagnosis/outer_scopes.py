"""Ownership where there is no layer graph: the outer name scopes, which are the boxes that TensorBoard draws.

Not every such box is a layer. What only holds constants, variables and inputs computes nothing; an op at the root has a
box where its shape, or what else serves it, lies in a scope of its name; and losses, metrics, summaries, optimizers,
savers and input pipelines serve the model from outside.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from graphdiag.diagnosis.dataflow.op_specs import VARIABLES
from graphdiag.diagnosis.model_inputs import FEEDS
from graphdiag.diagnosis.roles import NUMBERED, UNOWNED, KnownRole, bookkeeping_ops, role_of_name, roles_of
from graphdiag.graphs.arrays import distinct, grouped
from graphdiag.graphs.op_graph import CONTROL, OpGraph
from graphdiag.graphs.reach import reached
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
    boxes, of_op, role_of_scope = _box_of_op(graph, recorded, around)
    numbers = {box: number for number, box in enumerate(boxes)}
    # An op named as a box is part of it: "a" beside "a/b" is drawn inside "a".
    for row in graph.rows_named(numbers):
        if of_op[row] == UNOWNED:
            of_op[row] = numbers[graph.names[row]]
    initial = np.flatnonzero(_initial_values(graph))
    bookkeeping = bookkeeping_ops(graph)
    of_op[initial] = of_op[list(bookkeeping)] = UNOWNED
    layers = _layers(graph, boxes, of_op, {numbers[id_] for id_ in recorded.values() if id_ in numbers})
    pipelines = _pipelines(graph, of_op, layers)
    # One more, for what is in no box and has the number -1.
    renumbered = np.full(len(boxes) + 1, UNOWNED, dtype=np.int32)
    renumbered[layers] = np.arange(len(layers))
    of_op = renumbered[of_op]
    known: list[KnownRole] = [("input pipeline", pipelines)]
    known += [(role, [row]) for row, role in bookkeeping.items()]
    known.append(("initialization", initial))
    roles = roles_of(graph, of_op, role_of_scope, known)
    return [boxes[old] for old in layers], of_op, roles


def _box_of_op(
    graph: OpGraph, recorded: Mapping[str, str], around: str
) -> tuple[Sequence[str], np.ndarray, Mapping[str, str]]:
    """The boxes that have no role, in the order of the graph; for each op its box; and the role of the others."""
    scopes = graph.scopes
    home = scopes.numbers[around.removesuffix("/")]
    # What lies beside the scope that is looked into has the outermost scope for its box.
    box_of_scope = np.full(len(scopes), UNOWNED, dtype=np.int32)
    box_of_scope[scopes.levels[1] if len(scopes) > 1 else []] = scopes.levels[1] if len(scopes) > 1 else []
    inside = np.flatnonzero(scopes.parent == home)
    box_of_scope[inside] = inside
    label = scopes.inherited(box_of_scope, UNOWNED)[scopes.of_op]
    label[scopes.of_op == home] = UNOWNED
    names = list(scopes.names)
    numbers = dict(scopes.numbers)
    is_recorded = np.zeros(len(graph), dtype=bool)
    for row in graph.rows_named(recorded):
        is_recorded[row] = True
        box = recorded[graph.names[row]]
        if box and box not in numbers:
            numbers[box] = len(names)
            names.append(box)
        label[row] = numbers[box] if box else UNOWNED
    found, first = np.unique(label, return_index=True)
    boxes: list[str] = []
    role_of_scope: dict[str, str] = {}
    number_of = np.full(len(names) + 1, UNOWNED, dtype=np.int32)
    for place in np.argsort(first).tolist():
        box = names[found[place]]
        # A name that begins with a slash is in no scope.
        if found[place] == UNOWNED or (box.startswith("/") and not is_recorded[first[place]]):
            continue
        role = "" if is_recorded[first[place]] else _role(box)
        if role:
            role_of_scope[box] = role
        else:
            number_of[found[place]] = len(boxes)
            boxes.append(box)
    of_op: np.ndarray = number_of[label]
    return boxes, of_op, role_of_scope


def _role(box: str) -> str:
    """Role of a box by its name."""
    segment = box.rpartition("/")[2]
    numbered = NUMBERED.fullmatch(segment)
    return role_of_name(segment) or role_of_box(segment) or (role_of_box(numbered[1]) if numbered else "")


def _layers(graph: OpGraph, boxes: Sequence[str], of_op: np.ndarray, known: Collection[int]) -> list[int]:
    """The boxes that compute something from what comes in, by more than one op that lies at the root."""
    computing = set(known)
    at_root = _ops_with_boxes(graph, boxes, of_op) - computing
    others = np.ones(len(boxes) + 1, dtype=bool)
    others[[*at_root, *computing, UNOWNED]] = False
    rows = np.flatnonzero(others[of_op] & _from_outside(graph) & ~graph.of_types(FEEDS.__contains__))
    order, offsets = grouped(of_op[rows], len(boxes))
    for box, inside in enumerate(np.split(rows[order], offsets[1:-1])):
        # The first op decides for nearly every box, so few names are looked at.
        names = (graph.names[row] for row in inside)
        if any(name != boxes[box] and _SUMMARY not in name for name in names):
            computing.add(box)
    return sorted(computing)


def _ops_with_boxes(graph: OpGraph, boxes: Sequence[str], of_op: np.ndarray) -> set[int]:
    """The boxes that are single ops with a scope of their own, such as ``Reshape`` beside ``Reshape/shape``.

    What has weights is more than an op.
    """
    numbers = {number for number, box in enumerate(boxes) if _is_op(graph, box)}
    with_weights: list[int] = distinct(of_op[graph.of_types(VARIABLES.__contains__)]).tolist()
    return numbers.difference(with_weights)


def _is_op(graph: OpGraph, box: str) -> bool:
    """Whether an op has the name of a box. Nearly all boxes are scopes, for which no index of all ops is needed."""
    scope = graph.scopes.numbers.get(box)
    return box in graph.index if scope is None else bool(graph.row_of_scope[scope] >= 0)


def hands_over_inputs(op_type: str) -> bool:
    """Whether ops of a type hand over what an input pipeline has read."""
    return _FROM_PIPELINE.fullmatch(op_type) is not None


def session_scaffold(graph: OpGraph) -> str:
    """The scope by which a ``MonitoredSession`` is known, an Estimator's, say; empty where there is none.

    Such a session makes ops of its own, finalizes the graph and then writes it (``Scaffold`` in TensorFlow 1.15,
    ``python/training/monitored_session.py``).
    """
    at_root = np.flatnonzero(graph.of_types(VARIABLES.__contains__) & (graph.scopes.of_op == 0)).tolist()
    if not any(graph.names[row] == "global_step" for row in at_root):
        return ""
    scope = "report_uninitialized_variables"
    return next((name.partition("/")[0] for name in graph.names if name.startswith(scope)), "")


def _from_outside(graph: OpGraph) -> np.ndarray:
    """Whether each op depends on a feed, on an input pipeline, or on random numbers."""
    start = graph.of_types(
        lambda op_type: (
            op_type in FEEDS or op_type.startswith(("Random", "StatelessRandom")) or hands_over_inputs(op_type)
        )
    )
    order, offsets = graph.by_source
    return reached(start, *_kept(graph.output[order] != CONTROL, offsets, graph.onward))


def _pipelines(graph: OpGraph, of_op: np.ndarray, layers: Sequence[int]) -> np.ndarray:
    """Rows of the ops of input pipelines that are in no layer's box; int64."""
    is_pipeline = graph.of_types(lambda op_type: _PIPELINE.fullmatch(op_type) or hands_over_inputs(op_type))
    return np.flatnonzero(is_pipeline & ~np.isin(of_op, layers))


def _initial_values(graph: OpGraph) -> np.ndarray:
    """Whether each op only computes a variable's initial value, or assigns it.

    That is an assignment, or an op all of whose results go to such ops, which come after it: no value from outside, and
    no variable. What is none of these is found, and backward from there all that something else takes.
    """
    order, offsets = graph.by_source
    from_outside = reached(
        graph.of_types(FEEDS.__contains__), *_kept(graph.onward > graph.source[order], offsets, graph.onward)
    )
    assigns = graph.of_types(("Assign", "AssignVariableOp").__contains__)
    other = np.diff(offsets) == 0
    other[graph.source[graph.source >= graph.target]] = True
    other = (other & ~assigns) | from_outside | graph.of_types(VARIABLES.__contains__)
    initial: np.ndarray = ~reached(other, graph.in_edges, graph.source, through=~assigns)
    return initial


def _kept(chosen: np.ndarray, offsets: np.ndarray, onward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Some of the edges that are sorted by the row that they leave: their offsets, and the rows that they enter."""
    before = np.concatenate(([0], np.cumsum(chosen)))
    return before[offsets], onward[chosen]


def _scope_around(graph: OpGraph) -> str:
    """The prefix of names under which nearly all scoped ops lie, ``""`` when there is no such scope."""
    scopes = graph.scopes
    directly = np.bincount(scopes.of_op, minlength=len(scopes))
    below = scopes.totals(directly)
    home = 0
    while True:
        inside = [
            scope
            for scope in np.flatnonzero(scopes.parent == home).tolist()
            if not scopes.names[scope].startswith("/") and not role_of_name(scopes.segments[scope])
        ]
        if inside:
            largest = max(inside, key=lambda scope: below[scope] - directly[scope])
            scoped = sum(below[inside].tolist())
        if not inside or (below[largest] - directly[largest]) * 10 < scoped * 9:
            return f"{scopes.names[home]}/" if home else ""
        home = largest
