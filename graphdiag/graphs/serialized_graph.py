"""A ``GraphDef`` in its bytes: its nodes as columns, and messages only of what is asked for.

An op graph of a million ops takes 200 MB of bytes, and 1.3 GB as a message. What nearly all work needs, names, types,
devices and inputs, is read from the bytes; the attributes of a node are parsed when someone looks at them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import repeat, starmap
from typing import TYPE_CHECKING, overload

import numpy as np

from graphdiag.errors import SourceError
from graphdiag.graphs.byte_texts import AmbiguousTextsError, ByteTexts
from graphdiag.graphs.input_links import Inputs, inputs_in_bytes
from graphdiag.graphs.name_bytes import NameBytes
from graphdiag.graphs.node_attributes import text_of
from graphdiag.graphs.scope_tree import ScopeTree
from graphdiag.graphs.wire_format import NodeSpans, Spans, UnfamiliarBytesError, find_nodes

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.compat.proto.node_def_pb2 import NodeDef


@dataclass(frozen=True, eq=False)
class Nodes:
    """The nodes of a graph, or of a function's body, as columns.

    Attributes:
        names: Name of each.
        type_names: The different op types, in the order in which they first appear.
        type_numbers: Place of each node's type in `type_names`; int32.
        devices: Device of each; empty where none is given.
        given: The inputs of all nodes, one after the other.
        first_input: The inputs of node ``n`` are ``first_input[n]`` up to ``first_input[n + 1]``; int64.
        node_defs: The ``NodeDef`` of each.
        in_bytes: The names in their bytes, where they are known so.
    """

    names: Sequence[str]
    type_names: Sequence[str]
    type_numbers: np.ndarray
    devices: Sequence[str]
    given: Inputs
    first_input: np.ndarray
    node_defs: Sequence[NodeDef]
    in_bytes: NameBytes | None = None

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def types(self) -> list[str]:
        """Op type of each."""
        return list(map(self.type_names.__getitem__, self.type_numbers.tolist()))

    @cached_property
    def together(self) -> str:
        """All names with a blank between neighbors, to look for something in all of them at once."""
        return self.in_bytes.together if self.in_bytes else " ".join(self.names)

    def holds(self, mark: str) -> bool:
        """Whether some name holds a character."""
        return self.in_bytes.holds(mark) if self.in_bytes else mark in self.together

    @cached_property
    def depths(self) -> np.ndarray:
        """How many slashes the name of each holds; int64."""
        if self.in_bytes:
            return self.in_bytes.depths
        return np.fromiter(map(str.count, self.names, repeat("/")), dtype=np.int64, count=len(self.names))

    @cached_property
    def scopes(self) -> ScopeTree:
        """The name scopes."""
        if self.in_bytes:
            with suppress(AmbiguousTextsError):
                return self.in_bytes.scopes
        return ScopeTree.of_names(self.names)

    @cached_property
    def named_as_scopes(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows whose names are also names of scopes, and these scopes; int64."""
        table = self.given.table
        if table is None or not table.are_unique or not len(self):
            return named_as_scopes(self.names, self.scopes)
        scopes = self.scopes
        # The name of a scope is what the names of its ops begin with.
        start = table.texts.start[scopes.first_inside(scopes.of_op)]
        stop = start + np.fromiter(map(len, scopes.names), dtype=np.int64, count=len(scopes))
        try:
            rows = table.find(Spans(start, stop))
        except AmbiguousTextsError:
            return named_as_scopes(self.names, scopes)
        found = np.flatnonzero(rows >= 0)
        # An op without a name is not called as the root is.
        found = found[found > 0]
        order = np.argsort(rows[found])
        return rows[found][order], found[order]

    @property
    def inputs(self) -> list[str]:
        """The inputs of all nodes, one after the other, as ``op``, ``op:1`` or ``^op``."""
        return self.given.texts

    @classmethod
    def of_messages(cls, node_defs: Sequence[NodeDef]) -> Nodes:
        """The columns of nodes that are parsed."""
        first = np.zeros(len(node_defs) + 1, dtype=np.int64)
        np.cumsum([len(node.input) for node in node_defs], out=first[1:])
        return cls.of_texts(
            names=[node.name for node in node_defs],
            types=[node.op for node in node_defs],
            devices=[node.device for node in node_defs],
            inputs=partial(_inputs_of, node_defs),
            first_input=first,
            node_defs=node_defs,
        )

    @classmethod
    def of_texts(
        cls,
        names: Sequence[str],
        types: Iterable[str],
        inputs: Callable[[], list[str]],
        first_input: np.ndarray,
        devices: Sequence[str] = (),
        node_defs: Sequence[NodeDef] = (),
    ) -> Nodes:
        """The columns of nodes that are given as texts; see the attributes."""
        number: dict[str, int] = {}
        numbers = [number.setdefault(op_type, len(number)) for op_type in types]
        return cls(
            names=names,
            type_names=list(number),
            type_numbers=np.array(numbers, dtype=np.int32),
            devices=devices,
            given=Inputs(names, inputs),
            first_input=first_input,
            node_defs=node_defs,
        )


