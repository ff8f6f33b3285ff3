"""The op graph: what TensorFlow runs, stored as columns.

One op is one row; one edge is one entry of the edge arrays. Analyses run on the columns, because op graphs reach a
million ops; `OpGraph.to_networkx` gives the familiar view on demand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from graphdiag.graphs.arrays import grouped, offsets_of
from graphdiag.graphs.input_links import CONTROL, LAST_SLOT, Inputs, OutputSlot, resolve
from graphdiag.graphs.op_outputs import slot_of
from graphdiag.graphs.scope_tree import ScopeTree
from graphdiag.graphs.serialized_graph import (
    Nodes,
    SerializedGraph,
    around_nodes,
    named_as_scopes,
    nodes_of,
    producer_of,
    unparsed,
)

if TYPE_CHECKING:
    import networkx as nx
    from tensorboard.compat.proto.function_pb2 import FunctionDef
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.compat.proto.node_def_pb2 import NodeDef

__all__ = [
    "CONTROL",
    "FunctionBody",
    "OpGraph",
    "OutputSlot",
    "from_graph_def",
    "input_text",
    "merge",
    "name_of_input",
    "slot_in_body",
]


@dataclass(frozen=True, eq=False)
class OpGraph:
    """Ops and the edges between them.

    Attributes:
        names: Op names, in the order of the graph (TensorFlow writes them in the order of creation).
        types: Op types, as ``MatMul``; one for each name.
        devices: Device of each op; empty where none is given.
        node_defs: The ``NodeDef`` of each op, for its attributes; parsed when it is looked at.
        source: Row of the op that gives the tensor; int32, one for each edge. Edges are ordered by target, then by
            input position, control dependencies last.
        target: Row of the op that takes it; int32.
        output: Output slot of the source; int32, `CONTROL` for a control dependency.
        dangling: ``(row, input)`` for each input that names no op of the graph.
        functions: The function library, by name; each body is an op graph of its own.
        producer: ``GraphDef.versions.producer``, 0 when not recorded.
        columns: The nodes that it was made of, where that was one graph: what is found out about their names is kept
            there, and shared with what draws the graph.
    """

    names: Sequence[str]
    types: Sequence[str]
    devices: Sequence[str]
    node_defs: Sequence[NodeDef]
    source: np.ndarray
    target: np.ndarray
    output: np.ndarray
    dangling: tuple[tuple[int, str], ...] = ()
    functions: Mapping[str, FunctionBody] = field(default_factory=dict)
    producer: int = 0
    columns: Nodes | None = None

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Row of each op, by name."""
        return dict(zip(self.names, range(len(self)), strict=True))

    @property
    def names_together(self) -> str:
        """All names with a blank between neighbors, to look for something in all of them at once."""
        columns = self._own_columns
        return " ".join(self.names) if columns is None else columns.together

    @cached_property
    def scopes(self) -> ScopeTree:
        """The name scopes."""
        columns = self._own_columns
        return ScopeTree.of_names(self.names) if columns is None else columns.scopes

    @property
    def _own_columns(self) -> Nodes | None:
        """`columns`, unless `dataclasses.replace` has given the graph other names or types since."""
        columns = self.columns
        same = columns is not None and columns.names is self.names and columns.types is self.types
        return columns if same else None

    @cached_property
    def named_as_scopes(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows of the ops that are named as a scope of `scopes`, ascending, and these scopes; int64."""
        columns = self._own_columns
        return named_as_scopes(self.names, self.scopes) if columns is None else columns.named_as_scopes

    @cached_property
    def drawn_in(self) -> np.ndarray:
        """The scope of `scopes` in which each op is drawn, int32: an op that is named as a scope is drawn inside it."""
        rows, scopes = self.named_as_scopes
        drawn_in = self.scopes.of_op.copy()
        drawn_in[rows] = scopes
        return drawn_in

    @cached_property
    def row_of_scope(self) -> np.ndarray:
        """The row of the op that is named as each scope of `scopes`, as in `index`; int64, -1 where there is none."""
        rows, scopes = self.named_as_scopes
        found = np.full(len(self.scopes), -1, dtype=np.int64)
        found[scopes] = rows
        return found

    def rows_named(self, names: Collection[str]) -> list[int]:
        """The rows of the ops with some names, in no order; a damaged graph may have several of one name.

        Most names that are looked for are scopes' as well, and are found without `index`, which holds all ops.
        """
        numbers = self.scopes.numbers
        is_wanted = np.zeros(len(self.scopes), dtype=bool)
        is_wanted[[numbers[name] for name in names if name in numbers]] = True
        rows, scopes = self.named_as_scopes
        found: list[int] = rows[is_wanted[scopes]].tolist()
        others = {name for name in names if name not in numbers}
        if not others:
            return found
        if len(self.index) == len(self):
            return found + [self.index[name] for name in others if name in self.index]
        return found + [row for row, name in enumerate(self.names) if name in others]

    @cached_property
    def type_names(self) -> Sequence[str]:
        """The different op types, in the order in which they first appear."""
        columns = self._own_columns
        return list(dict.fromkeys(self.types)) if columns is None else columns.type_names

    @cached_property
    def type_numbers(self) -> np.ndarray:
        """Place of each op's type in `type_names`; int32."""
        columns = self._own_columns
        if columns is not None:
            return columns.type_numbers
        numbers = {op_type: number for number, op_type in enumerate(self.type_names)}
        return np.fromiter(map(numbers.__getitem__, self.types), dtype=np.int32, count=len(self.types))

    def of_types(self, fits: Callable[[str], object]) -> np.ndarray:
        """Which ops are of some types, each type being looked at once.

        Args:
            fits: Whether a type is one of them.

        Returns:
            A boolean for each row.
        """
        found = np.zeros(len(self), dtype=bool)
        found[self._of_types(fits)] = True
        return found

    def rows_of_types(self, fits: Callable[[str], object]) -> list[int]:
        """The rows of the ops that `of_types` marks, in order."""
        rows: list[int] = np.sort(self._of_types(fits)).tolist()
        return rows

    def _of_types(self, fits: Callable[[str], object]) -> np.ndarray:
        """The rows of the ops of some types, those of one type after those of another; int64."""
        numbers = [number for number, op_type in enumerate(self.type_names) if fits(op_type)]
        if not numbers:
            return np.empty(0, dtype=np.int64)
        rows, offsets = self._by_type
        return np.concatenate([rows[offsets[number] : offsets[number + 1]] for number in numbers])

    @cached_property
    def _by_type(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows sorted by type, and where those of each of `type_names` begin; int64."""
        return grouped(self.type_numbers, len(self.type_names))

    @cached_property
    def in_edges(self) -> np.ndarray:
        """Offsets into the edge arrays: the edges into row ``r`` are ``in_edges[r]`` up to ``in_edges[r + 1]``."""
        return offsets_of(self.target, len(self.names))

    @cached_property
    def by_source(self) -> tuple[np.ndarray, np.ndarray]:
        """``(order, offsets)``: the edges out of row ``r`` are ``order[offsets[r]:offsets[r + 1]]``."""
        return grouped(self.source, len(self.names))

    @cached_property
    def onward(self) -> np.ndarray:
        """The row that each edge enters, in the order of `by_source`; int32."""
        order, _ = self.by_source
        entered: np.ndarray = self.target[order]
        return entered

    def to_networkx(self) -> nx.MultiDiGraph:
        """The op graph as a ``networkx.MultiDiGraph``.

        Returns:
            Nodes are op names with the attributes ``op`` (type) and ``device``; every edge has ``output`` (slot of
            the source, -1 for control), ``input`` (position among the target's inputs) and ``control``.
        """
        import networkx as nx

        graph = nx.MultiDiGraph(producer=self.producer)
        for name, op_type, device in zip(self.names, self.types, self.devices, strict=True):
            graph.add_node(name, op=op_type, device=device)
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
        graph_defs: The graphs; of none at all an empty op graph is made.

    Returns:
        The op graph; its producer is the first graph's.
    """
    graphs = [_op_graph(graph_def) for graph_def in unparsed(graph_defs)]
    if len(graphs) == 1:
        return graphs[0]
    parts = [_with_prefix(graph, f"graph_{number}") for number, graph in enumerate(graphs, start=1)]
    offsets = np.cumsum([0, *map(len, parts)]).tolist()
    placed = list(zip(parts, offsets, strict=False))
    none = np.empty(0, dtype=np.int32)
    return OpGraph(
        names=[name for part in parts for name in part.names],
        types=[op_type for part in parts for op_type in part.types],
        devices=[device for part in parts for device in part.devices],
        node_defs=[node for part in parts for node in part.node_defs],
        source=np.concatenate([none, *(part.source + np.int32(offset) for part, offset in placed)]),
        target=np.concatenate([none, *(part.target + np.int32(offset) for part, offset in placed)]),
        output=np.concatenate([none, *(part.output for part in parts)]),
        dangling=tuple((row + offset, text) for part, offset in placed for row, text in part.dangling),
        functions={name: body for part in parts for name, body in part.functions.items()},
        producer=parts[0].producer if parts else 0,
    )


def _op_graph(graph_def: GraphDef | SerializedGraph) -> OpGraph:
    around = around_nodes(graph_def)
    library = {function.signature.name: function for function in around.library.function}
    bodies = [_function_body(function, library) for function in around.library.function]
    return _columns(nodes_of(graph_def), {body.name: body for body in bodies}, producer_of(graph_def))


def _with_prefix(graph: OpGraph, scope: str) -> OpGraph:
    """A graph under the names that it has beside others."""
    return replace(
        graph,
        names=[f"{scope}/{name}" for name in graph.names],
        dangling=tuple((row, _prefixed(f"{scope}/", text)) for row, text in graph.dangling),
        functions={f"{scope}_{name}": replace(body, name=f"{scope}_{name}") for name, body in graph.functions.items()},
    )


def name_of_input(text: str) -> str:
    """Name of the op that an input of a ``NodeDef`` names: ``op`` for ``op:1`` and ``^op``."""
    return text.removeprefix("^").partition(":")[0]


def input_text(name: str, slot: int) -> str:
    """How a ``NodeDef`` names a tensor that it takes: ``op``, ``op:1``, or ``^op`` for a control dependency."""
    return f"^{name}" if slot == CONTROL else f"{name}:{slot}" if slot else name


def _prefixed(prefix: str, text: str) -> str:
    return f"^{prefix}{text[1:]}" if text.startswith("^") else prefix + text


def _columns(nodes: Nodes, functions: Mapping[str, FunctionBody], producer: int) -> OpGraph:
    links = nodes.given.links
    source, output = links.source, links.output
    target = np.repeat(np.arange(len(nodes), dtype=np.int32), np.diff(nodes.first_input))
    is_edge = source >= 0
    dangling = [(int(target[place]), nodes.inputs[place]) for place in np.flatnonzero(~is_edge).tolist()]
    if dangling:
        source, target, output = source[is_edge], target[is_edge], output[is_edge]
    return OpGraph(
        names=nodes.names,
        types=nodes.types,
        devices=nodes.devices,
        node_defs=nodes.node_defs,
        source=source,
        target=target,
        output=output,
        dangling=tuple(dangling),
        functions=functions,
        producer=producer,
        columns=nodes,
    )


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
    if not index.isdecimal() or len(index) > len(str(LAST_SLOT)):
        return None
    if node.op not in library:
        return slot_of(node, result, int(index))
    names = [argument.name for argument in library[node.op].signature.output_arg]
    return names.index(result) if result in names and int(index) == 0 else None


def _function_body(function: FunctionDef, library: Mapping[str, FunctionDef]) -> FunctionBody:
    from tensorboard.compat.proto.node_def_pb2 import NodeDef

    node_defs: list[NodeDef] = []
    for argument in function.signature.input_arg:
        node = NodeDef(name=argument.name, op="_Arg")
        node.attr["T"].type = argument.type
        node_defs.append(node)
    arguments = tuple(range(len(node_defs)))
    nodes = {node.name: node for node in function.node_def}
    node_defs += function.node_def
    columns = Nodes.of_messages(node_defs)
    inputs = [_by_slot(text, nodes, library) for text in columns.inputs]
    graph = _columns(replace(columns, given=Inputs(columns.names, partial(list, inputs))), {}, 0)
    results = []
    for result in function.signature.output_arg:
        row, slot = resolve(_by_slot(function.ret.get(result.name, ""), nodes, library), graph.index)
        results.append((-1 if row is None else row, slot))
    # Reading `attr[...]` of a message would put an empty attribute there.
    implements = function.attr["api_implements"].s if "api_implements" in function.attr else b""
    return FunctionBody(
        function.signature.name, graph, arguments, tuple(results), implements.decode("utf-8", errors="replace")
    )
