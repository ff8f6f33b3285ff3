"""The proof that a repaired graph is the graph it was made of: the same up to names and inserted identity ops."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from graphdiag.errors import ProgramError
from graphdiag.graphs.node_attributes import functions_of
from graphdiag.graphs.op_graph import CONTROL, FunctionBody, OpGraph, from_graph_def, merge
from graphdiag.repairing.colocation import COLOCATION, beside, op_at, places_of
from graphdiag.repairing.inlining import Inlined, last_ops
from graphdiag.repairing.rewriting import INSERTED

if TYPE_CHECKING:
    from tensorboard.compat.proto.attr_value_pb2 import AttrValue
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.compat.proto.node_def_pb2 import NodeDef


def prove_same(before: OpGraph, names: Sequence[str], inserted: Collection[str], after: GraphDef) -> None:
    """Make sure that a graph is another one under new names.

    Every op is there once, with its type, device and attributes, and takes the same tensors and control dependencies in
    the same order. What comes between is only one of the inserted ops, an identity that is marked as such.

    Args:
        before: The graph as it was.
        names: The new name of each op.
        inserted: Names of the inserted ops.
        after: The graph that was written.

    Raises:
        ProgramError: It is not the same graph.
    """
    graph = from_graph_def(after)
    if len({*names, *inserted}) != len(graph) or len(graph.index) != len(graph):
        raise _differs("the number of ops is another")
    if len(names) != len(before) or len(graph) != len(before) + len(inserted):
        raise _differs("the number of ops is another")
    passed = {graph.index.get(name, -1) for name in inserted}
    for row in passed:
        if row < 0 or not _is_identity(graph, row):
            raise _differs("what was inserted is not an identity op")
    rows = [graph.index.get(name, -1) for name in names]
    renamed = dict(zip(before.names, names, strict=True))
    for row, (old, new) in enumerate(zip(before.node_defs, rows, strict=True)):
        if new < 0:
            raise _differs(f"{before.names[row]} is not in it")
        if not _same_op(old, graph.node_defs[new], renamed):
            raise _differs(f"{before.names[row]} has other attributes")
        if _inputs(before, row, rows) != _inputs_through(graph, new, passed):
            raise _differs(f"{before.names[row]} takes other tensors")
    if _dangling(before, rows) != _dangling(graph, range(len(graph))):
        raise _differs("an input that names no op is another")


def prove_joined(before: Sequence[GraphDef], joined: GraphDef) -> None:
    """Make sure that a graph is several graphs side by side, each op under the name that TensorBoard gives it.

    Args:
        before: The graphs.
        joined: The graph that was made of them.

    Raises:
        ProgramError: It is not.
    """
    apart = merge(before)
    prove_same(apart, apart.names, (), joined)


def prove_inlined(before: GraphDef, inlined: Inlined) -> None:
    """Make sure that a graph in which calls were replaced is the graph with the calls.

    Every op of the graph and of each function that is called is there once for each call, with its attributes. It takes
    the tensors that the function's arguments and results stand for, and waits for what it waited for, and for what the
    call waited for, unless an op of the call comes before it.

    Args:
        before: The graph with the calls.
        inlined: The graph without them.

    Raises:
        ProgramError: It is not the same graph.
    """
    _Unrolled(before, inlined).check()


_Calls = tuple[str, ...]


class _Unrolled:
    """Walks both graphs side by side: the one by its names, the other through its calls."""

    def __init__(self, before: GraphDef, inlined: Inlined) -> None:
        self._top = from_graph_def(before)
        self._after = from_graph_def(inlined.graph_def)
        self._origins = [inlined.origins.get(name) for name in self._after.names]
        self._place: dict[tuple[_Calls, str], int] = {}
        for row, (name, origin) in enumerate(zip(self._after.names, self._origins, strict=True)):
            self._place[(origin.calls, origin.name) if origin else ((), name)] = row
        self._opened = inlined.calls
        self._ends = {function.signature.name: last_ops(function) for function in before.library.function}
        self._bodies: dict[_Calls, FunctionBody] = {}

    def check(self) -> None:
        seen = self._check_level(self._top, ())
        for calls in self._opened:
            seen += self._check_level(self._graph(calls), calls)
        if seen != len(self._after) or len(self._place) != seen:
            raise _differs("the number of ops is another after functions were inlined")
        if _dangling(self._top, [self._place.get(((), name), -1) for name in self._top.names]) != _dangling(
            self._after, range(len(self._after))
        ):
            raise _differs("an input that names no op is another after functions were inlined")

    def _check_level(self, graph: OpGraph, calls: _Calls) -> int:
        seen = 0
        for row, name in enumerate(graph.names):
            if (*calls, name) in self._opened or (calls and row < len(self._body(calls).arguments)):
                continue
            seen += 1
            new = self._place.get((calls, name))
            if new is None:
                raise _differs(f"{name} of {'/'.join(calls) or 'the graph'} is not in it")
            if not self._is_same_op(graph.node_defs[row], self._after.node_defs[new], calls):
                raise _differs(f"{name} has other attributes after functions were inlined")
            self._check_inputs(graph, calls, row, new)
        return seen

    def _check_inputs(self, graph: OpGraph, calls: _Calls, row: int, new: int) -> None:
        tensors: list[tuple[int, int]] = []
        waits: set[int] = set()
        for edge in range(int(graph.in_edges[row]), int(graph.in_edges[row + 1])):
            source, slot = int(graph.source[edge]), int(graph.output[edge])
            if slot == CONTROL:
                waits |= self._ends_of(graph, calls, source)
            else:
                tensor, passed = self._origin(graph, calls, source, slot)
                tensors.append(tensor)
                waits |= {end for call in passed for end in self._waits_of(call)}
        sources = {source for source, _ in tensors} | waits
        for depth in range(len(calls), 0, -1):
            if not any(self._is_in(source, calls[:depth]) for source in sources):
                waits |= self._waits_of(calls[:depth])
        found = _inputs_through(self._after, new, set())
        if [tensor for tensor in found if tensor[1] != CONTROL] != tensors:
            raise _differs(f"{graph.names[row]} takes other tensors after functions were inlined")
        if {source for source, slot in found if slot == CONTROL} != waits:
            raise _differs(f"{graph.names[row]} waits for other ops after functions were inlined")

    def _is_in(self, row: int, calls: _Calls) -> bool:
        origin = self._origins[row]
        return origin is not None and origin.calls[: len(calls)] == calls

    def _is_same_op(self, old: NodeDef, new: NodeDef, calls: _Calls) -> bool:
        if (old.op, old.device) != (new.op, new.device):
            return False
        if old.attr.keys() - {COLOCATION} != new.attr.keys() - {COLOCATION}:
            return False
        if self._places(old, calls) != list(places_of(new)):
            return False
        call = self._graph(calls[:-1]).node_defs[self._graph(calls[:-1]).index[calls[-1]]] if calls else None
        for key, value in old.attr.items():
            filled = call.attr[value.placeholder] if call is not None and value.placeholder in call.attr else value
            if key != COLOCATION and not _same_message(filled, new.attr[key]):
                return False
        return True

    def _places(self, old: NodeDef, calls: _Calls) -> list[bytes]:
        """Where an op is colocated, by the new names; nowhere, where that is a call or what a function lacks."""
        found = []
        for place in places_of(old):
            name = op_at(place)
            if name is None or (not calls and (name,) not in self._opened):
                found.append(place)
            elif (calls, name) in self._place:
                found.append(beside(self._after.names[self._place[calls, name]]))
        return found

    def _graph(self, calls: _Calls) -> OpGraph:
        return self._body(calls).graph if calls else self._top

    def _body(self, calls: _Calls) -> FunctionBody:
        if calls not in self._bodies:
            around = self._graph(calls[:-1])
            node = around.node_defs[around.index[calls[-1]]]
            self._bodies[calls] = self._top.functions[next(functions_of(node, "f"), node.op)]
        return self._bodies[calls]

    def _waits_of(self, calls: _Calls) -> set[int]:
        """What a call waits for: rows of the new graph."""
        around = self._graph(calls[:-1])
        row = around.index[calls[-1]]
        return {
            end
            for edge in range(int(around.in_edges[row]), int(around.in_edges[row + 1]))
            if around.output[edge] == CONTROL
            for end in self._ends_of(around, calls[:-1], int(around.source[edge]))
        }

    def _ends_of(self, graph: OpGraph, calls: _Calls, row: int) -> set[int]:
        """The ops of the new graph that have to run before what waits for an op of a level."""
        found: set[int] = set()
        seen: set[tuple[_Calls, int]] = set()
        waiting = [(graph, calls, row)]
        while waiting:
            graph, calls, row = waiting.pop()
            if (calls, row) in seen:
                continue
            seen.add((calls, row))
            call = (*calls, graph.names[row])
            if call in self._opened:
                body = self._body(call)
                ends = [body.graph.index[name] for name in self._ends[body.name]]
                waiting += [(body.graph, call, end) for end in ends]
                if any(end < len(body.arguments) for end in ends):
                    waiting += [
                        (graph, calls, int(graph.source[edge]))
                        for edge in range(int(graph.in_edges[row]), int(graph.in_edges[row + 1]))
                        if graph.output[edge] == CONTROL
                    ]
            elif calls and row < len(self._body(calls).arguments):
                around, edge = self._taken(calls, row)
                waiting.append((around, calls[:-1], int(around.source[edge])))
            else:
                found.add(self._place.get((calls, graph.names[row]), -1))
        return found

    def _taken(self, calls: _Calls, argument: int) -> tuple[OpGraph, int]:
        """The graph around a call, and the edge over which the call takes an argument."""
        around = self._graph(calls[:-1])
        row = around.index[calls[-1]]
        edges = range(int(around.in_edges[row]), int(around.in_edges[row + 1]))
        return around, [edge for edge in edges if around.output[edge] != CONTROL][argument]

    def _origin(self, graph: OpGraph, calls: _Calls, row: int, slot: int) -> tuple[tuple[int, int], list[_Calls]]:
        """The tensor of the new graph that a tensor of a level is, and the calls that only hand it on."""
        entered, passed = 0, []
        while True:
            name = graph.names[row]
            if (*calls, name) in self._opened:
                calls = (*calls, name)
                body = self._body(calls)
                graph = body.graph
                row, slot = body.results[slot]
                entered += 1
            elif calls and row < len(self._body(calls).arguments):
                if entered:
                    entered -= 1
                    passed.append(calls)
                graph, edge = self._taken(calls, row)
                calls = calls[:-1]
                row, slot = int(graph.source[edge]), int(graph.output[edge])
            else:
                return (self._place.get((calls, name), -1), slot), passed


def _differs(how: str) -> ProgramError:
    return ProgramError(f"The repaired graph is not the same graph: {how}. Nothing was written; please report this.")


def _same_op(old: NodeDef, new: NodeDef, renamed: dict[str, str]) -> bool:
    if old.op != new.op or old.device != new.device or len(old.attr) != len(new.attr):
        return False
    attributes = new.attr
    for key, value in old.attr.items():
        if key not in attributes:
            return False
        if key == COLOCATION:
            if [_moved(place, renamed) for place in value.list.s] != list(attributes[key].list.s):
                return False
        elif not _same_message(value, attributes[key]):
            return False
    return True


def _same_message(old: AttrValue, new: AttrValue) -> bool:
    """Whether two attributes are the same, bit for bit: as numbers, two of NaN are never equal."""
    return bool(old == new) or old.SerializeToString(deterministic=True) == new.SerializeToString(deterministic=True)


def _is_identity(graph: OpGraph, row: int) -> bool:
    node = graph.node_defs[row]
    return node.op == "Identity" and len(node.input) == 1 and INSERTED in node.attr


def _dangling(graph: OpGraph, rows: Sequence[int]) -> list[tuple[int, str]]:
    return sorted((rows[row], text) for row, text in graph.dangling)


def _moved(place: bytes, renamed: dict[str, str]) -> bytes:
    name = op_at(place)
    return beside(renamed[name]) if name is not None and name in renamed else place


def _inputs(graph: OpGraph, row: int, rows: Sequence[int]) -> list[tuple[int, int]]:
    edges = range(int(graph.in_edges[row]), int(graph.in_edges[row + 1]))
    return [(rows[int(graph.source[edge])], int(graph.output[edge])) for edge in edges]


def _inputs_through(graph: OpGraph, row: int, inserted: set[int]) -> list[tuple[int, int]]:
    """What an op takes and waits for, past the inserted identity ops."""
    found = []
    for edge in range(int(graph.in_edges[row]), int(graph.in_edges[row + 1])):
        source, slot = int(graph.source[edge]), int(graph.output[edge])
        passed: set[int] = set()
        while source in inserted and slot == 0 and source not in passed:
            passed.add(source)
            into = int(graph.in_edges[source])
            source, slot = int(graph.source[into]), int(graph.output[into])
        found.append((source, slot))
    return found