class SerializedGraph:
    """A ``GraphDef`` that is parsed as far as it is looked at.

    Args:
        data: Bytes that end with the graph.
        start: Where it begins in them.

    Raises:
        google.protobuf.message.DecodeError: The bytes are no ``GraphDef``, or a damaged one.
    """

    def __init__(self, data: bytes, start: int = 0) -> None:
        from tensorboard.compat.proto.graph_pb2 import GraphDef

        self._data = data
        self._start = start
        try:
            spans = find_nodes(data, start)
            self._nodes = _columns(data, spans)
        except (UnfamiliarBytesError, UnicodeDecodeError):
            # What is wrong with it, if anything, protobuf tells.
            self.message = GraphDef.FromString(data[start:])
            self._nodes = Nodes.of_messages(self.message.node)
            self.surroundings = self.message
        else:
            self.surroundings = GraphDef.FromString(spans.rest)

    @property
    def nodes(self) -> Nodes:
        """The ops."""
        return self._nodes

    @cached_property
    def message(self) -> GraphDef:
        """The whole message; it takes much memory."""
        from google.protobuf.message import DecodeError
        from tensorboard.compat.proto.graph_pb2 import GraphDef

        try:
            return GraphDef.FromString(self._data[self._start :])
        except DecodeError as error:
            raise SourceError("The op graph is damaged: the attributes of some op cannot be parsed.") from error


class SerializedGraphs(Sequence["GraphDef"]):
    """Graphs that are parsed when they are looked at as messages.

    Attributes:
        graphs: Each graph, in its bytes where these were read.
    """

    def __init__(self, graphs: Iterable[GraphDef | SerializedGraph]) -> None:
        self.graphs = tuple(graphs)

    def __len__(self) -> int:
        return len(self.graphs)

    @overload
    def __getitem__(self, place: int) -> GraphDef: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[GraphDef]: ...
    def __getitem__(self, place: int | slice) -> GraphDef | Sequence[GraphDef]:
        if isinstance(place, slice):
            return SerializedGraphs(self.graphs[place])
        graph = self.graphs[place]
        return graph.message if isinstance(graph, SerializedGraph) else graph

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(self.graphs)


def unparsed(graph_defs: Sequence[GraphDef]) -> Sequence[GraphDef | SerializedGraph]:
    """Graphs as they are at hand, without parsing them."""
    return graph_defs.graphs if isinstance(graph_defs, SerializedGraphs) else graph_defs


def nodes_of(graph: GraphDef | SerializedGraph) -> Nodes:
    """The ops of a graph, as columns."""
    return graph.nodes if isinstance(graph, SerializedGraph) else Nodes.of_messages(graph.node)


def around_nodes(graph: GraphDef | SerializedGraph) -> GraphDef:
    """A message with the function library and the versions of a graph; its ops may be left out."""
    return graph.surroundings if isinstance(graph, SerializedGraph) else graph


def producer_of(graph: GraphDef | SerializedGraph) -> int:
    """``GraphDef.versions.producer``, 0 when not recorded."""
    return int(around_nodes(graph).versions.producer)


def named_as_scopes(names: Sequence[str], scopes: ScopeTree) -> tuple[np.ndarray, np.ndarray]:
    """The places of the names that are also names of scopes, and these scopes; int64."""
    numbers = scopes.numbers
    rows = [row for row, name in enumerate(names) if name and name in numbers]
    return np.array(rows, dtype=np.int64), np.array([numbers[names[row]] for row in rows], dtype=np.int64)


def _inputs_of(node_defs: Iterable[NodeDef]) -> list[str]:
    return [text for node in node_defs for text in node.input]


