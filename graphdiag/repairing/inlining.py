"""Inlining: calls of library functions replaced by the ops of the function, where that is what hides the model.

TensorBoard draws a call as one op, so layers inside a traced function are on no picture. A call's ops take the place of
the call: what the function calls its arguments is what the call takes, and what it returns is what the call gives. A
control dependency on the call is one on the ops that the function says have to run; one of the call is one of each of
its ops that waits for no other. Source of these rules: ``tensorflow/core/common_runtime/inline_function_utils.cc``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphdiag.errors import SourceError
from graphdiag.graphs.op_graph import name_of_input, slot_in_body
from graphdiag.repairing.colocation import COLOCATION, beside, op_at, places_of
from graphdiag.repairing.legal_names import Taken

if TYPE_CHECKING:
    from tensorboard.compat.proto.function_pb2 import FunctionDef
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.compat.proto.node_def_pb2 import NodeDef

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_MOST_OPS = 2_000_000
_DEEPEST = 50
_MOST_DIGITS = 9
"""Digits of an output's number: TensorFlow counts outputs in an int32."""


@dataclass(frozen=True)
class InlinedOp:
    """One op that has taken the place of a call.

    Attributes:
        calls: Names of the calls it comes from, outermost first: the first as in the graph, others as in a function.
        name: Its name in the innermost function.
    """

    calls: tuple[str, ...]
    name: str


@dataclass(frozen=True, eq=False)
class Inlined:
    """A graph in which calls are replaced.

    Attributes:
        graph_def: The graph.
        origins: Where each op comes from that the graph did not have, by name.
        calls: The calls that were replaced, each as the names of the calls it is in and its own.
        arguments: What a function calls that which an op of the graph gives to a call of it, by the op's name.
    """

    graph_def: GraphDef
    origins: Mapping[str, InlinedOp] = field(default_factory=dict)
    calls: Set[tuple[str, ...]] = frozenset()
    arguments: Mapping[str, str] = field(default_factory=dict)


def inline_calls(graph_def: GraphDef, is_wanted: Callable[[str], bool]) -> Inlined:
    """Replace calls by the ops of their functions.

    Args:
        graph_def: The graph; it is not changed.
        is_wanted: Whether calls of the library function of a name are to be replaced.

    Returns:
        The graph. A call of a function that calls itself is left, and so is one of a function whose tensors' slots are
        not known.
    """
    inliner = _Inliner(graph_def, is_wanted)
    return inliner.run() if inliner.finds_calls() else Inlined(graph_def)


@dataclass(eq=False)
class _Level:
    """A graph, or one call of a function: what its names mean.

    Attributes:
        nodes: Its ops, by name.
        renamed: The name of each op that stays, in the new graph.
        opened: Its calls that are replaced, by name.
        call: The call, and the level it is in; ``None`` for the graph.
        function: The function that is called.
    """

    nodes: Mapping[str, NodeDef]
    renamed: dict[str, str] = field(default_factory=dict)
    opened: dict[str, _Level] = field(default_factory=dict)
    call: tuple[NodeDef, _Level] | None = None
    function: FunctionDef | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """Names of the calls, outermost first."""
        return (*self.call[1].path, self.call[0].name) if self.call else ()


