"""Ownership where there is no layer graph: the outer name scopes, which are the boxes that TensorBoard draws.

Not every such box is a layer. What only holds constants, variables and inputs computes nothing; an op at the root has a
box where its shape, or what else serves it, lies in a scope of its name; and losses, metrics, summaries, optimizers,
savers and input pipelines serve the model from outside.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from itertools import count

import numpy as np

from graphdiag.diagnosis.dataflow.op_specs import VARIABLES
from graphdiag.diagnosis.model_inputs import FEEDS
from graphdiag.diagnosis.roles import NUMBERED, UNOWNED, KnownRole, bookkeeping_ops, role_of_name, roles_of
from graphdiag.graphs.arrays import first_places
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
    outside = _Outside(graph)
    initial = np.flatnonzero(_initial_values(graph, outside))
    found = _boxes(graph, recorded, around, outside, initial)
    deepest = found
    for _ in range(_LEVELS if not recorded else 0):
        names = deepest[0]
        if len(names) != 1 or names[0] + "/" == around:
            break
        # A box that holds the whole model: what is in it are the layers.
        around = names[0] + "/"
        deepest = _boxes(graph, recorded, around, outside, initial)
        if len(deepest[0]) > 1:
            found = deepest
    return found


def _boxes(
    graph: OpGraph, recorded: Mapping[str, str], around: str, outside: _Outside, initial: np.ndarray
) -> tuple[Sequence[str], np.ndarray, Mapping[int, str]]:
    """As `own_by_outer_scope`, with the scopes right inside a given one for boxes."""
    boxes, of_op, role_of_scope = _box_of_op(graph, recorded, around)
    numbers = {box: number for number, box in enumerate(boxes)}
    # An op named as a box is part of it: "a" beside "a/b" is drawn inside "a".
    for row in graph.rows_named(numbers):
        if of_op[row] == UNOWNED:
            of_op[row] = numbers[graph.names[row]]
    bookkeeping = bookkeeping_ops(graph)
    of_op[initial] = of_op[list(bookkeeping)] = UNOWNED
    known = {numbers[id_] for id_ in recorded.values() if id_ in numbers}
    layers = _layers(graph, boxes, of_op, known, outside)
    pipelines = _pipelines(graph, of_op, layers)
    # One more, for what is in no box and has the number -1.
    renumbered = np.full(len(boxes) + 1, UNOWNED, dtype=np.int32)
    renumbered[layers] = np.arange(len(layers))
    of_op = renumbered[of_op]
    rows_of_role: dict[str, list[int]] = defaultdict(list)
    for row, role in bookkeeping.items():
        rows_of_role[role].append(row)
    given: list[KnownRole] = [("input pipeline", pipelines), *rows_of_role.items(), ("initialization", initial)]
    roles = roles_of(graph, of_op, role_of_scope, given)
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
    names, numbers = scopes.names, scopes.numbers
    is_recorded = np.zeros(len(graph), dtype=bool)
    if recorded:
        others = dict.fromkeys(box for box in recorded.values() if box and box not in numbers)
        names, numbers = [*names, *others], {**numbers, **dict(zip(others, count(len(names)), strict=False))}
        rows = graph.rows_named(recorded)
        is_recorded[rows] = True
        label[rows] = [numbers[box] if box else UNOWNED for box in (recorded[graph.names[row]] for row in rows)]
    # One more, for what is in no box and has the number -1.
    first = first_places(label, len(names) + 1)[:-1]
    found = np.flatnonzero(first < len(label))
    boxes: list[str] = []
    role_of_scope: dict[str, str] = {}
    number_of = np.full(len(names) + 1, UNOWNED, dtype=np.int32)
    for label_of_box in found[np.argsort(first[found])].tolist():
        box, named = names[label_of_box], bool(is_recorded[first[label_of_box]])
        # A name that begins with a slash is in no scope.
        if box.startswith("/") and not named:
            continue
        role = "" if named else _role(box)
        if role:
            role_of_scope[box] = role
        else:
            number_of[label_of_box] = len(boxes)
            boxes.append(box)
    of_op: np.ndarray = number_of[label]
    return boxes, of_op, role_of_scope


def _role(box: str) -> str:
    """Role of a box by its name."""
    segment = box.rpartition("/")[2]
    numbered = NUMBERED.fullmatch(segment)
    return role_of_name(segment) or role_of_box(segment) or (role_of_box(numbered[1]) if numbered else "")


def _layers(
    graph: OpGraph, boxes: Sequence[str], of_op: np.ndarray, known: Collection[int], outside: _Outside
) -> list[int]:
    """The boxes that compute something from what comes in, by more than one op that lies at the root."""
    computing = set(known)
    at_root = _ops_with_boxes(graph, boxes, of_op) - computing
    is_open = np.ones(len(boxes) + 1, dtype=bool)
    is_open[[*at_root, *computing, UNOWNED]] = False
    rows = np.flatnonzero(is_open[of_op] & outside.computed & ~graph.of_types(FEEDS.__contains__))

    def computes(box: int, row: int) -> bool:
        name = graph.names[row]
        return name != boxes[box] and _SUMMARY not in name

    # The first op decides for nearly every box, so few names are looked at.
    first = first_places(of_op[rows], len(boxes))
    asked = np.flatnonzero(first < len(rows))
    decided = [box for box, row in zip(asked.tolist(), rows[first[asked]].tolist(), strict=True) if computes(box, row)]
    computing.update(decided)
    is_open[decided] = False
    for row in rows[is_open[of_op[rows]]].tolist():
        box = int(of_op[row])
        if box not in computing and computes(box, row):
            computing.add(box)
    return sorted(computing)


def _ops_with_boxes(graph: OpGraph, boxes: Sequence[str], of_op: np.ndarray) -> set[int]:
    """The boxes that are single ops with a scope of their own, such as ``Reshape`` beside ``Reshape/shape``.

    What has weights is more than an op.
    """
    with_weights = np.zeros(len(boxes) + 1, dtype=bool)
    with_weights[of_op[graph.of_types(VARIABLES.__contains__)]] = True
    return {number for number, box in enumerate(boxes) if not with_weights[number] and _is_op(graph, box)}


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


class _Outside:
    """Which ops depend on what comes from outside. What most searches share is searched once.

    Args:
        graph: The op graph.
    """

    def __init__(self, graph: OpGraph) -> None:
        self._graph = graph
        order, self._offsets = graph.by_source
        self._leaves = graph.source[order]
        self._by_tensor = graph.output[order] != CONTROL
        self._is_onward = graph.onward > self._leaves
        by_both = self._over(self._by_tensor & self._is_onward)
        self._fed = reached(graph.of_types(FEEDS.__contains__), self._offsets, by_both)

    @property
    def fed(self) -> np.ndarray:
        """Whether each op depends on a feed, by edges to later ops; bool."""
        return self._further(self._fed, self._is_onward, ~self._by_tensor)

    @cached_property
    def computed(self) -> np.ndarray:
        """Whether each op depends on a feed, on an input pipeline, or on random numbers, by tensors; bool."""
        begins = self._graph.of_types(
            lambda op_type: (
                op_type in FEEDS or op_type.startswith(("Random", "StatelessRandom")) or hands_over_inputs(op_type)
            )
        )
        return self._further(begins, self._by_tensor, ~self._is_onward)

    def _further(self, begins: np.ndarray, chosen: np.ndarray, is_new: np.ndarray) -> np.ndarray:
        """The ops that feeds reach by tensors to later ops, and those that these or others reach; bool.

        Args:
            begins: Whether each op is one of the others.
            chosen: Which edges count, in the order of `OpGraph.by_source`.
            is_new: Those that did not count when the first were searched.
        """
        onward = self._over(chosen)
        edges = np.flatnonzero(chosen & is_new)
        begins = begins.copy()
        begins[onward[edges[self._fed[self._leaves[edges]]]]] = True
        found: np.ndarray = self._fed | reached(begins & ~self._fed, self._offsets, onward, through=~self._fed)
        return found

    def _over(self, chosen: np.ndarray) -> np.ndarray:
        """The row that each edge enters; one that does not count leads back to where it begins, to nothing new."""
        return np.where(chosen, self._graph.onward, self._leaves)


def _pipelines(graph: OpGraph, of_op: np.ndarray, layers: Sequence[int]) -> np.ndarray:
    """Rows of the ops of input pipelines that are in no layer's box; int64."""
    rows = graph.rows_of_types(lambda op_type: _PIPELINE.fullmatch(op_type) or hands_over_inputs(op_type))
    pipelines = np.array(rows, dtype=np.int64)
    found: np.ndarray = pipelines[~np.isin(of_op[pipelines], layers)]
    return found


