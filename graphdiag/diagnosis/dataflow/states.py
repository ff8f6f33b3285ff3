"""State: what is put behind variables, queues, stacks, tables and arrays, and which ops find it there.

A state is known by the op that makes its handle or, where ops share one by name, by that name. What is written to a
state comes out wherever it is read, unless the write depends on the read, which then came before it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import NewType

import numpy as np

from graphdiag.diagnosis.dataflow import levels
from graphdiag.diagnosis.dataflow.classes import ACTIVATION, ALL_CLASSES, ANYTHING, DATA, HANDLE, Dependencies
from graphdiag.diagnosis.dataflow.graph_view import ANYWHERE, OUTSIDE, GraphView, Key
from graphdiag.diagnosis.dataflow.op_specs import CALLING, UNKNOWN, VARIABLES, Kind, OpSpec, Outside, op_specs
from graphdiag.diagnosis.dataflow.origins import PER_RUN, Origins, References, state_key
from graphdiag.diagnosis.dataflow.plain_variables import ASKS_ONLY, PlainVariables
from graphdiag.diagnosis.dataflow.waiting import reads_before_writes
from graphdiag.graphs.op_graph import CONTROL, OpGraph

_STORABLE = ALL_CLASSES & ~HANDLE
_ONE_OF_SEVERAL = frozenset({"RefMerge", "RefSelect"})
"""Types whose output is one of the references that came in."""
_VARIABLES = VARIABLES | {"TemporaryVariable"}
"""Types that make a state with a value of one tensor; a temporary one lives within a step and is not a layer's."""
_READS_BEYOND_THE_GRAPH = frozenset({Kind.READ_STATE, Kind.DEQUEUE, Kind.UNKNOWN})
"""Kinds that may find what nothing in the graph has written."""
HandlePosition = NewType("HandlePosition", int)
"""Which input of an op is the handle; or `_LAST`."""
_LAST = HandlePosition(-1)
"""Position of what is read by an op that takes no handle."""

_PUTS_SOMETHING = frozenset({Kind.WRITES, Kind.DEQUEUE, Kind.RANDOM})
"""Kinds that change what is behind their handle; to take something away is a change as well."""
_MOST_STEPS = 64
"""Ops that are passed to see where a sum goes."""
_MOST_PAIRS = 1 << 20
"""Pairs of a write and a read of one state that are looked at one by one."""
_MOST_STORES = 1 << 16
"""Pairs of a write and a read of one state that become edges; readers beyond them are known by what they carry."""


@dataclass(frozen=True)
class Touches:
    """Which rows use a variable.

    Attributes:
        readers: Rows that read it, calls included; not those whose result only goes back into it.
        writers: Rows that write to it.
    """

    readers: frozenset[int]
    writers: frozenset[int]


class _TouchesOfAll(Mapping[int, Touches]):
    """The touches of each variable, put together when someone asks for one: most are never asked for."""

    def __init__(self, keys: Mapping[int, Key], readers: _Readers, unused: Mapping[Key, Collection[int]]) -> None:
        self._keys = keys
        self._readers = readers
        self._unused = unused

    def __getitem__(self, row: int) -> Touches:
        key = self._keys[row]
        readers = frozenset(self._readers.of(key)).difference(self._unused.get(key, ()))
        return Touches(readers, frozenset(self._readers.writers.get(key, ())))

    def __contains__(self, row: object) -> bool:
        return row in self._keys

    def __iter__(self) -> Iterator[int]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class _Readers:
    """Which rows read each state. Who does by a variable's reference is looked up when it is asked for.

    Attributes:
        places: The states that each row reads, as far as looked up, with the position of the input that is the handle.
        writers: Rows that write to each state.
        made_by: The first row that makes each state.
        known: Rows that read each state, as far as looked up.
    """

    def __init__(self, graph: OpGraph, origins: Origins) -> None:
        self.places: dict[int, list[tuple[Key, int]]] = {}
        self.writers: dict[Key, set[int]] = defaultdict(set)
        self.made_by: dict[Key, int] = {}
        self.known: dict[Key, set[int]] = defaultdict(set)
        self.references = References(graph, origins)
        self._looked_up: set[Key] = set()
        self._also_made_by: dict[Key, list[int]] = defaultdict(list)
        for row in origins.made:
            key = origins.keys[row]
            if self.made_by.setdefault(key, row) != row:
                self._also_made_by[key].append(row)

    def add(self, row: int, key: Key, position: int) -> None:
        """Note that a row reads a state."""
        place = key, position
        places = self.places.get(row)
        if places is None:
            self.places[row] = [place]
        elif place in places:
            return
        else:
            places.append(place)
        self.known[key].add(row)

    def of(self, key: Key) -> Collection[int]:
        """The rows that read a state; for `ANYWHERE` all that read any. Of a variable that keeps its value none."""
        if key in self._looked_up:
            return self.known.get(key, ())
        if key == ANYWHERE:
            for made in self.made_by if ANYWHERE in self.writers else ():
                self.look_up(made)
            return self.places
        if key in self.writers or ANYWHERE in self.writers:
            self.look_up(key)
        return self.known.get(key, ())

    def is_made_once(self, key: Key) -> bool:
        """Whether only one row makes a state."""
        return key not in self._also_made_by

    def look_up(self, key: Key) -> None:
        """Find the rows that read a variable by its reference."""
        if key in self._looked_up or key not in self.made_by:
            return
        self._looked_up.add(key)
        for maker in (self.made_by[key], *self._also_made_by.get(key, ())):
            for target, position in self.references.of(maker):
                self.add(target, key, position)