class _Inliner:
    def __init__(self, graph_def: GraphDef, is_wanted: Callable[[str], bool]) -> None:
        self._graph_def = graph_def
        self._functions = {function.signature.name: function for function in graph_def.library.function}
        self._is_wanted = is_wanted
        self._can: dict[str, bool] = {}
        self._names = {node.name for node in graph_def.node}
        # What names nothing must name nothing afterwards.
        self._taken = Taken()
        self._taken.take_with_scopes(self._names)
        self._taken.take_with_scopes(name_of_input(text) for node in graph_def.node for text in node.input)
        self._left = _MOST_OPS
        self._origins: dict[str, InlinedOp] = {}
        self._calls: set[tuple[str, ...]] = set()
        self._arguments: dict[str, str] = {}

    def finds_calls(self) -> bool:
        return any(self._opens(node, ()) for node in self._graph_def.node)

    def run(self) -> Inlined:
        from tensorboard.compat.proto.graph_pb2 import GraphDef

        top = _Level({node.name: node for node in self._graph_def.node})
        self._open(top, "", ())
        written = GraphDef()
        written.versions.CopyFrom(self._graph_def.versions)
        for node in self._nodes(top):
            written.node.append(node)
        written.library.CopyFrom(self._graph_def.library)
        return Inlined(written, self._origins, self._calls, self._arguments)

    # --- which calls -------------------------------------------------------------------------------------------------

    def _function_of(self, node: NodeDef) -> FunctionDef | None:
        if node.op in _CALLS:
            return self._functions.get(node.attr["f"].func.name) if "f" in node.attr else None
        return self._functions.get(node.op)

    def _opens(self, node: NodeDef, inside: tuple[str, ...]) -> bool:
        """Whether a call is to be replaced, and can be."""
        function = self._function_of(node)
        if function is None:
            return False
        name = function.signature.name
        if name in inside or len(inside) > _DEEPEST or not self._is_wanted(name):
            return False
        if name not in self._can:
            self._can[name] = _can_be_inlined(function, self._functions)
        given = _data_inputs(node)
        if not inside and not all(self._is_known(text) for text in given):
            return False
        fits = len(given) == len(function.signature.input_arg) and self._left >= len(function.node_def)
        return self._can[name] and fits

    def _is_known(self, text: str) -> bool:
        """Whether a tensor's name in the graph names one."""
        name, _, slot = text.partition(":")
        return name in self._names and (not slot or (slot.isdecimal() and len(slot) <= _MOST_DIGITS))

    def _open(self, level: _Level, prefix: str, inside: tuple[str, ...]) -> None:
        """Name the ops of a level, and go into the calls that are replaced."""
        first: dict[str, str] = {}
        names = {name: self._renamed(level, name, prefix, first) for name in level.nodes}
        if level.call:
            self._taken.take_with_scopes(names.values())
        for name, node in level.nodes.items():
            if self._opens(node, inside):
                function = self._function_of(node)
                assert function is not None
                self._left -= len(function.node_def)
                inner = _Level({body.name: body for body in function.node_def}, call=(node, level), function=function)
                level.opened[name] = inner
                self._calls.add(inner.path)
                around = names[name].rpartition("/")[0]
                self._open(inner, f"{around}/" if around else "", (*inside, function.signature.name))
            else:
                level.renamed[name] = names[name]
                if level.call:
                    self._origins[names[name]] = InlinedOp(level.path, name)

    def _renamed(self, level: _Level, name: str, prefix: str, first: dict[str, str]) -> str:
        """The name in the new graph; what shares a scope in a function shares one here, and no other call's."""
        if level.call is None:
            return name
        scope, slash, rest = name.partition("/")
        if scope not in first:
            first[scope] = self._taken.unique(prefix + scope)
        return first[scope] + slash + rest

    # --- what ops take -----------------------------------------------------------------------------------------------

    def _nodes(self, level: _Level) -> Iterator[NodeDef]:
        from tensorboard.compat.proto.node_def_pb2 import NodeDef

        for name, node in level.nodes.items():
            if name in level.opened:
                self._note_arguments(node, level)
                yield from self._nodes(level.opened[name])
                continue
            written = NodeDef()
            written.CopyFrom(node)
            written.name = level.renamed[name]
            if level.call:
                _fill_attributes(written, level.call[0])
            _move_colocation(written, level)
            if level.call or level.opened:
                inputs = [found for text in node.input for found in self._resolve(level, text)]
                inputs += self._awaited(level, inputs)
                del written.input[:]
                written.input.extend(dict.fromkeys(inputs) if _only_control(inputs) else _in_order(inputs))
            yield written

    def _awaited(self, level: _Level, inputs: Sequence[str]) -> list[str]:
        """What the calls around an op wait for, as far as none of its inputs is in the call and waits already."""
        found: list[str] = []
        origins = [self._origins.get(name_of_input(text)) for text in inputs]
        while level.call:
            path = level.path
            node, level = level.call
            if not any(origin and origin.calls[: len(path)] == path for origin in origins):
                found += self._control_of(node, level)
        return found

    def _control_of(self, call: NodeDef, level: _Level) -> list[str]:
        return [found for text in _control_inputs(call) for found in self._resolve_control(level, text[1:])]

    def _note_arguments(self, call: NodeDef, level: _Level) -> None:
        function = level.opened[call.name].function
        assert function is not None
        for argument, text in zip(function.signature.input_arg, _data_inputs(call), strict=True):
            if level.call is None and name_of_input(text) in level.nodes:
                self._arguments.setdefault(name_of_input(text), argument.name)

    def _resolve(self, level: _Level, text: str) -> Sequence[str]:
        """The tensor in the new graph that a text means at a level; for a control dependency, all that it is on.

        A call that returns what it is given is gone in the new graph; what it waited for comes after the tensor.
        """
        if text.startswith("^"):
            return self._resolve_control(level, text[1:])
        name, _, rest = text.partition(":")
        entered = 0
        awaited: list[str] = []
        seen: set[tuple[int, str, str]] = set()
        while (id(level), name, rest) not in seen:
            seen.add((id(level), name, rest))
            if name in level.nodes:
                if name not in level.opened and level.call is None:
                    return [f"{name}:{rest}" if rest else name, *awaited]
                slot = _slot(level, name, rest, self._functions)
                if name not in level.opened:
                    return [f"{level.renamed[name]}:{slot}" if slot else level.renamed[name], *awaited]
                entered += 1
                level = level.opened[name]
                assert level.function is not None
                if slot >= len(level.function.signature.output_arg):
                    raise SourceError(
                        f"{name} has no output {slot}, but an op takes it; TensorFlow runs no such graph."
                    )
                result = level.function.ret[level.function.signature.output_arg[slot].name]
                name, _, rest = result.partition(":")
                continue
            position = _argument(level, name)
            if position is None or level.call is None:
                return [text]
            call, level = level.call
            if entered:
                entered -= 1
                awaited += self._control_of(call, level)
            name, _, rest = _data_inputs(call)[position].partition(":")
        raise SourceError(f"{name} takes its own output, through function calls; TensorFlow cannot run this.")

    def _resolve_control(self, level: _Level, name: str) -> list[str]:
        found: dict[str, None] = {}
        waiting, seen = [(level, name)], set()
        while waiting:
            level, name = waiting.pop()
            if (id(level), name) in seen:
                continue
            seen.add((id(level), name))
            if name in level.opened:
                inner = level.opened[name]
                assert inner.function is not None
                ends = last_ops(inner.function)
                waiting += [(inner, end) for end in reversed(ends)]
                if any(end not in inner.nodes for end in ends):
                    waiting += [(level, text[1:]) for text in _control_inputs(level.nodes[name])]
            elif name in level.renamed:
                found[f"^{level.renamed[name]}"] = None
            elif (position := _argument(level, name)) is not None and level.call is not None:
                call, around = level.call
                waiting.append((around, name_of_input(_data_inputs(call)[position])))
            else:
                found[f"^{name}"] = None
        return list(found)


