"""Flow: what every tensor of an op graph carries, computed once, linear in ops and edges.

For every op two sets are kept: what the *values* of its output depend on, and what the *shape* of its output depends
on. Both are sets of classes (`Carries`), stored as bits of an integer. How an op's sets come from those of its inputs
is the business of `graphdiag.diagnosis.op_table`; this module walks the graph:

- control flow of TF 1 (``Switch``, ``Merge``, ``Enter`` ...): a fixed point over the cycles. A ``Merge`` also takes
  what its inputs' being alive depends on, so a branch of constants still carries its predicate;
- functional control flow of TF 2: one summary for each library function, which says for every result on which
  arguments it depends; recursion is a fixed point over the summaries;
- state: what is assigned to a variable, pushed on a stack or put into a queue comes out where it is read, unless the
  read provably comes before the write;
- an op type that is not in the table passes everything on.

So a class may be reported that does not really flow, never the other way round.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntFlag

from graphdiag.diagnosis.op_table import UNKNOWN, Kind, Rule, rules
from graphdiag.graphs.op_graph import CONTROL, FunctionBody, OpGraph

_DT_BOOL = 10
_DT_RESOURCE = 20
_REF = 100  # DT_FLOAT_REF is DT_FLOAT + 100, and so on


class Carries(IntFlag):
    """What flows over an edge, as bits. No bit at all: constants only."""

    CONSTANT = 0
    ACTIVATION = 1
    PARAMETER = 2
    HANDLE = 4
    SHAPE = 8
    FLAG = 16
    RANDOM = 32


CLASS_BITS = 6
_ALL_CLASSES = (1 << CLASS_BITS) - 1
_HANDLE = int(Carries.HANDLE)


@dataclass(frozen=True)
class Flow:
    """What each op's outputs carry.

    Attributes:
        values: For each row, what the values of the op's output depend on: bits of `Carries`.
        shapes: For each row, what the shape of the output depends on.
        slots: For rows with results of their own for each output slot (calls, branches, loops): one ``(values,
            shapes)`` a slot.
        pivots: Rows that are alive or dead by a predicate (TF 1's ``switch_t``), with what the predicate carries.
        stores: ``(writer, reader)`` rows, where the writer stores activations, in a variable, say, and the reader may
            find them there.
    """

    values: Sequence[int]
    shapes: Sequence[int]
    slots: Mapping[int, Sequence[tuple[int, int]]]
    pivots: Mapping[int, int]
    stores: Sequence[tuple[int, int]] = ()

    def over(self, row: int, slot: int, target_type: str) -> Carries:
        """What flows out of ``row`` at ``slot`` into an op of type ``target_type``.

        For a control dependency: what decides whether it fires. An op that only reads dimensions takes the shape of
        its input and nothing else. And where nothing of the values is known to vary, the shape still may: a tensor
        of zeros in the shape of another carries that shape.
        """
        if slot == CONTROL:
            return Carries(self.pivots.get(row, 0) & _ALL_CLASSES)
        values, shapes = self.slots[row][slot] if self._has_slot(row, slot) else (self.values[row], self.shapes[row])
        if _rule(target_type).kind in (Kind.MEASURES, Kind.BLANK):
            return Carries(shapes & _ALL_CLASSES)
        if values:
            shapes &= ~Carries.SHAPE
        return Carries((values | shapes) & _ALL_CLASSES)

    def _has_slot(self, row: int, slot: int) -> bool:
        return row in self.slots and slot < len(self.slots[row])


def trace(graph: OpGraph, model_inputs: Collection[int], scalars_are_flags: bool = True) -> Flow:
    """Compute what every tensor of the graph carries.

    Args:
        graph: The op graph.
        model_inputs: Rows of the feeds that are inputs of the model. Their values are activations, their shapes are
            shape.
        scalars_are_flags: Whether a scalar feed that is no model input is a flag. False when the model has inputs
            that were not found among the feeds: then any feed but a bool may be one of them.

    Returns:
        The flow of the whole graph.
    """
    summaries = _Summaries(graph.functions)
    feeds = {
        row: _feed(graph, row, row in model_inputs, scalars_are_flags)
        for row, op_type in enumerate(graph.types)
        if _rule(op_type).kind is Kind.FEED
    }
    walk = _Walk(graph, feeds, summaries)
    walk.run()
    return Flow(walk.values, walk.shapes, walk.slots, walk.pivots(), walk.state.activations_stored())


def _rule(op_type: str) -> Rule:
    return rules().get(op_type, UNKNOWN)


def _feed(graph: OpGraph, row: int, is_model_input: bool, scalars_are_flags: bool) -> tuple[int, int]:
    """Values and shape of a feed."""
    if is_model_input:
        return int(Carries.ACTIVATION), int(Carries.SHAPE)
    attributes = graph.node_defs[row].attr
    dtype = (attributes["dtype"] if "dtype" in attributes else attributes["T"]).type
    if dtype == _DT_RESOURCE:
        return _HANDLE, 0
    if is_scalar(graph, row) and (scalars_are_flags or dtype == _DT_BOOL):
        return int(Carries.FLAG), 0
    return int(Carries.ACTIVATION), int(Carries.SHAPE)


def is_scalar(graph: OpGraph, row: int) -> bool:
    """Whether the graph records that the feed in this row has rank 0. An unknown rank is no rank 0."""
    attributes = graph.node_defs[row].attr
    if "shape" in attributes:
        shape = attributes["shape"].shape
        return not shape.unknown_rank and not shape.dim
    if "_output_shapes" in attributes:
        shapes = attributes["_output_shapes"].list.shape
        return len(shapes) == 1 and not shapes[0].unknown_rank and not shapes[0].dim
    return False


# --- one graph -------------------------------------------------------------------------------------------------------


class _Walk:
    """The sets of one graph, top level or function body, brought to their fixed point."""

    def __init__(
        self,
        graph: OpGraph,
        feeds: Mapping[int, tuple[int, int]],
        summaries: _Summaries,
        in_function: bool = False,
    ) -> None:
        size = len(graph)
        self.graph = graph
        self.in_function = in_function
        self.feeds = feeds
        self.summaries = summaries
        self.rules = [_rule(op_type) for op_type in graph.types]
        self.values = [0] * size
        self.shapes = [0] * size
        self.alive = [0] * size
        self.slots: dict[int, list[tuple[int, int]]] = {}
        self.source: list[int] = graph.source.tolist()
        self.output: list[int] = graph.output.tolist()
        self.first: list[int] = graph.in_edges.tolist()
        self.state = _State(self)

    def run(self) -> None:
        order, cyclic = evaluation_order(self.graph)
        self._settle(order, cyclic)
        # Late reads add dependencies, which may add writes that matter: until nothing changes.
        # Late reads add dependencies against the order, and those may make further writes matter.
        while self.state.connect(order, cyclic):
            self._settle(order, cyclic=True)

    def _settle(self, order: Sequence[int], cyclic: bool) -> None:
        while self._sweep(order) and cyclic:
            pass

    def calls_by_type(self, row: int) -> bool:
        """Whether the op's type is a library function's name, as TF 1 called functions."""
        return self.graph.types[row] in self.summaries.bodies

    def pivots(self) -> dict[int, int]:
        """Rows whose first input is a ``Switch``: they are alive or dead by its predicate."""
        found = {}
        for row, rule in enumerate(self.rules):
            if rule.kind is not Kind.SWITCHES:
                continue
            predicate = self.values[self.source[self.first[row] + 1]] if self._arity(row) > 1 else _ALL_CLASSES
            found[row] = predicate
        if found:
            for edge, row in enumerate(self.graph.target.tolist()):
                if self.source[edge] in found and self.rules[row].kind is Kind.COMPUTES:
                    found.setdefault(row, found[self.source[edge]])
        return found

    def _arity(self, row: int) -> int:
        return self.first[row + 1] - self.first[row]

    def _sweep(self, order: Iterable[int]) -> bool:
        """One pass over the graph; whether anything grew."""
        values, shapes, alive = self.values, self.shapes, self.alive
        source, output, first = self.source, self.output, self.first
        late = self.state.late
        grew = False
        for row in order:
            start, stop = first[row], first[row + 1]
            if start == stop and row not in late:
                if not values[row] | shapes[row]:
                    value, shape = self._without_inputs(row)
                    values[row], shapes[row] = value, shape
                    grew = grew or bool(value | shape)
                continue
            rule = self.rules[row]
            value = shape = life = 0
            if rule.kind is Kind.COMPUTES and not rule.dimensions and not self.slots:
                for edge in range(start, stop):
                    origin = source[edge]
                    life |= alive[origin]
                    if output[edge] >= 0:
                        value |= values[origin]
                        shape |= shapes[origin]
            else:
                inputs = []
                for edge in range(start, stop):
                    life |= alive[source[edge]]
                    if output[edge] >= 0:
                        inputs.append(self.at(source[edge], output[edge]))
                value, shape, life = self._transfer(row, rule, inputs, life)
            if row in late:
                late_value, late_shape = self.state.read(row)
                value |= late_value
                shape |= late_shape
                if row in self.slots:
                    self.slots[row] = [(v | late_value, s | late_shape) for v, s in self.slots[row]]
            if (
                value | values[row] != values[row]
                or shape | shapes[row] != shapes[row]
                or life | alive[row] != alive[row]
            ):
                values[row] |= value
                shapes[row] |= shape
                alive[row] |= life
                grew = True
        return grew

    def at(self, row: int, slot: int) -> tuple[int, int]:
        """Values and shape of one output."""
        per_slot = self.slots.get(row)
        if per_slot is not None and slot < len(per_slot):
            return per_slot[slot]
        return self.values[row], self.shapes[row]

    def _without_inputs(self, row: int) -> tuple[int, int]:
        rule = self.rules[row]
        if rule.kind is Kind.FEED:
            return self.feeds[row]
        value, shape, _ = self._transfer(row, rule, [], 0)
        return value, shape

    def _transfer(self, row: int, rule: Rule, inputs: list[tuple[int, int]], life: int) -> tuple[int, int, int]:
        kind = rule.kind
        if kind in _CALLING or self.calls_by_type(row):
            results = self.summaries.call(self.graph, row, kind, inputs, self.state)
            if results is None:
                value, shape = transfer(UNKNOWN, inputs)
                return value | Carries.ACTIVATION, shape | Carries.ACTIVATION, life
            self.slots[row] = results
            value = shape = 0
            for result_value, result_shape in results:
                value |= result_value
                shape |= result_shape
            return value, shape, life
        if kind is Kind.FEED:
            # PlaceholderWithDefault has an input, its default; what is fed decides, and the default is fed as well.
            value, shape = self.feeds[row]
            default_value, default_shape = transfer(Rule(Kind.COMPUTES), inputs)
            return value | default_value, shape | default_shape, life
        if kind is Kind.SWITCHES:
            value, shape = transfer(Rule(Kind.COMPUTES), inputs)
            predicate = inputs[1][0] if len(inputs) > 1 else _ALL_CLASSES
            return value, shape, life | predicate
        if kind is Kind.MERGES:
            # Which input comes through is what their being alive depends on.
            value, shape = transfer(Rule(Kind.COMPUTES), inputs)
            return value | life, shape | life, life
        value, shape = transfer(rule, inputs)
        return value, shape, life


def transfer(rule: Rule, inputs: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Values and shape of an op's output from those of its data inputs, for ops without state or functions.

    Args:
        rule: The op's rule.
        inputs: ``(values, shape)`` of each data input, in order. Any bits: the rules only join sets.

    Returns:
        ``(values, shape)`` of the output.
    """
    kind = rule.kind
    if kind is Kind.CONSTANT:
        return 0, 0
    if kind is Kind.VARIABLE:
        return int(Carries.PARAMETER), 0
    if kind is Kind.HANDLE:
        return _HANDLE, 0
    if kind is Kind.OUTSIDE:
        return int(Carries.ACTIVATION), int(Carries.ACTIVATION)
    value = shape = 0
    for input_value, input_shape in inputs:
        value |= input_value
        shape |= input_shape
    if kind is Kind.MEASURES:
        return shape, 0
    if kind is Kind.BLANK:
        return 0, shape
    if kind is Kind.RANDOM:
        return value | Carries.RANDOM, value
    if kind in (Kind.READS, Kind.TAKES, Kind.WRITES):
        # What is behind the handle is added by `_State`; the handle itself does not come out.
        value &= ~_HANDLE
        return (value | Carries.PARAMETER if kind is Kind.READS else value), shape
    for position in rule.dimensions:
        if -len(inputs) <= position < len(inputs):
            shape |= inputs[position][0]
    if kind is Kind.FILLS:
        return 0, shape
    if kind is Kind.UNKNOWN:
        if not inputs or value & _HANDLE:
            # A source of its own, or something that reads state in a way nobody told us.
            value |= Carries.ACTIVATION
        return value | shape, value | shape
    return value, shape


def evaluation_order(graph: OpGraph) -> tuple[Sequence[int], bool]:
    """Rows in an order in which inputs come before the ops that take them, loops' back edges aside.

    Returns:
        The order, and whether the graph has cycles (TF 1 loops; or a damaged graph).
    """
    cyclic = any("NextIteration" in op_type for op_type in set(graph.types))
    size = len(graph)
    if not cyclic and bool((graph.source < graph.target).all()):
        return range(size), False
    waiting = [0] * size
    targets: list[list[int]] = [[] for _ in range(size)]
    for origin, row in zip(graph.source.tolist(), graph.target.tolist(), strict=True):
        if "NextIteration" not in graph.types[origin]:
            waiting[row] += 1
            targets[origin].append(row)
    ready = [row for row in range(size - 1, -1, -1) if not waiting[row]]
    order: list[int] = []
    while ready:
        row = ready.pop()
        order.append(row)
        for target in reversed(targets[row]):
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    if len(order) < size:
        # A cycle without NextIteration: no TensorFlow graph, but a fixed point exists all the same.
        placed = set(order)
        order.extend(row for row in range(size) if row not in placed)
        cyclic = True
    return order, cyclic


# --- state -----------------------------------------------------------------------------------------------------------


_HANDED_ON = {
    "Identity",
    "Enter",
    "RefEnter",
    "Exit",
    "RefExit",
    "Switch",
    "RefSwitch",
    "NextIteration",
    "RefNextIteration",
}
_REFERENCE = {"RefIdentity", "RefEnter", "RefExit", "RefSwitch", "RefNextIteration", "Assign", "AssignAdd", "AssignSub"}
_CALLING = frozenset({Kind.CALLS, Kind.BRANCHES, Kind.LOOPS})

_Key = int | bytes
"""What a state is known by: the row of the op that made the handle, or the name under which ops share it."""
_ANYWHERE: _Key = -1
"""A handle whose origin is unclear: it may be any."""
_UNSEEN = -1
"""The writer of a container that nothing in the graph fills."""


class _State:
    """What is stored behind variables, stacks, queues and tables, and which ops read it after it was written."""

    def __init__(self, walk: _Walk) -> None:
        self.walk = walk
        self.writers: dict[_Key, set[int]] = {}
        self.readers: dict[_Key, set[int]] = {}
        self.late: dict[int, set[tuple[int, _Key]]] = {}
        self._calls: dict[tuple[int, _Key], tuple[int, int]] = {}
        self._origins: dict[int, _Key | None] = {}
        for row, rule in enumerate(walk.rules):
            if rule.kind is Kind.WRITES:
                for key in self._handles(row) or [_ANYWHERE]:
                    self.writers.setdefault(key, set()).add(row)
            elif rule.kind in (Kind.READS, Kind.TAKES):
                self.readers.setdefault(self.behind_input(row, 0), set()).add(row)
            elif rule.kind in _CALLING or rule.kind is Kind.UNKNOWN or walk.calls_by_type(row):
                for key in self._handles(row):
                    self.writers.setdefault(key, set()).add(row)
                    self.readers.setdefault(key, set()).add(row)
        self._read_references()
        self._unseen_writers()

    def _read_references(self) -> None:
        """TF 1: whoever takes a variable's reference reads it."""
        graph = self.walk.graph
        variables = [row for row, rule in enumerate(self.walk.rules) if rule.kind is Kind.VARIABLE]
        if not any(row in self.writers for row in variables):
            return
        order, offsets = graph.by_source
        for row in variables:
            for edge in order[offsets[row] : offsets[row + 1]].tolist():
                target = int(graph.target[edge])
                if graph.output[edge] != CONTROL and self.walk.rules[target].kind is not Kind.WRITES:
                    self.readers.setdefault(row, set()).add(target)

    def _unseen_writers(self) -> None:
        """A queue that nothing in the graph fills is filled from outside."""
        for key, rows in self.readers.items():
            if key in self.writers or _ANYWHERE in self.writers:
                continue
            for row in rows:
                if self.walk.graph.types[row].startswith(("QueueDequeue", "StackPop", "LookupTableFind")):
                    self.late.setdefault(row, set()).add((_UNSEEN, key))

    def behind_input(self, row: int, position: int) -> _Key:
        """The state behind one input of an op."""
        edge = self.walk.first[row] + position
        if edge >= self.walk.first[row + 1]:
            return _ANYWHERE
        found = self._origin(self.walk.source[edge])
        return _ANYWHERE if found is None else found

    def _handles(self, row: int) -> list[_Key]:
        """The states behind those inputs of an op that are handles or references."""
        walk = self.walk
        found = []
        for edge in range(walk.first[row], walk.first[row + 1]):
            if walk.output[edge] != CONTROL:
                origin = self._origin(walk.source[edge])
                if origin is not None:
                    found.append(origin)
        return found

    def _origin(self, row: int) -> _Key | None:
        """The state behind a handle or reference; ``None`` when the row gives neither, as far as can be seen."""
        walk = self.walk
        path: list[int] = []
        passed: set[int] = set()
        references = handles = True
        while row not in self._origins and row not in passed:
            path.append(row)
            passed.add(row)
            kind, op_type = walk.rules[row].kind, walk.graph.types[row]
            if kind is Kind.HANDLE:
                name = walk.graph.node_defs[row].attr["shared_name"].s
                self._origins[row] = bytes(name) if name else row
            elif kind is Kind.VARIABLE or (kind is Kind.FEED and walk.feeds[row][0] & _HANDLE):
                self._origins[row] = row
            elif op_type in _HANDED_ON or op_type in _REFERENCE:
                references = references and op_type in _REFERENCE
                handles = handles and op_type in _HANDED_ON
                if walk.first[row] < walk.first[row + 1]:
                    row = walk.source[walk.first[row]]
            else:
                self._origins[row] = None
        result = self._origins.get(row)
        if isinstance(result, int) and result >= 0 and walk.rules[result].kind is Kind.VARIABLE:
            result = result if references else None
        elif result is not None and not handles:
            result = None
        for step in path:
            self._origins.setdefault(step, result)
        return result

    def store(self, row: int, position: int, value: int, shape: int) -> None:
        """Record what a call writes behind one of its inputs."""
        place = row, self.behind_input(row, position)
        old_value, old_shape = self._calls.get(place, (0, 0))
        self._calls[place] = (old_value | value, old_shape | shape)

    def written(self, row: int, key: _Key) -> tuple[int, int]:
        """What an op puts behind a handle."""
        walk = self.walk
        if walk.rules[row].kind in _CALLING or walk.calls_by_type(row):
            value, shape = self._calls.get((row, key), (0, 0))
            if (value or shape) and row in self.late:
                late_value, late_shape = self.read(row)
                value, shape = value | late_value, shape | late_shape
            return value, shape
        value = shape = 0
        for edge in range(walk.first[row], walk.first[row + 1]):
            if walk.output[edge] != CONTROL:
                input_value, input_shape = walk.at(walk.source[edge], walk.output[edge])
                value |= input_value
                shape |= input_shape
        return value & ~_HANDLE, shape

    def read(self, row: int) -> tuple[int, int]:
        """What an op that reads after writes finds there."""
        value = shape = 0
        for writer, key in self.late[row]:
            if writer == _UNSEEN:
                return int(Carries.ACTIVATION), int(Carries.ACTIVATION)
            kind = self.walk.rules[writer].kind
            if kind in _CALLING:
                written_value, written_shape = self._calls.get((writer, key), (0, 0))
            else:
                written_value, written_shape = self.written(writer, key)
            value |= written_value
            shape |= written_shape
        return value, shape

    def activations_stored(self) -> tuple[tuple[int, int], ...]:
        """Pairs of a write of activations and a read that may find them."""
        return tuple(
            sorted(
                {
                    (writer, reader)
                    for reader, writes in self.late.items()
                    for writer, key in writes
                    if writer != _UNSEEN and self._stores_activation(writer, key)
                }
            )
        )

    def _stores_activation(self, writer: int, key: _Key) -> bool:
        value, shape = self.written(writer, key)
        return bool((value | shape) & int(Carries.ACTIVATION))

    def connect(self, order: Sequence[int], cyclic: bool) -> bool:
        """Find the reads that may come after a write that matters; whether there are new ones.

        A write matters when it stores something that reading the variable does not carry anyway. A read that the
        write itself depends on comes before it: what it gives cannot be what was written.
        """
        fresh: list[tuple[int, int, _Key]] = []
        everyone = sorted(set().union(*self.readers.values())) if self.readers else []
        for key, writers in self.writers.items():
            if key == _ANYWHERE:
                readers = everyone
            else:
                readers = sorted(self.readers.get(key, set()) | self.readers.get(_ANYWHERE, set()))
            # Whoever reads a variable carries its parameters, and that counts for more than all but activations.
            takes = any(self.walk.rules[reader].kind is Kind.TAKES for reader in readers)
            for writer in sorted(writers):
                value, shape = self.written(writer, key)
                matters = value | shape if takes or self.walk.in_function else (value | shape) & Carries.ACTIVATION
                if matters:
                    fresh += [
                        (writer, reader, key)
                        for reader in readers
                        if reader != writer and (writer, key) not in self.late.get(reader, ())
                    ]
        if not fresh:
            return False
        before = set() if cyclic else _reads_before_writes(self.walk, order, [pair[:2] for pair in fresh])
        late = [(writer, reader, key) for writer, reader, key in fresh if (writer, reader) not in before]
        for writer, reader, key in late:
            self.late.setdefault(reader, set()).add((writer, key))
        return bool(late)


_CHUNK = 2048


def _reads_before_writes(walk: _Walk, order: Sequence[int], pairs: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those ``(writer, reader)`` pairs in which the writer depends on the reader.

    Readers are bits, carried forward along every edge; a few thousand at a time, so that memory stays linear.
    """
    found: set[tuple[int, int]] = set()
    readers = sorted({reader for _, reader in pairs})
    for begin in range(0, len(readers), _CHUNK):
        chunk = {reader: 1 << bit for bit, reader in enumerate(readers[begin : begin + _CHUNK])}
        seen = [0] * len(walk.graph)
        for row in order:
            passed = chunk.get(row, 0)
            for edge in range(walk.first[row], walk.first[row + 1]):
                passed |= seen[walk.source[edge]]
            seen[row] = passed
        found.update((writer, reader) for writer, reader in pairs if reader in chunk and seen[writer] & chunk[reader])
    return found


# --- functions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Summary:
    """What a function's results depend on.

    Beyond the classes, the bits stand for arguments: two a piece, for its values and its shape.

    Attributes:
        results: ``(values, shape)`` of each result.
        unchanged: Positions at which the function gives back its argument as it is.
        writes: What it stores behind the handle in each argument position.
    """

    results: Sequence[tuple[int, int]] = ()
    unchanged: frozenset[int] = frozenset()
    writes: Mapping[int, tuple[int, int]] = field(default_factory=dict)


class _Summaries:
    """The summaries of all library functions, at their common fixed point."""

    def __init__(self, bodies: Mapping[str, FunctionBody]) -> None:
        self.bodies = bodies
        self._summaries: dict[str, _Summary] = {name: _Summary() for name in bodies}
        self._growing = True
        # Sets only ever grow, so this ends: after as many rounds as functions are nested, and one more.
        while self._growing and bodies:
            self._growing = False
            for name, body in bodies.items():
                self._summarise(name, body)

    def _summarise(self, name: str, body: FunctionBody) -> None:
        graph = body.graph
        feeds: dict[int, tuple[int, int]] = {}
        for row, op_type in enumerate(graph.types):
            if _rule(op_type).kind is Kind.FEED:
                feeds[row] = (int(Carries.ACTIVATION), int(Carries.SHAPE))
        for position, row in enumerate(body.arguments):
            values = 1 << (CLASS_BITS + 2 * position)
            dtype = graph.node_defs[row].attr["T"].type
            feeds[row] = (values | (_HANDLE if dtype == _DT_RESOURCE or dtype > _REF else 0), values << 1)
        walk = _Walk(graph, feeds, self, in_function=True)
        walk.run()
        results = []
        unchanged = set()
        for position, (row, slot) in enumerate(body.results):
            results.append(walk.at(row, slot) if row >= 0 else (_ALL_CLASSES, _ALL_CLASSES))
            if position < len(body.arguments) and row >= 0 and _plain(graph, row) == body.arguments[position]:
                unchanged.add(position)
        writes: dict[int, tuple[int, int]] = {}
        for position, row in enumerate(body.arguments):
            value = shape = 0
            for writer in walk.state.writers.get(row, ()):
                written_value, written_shape = walk.state.written(writer, row)
                value |= written_value
                shape |= written_shape
            if value | shape:
                writes[position] = (value, shape)
        summary = _Summary(results, frozenset(unchanged), writes)
        if summary != self._summaries[name]:
            self._summaries[name] = summary
            self._growing = True

    def call(
        self, graph: OpGraph, row: int, kind: Kind, inputs: list[tuple[int, int]], state: _State
    ) -> list[tuple[int, int]] | None:
        """Results of a call, slot by slot; ``None`` when a function is not in the library."""
        attributes = graph.node_defs[row].attr
        if graph.types[row] in self.bodies:
            names = [graph.types[row]]
        elif kind is Kind.CALLS:
            names = [attributes["f"].func.name]
        elif kind is Kind.BRANCHES:
            names = [attributes[key].func.name for key in ("then_branch", "else_branch") if key in attributes]
            names += (
                [function.name for function in attributes["branches"].list.func] if "branches" in attributes else []
            )
        else:
            names = [attributes["cond"].func.name, attributes["body"].func.name]
        names = [self._named(graph, row, name) for name in names]
        if not names or not all(name in self.bodies for name in names):
            return None
        if kind is Kind.LOOPS:
            return self._loop(row, names[0], names[1], inputs, state)
        arguments = inputs[1:] if kind is Kind.BRANCHES else inputs
        offset = 1 if kind is Kind.BRANCHES else 0
        results: list[tuple[int, int]] = []
        for name in names:
            results = _join(results, self._apply(row, name, arguments, offset, state))
        if kind is Kind.BRANCHES and inputs:
            predicate = inputs[0][0]
            results = [(value | predicate, shape | predicate) for value, shape in results]
        return results

    def _named(self, graph: OpGraph, row: int, name: str) -> str:
        """The library's name of a function; graphs merged from several have prefixed names."""
        if name in self.bodies:
            return name
        prefix = graph.names[row].partition("/")[0]
        return f"{prefix}_{name}"

    def _loop(
        self, row: int, condition: str, body: str, inputs: list[tuple[int, int]], state: _State
    ) -> list[tuple[int, int]]:
        unchanged = self._summaries[body].unchanged
        carried = list(inputs)
        while True:
            decides = self._apply(row, condition, carried, 0, state)
            decision = decides[0][0] if decides else 0
            after = self._apply(row, body, carried, 0, state)
            grown = [
                (value, shape)
                if position in unchanged or position >= len(after)
                else (value | after[position][0] | decision, shape | after[position][1] | decision)
                for position, (value, shape) in enumerate(carried)
            ]
            if grown == carried:
                return carried
            carried = grown

    def _apply(
        self, row: int, name: str, arguments: Sequence[tuple[int, int]], offset: int, state: _State
    ) -> list[tuple[int, int]]:
        """A summary with the caller's sets in the place of the arguments' bits."""
        summary = self._summaries[name]

        def put_in(bits: int) -> int:
            result = bits & _ALL_CLASSES
            bits >>= CLASS_BITS
            position = 0
            while bits:
                if bits & 3 and position < len(arguments):
                    value, shape = arguments[position]
                    result |= (value if bits & 1 else 0) | (shape if bits & 2 else 0)
                bits >>= 2
                position += 1
            return result

        for position, (value, shape) in summary.writes.items():
            state.store(row, position + offset, put_in(value), put_in(shape))
        return [(put_in(value), put_in(shape)) for value, shape in summary.results]


def _join(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> list[tuple[int, int]]:
    longer, shorter = (left, right) if len(left) >= len(right) else (right, left)
    return [
        (value | shorter[slot][0], shape | shorter[slot][1]) if slot < len(shorter) else (value, shape)
        for slot, (value, shape) in enumerate(longer)
    ]


def _plain(graph: OpGraph, row: int) -> int:
    """The row whose output this row passes on unchanged."""
    while graph.types[row] == "Identity":
        edge = int(graph.in_edges[row])
        if edge == int(graph.in_edges[row + 1]):
            break
        row = int(graph.source[edge])
    return row