def _columns(data: bytes, spans: NodeSpans) -> Nodes:
    texts = ByteTexts(data)
    in_bytes = NameBytes(texts, spans.names)
    names = in_bytes.strings()
    type_names, type_numbers = _types(data, texts, spans.ops)
    return Nodes(
        names=names,
        type_names=type_names,
        type_numbers=type_numbers,
        devices=_devices(data, spans.devices),
        given=inputs_in_bytes(names, partial(texts.strings, spans.inputs), texts, in_bytes, spans.inputs),
        first_input=spans.first_input,
        node_defs=_NodeDefs(data, spans.nodes),
        in_bytes=in_bytes if in_bytes.are_ascii else None,
    )


def _types(data: bytes, texts: ByteTexts, spans: Spans) -> tuple[list[str], np.ndarray]:
    """The different op types, and which of them each node has."""
    try:
        first, kinds = texts.kinds(spans)
    except AmbiguousTextsError:
        number: dict[bytes, int] = {}
        numbers = [number.setdefault(data[start:stop], len(number)) for start, stop in _places(spans)]
        return [name.decode() for name in number], np.array(numbers, dtype=np.int32)
    names = texts.strings(spans.at(first))
    return names, kinds.astype(np.int32)


def _places(spans: Spans) -> Iterator[tuple[int, int]]:
    return zip(spans.start.tolist(), spans.stop.tolist(), strict=True)


def _devices(data: bytes, spans: Spans) -> list[str]:
    """Device of each node; graphs mostly name none at all, or one for some ops."""
    devices = [""] * len(spans)
    shared = _Shared()
    rows = np.flatnonzero(spans.start < spans.stop)
    for row, (start, stop) in zip(rows.tolist(), _places(spans.at(rows)), strict=True):
        devices[row] = shared[data[start:stop]]
    return devices


class _Shared(dict[bytes, str]):
    """Decoded texts; equal ones are one object, as a graph names few devices many times."""

    def __missing__(self, data: bytes) -> str:
        self[data] = text = data.decode()
        return text


def texts_of(node_defs: Sequence[NodeDef], rows: Sequence[int], attribute: str) -> list[bytes]:
    """The bytes of a string attribute of some ops; empty where an op has none of this name.

    Most ops have such attributes empty or not at all, which their own bytes show: only others are parsed.

    Args:
        node_defs: The ``NodeDef`` of each op.
        rows: Which of them.
        attribute: Name of the attribute.

    Returns:
        The text of each.
    """
    if not isinstance(node_defs, _NodeDefs):
        return [text_of(node_defs[row], attribute) for row in rows]
    name = attribute.encode()
    # The fifth field of a NodeDef, an entry of its map: the key, and a value whose bytes (its second field) are empty.
    entry = b"\n%c%b\x12\x02\x12\x00" % (len(name), name)
    empty = b"*%c%b" % (len(entry), entry)
    found = []
    for row, node in zip(rows, node_defs.serialized(rows), strict=True):
        # A name that occurs once and so is either this entry or, in another text, one without the attribute.
        is_empty = name not in node or (node.count(name) == 1 and empty in node)
        found.append(b"" if is_empty else text_of(node_defs[row], attribute))
    return found


class _NodeDefs(Sequence["NodeDef"]):
    """Messages that are parsed each time they are looked at: most never are, and few are twice."""

    def __init__(self, data: bytes, spans: Spans) -> None:
        self._data = data
        self._spans = spans

    def __len__(self) -> int:
        return len(self._spans)

    @overload
    def __getitem__(self, place: int) -> NodeDef: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[NodeDef]: ...
    def __getitem__(self, place: int | slice) -> NodeDef | Sequence[NodeDef]:
        if isinstance(place, slice):
            return [self[row] for row in range(*place.indices(len(self)))]
        return self._parse(int(self._spans.start[place]), int(self._spans.stop[place]))

    def serialized(self, rows: Sequence[int]) -> Iterator[bytes]:
        """The bytes of some messages."""
        for start, stop in _places(self._spans.at(np.array(rows, dtype=np.int64))):
            yield self._data[start:stop]

    def __iter__(self) -> Iterator[NodeDef]:
        return starmap(self._parse, _places(self._spans))

    def _parse(self, start: int, stop: int) -> NodeDef:
        from google.protobuf.message import DecodeError
        from tensorboard.compat.proto.node_def_pb2 import NodeDef

        try:
            return NodeDef.FromString(self._data[start:stop])
        except DecodeError as error:
            raise SourceError("The op graph is damaged: the attributes of some op cannot be parsed.") from error
