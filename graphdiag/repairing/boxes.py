"""Boxes: in which box of the repaired picture each op stands.

A layer's ops stand in the layer's box, ops of training and the like in one box a role. What belongs to nobody, and
what a layer has made but others use as well (a flag, a seed, a size), goes where its edges tell the truth:

- where all that use it are in one box, into that box: whatever comes in comes to that box anyhow;
- else where all that it is made from is in one box, into that one: whatever goes out comes from that box anyhow;
- what is made from nothing and used by several boxes has a box of its own. No layer then seems to feed the others;
- what is made from several boxes and used by several is an op between layers, with a box of its own.

What a layer computes that the model does not have, or a further copy of one that it has, is in no layer's box: all of
it is in one box, under the names that it had.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from graphdiag.diagnosis.call_scopes import find_copies
from graphdiag.diagnosis.captured import NOTHING, pairs_in_file, uses_of_variables
from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.dataflow.classes import ACTIVATION, FLAG, HANDLE, PARAMETER, RANDOM
from graphdiag.diagnosis.dataflow.op_specs import UNKNOWN, Kind, op_specs
from graphdiag.diagnosis.ownership import UNOWNED
from graphdiag.diagnosis.unowned_scopes import find_leftovers, find_unowned_scopes
from graphdiag.disjoint_sets import DisjointSets
from graphdiag.graphs.op_graph import CONTROL
from graphdiag.repairing.raw_ops import find_raw_ops

_UNSETTLED = -1
_MOST = 32
"""More boxes around an op than this are taken for any number of them."""


class BoxKind(Enum):
    """What a box stands for."""

    LAYER = "layer"
    ROLE = "role"
    BETWEEN = "between"
    ALONE = "alone"


@dataclass(frozen=True)
class Box:
    """One box of the repaired picture.

    Attributes:
        kind: What it stands for.
        name: Id of the layer; the role; for ops between layers and for an op that stands alone, its own name.
    """

    kind: BoxKind
    name: str


@dataclass(frozen=True, eq=False)
class Boxes:
    """The boxes, and which op stands in which.

    Attributes:
        boxes: The layers come first, in the order of the layer graph.
        of_op: Place in ``boxes`` for each op; int32.
    """

    boxes: Sequence[Box]
    of_op: np.ndarray

    def layer_of(self, row: int) -> str | None:
        """Id of the layer in whose box an op stands, or ``None``."""
        box = self.boxes[int(self.of_op[row])]
        return box.name if box.kind is BoxKind.LAYER else None


_PIPELINE = frozenset(
    {"IteratorGetNext", "IteratorGetNextSync", "MultiDeviceIteratorGetNextFromShard", "QueueDequeueV2"}
)
"""Types of ops that give a train step its data."""
_VARIABLES = frozenset({"Variable", "VariableV2"})
"""Types of ops that give a variable itself, which another op reads."""
_ROLE_OF_STATE = {"metric": "metrics", "optimizer": "training", "random generator": "random"}
"""The role of what keeps the state of something, by what that is."""
_SHARED = "shared"
_OTHER = Box(BoxKind.ROLE, "other")
_UNUSED = Box(BoxKind.ROLE, "unused")
_OUTPUTS = Box(BoxKind.ROLE, "outputs")


def _unused(context: DiagnosisContext) -> Set[int]:
    """Rows of the ops of layers that the model does not have and does not need, and of further copies of its own."""
    if context.layers is None:
        return frozenset()
    left = {scope for group in find_leftovers(context) for scope in group.boxes}
    _, copies = find_copies(context)
    unowned = find_unowned_scopes(context)
    places = [number for number, scope in enumerate(unowned.boxes) if scope in left]
    inside = np.flatnonzero(np.isin(unowned.box_of, places)).tolist()
    return frozenset((*inside, *(row for copy in copies for row in copy.rows)))


def find_boxes(context: DiagnosisContext, is_real: Callable[[Pair], bool], callers: Collection[int] = ()) -> Boxes:
    """Find the box of each op.

    Args:
        context: The graphs of the source, with ownership and flow.
        is_real: Whether an edge between two layers would tell the truth.
        callers: Rows of calls of functions in which layers are; each has a box of its own.

    Returns:
        The boxes.
    """
    return _Boxing(context, is_real, callers).run()


@dataclass
class _Around:
    """What is before and after an op: the boxes that its values come from, and those that use them."""

    before: Set[int] = frozenset()
    after: Set[int] = frozenset()


@dataclass
class _Boxing:
    context: DiagnosisContext
    is_real: Callable[[Pair], bool]
    callers: Collection[int]
    boxes: list[Box] = field(default_factory=list)
    numbers: dict[Box, int] = field(default_factory=dict)

    def run(self) -> Boxes:
        context, ops = self.context, self.context.ops
        ownership = context.ownership
        self.layers = [owner for owner in ownership.owners if context.layers is None or owner in context.layers.layers]
        for layer in self.layers:
            self._number(Box(BoxKind.LAYER, layer))
        of_op = ownership.of_op.copy()
        of_op[of_op >= len(self.layers)] = UNOWNED
        self.unused = _unused(context)
        of_op[list(self.unused)] = UNOWNED
        raw_ops = find_raw_ops(context)
        for layer, rows in raw_ops.items():
            of_op[list(rows)] = self.numbers[Box(BoxKind.LAYER, layer)]
        self.home = of_op
        values = context.flow.classes
        settled = of_op.copy()
        if self.unused:
            settled[list(self.unused)] = self._number(_UNUSED)
        # What carries nothing of the layer's own may have been made there by chance.
        settled[(values & (ACTIVATION | PARAMETER | HANDLE)) == 0] = _UNSETTLED
        for rows in raw_ops.values():
            settled[list(rows)] = of_op[list(rows)]
        for row, role in ownership.roles.items():
            settled[row] = self._number(Box(BoxKind.ROLE, role))
        for row, type_ in enumerate(ops.types):
            if type_ in _PIPELINE and of_op[row] == UNOWNED:
                settled[row] = self._number(Box(BoxKind.ROLE, "data"))
        for row, role in self._state_of_training().items():
            settled[row] = self._number(Box(BoxKind.ROLE, role))
        for row in self.callers:
            settled[row] = self._number(Box(BoxKind.BETWEEN, ops.names[row]))
        for row in ownership.model_inputs:
            settled[row] = of_op[row]
        strays = [row for row, what in ownership.belongs_to.items() if what == NOTHING]
        for row, layers in ownership.trackers.items():
            known = [layer for layer in layers if Box(BoxKind.LAYER, layer) in self.numbers]
            if known:
                settled[row] = self.numbers[Box(BoxKind.LAYER, known[0])]
            else:
                strays.append(row)
        for row in strays if self.context.layers is not None else ():
            if self.home[row] == UNOWNED:
                # In the box of the one layer that reads it, it would look like that layer's own.
                settled[row] = self._number(Box(BoxKind.ROLE, _SHARED))
        self.settled = settled
        if not ownership.trackers:
            self._settle_variables_of_file()
        self._look_around()
        result = settled.copy()
        between: list[int] = []
        for row in self.open:
            number = self._choose(row)
            if number == _UNSETTLED:
                between.append(row)
            result[row] = number
        self._box_between(between, result)
        self._take_results_out(result)
        self._follow_makers(result)
        self._follow_variables(result)
        self._follow_users(result)
        self._join_roles(result)
        return Boxes(self.boxes, result)

    def _state_of_training(self) -> Mapping[int, str]:
        """Variables of metrics and optimizers, and what writes them, by row, with the role.

        Of a live model it is known whose they are. In a file they are those in which only ops of no layer keep what the
        model computes.
        """
        ops, ownership, values = self.context.ops, self.context.ownership, self.context.flow.values
        order, offsets = ops.by_source
        found: dict[int, str] = {}
        for row in np.flatnonzero(self.home == UNOWNED).tolist():
            is_variable = values[row] & HANDLE or ops.types[row] in _VARIABLES
            if not is_variable or ops.in_edges[row] < ops.in_edges[row + 1] or row in self.unused:
                continue
            users = {int(ops.target[edge]) for edge in order[offsets[row] : offsets[row + 1]].tolist()}
            writers = [user for user in users if op_specs().get(ops.types[user], UNKNOWN).kind is Kind.WRITES]
            role = _ROLE_OF_STATE.get(ownership.belongs_to.get(row, ""), "")
            if not ownership.belongs_to and all(
                self.home[user] == UNOWNED and user not in ownership.roles for user in users
            ):
                kept = (source for writer in writers for source in self._taken(writer))
                role = "metrics" if any(values[source] & ACTIVATION for source in kept) else ""
            if role:
                found[row] = role
                own = (writer for writer in writers if self.home[writer] == UNOWNED and writer not in ownership.roles)
                found.update(dict.fromkeys(own, role))
        return found

    def _taken(self, row: int) -> Sequence[int]:
        """Rows of the ops whose tensors an op takes."""
        ops = self.context.ops
        into = range(int(ops.in_edges[row]), int(ops.in_edges[row + 1]))
        return [int(ops.source[edge]) for edge in into if ops.output[edge] != CONTROL]

    def _number(self, box: Box) -> int:
        if box not in self.numbers:
            self.numbers[box] = len(self.boxes)
            self.boxes.append(box)
        return self.numbers[box]

    def _settle_variables_of_file(self) -> None:
        """Have a variable that several layers read stand in the box of the one that it is taken to belong to."""
        if self.context.layers is None:
            return
        values, names = self.context.flow.values, self.context.ops.names
        for row in np.flatnonzero(self.home == UNOWNED).tolist():
            if values[row] & HANDLE and names[row].startswith(f"{_SHARED}/"):
                # A repair of the live model, of which more is known, has put it there.
                self.settled[row] = self._number(Box(BoxKind.ROLE, _SHARED))
        for use in uses_of_variables(self.context):
            hidden, unclear = pairs_in_file(self.context, use)
            for owner, _ in (*hidden, *unclear)[:1]:
                if self.home[use.variable] == UNOWNED:
                    self.settled[use.variable] = self.numbers[Box(BoxKind.LAYER, owner)]

    # --- what is before and after ------------------------------------------------------------------------------------

    def _look_around(self) -> None:
        ops = self.context.ops
        is_open = self.settled == _UNSETTLED
        self.open = np.flatnonzero(is_open).tolist()
        self.around = {row: _Around() for row in self.open}
        order, offsets = ops.by_source
        self.feeds: dict[int, list[int]] = {}
        self.fed: dict[int, list[int]] = {}
        for row in self.open:
            self.feeds[row] = list(self._taken(row))
            out = order[offsets[row] : offsets[row + 1]].tolist()
            self.fed[row] = [int(ops.target[edge]) for edge in out if ops.output[edge] != CONTROL]
        for row in self._sorted(self.feeds, self.fed):
            self.around[row].before = self._joined(self.feeds[row], lambda near: near.before)
        for row in self._sorted(self.fed, self.feeds):
            self.around[row].after = self._joined(self.fed[row], lambda near: near.after)

    def _sorted(self, earlier: Mapping[int, Sequence[int]], later: Mapping[int, Sequence[int]]) -> Iterable[int]:
        """The open ops, each after those that come earlier, as far as there are no loops."""
        waits = {row: sum(near in self.around for near in earlier[row]) for row in self.open}
        ready = deque(row for row in self.open if not waits[row])
        done: dict[int, None] = {}
        while ready:
            row = ready.popleft()
            done[row] = None
            for near in later[row]:
                if near in waits:
                    waits[near] -= 1
                    if not waits[near]:
                        ready.append(near)
        return [*done, *(row for row in self.open if row not in done)]

    def _joined(self, rows: Sequence[int], side: Callable[[_Around], Set[int]]) -> Set[int]:
        found: set[int] = set()
        for row in rows:
            near = self.around.get(row)
            if near is None:
                found.add(int(self.settled[row]))
            elif len(found) <= _MOST:
                found |= side(near)
        return frozenset(found)

    # --- choosing ----------------------------------------------------------------------------------------------------

    def _choose(self, row: int) -> int:
        """The box of an op that could stand in several; `_UNSETTLED` for one between layers."""
        before, after = self.around[row].before, self._layers_or_roles(self.around[row].after)
        if row in self.unused and not any(self.boxes[number].kind is BoxKind.LAYER for number in after):
            return self.numbers[_UNUSED]
        home = int(self.home[row])
        if home != UNOWNED and (self._tells_the_truth(home, after)):
            return home
        if home == UNOWNED and len(after) == 1:
            return next(iter(after))
        if len(before) == 1 and (home == UNOWNED or self._tells_the_truth(next(iter(before)), after)):
            return next(iter(before))
        if home != UNOWNED and before:
            return home
        if before and after:
            return _UNSETTLED
        return self._shared(row, bool(after))

    def _layers_or_roles(self, after: Set[int]) -> Set[int]:
        """What training does with a layer's tensors does not make them training's."""
        unused = self.numbers.get(_UNUSED)
        layers = frozenset(number for number in after if self.boxes[number].kind is BoxKind.LAYER or number == unused)
        return layers or frozenset(sorted(after)[:1])

    def _tells_the_truth(self, box: int, after: Set[int]) -> bool:
        return all(
            number == box
            or self.boxes[number].kind is not BoxKind.LAYER
            or self.is_real((self.boxes[box].name, self.boxes[number].name))
            for number in after
        )

    def _shared(self, row: int, used: bool) -> int:
        ops = self.context.ops
        if ops.types[row] == "NoOp" or (self.context.flow.values[row] & FLAG and used):
            # TensorBoard takes these out of the layout, and writes their names beside those that use them.
            return self._number(Box(BoxKind.ALONE, ops.names[row]))
        if not used:
            return self._number(_OTHER)
        is_random = self.context.flow.values[row] & RANDOM
        return self._number(Box(BoxKind.ROLE, "random" if is_random else _SHARED))

    def _box_between(self, rows: Sequence[int], of_op: np.ndarray) -> None:
        """Give ops between layers that are linked to one another a box together."""
        linked = DisjointSets[int]()
        known = set(rows)
        for row in rows:
            for near in self.fed[row]:
                if near in known:
                    linked.join(near, row)
        numbers: dict[int, int] = {}
        for row in rows:
            root = linked.root(row)
            if root not in numbers:
                numbers[root] = self._number(Box(BoxKind.BETWEEN, self.context.ops.names[row]))
            of_op[row] = numbers[root]

    def _take_results_out(self, of_op: np.ndarray) -> None:
        """Have results that wait for other layers stand in a box of their own: the last layer does not wait."""
        ops = self.context.ops
        outside: set[int] = set()
        for row in self._sorted(self.feeds, self.fed):
            if self.home[row] != UNOWNED or self.boxes[int(of_op[row])].kind is not BoxKind.LAYER:
                continue
            into = range(int(ops.in_edges[row]), int(ops.in_edges[row + 1]))
            awaited = {int(of_op[ops.source[edge]]) for edge in into if ops.output[edge] == CONTROL}
            waits = not all(
                self._tells_the_truth(number, {int(of_op[row])}) for number in awaited if self._is_layer(number)
            )
            if not self.around[row].after and (waits or not outside.isdisjoint(self.feeds[row])):
                outside.add(row)
        for row in outside:
            of_op[row] = self._number(_OUTPUTS)

    def _is_layer(self, number: int) -> bool:
        return self.boxes[number].kind is BoxKind.LAYER

    def _follow_makers(self, of_op: np.ndarray) -> None:
        """Keep an op whose result is unused, as a gradient by a constant slope, with the training op it is made from.

        In the box of the layer whose values that op takes, training would seem to feed the layer.
        """
        for row in self._sorted(self.feeds, self.fed):
            if self.home[row] != UNOWNED or self.around[row].after or not self._is_layer(int(of_op[row])):
                continue
            made_from = (near for near in self.feeds[row] if near in self.around and self.around[near].before)
            roles = [number for near in made_from if not self._is_layer(number := int(of_op[near]))]
            if roles:
                of_op[row] = roles[0]

    def _follow_variables(self, of_op: np.ndarray) -> None:
        """Have the op that reads a variable of no layer stand beside it, or it would look like its reader's."""
        types = self.context.ops.types
        for row in self.open:
            if types[row] == "Identity" and self.home[row] == UNOWNED and len(self.feeds[row]) == 1:
                (variable,) = self.feeds[row]
                if types[variable] in _VARIABLES and self.boxes[int(of_op[variable])].kind is BoxKind.ROLE:
                    of_op[row] = of_op[variable]

    def _follow_users(self, of_op: np.ndarray) -> None:
        """Have what is made from nothing, and used in one box alone, stand there."""
        if _OTHER not in self.numbers:
            return
        for row in self._sorted(self.fed, self.feeds):
            is_constant = not self.around[row].before and not self.context.flow.values[row] & (FLAG | RANDOM)
            if of_op[row] == self.numbers[_OTHER] and is_constant:
                users = {int(of_op[near]) for near in self.fed[row]}
                if len(users) == 1:
                    of_op[row] = users.pop()

    def _join_roles(self, of_op: np.ndarray) -> None:
        """Have what is linked with the ops of one role only, as the sums of a metric are, join them."""
        if _OTHER not in self.numbers:
            return
        other = self.numbers[_OTHER]
        linked = DisjointSets[int]()
        rows = np.flatnonzero(of_op == other).tolist()
        known = set(rows)
        roles: dict[int, set[int]] = defaultdict(set)
        for row in rows:
            for near in (*self.feeds[row], *self.fed[row]):
                if near in known:
                    linked.join(near, row)
        for row in rows:
            for near in (*self.feeds[row], *self.fed[row]):
                if near not in known and self.boxes[int(of_op[near])].kind is BoxKind.ROLE:
                    roles[linked.root(row)].add(int(of_op[near]))
        for row in rows:
            of_op[row] = min(roles[linked.root(row)], default=other)