class States:
    """What is stored in the course of one graph, top level or function body.

    Attributes:
        reads: The states that each row reads, with the position of the input that is the handle. Those of variables
            are looked up when something is stored in them.
        writers: Rows that write to each state.
        filled: States into which something is put, not only taken out.
        times_grown: How often a call was found to store more than before.
        taken: Function arguments behind which something is looked for that is not a variable.
        plain_variables: The variables that are looked at in whole arrays, all together, and not one by one.
    """

    def __init__(self, view: GraphView) -> None:
        self.view = view
        self._origins = Origins(view)
        self._readers = _Readers(view.graph, self._origins)
        self.reads = self._readers.places
        self.writers = self._readers.writers
        self.filled: set[Key] = set()
        self.times_grown = 0
        self.taken: set[Key] = set()
        self.plain_variables: PlainVariables | None = None
        self._writes: dict[int, list[Key]] = defaultdict(list)
        self._types: dict[Key, str] = {}
        self._calls_that_take: set[tuple[int, Key]] = set()
        self._outside: dict[str, Key] = {}
        self._python_writes: dict[int, list[Key]] = defaultdict(list)
        self._by_calls: dict[tuple[int, Key], Dependencies] = {}
        self._written: dict[Key, dict[int, tuple[int, int, int]]] = defaultdict(dict)
        # How many rows write the same sets to a state.
        self._alike: dict[Key, Counter[tuple[int, int, int]]] = defaultdict(Counter)
        self._content: dict[Key, Dependencies] = {}
        # The rows that write to a state after a row has read it.
        self._come_later: dict[Key, dict[int, set[int]]] = defaultdict(dict)
        self._connect()

    # --- which ops touch which state ---------------------------------------------------------------------------------

    def _connect(self) -> None:
        view = self.view
        types, origins = view.graph.types, self._origins
        # Of a state that several ops make, the last one tells the type.
        self._types.update({origins.keys[row]: types[row] for row in (*origins.made, *origins.given)})
        self._connect_simple()
        for row in view.rows_with(lambda spec: _touches_state(spec) and not _has_one_handle(spec)):
            self._touch(row, view.op_specs[row])
        if view.functions.python_code and not view.in_function:
            self._connect_python()
        self._follow_references()
        if view.in_function or view.callees or view.contents or view.named_elsewhere:
            # Others may have stored something, or may store it.
            for key in self._readers.made_by:
                if self._may_change(key):
                    self._readers.look_up(key)

    def _connect_simple(self) -> None:
        """What touches one state alone, that behind its first input: most ops that touch any."""
        for row, key in self._behind_first_inputs(lambda spec: spec.kind in _PUTS_SOMETHING):
            self.writers[key].add(row)
            self._writes[row] = [key]
        self.filled.update(key for _, key in self._behind_first_inputs(_puts_in_one_state))
        for row, key in self._behind_first_inputs(lambda spec: spec.kind is not Kind.WRITES):
            self._readers.add(row, key, 0)

    def _behind_first_inputs(self, fits: Callable[[OpSpec], bool]) -> Iterable[tuple[int, Key]]:
        """Rows of some sort that touch one state alone, each with this state."""
        rows = self.view.rows_with(lambda spec: _has_one_handle(spec) and fits(spec))
        handles = self.view.inputs.first(np.array(rows, dtype=np.int64))
        return zip(rows, self._origins.keys_of(handles, ANYWHERE), strict=True)

    def _connect_python(self) -> None:
        """What Python code does to the variables that it names."""
        view = self.view
        for row in view.rows_with_python():
            for token in view.tokens(row):
                reads, writes, names = view.functions.python_code.get(token, (False, False, ()))
                handles = [view.graph.index[name] for name in names if name in view.graph.index]
                keys = [key for key in map(self.origin, handles) if key is not None]
                for key in keys if reads else ():
                    self._readers.add(row, key, _LAST)
                if writes:
                    self._python_writes[row] += keys
                for key in keys if writes else ():
                    self._writes_to(row, key, fills=True)

    def written_by_python(self, row: int) -> Sequence[Key]:
        """The variables that Python code in the body of a function may write to."""
        return self._python_writes.get(row, ())

    def _touch(self, row: int, spec: OpSpec) -> None:
        if spec.outside is not Outside.UNTOUCHED:
            if spec.outside & Outside.WRITTEN:
                self._writes_to(row, self.outside(row), fills=True)
            if spec.outside & Outside.READ:
                self._readers.add(row, self.outside(row), _LAST)
        kind = spec.kind
        if not spec.handles and kind not in (Kind.UNKNOWN, Kind.DEQUEUE, Kind.WRITES):
            return
        for position, key in self._behind(row, spec):
            if kind is Kind.WRITES:
                self._writes_to(row, key, fills=True)
                continue
            if kind in (Kind.DEQUEUE, Kind.RANDOM, Kind.UNKNOWN):
                self._writes_to(row, key, fills=kind is Kind.UNKNOWN)
            self._readers.add(row, key, position)

    def _writes_to(self, row: int, key: Key, fills: bool) -> None:
        self.writers[key].add(row)
        if fills:
            self.filled.add(key)
        keys = self._writes[row]
        if key not in keys:
            keys.append(key)

    def _behind(self, row: int, spec: OpSpec) -> list[tuple[int, Key]]:
        """The states that an op touches, with the position of the handle."""
        inputs = self._inputs(row)
        if spec.kind is Kind.UNKNOWN:
            found = [(position, self.origin(origin)) for position, origin in enumerate(inputs)]
            return [(position, key) for position, key in found if key is not None]
        if not spec.handles:
            # A staging area has no handle; ops that mean the same one have its name.
            key = state_key(self.view.graph, row)
            self._types[key] = self.view.graph.types[row]
            self._readers.made_by.setdefault(key, row)
            return [(_LAST, key)]
        keys = [self.origin(origin) for origin in inputs[: spec.handles]] or [None]
        return [(position, ANYWHERE if key is None else key) for position, key in enumerate(keys)]

    def _inputs(self, row: int) -> list[int]:
        view = self.view
        edges = range(view.first[row], view.first[row + 1])
        return [view.source[edge] for edge in edges if view.output[edge] != CONTROL]

    def _follow_references(self) -> None:
        """TF 1: whoever takes one of several references may read any state."""
        view, giving = self.view, self._readers.references.givers
        for row in view.graph.rows_of_types(_ONE_OF_SEVERAL.__contains__):
            origins = [view.source[edge] for edge in range(view.first[row], view.first[row + 1])]
            if any(giving[origin] and self._may_change(self.origin(origin)) for origin in origins):
                self._give_reference(row, ANYWHERE)

    def _may_change(self, key: Key | None) -> bool:
        """Whether anything is ever written to a state, as far as can be seen."""
        return key is not None and (key in self.writers or ANYWHERE in self.writers or self._is_shared(key))

    def _give_reference(self, row: int, key: Key) -> None:
        """Whoever takes a reference from a row reads the state."""
        view = self.view
        for edge in view.edges_from(row):
            if view.output[edge] != CONTROL:
                target = view.target[edge]
                self._readers.add(target, key, edge - view.first[target])

    def origin(self, row: int) -> Key | None:
        """The state behind a handle or reference; ``None`` when the row gives neither, as far as can be seen."""
        return self._origins.key(row)

    def _is_shared(self, key: Key) -> bool:
        """Whether others than this graph's ops may write to a state: a function, or whoever calls this one."""
        return not isinstance(key, int) and (self.view.in_function or key[1] in self.view.named_elsewhere)

    # --- what is stored ----------------------------------------------------------------------------------------------

    def store(self, row: int, key: Key | None, sets: Dependencies, fills: bool) -> None:
        """Record what a call writes to a state, and whether it puts anything in."""
        place = row, ANYWHERE if key is None else key
        value, shape = self._by_calls.get(place, (0, 0))
        joined = value | sets[0], shape | sets[1]
        if joined != self._by_calls.get(place):
            self._by_calls[place] = joined
            self.times_grown += 1
        self._writes_to(row, place[1], fills)

    def read_by_call(self, row: int, key: Key | None, position: int, takes: bool) -> Dependencies:
        """What a call that reads a state finds there."""
        if key is None:
            return ANYTHING
        self._readers.add(row, key, position)
        if takes:
            self._calls_that_take.add((row, key))
        value, shape = self.content(row, key)
        if takes:
            more_value, more_shape = self._from_outside(key, queue=False)
            value, shape = value | more_value, shape | more_shape
        return value, shape

    def _finds_what_earlier_runs_left(self, row: int, key: Key) -> bool:
        """Whether a row may find what is stored after it: in an earlier run of the graph.

        Of a variable it finds the value, which is a parameter whatever an earlier run has left there. Tables, queues
        and the like are empty at first, so that all that is in them was stored.
        """
        view = self.view
        kind = view.op_specs[row].kind
        if kind is not Kind.READ_STATE and kind is not Kind.DEQUEUE and (row, key) not in self._calls_that_take:
            return False
        return not self._types.get(key, "").startswith(PER_RUN) and view.graph.types[row] not in ASKS_ONLY

    def read_by(self, row: int) -> Sequence[tuple[Key, int, Dependencies]]:
        """What a row finds in the states that it reads.

        Args:
            row: The row.

        Returns:
            For each state its key, the position of the input that is the handle, and the sets of what is found.
        """
        found = [(key, position, self.content(row, key)) for key, position in self.reads.get(row, ())]
        if self.plain_variables is not None:
            keys = self._origins.keys
            found += [(keys[made], position, sets) for made, position, sets in self.plain_variables.read_by(row)]
        return found

    def content(self, row: int, key: Key) -> Dependencies:
        """What a row that reads a state may find there."""
        view = self.view
        if key == ANYWHERE or self._is_shared(key):
            return ANYTHING
        if view.graph.types[row] in ASKS_ONLY:
            return self._whether_written(row, key)
        value, shape = view.contents.get(key, (0, 0))
        from_earlier_runs = self._finds_what_earlier_runs_left(row, key)
        for place in _places(key):
            later = None if from_earlier_runs else self._later(row, place)
            if not later:
                found_value, found_shape = self._content.get(place, (0, 0))
                value, shape = value | found_value, shape | found_shape
                continue
            for written_value, written_shape, _ in self._written_by_others(place, later):
                value, shape = value | written_value, shape | written_shape
        kind = view.op_specs[row].kind
        if kind is Kind.RANDOM:
            return value, 0
        if kind is Kind.READ_STATE or kind is Kind.DEQUEUE:
            queue = view.graph.types[row].startswith("Queue")
            found_value, found_shape = self._from_outside(key, queue)
            value, shape = value | found_value, shape | found_shape
        return value, shape

    def find_something_at_first(self) -> Iterable[int]:
        """The rows that may find something even as long as nothing is known to be written (see `content`)."""
        view = self.view
        if view.in_function or view.callees or view.contents:
            return self.reads
        beyond = {*view.rows_with(lambda spec: spec.kind in _READS_BEYOND_THE_GRAPH)}
        beyond.difference_update(view.graph.rows_of_types(ASKS_ONLY.__contains__))
        unclear = [rows for key, rows in self._readers.known.items() if key == ANYWHERE or self._is_shared(key)]
        return beyond.union(*unclear)

    def _whether_written(self, row: int, key: Key) -> Dependencies:
        """What decides whether anything was written to a variable before a row asks."""
        found, _ = self.view.contents.get(key, (0, 0))
        for place in (key, ANYWHERE):
            for _, _, decided in self._written_by_others(place, self._later(row, place)):
                found |= decided
        return found, 0

    def _written_by_others(self, key: Key, writers: Collection[int]) -> Iterator[tuple[int, int, int]]:
        """The different sets that are written to a state by others than some of its writers.

        Writers are many where a variable is written in each step of an unrolled loop, and what they write is alike.
        """
        written = self._written.get(key, {})
        of_these = Counter(written[row] for row in writers if row in written)
        return (sets for sets, count in self._alike[key].items() if count > of_these[sets])

    def _from_outside(self, key: Key, queue: bool) -> Dependencies:
        """A queue or table that nothing in the graph fills is filled from outside."""
        if key in self.view.contents:
            self.taken.add(key)
            return 0, 0
        made_by = self._types.get(key, "")
        if key in self.filled or ANYWHERE in self.filled or made_by.startswith(PER_RUN) or made_by in _VARIABLES:
            return 0, 0
        return DATA if queue else ANYTHING

    def _stores(self, row: int, key: Key) -> tuple[int, int, int]:
        """What an op stores: values, shape, and what decides whether it does, which is part of the other two."""
        view = self.view
        kind = view.op_specs[row].kind
        if kind is Kind.WRITES and row not in view.liveness.alive:
            value, shape = view.given(row)
            return value & ~HANDLE, shape & ~HANDLE, 0
        if kind in CALLING:
            value, shape = self._by_calls.get((row, key), (0, 0))
        elif kind is Kind.UNKNOWN and not is_outside(key):
            value, shape = view.values[row], view.shapes[row]
        else:
            # What is taken away, or how far a generator is moved on, is stored as well, so to speak.
            value, shape = view.given(row)
        decided = view.decided_by(row)
        if kind in CALLING:
            # Whether the function stores anything is decided inside of it, and part of what it stores.
            decided |= value & ~HANDLE
        return (value | decided) & ~HANDLE, (shape | decided) & ~HANDLE, decided

    def all_writers(self) -> set[int]:
        """Every row that writes. Only then it is known which variables are plain."""
        view = self.view
        for row in view.rows_with(lambda spec: spec.kind is Kind.UNKNOWN):
            for edge in range(view.first[row], view.first[row + 1]):
                slot = view.output[edge]
                if slot != CONTROL and view.at(view.source[edge], slot)[0] & HANDLE and not self._known(edge):
                    self._writes_to(row, ANYWHERE, fills=True)
        self.plain_variables = self._find_plain_variables()
        return set().union(*self.writers.values())

    def _known(self, edge: int) -> bool:
        return self.origin(self.view.source[edge]) is not None

    def update(self, rows: Collection[int]) -> set[int]:
        """Take note of what rows write now.

        Args:
            rows: Rows that may write more than before.

        Returns:
            The rows that find more than before.
        """
        plain, fresh = self.plain_variables, set[int]()
        if plain is not None:
            found = np.fromiter(rows, dtype=np.int64, count=len(rows))
            writing = plain.writing(found)
            fresh.update(plain.update(found[writing]).tolist())
            rows = found[~writing].tolist()
        grown: dict[Key, set[int]] = defaultdict(set)
        new: list[tuple[int, Key]] = []
        for row in self._storing_something(rows):
            for key in self._writes.get(row, ()):
                value, shape, decided = self._stores(row, key)
                if not self._matters(key, value, shape):
                    continue
                old = self._written[key].get(row)
                if old is None:
                    new.append((row, key))
                elif old == (value, shape, decided):
                    continue
                else:
                    self._alike[key][old] -= 1
                self._written[key][row] = value, shape, decided
                self._alike[key][value, shape, decided] += 1
                known_value, known_shape = self._content.get(key, (0, 0))
                self._content[key] = (known_value | value, known_shape | shape)
                grown[key].add(row)
        self._order(new)
        for key, rows in grown.items():
            readers = self._readers.of(key)
            later = self._come_later.get(key)
            if not later:
                fresh.update(readers)
                continue
            for reader in readers:
                if not rows <= later.get(reader, set()) or self._finds_what_earlier_runs_left(reader, key):
                    fresh.add(reader)
        return fresh

    def _storing_something(self, rows: Iterable[int]) -> Sequence[int]:
        """Those of some rows, ascending, that may store what matters; most only initialize a variable, and do not."""
        view = self.view
        in_order = sorted(rows)
        if view.in_function or len(in_order) < levels.WIDE:
            return in_order
        found = np.array(in_order, dtype=np.int64)
        assigns = self._assigns_to_variable.copy()
        assigns[[*view.given_apart]] = False
        assigns = assigns[found]
        assigning = found[assigns]
        edges, counts = levels.edges_into(view.graph, assigning, position=1)
        origins = view.inputs.origins[edges]
        values, shapes = view.in_arrays()
        given = levels.joined(values[origins] & ACTIVATION | shapes[origins] & _STORABLE, counts)
        chosen: list[int] = np.sort(np.concatenate((found[~assigns], assigning[given != 0]))).tolist()
        return chosen

    def _find_plain_variables(self) -> PlainVariables | None:
        """The plain variables, once all that writes is known; `None` where there are few, or none."""
        view, origins, readers = self.view, self._origins, self._readers
        others_write = view.in_function or view.callees or view.contents or view.named_elsewhere
        unclear = ANYWHERE in self.writers or readers.known.get(ANYWHERE) or view.functions.python_code
        if others_write or unclear or len(origins.made) < levels.WIDE:
            return None
        keys = [key for key in readers.made_by if self._is_of_one_variable(key)]
        variables = np.array([readers.made_by[key] for key in keys], dtype=np.int64)
        number_of = np.full(len(view.graph) + 1, -1, dtype=np.int64)
        number_of[variables] = np.arange(len(variables))

        def of_first_inputs(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            numbers = number_of[origins.of_row[view.inputs.first(rows)]]
            return rows[numbers >= 0], numbers[numbers >= 0]

        writing, written = of_first_inputs(np.flatnonzero(view.are(_puts_in_one_state)))
        is_plain = np.bincount(written, minlength=len(keys)) == [len(self.writers.get(key, ())) for key in keys]
        conditional = np.zeros(len(view.graph), dtype=bool)
        conditional[[*view.liveness.alive]] = True
        is_plain[written[conditional[writing]]] = False
        for row in view.rows_with(lambda spec: _touches_state(spec) and not _has_one_handle(spec)):
            made_by = [readers.made_by[key] for key, _ in self.reads.get(row, ()) if key in readers.made_by]
            numbers = number_of[made_by]
            is_plain[numbers[numbers >= 0]] = False
        by_handle, read = of_first_inputs(
            np.flatnonzero(view.are(lambda spec: _has_one_handle(spec) and spec.kind is not Kind.WRITES))
        )
        references, taken = readers.references, number_of[readers.references.variables]
        reading = np.concatenate((by_handle, references.takers[taken >= 0]))
        positions = np.concatenate((np.zeros(len(read), dtype=np.int64), references.positions[taken >= 0]))
        read = np.concatenate((read, taken[taken >= 0]))
        return PlainVariables(view, variables, is_plain, (writing, written), (reading, positions, read))

    def _is_of_one_variable(self, key: Key) -> bool:
        """Whether a state is that of one variable, which keeps its value from one run to the next."""
        op_type = self._types[key]
        return op_type in _VARIABLES and not op_type.startswith(PER_RUN) and self._readers.is_made_once(key)

    @cached_property
    def _assigns_to_variable(self) -> np.ndarray:
        """Whether each row does nothing but put what it is given into one variable, each time the graph runs; bool."""
        view, origins = self.view, self._origins
        is_variable = np.zeros(len(view.graph) + 1, dtype=bool)
        is_variable[[row for row, key in origins.keys.items() if self._types[key] in _VARIABLES]] = True
        rows = np.array(view.rows_with(_puts_in_one_state), dtype=np.int64)
        found = np.zeros(len(view.graph), dtype=bool)
        found[rows] = is_variable[origins.of_row[view.inputs.first(rows)]]
        found[[*view.liveness.alive]] = False
        return found

    def _matters(self, key: Key, value: int, shape: int) -> int:
        """Whether a write stores more than reading a variable carries anyway."""
        if self.view.in_function or self._types.get(key) not in _VARIABLES:
            return value | shape
        return value & ACTIVATION | shape

    def _order(self, new: Sequence[tuple[int, Key]]) -> None:
        """Find the reads that come before a write."""
        depths, position = self.view.depths, self.view.position
        writing: list[int] = []
        reading: list[int] = []
        keys: list[Key] = []
        for row, key in new:
            readers = self._readers.of(key)
            if row in readers and not depths.get(row):
                self._come_later[key].setdefault(row, set()).add(row)
            if len(readers) * len(self.writers[key]) > _MOST_PAIRS:
                continue
            place = position[row]
            earlier = [reader for reader in readers if position[reader] < place]
            if depths.get(row):
                # In a loop, what is read before a write is read again after it.
                earlier = [reader for reader in earlier if not depths.get(reader)]
            writing += [row] * len(earlier)
            reading += earlier
            keys += [key] * len(earlier)
        pairs = np.array(writing, dtype=np.int64), np.array(reading, dtype=np.int64)
        waits = reads_before_writes(self.view, *pairs).tolist()
        for writer, reader, key in compress(zip(writing, reading, keys, strict=True), waits):
            self._come_later[key].setdefault(reader, set()).add(writer)

    def _later(self, reader: int, key: Key) -> Collection[int]:
        """The rows that write to a state after a row has read it."""
        later = self._come_later.get(key)
        return later.get(reader, ()) if later else ()

    def activations_stored(self) -> tuple[dict[tuple[int, int], int | None], dict[tuple[int, int], int | None]]:
        """Pairs of a row that stores activations and a row that may find them.

        Returns:
            For each pair, in the order of the graph, the row that makes or stands for the state; ``None`` for what lies
            outside of the graph, and where it is not clear which state it is. And the same for pairs whose reader comes
            before the writer, and so finds what was stored in the call before.
        """
        now: dict[tuple[int, int], int | None] = {}
        later: dict[tuple[int, int], int | None] = {}
        for key, writers in self._written.items():
            storing = [row for row, sets in sorted(writers.items()) if (sets[0] | sets[1]) & ACTIVATION]
            if not storing:
                continue
            # What reads behind a handle of unclear origin may find what is stored anywhere.
            anyhow = () if is_outside(key) else self._readers.known.get(ANYWHERE, ())
            readers = [row for row in sorted({*self._readers.of(key), *anyhow}) if not self._only_adds_up(row, key)]
            # Where both keep and find things outside of the graph, it is told what the first one keeps. It may find
            # in the next call what the other one keeps: that goes without saying.
            both_ways = {*readers} & {*storing} if is_outside(key) else set()
            state = key if isinstance(key, int) and key >= 0 else self._readers.made_by.get(key)
            is_made_anew = self._types.get(key, "").startswith(PER_RUN)
            writes_after = self._come_later.get(key, {})
            for row in storing:
                for reader in readers[: _MOST_STORES // len(storing)]:
                    comes_later = row in writes_after.get(reader, ())
                    if row == reader or (comes_later and (is_made_anew or (row in both_ways and reader in both_ways))):
                        continue
                    (later if comes_later else now)[row, reader] = state
        if self.plain_variables is not None:
            for row, reader, variable, comes_later in self.plain_variables.stores(self._only_adds_up_in):
                (later if comes_later else now)[row, reader] = variable
        return dict(sorted(now.items())), dict(sorted(later.items()))

    def _only_adds_up_in(self, row: int, variable: int) -> bool:
        return self._only_adds_up(row, self._origins.keys[variable])

    def _only_adds_up(self, row: int, key: Key) -> bool:
        """Whether what a row reads goes nowhere but back to where it came from, as in ``total.assign(total + x)``."""
        view = self.view
        if view.op_specs[row].kind is not Kind.READS:
            return False
        writers = self.writers.get(key)
        if not writers:
            return False
        seen = {row}
        waiting = [row]
        while waiting:
            current = waiting.pop()
            onward = self._takers(current)
            if current in writers:
                # An assignment gives back nothing; one of TF 1 gives the reference, which others may take.
                if onward:
                    return False
                continue
            if not onward or len(seen) > _MOST_STEPS:
                return False
            waiting += [target for target in onward if target not in seen]
            seen.update(onward)
        return True

    def _takers(self, row: int) -> set[int]:
        """The rows that take a tensor from a row."""
        view = self.view
        return {view.target[edge] for edge in view.edges_from(row) if view.output[edge] != CONTROL}

    @property
    def reads_outside(self) -> bool:
        """Whether any row reads what lies outside of the graph."""
        return any(self._readers.known.get(key) for key in self._outside.values())

    def outside(self, row: int) -> Key:
        """The key of what lies outside of the graph in which a row is."""
        return self._outside.setdefault(_apart(self.view.graph, row), OUTSIDE - len(self._outside))

    def touches(self) -> Mapping[int, Touches]:
        """The rows that read a variable and those that write to it, for each row that gives its handle."""
        view, origins = self.view, self._origins
        taking = {row for row, _ in self._calls_that_take}
        taking.update(view.rows_with(lambda spec: spec.kind in (Kind.READ_STATE, Kind.DEQUEUE)))
        tables = {
            key for row in taking for key, _ in self.reads.get(row, ()) if self._finds_what_earlier_runs_left(row, key)
        }
        unused: dict[Key, set[int]] = defaultdict(set)
        for row in view.rows_with(lambda spec: spec.kind is Kind.READS):
            for key in self._keys_read_by(row):
                if self._only_adds_up(row, key) or not self._takers(row):
                    unused[key].add(row)
        variables = [row for row in origins.made if self._types[origins.keys[row]] in _VARIABLES]
        keys = {row: origins.keys[row] for row in (*variables, *origins.given) if origins.keys[row] not in tables}
        return _TouchesOfAll(keys, self._readers, unused)

    def _keys_read_by(self, row: int) -> Iterator[Key]:
        """The states that a row reads, as far as looked up."""
        for key, _ in self.reads.get(row, ()):
            yield key
        for made_by, _, _ in self.plain_variables.read_by(row) if self.plain_variables is not None else ():
            yield self._origins.keys[made_by]

    def stored_behind(self, key: Key) -> Dependencies:
        """All that is written to a state."""
        value = shape = 0
        for place in _places(key):
            for written_value, written_shape, _ in self._written.get(place, {}).values():
                value, shape = value | written_value, shape | written_shape
        return value, shape


def _touches_state(spec: OpSpec) -> bool:
    return bool(spec.handles or spec.outside) or spec.kind in (Kind.UNKNOWN, Kind.DEQUEUE, Kind.WRITES)


def _puts_in_one_state(spec: OpSpec) -> bool:
    return spec.kind is Kind.WRITES and _has_one_handle(spec)


def _has_one_handle(spec: OpSpec) -> bool:
    return spec.handles == 1 and not spec.outside and spec.kind is not Kind.UNKNOWN


def _places(key: Key) -> Sequence[Key]:
    """Where what is behind a key may have been written: an unclear handle may be this one."""
    return (key,) if is_outside(key) else (key, ANYWHERE)


def is_outside(key: Key) -> bool:
    """Whether a key stands for what lies outside of a graph."""
    return isinstance(key, int) and key <= OUTSIDE


def names_of_states(graph: OpGraph) -> Iterator[str]:
    """The names under which ops of a graph share a state with whoever uses the same."""
    table = op_specs()
    wanted = {
        op_type
        for op_type in set(graph.types)
        for spec in [table.get(op_type, UNKNOWN)]
        if spec.kind in (Kind.HANDLE, Kind.VARIABLE) or (spec.kind in (Kind.DEQUEUE, Kind.WRITES) and not spec.handles)
    }
    for row in graph.rows_of_types(wanted.__contains__):
        key = state_key(graph, row)
        if not isinstance(key, int):
            yield key[1]


def _apart(graph: OpGraph, row: int) -> str:
    """The prefix that tells a graph from others with which it was merged, and with which it did not run."""
    name = graph.names[row]
    return name[: len(name) - len(graph.node_defs[row].name)]
