"""The op graph: what TensorFlow runs, stored as columns.

One op is one row; one edge is one entry of the edge arrays. Analyses run on the columns, because op graphs reach a
million ops; `OpGraph.to_networkx` gives the familiar view on demand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NewType

import numpy as np

from graphdiag.graphs.op_outputs import slot_of

if TYPE_CHECKING:
    import networkx as nx
    from tensorboard.compat.proto.function_pb2 import FunctionDef
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.compat.proto.node_def_pb2 import NodeDef

OutputSlot = NewType("OutputSlot", int)
"""Which output of an op, from 0 on; or `CONTROL`."""
CONTROL = OutputSlot(-1)
"""Output slot of a control dependency, which carries no tensor."""

_LAST_SLOT = 2**31 - 1
"""TensorFlow counts outputs in an int32."""


@dataclass(frozen=True, eq=False)
class OpGraph:
    """Ops and the edges between them.

    Attributes:
        names: Op names, in the order of the graph (TensorFlow writes them in the order of creation).
        types: Op types, as ``MatMul``; one for each name.
        node_defs: The ``NodeDef`` of each op, for its attributes.
        source: Row of the op that gives the tensor; int32, one for each edge. Edges are ordered by target, then by
            input position, control dependencies last.
        target: Row of the op that takes it; int32.
        output: Output slot of the source; int32, `CONTROL` for a control dependency.
        dangling: ``(row, input)`` for each input that names no op of the graph.
        functions: The function library, by name; each body is an op graph of its own.
        producer: ``GraphDef.versions.producer``, 0 when not recorded.
    """

    names: Sequence[str]
    types: Sequence[str]
    node_defs: Sequence[NodeDef]
    source: np.ndarray
    target: np.ndarray
    output: np.ndarray
    dangling: tuple[tuple[int, str], ...] = ()
    functions: Mapping[str, FunctionBody] = field(default_factory=dict)
    producer: int = 0

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Row of each op, by name."""
        return {name: row for row, name in enumerate(self.names)}

    @cached_property
    def in_edges(self) -> np.ndarray:
        """Offsets into the edge arrays: the edges into row ``r`` are ``in_edges[r]`` up to ``in_edges[r + 1]``."""
        return np.searchsorted(self.target, np.arange(len(self.names) + 1))

    @cached_property
    def by_source(self) -> tuple[np.ndarray, np.ndarray]:
        """``(order, offsets)``: the edges out of row ``r`` are ``order[offsets[r]:offsets[r + 1]]``."""
        order = np.argsort(self.source, kind="stable")
        return order, np.searchsorted(self.source[order], np.arange(len(self.names) + 1))

    def to_networkx(self) -> nx.MultiDiGraph:
        """The op graph as a ``networkx.MultiDiGraph``.

        Returns:
            Nodes are op names with the attributes ``op`` (type) and ``device``; every edge has ``output`` (slot of
            the source, -1 for control), ``input`` (position among the target's inputs) and ``control``.
        """
        import networkx as nx

        graph = nx.MultiDiGraph(producer=self.producer)
        for name, op_type, node in zip(self.names, self.types, self.node_defs, strict=True):
            graph.add_node(name, op=op_type, device=node.device)
        first = self.in_edges
        for edge in range(len(self.source)):
            target = int(self.target[edge])
            slot = int(self.output[edge])
            graph.add_edge(
                self.names[int(self.source[edge])],
                self.names[target],
                output=slot,
                input=edge - int(first[target]),
                control=slot == CONTROL,
            )
        return graph


@dataclass(frozen=True, eq=False)
class FunctionBody:
    """A library function.

    Attributes:
        name: Name in the library.
        graph: Its ops. The arguments come first, as ops of type ``_Arg``.
        arguments: Rows of the arguments, in order.
        results: ``(row, output slot)`` of each result, in order; row -1 where the body names no such tensor.
        implements: What functions that stand for one another share (the attribute ``api_implements``); empty for none.
    """

    name: str
    graph: OpGraph
    arguments: tuple[int, ...]
    results: tuple[tuple[int, int], ...]
    implements: str = ""


def from_graph_def(graph_def: GraphDef) -> OpGraph:
    """Turn a ``GraphDef`` into columns.

    Args:
        graph_def: TensorBoard's copy of the message (``tensorboard.compat.proto``).

    Returns:
        The op graph, with its function library.
    """
    return merge([graph_def])


def merge(graph_defs: Sequence[GraphDef]) -> OpGraph:
    """Turn the graphs of one tag into a single op graph.

    Several graphs get the prefixes ``graph_1/``, ``graph_2/`` ... on op names and ``graph_1_`` on function names, as
    TensorBoard shows them (``tensorboard/plugins/graph/graph_util.py``). Unlike TensorBoard's, this merge keeps the
    control dependencies: TensorBoard puts the prefix before the ``^`` and loses them.

    Args:
        graph_defs: At least one graph.

    Returns:
        The op graph; its producer is the first graph's.
    """
    alone = len(graph_defs) == 1
    names: list[str] = []
    types: list[str] = []
    node_defs: list[NodeDef] = []
    inputs: list[Sequence[str]] = []
    functions: dict[str, FunctionBody] = {}
    for number, graph_def in enumerate(graph_defs, start=1):
        prefix = "" if alone else f"graph_{number}/"
        for node in graph_def.node:
            names.append(prefix + node.name)
            types.append(node.op)
            node_defs.append(node)
            inputs.append(node.input if alone else [_prefixed(prefix, text) for text in node.input])
        library = {function.signature.name: function for function in graph_def.library.function}
        for function in graph_def.library.function:
            body = _function_body(function, library)
            name = body.name if alone else f"graph_{number}_{body.name}"
            functions[name] = replace(body, name=name)
    producer = graph_defs[0].versions.producer if graph_defs else 0
    return _columns(names, types, node_defs, inputs, functions, producer)