def last_ops(function: FunctionDef) -> Sequence[str]:
    """The ops, or arguments, that what waits for a call of a function waits for.

    A function of TF 2 lists those that have to run beside what gives its results. Of one that lists none, as those of
    TF 1, all ops run that hold state: whatever no other op takes may be such a one.
    """
    if function.control_ret:
        return list(function.control_ret.values())
    taken = {name_of_input(text) for node in function.node_def for text in node.input}
    results = [name_of_input(text) for text in function.ret.values()]
    return list(dict.fromkeys([*results, *(node.name for node in function.node_def if node.name not in taken)]))


def _can_be_inlined(function: FunctionDef, library: Mapping[str, FunctionDef]) -> bool:
    """Whether the meaning of every name in a function's body is known."""
    signature = function.signature
    if any(
        argument.number_attr or argument.type_list_attr for argument in (*signature.input_arg, *signature.output_arg)
    ):
        return False
    nodes = {node.name: node for node in function.node_def}
    arguments = {argument.name for argument in signature.input_arg}
    if len(nodes) < len(function.node_def) or len(arguments) < len(signature.input_arg) or nodes.keys() & arguments:
        return False
    if not nodes.keys() >= {*function.control_ret.values()}:
        return False
    texts = [text for node in function.node_def for text in node.input] + list(function.ret.values())
    for text in texts:
        name = name_of_input(text)
        if text.startswith("^"):
            known = name in nodes or name in arguments
        else:
            known = name in arguments or (name in nodes and slot_in_body(text, nodes[name], library) is not None)
        if not known:
            return False
    return all(argument.name in function.ret for argument in signature.output_arg)


def _slot(level: _Level, name: str, rest: str, library: Mapping[str, FunctionDef]) -> int:
    if level.call is None:
        return int(rest[: _MOST_DIGITS + 1]) if rest.isdecimal() else 0
    return slot_in_body(f"{name}:{rest}", level.nodes[name], library) or 0


def _argument(level: _Level, name: str) -> int | None:
    if level.function is None:
        return None
    return next((at for at, found in enumerate(level.function.signature.input_arg) if found.name == name), None)


def _data_inputs(node: NodeDef) -> list[str]:
    return [text for text in node.input if not text.startswith("^")]


def _control_inputs(node: NodeDef) -> list[str]:
    return [text for text in node.input if text.startswith("^")]


def _only_control(inputs: Sequence[str]) -> bool:
    return all(text.startswith("^") for text in inputs)


def _in_order(inputs: Sequence[str]) -> list[str]:
    """Tensors first, then control dependencies, each once, as TensorFlow wants them."""
    control = dict.fromkeys(text for text in inputs if text.startswith("^"))
    return [*(text for text in inputs if not text.startswith("^")), *control]


def _fill_attributes(node: NodeDef, call: NodeDef) -> None:
    for key in list(node.attr):
        placeholder = node.attr[key].placeholder
        if placeholder and placeholder in call.attr:
            node.attr[key].CopyFrom(call.attr[placeholder])


def _move_colocation(node: NodeDef, level: _Level) -> None:
    """Name the ops of a call by their new names, and no call that is gone.

    In a function TensorFlow passes over what the function does not have; in a graph it would fail.
    """
    places = places_of(node)
    if not places:
        return
    moved = [place for place in (_moved(place, level) for place in places) if place is not None]
    if moved:
        node.attr[COLOCATION].list.s[:] = moved
    else:
        del node.attr[COLOCATION]


def _moved(place: bytes, level: _Level) -> bytes | None:
    name = op_at(place)
    if name is None or (level.call is None and name not in level.opened):
        return place
    return beside(level.renamed[name]) if name in level.renamed else None