def _initial_values(graph: OpGraph, outside: _Outside) -> np.ndarray:
    """Whether each op only computes a variable's initial value, or assigns it.

    That is an assignment, or an op all of whose results go to such ops, which come after it: no value from outside, and
    no variable. What is none of these is found, and backward from there all that something else takes.
    """
    _, offsets = graph.by_source
    assigns = graph.of_types(("Assign", "AssignVariableOp").__contains__)
    other = offsets[1:] == offsets[:-1]
    other[graph.source[graph.source >= graph.target]] = True
    other = (other & ~assigns) | outside.fed | graph.of_types(VARIABLES.__contains__)
    # Most ops are something else, and what they take is found in one look at all edges.
    undecided = ~(other | assigns)
    taken = np.zeros(len(graph), dtype=bool)
    taken[graph.source[undecided[graph.source] & other[graph.target]]] = True
    initial: np.ndarray = ~(other | reached(taken, graph.in_edges, graph.source, through=undecided))
    return initial


def _scope_around(graph: OpGraph) -> str:
    """The prefix of names under which nearly all scoped ops lie, ``""`` when there is no such scope."""
    scopes = graph.scopes
    directly = np.bincount(scopes.of_op, minlength=len(scopes))
    below = scopes.totals(directly)
    segments, kinds = scopes.kinds
    home = 0
    while True:
        around = np.flatnonzero(scopes.parent == home)
        inside = [
            scope
            for scope, kind in zip(around.tolist(), kinds[around].tolist(), strict=True)
            if not scopes.names[scope].startswith("/") and not role_of_name(segments[kind])
        ]
        if inside:
            largest = max(inside, key=lambda scope: below[scope] - directly[scope])
            scoped = sum(below[inside].tolist())
        if not inside or (below[largest] - directly[largest]) * 10 < scoped * 9:
            return f"{scopes.names[home]}/" if home else ""
        home = largest