def name_of_input(text: str) -> str:
    """Name of the op that an input of a ``NodeDef`` names: ``op`` for ``op:1`` and ``^op``."""
    return text.removeprefix("^").partition(":")[0]


def input_text(name: str, slot: int) -> str:
    """How a ``NodeDef`` names a tensor that it takes: ``op``, ``op:1``, or ``^op`` for a control dependency."""
    return f"^{name}" if slot == CONTROL else f"{name}:{slot}" if slot else name


def _prefixed(prefix: str, text: str) -> str:
    return f"^{prefix}{text[1:]}" if text.startswith("^") else prefix + text


def _columns(
    names: list[str],
    types: list[str],
    node_defs: list[Any],
    inputs: Iterable[Sequence[str]],
    functions: Mapping[str, FunctionBody],
    producer: int,
) -> OpGraph:
    rows = {name: row for row, name in enumerate(names)}
    source: list[int] = []
    target: list[int] = []
    output: list[int] = []
    dangling: list[tuple[int, str]] = []
    for row, texts in enumerate(inputs):
        for text in texts:
            # Most inputs name slot 0 of an op and are the op's bare name.
            found = rows.get(text)
            slot = 0
            if found is None:
                found, slot = _resolve(text, rows)
            if found is None:
                dangling.append((row, text))
                continue
            source.append(found)
            target.append(row)
            output.append(slot)
    return OpGraph(
        names=names,
        types=types,
        node_defs=node_defs,
        source=np.array(source, dtype=np.int32),
        target=np.array(target, dtype=np.int32),
        output=np.array(output, dtype=np.int32),
        dangling=tuple(dangling),
        functions=functions,
        producer=producer,
    )


def _resolve(text: str, rows: Mapping[str, int]) -> tuple[int | None, int]:
    """Row and slot of ``op:1``, ``^op``, or, in a function body, ``op:output_name:1``."""
    if text.startswith("^"):
        return rows.get(text[1:]), CONTROL
    name, _, rest = text.partition(":")
    slot = rest.rpartition(":")[2]
    if not slot.isdecimal():
        return rows.get(name), 0
    # Python refuses to read a number of thousands of digits.
    if len(slot.lstrip("0")) > len(str(_LAST_SLOT)) or int(slot) > _LAST_SLOT:
        return None, 0
    return rows.get(name), int(slot)


def _by_slot(text: str, nodes: Mapping[str, NodeDef], library: Mapping[str, FunctionDef]) -> str:
    """``op:1`` for ``op:batch_mean:0``, as a body names its tensors; the text itself where the slot is unknown."""
    name = name_of_input(text)
    slot = slot_in_body(text, nodes[name], library) if name in nodes else None
    return text if slot is None else f"{name}:{slot}"


def slot_in_body(text: str, node: NodeDef, library: Mapping[str, FunctionDef]) -> int | None:
    """The output slot of a tensor that a function's body names.

    Args:
        text: The name, as ``op:batch_mean:0``.
        node: The op that it is of.
        library: The functions, by name: an op may be a call of one, and its results are then called as the function's.

    Returns:
        The slot, from 0 on; ``None`` where it is not known.
    """
    result, _, index = text.partition(":")[2].partition(":")
    if not index.isdecimal() or len(index) > len(str(_LAST_SLOT)):
        return None
    if node.op not in library:
        return slot_of(node, result, int(index))
    names = [argument.name for argument in library[node.op].signature.output_arg]
    return names.index(result) if result in names and int(index) == 0 else None


def _function_body(function: FunctionDef, library: Mapping[str, FunctionDef]) -> FunctionBody:
    from tensorboard.compat.proto.node_def_pb2 import NodeDef

    names: list[str] = []
    types: list[str] = []
    node_defs: list[Any] = []
    inputs: list[Sequence[str]] = []
    for argument in function.signature.input_arg:
        node = NodeDef(name=argument.name, op="_Arg")
        node.attr["T"].type = argument.type
        names.append(argument.name)
        types.append("_Arg")
        node_defs.append(node)
        inputs.append(())
    arguments = tuple(range(len(names)))
    nodes = {node.name: node for node in function.node_def}
    for node in function.node_def:
        names.append(node.name)
        types.append(node.op)
        node_defs.append(node)
        inputs.append([_by_slot(text, nodes, library) for text in node.input])
    graph = _columns(names, types, node_defs, inputs, {}, 0)
    results = []
    for result in function.signature.output_arg:
        row, slot = _resolve(_by_slot(function.ret.get(result.name, ""), nodes, library), graph.index)
        results.append((-1 if row is None else row, slot))
    # Reading `attr[...]` of a message would put an empty attribute there.
    implements = function.attr["api_implements"].s if "api_implements" in function.attr else b""
    return FunctionBody(
        function.signature.name, graph, arguments, tuple(results), implements.decode("utf-8", errors="replace")
    )
