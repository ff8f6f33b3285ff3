"""Where the nodes of a serialized ``GraphDef`` and their fields lie, found without an object for each node.

A million ``NodeDef`` objects take more time and memory than everything that is asked of them: names, types, devices and
inputs. These are length-delimited fields of `protobuf's wire format <https://protobuf.dev/programming-guides/encoding>`_,
so their places can be found in whole arrays: all nodes are walked at once, one field of each in every step.

Only what TensorFlow writes is read here. Anything else, such as a group or a number in a node, is left to protobuf.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_NODE = 0x0A
"""Tag of a node in a graph: field 1, length-delimited."""
_NAME, _OP, _INPUT, _DEVICE = 0x0A, 0x12, 0x1A, 0x22
"""Tags of the fields 1 to 4 of a node."""
_LENGTH_DELIMITED = 2
_FAMILIAR = np.array([7 < tag < 0x80 and tag & 7 == _LENGTH_DELIMITED for tag in range(256)])
"""By tag, whether it is one of a length-delimited field with a number from 1 to 15; all fields of a node are such."""
_LONGEST_NUMBER = 5
"""Bytes of a number below 2**31, which is as long as a message may be."""
_FEW = 64
"""So many nodes with fields left are walked one by one: some have thousands of inputs, most have few."""


class UnfamiliarBytesError(ValueError):
    """The bytes are damaged, or hold what only protobuf itself can judge."""


@dataclass(frozen=True, eq=False)
class Spans:
    """Parts of the bytes.

    Attributes:
        start: Where each begins; int64.
        stop: Where it ends; int64, of the same length.
    """

    start: np.ndarray
    stop: np.ndarray

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, eq=False)
class NodeSpans:
    """Where the nodes of a graph lie.

    Attributes:
        nodes: Each node.
        names: Its name; an empty span where it has none, as for the next two.
        ops: Its type.
        devices: Its device.
        inputs: All inputs, in the order of the nodes and within each of its inputs.
        first_input: The inputs of node ``n`` are ``first_input[n]`` up to ``first_input[n + 1]``; int64.
        rest: The graph without its nodes.
    """

    nodes: Spans
    names: Spans
    ops: Spans
    devices: Spans
    inputs: Spans
    first_input: np.ndarray
    rest: bytes


def find_nodes(data: bytes) -> NodeSpans:
    """Find the nodes of a graph, and their fields.

    Args:
        data: A serialized ``GraphDef``.

    Returns:
        Where they lie.

    Raises:
        UnfamiliarBytesError: Only protobuf can tell what the bytes hold, or that they are damaged.
    """
    tags, starts, stops = _fields(data, 0, len(data))
    rest = b""
    if tags.count(_NODE) != len(tags):
        others = [place for place, tag in enumerate(tags) if tag != _NODE]
        rest = b"".join(data[stops[place - 1] if place else 0 : stops[place]] for place in others)
        starts = [start for start, tag in zip(starts, tags, strict=True) if tag == _NODE]
        stops = [stop for stop, tag in zip(stops, tags, strict=True) if tag == _NODE]
    nodes = Spans(np.array(starts, dtype=np.int64), np.array(stops, dtype=np.int64))
    return _walk(data, nodes, rest)


def _fields(data: bytes, at: int, end: int) -> tuple[list[int], list[int], list[int]]:
    """The fields of one message: the tag of each, and where its content begins and ends."""
    tags: list[int] = []
    starts: list[int] = []
    stops: list[int] = []
    try:
        while at < end:
            tag, size = data[at], data[at + 1]
            at += 2
            if tag & 7 == _LENGTH_DELIMITED and tag < 0x80:
                shift = 7
                while size >> shift:
                    if shift == 7 * _LONGEST_NUMBER:
                        raise UnfamiliarBytesError
                    size += (data[at] - 1) << shift
                    at += 1
                    shift += 7
            elif tag & 7 or tag >= 0x80:
                raise UnfamiliarBytesError
            else:
                # A number, which ends at the first byte below 128; its content is of no interest here.
                at -= 1
                while data[at] & 0x80:
                    at += 1
                size = 1
            tags.append(tag)
            starts.append(at)
            at += size
            stops.append(at)
    except IndexError:
        raise UnfamiliarBytesError from None
    if at != end:
        raise UnfamiliarBytesError
    return tags, starts, stops


def _walk(data: bytes, nodes: Spans, rest: bytes) -> NodeSpans:
    """Walk all nodes at once, one field of each in every step."""
    count = len(nodes)
    singular = {tag: Spans(np.zeros(count, np.int64), np.zeros(count, np.int64)) for tag in (_NAME, _OP, _DEVICE)}
    owners: list[np.ndarray] = [np.empty(0, np.int64)]
    starts: list[np.ndarray] = [np.empty(0, np.int64)]
    stops: list[np.ndarray] = [np.empty(0, np.int64)]

    def note(rows: np.ndarray, tags: np.ndarray, start: np.ndarray, stop: np.ndarray) -> None:
        for tag, spans in singular.items():
            chosen = np.flatnonzero(tags == tag)
            spans.start[rows[chosen]] = start[chosen]
            spans.stop[rows[chosen]] = stop[chosen]
        chosen = np.flatnonzero(tags == _INPUT)
        owners.append(rows[chosen])
        starts.append(start[chosen])
        stops.append(stop[chosen])

    # A header may be cut off at the end of the bytes.
    buffer = np.frombuffer(data + bytes(1 + _LONGEST_NUMBER), dtype=np.uint8)
    rows = np.flatnonzero(nodes.start < nodes.stop)
    at, end = nodes.start[rows], nodes.stop[rows]
    while len(rows) > _FEW:
        tags = buffer[at]
        start, size = _lengths(buffer, at + 1)
        stop = start + size
        if (stop > end).any() or not _FAMILIAR[tags].all():
            raise UnfamiliarBytesError
        note(rows, tags, start, stop)
        left = np.flatnonzero(stop < end)
        rows, at, end = rows[left], stop[left], end[left]
    for row, begin, finish in zip(rows.tolist(), at.tolist(), end.tolist(), strict=True):
        tags, start, stop = (np.array(column, dtype=np.int64) for column in _fields(data, begin, finish))
        if not _FAMILIAR[tags].all():
            raise UnfamiliarBytesError
        note(np.full(len(tags), row), tags, start, stop)
    owner, begin_of, end_of = np.concatenate(owners), np.concatenate(starts), np.concatenate(stops)
    in_order = np.argsort(begin_of)
    first = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner, minlength=count), out=first[1:])
    return NodeSpans(
        nodes=nodes,
        names=singular[_NAME],
        ops=singular[_OP],
        devices=singular[_DEVICE],
        inputs=Spans(begin_of[in_order], end_of[in_order]),
        first_input=first,
        rest=rest,
    )


def _lengths(buffer: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers that begin at some places, seven bits a byte, and where what follows each of them begins."""
    size = buffer[at].astype(np.int64)
    after = at + 1
    unfinished = np.flatnonzero(size >= 0x80)
    shift = 7
    while len(unfinished):
        if shift == 7 * _LONGEST_NUMBER:
            raise UnfamiliarBytesError
        more = buffer[after[unfinished]].astype(np.int64)
        after[unfinished] += 1
        size[unfinished] += (more - 1) << shift
        unfinished = unfinished[more >= 0x80]
        shift += 7
    return after, size
