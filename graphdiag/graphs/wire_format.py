"""Where the nodes of a serialized ``GraphDef`` and their fields lie, found without an object for each node.

A million ``NodeDef`` objects take more time and memory than everything that is asked of them: names, types, devices and
inputs. These are length-delimited fields of `protobuf's wire format <https://protobuf.dev/programming-guides/encoding>`_,
so their places can be found in whole arrays: all nodes are walked at once, one field of each in every step.

Only what TensorFlow writes is read here. Anything else, such as a group or a number in a node, is left to protobuf.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdiag.graphs.arrays import offsets_of

_NODE = 0x0A
"""Tag of a node in a graph: field 1, length-delimited."""
_NAME, _OP, _INPUT, _DEVICE = 0x0A, 0x12, 0x1A, 0x22
"""Tags of the fields 1 to 4 of a node."""
_LENGTH_DELIMITED = 2
_LONGEST_NUMBER = 5
"""Bytes of a number below 2**31, which is as long as a message may be."""
_CHUNK = 1 << 13
"""So many nodes are walked at once: what is looked at stays in the processor's cache."""
_LANE = 1 << 15
"""About so many bytes are walked from each of the places at which the walk along all nodes begins."""
_LEAST_LANES = 16
"""With fewer of them the walk begins at one place."""
_WINDOW = 512
"""In so many bytes a node is expected to begin."""
_LONGEST_NAME = 0x7F
"""Bytes of a name whose length is a single byte."""
_LONGEST_START = 16 + _LONGEST_NAME
"""A node's own header, that of its name, the name, and the tag behind it are not longer."""
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

    def at(self, places: np.ndarray) -> Spans:
        """Those at some places, or where a mask is set."""
        return Spans(self.start[places], self.stop[places])


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


def find_nodes(data: bytes, start: int = 0) -> NodeSpans:
    """Find the nodes of a graph, and their fields.

    Args:
        data: Bytes that end with a serialized ``GraphDef``.
        start: Where it begins in them.

    Returns:
        Where they lie.

    Raises:
        UnfamiliarBytesError: Only protobuf can tell what the bytes hold, or that they are damaged.
    """
    lanes = _walk_in_lanes(data, start)
    first = int(lanes.stop[-1]) if len(lanes) else start
    tags, starts, stops = _fields(data, first, len(data))
    others = [place for place, tag in enumerate(tags) if tag != _NODE]
    rest = b"".join(data[stops[place - 1] if place else first : stops[place]] for place in others)
    are_nodes = np.array(tags, dtype=np.uint8) == _NODE
    nodes = Spans(
        start=np.append(lanes.start, np.array(starts, dtype=np.int64)[are_nodes]),
        stop=np.append(lanes.stop, np.array(stops, dtype=np.int64)[are_nodes]),
    )
    return _walk(data, nodes, rest)


def _walk_in_lanes(data: bytes, start: int) -> Spans:
    """The nodes of a graph up to some place near its end, where all of them stand before its other fields.

    Where a node ends is told at its beginning, so that one leads to the next. To take many steps at once, the walk
    begins at many places, each of which looks like a node; where each part of the walk ends exactly at the beginning
    of the next, all of them are nodes.

    Returns:
        The nodes; none where the graph is small or holds something else in between.
    """
    none = Spans(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    if len(data) - start < _LEAST_LANES * _LANE:
        return none
    buffer = np.frombuffer(data, dtype=np.uint8)
    begins = _likely_nodes(buffer, start)
    # numpy sorts numbers of at most 16 bits by radix, in linear time.
    lane = np.arange(len(begins) - 1, dtype=np.min_scalar_type(len(begins)))
    at, ends = begins[:-1].copy(), begins[1:]
    lanes, starts, stops = [lane[:0]], [none.start], [none.stop]
    while len(lane):
        if not (buffer[at] == _NODE).all():
            return none
        begin, size = _lengths(buffer, at + 1)
        stop = begin + size
        if (stop > ends[lane]).any():
            return none
        lanes.append(lane)
        starts.append(begin)
        stops.append(stop)
        left = np.flatnonzero(stop < ends[lane])
        lane, at = lane[left], stop[left]
    order = np.argsort(np.concatenate(lanes), kind="stable")
    return Spans(np.concatenate(starts)[order], np.concatenate(stops)[order])


def _likely_nodes(buffer: np.ndarray, start: int) -> np.ndarray:
    """Places at which a node seems to begin, about a lane apart; the first is the beginning of the graph."""
    number = max(len(buffer) - _LONGEST_START - start, 0) // _LANE
    windows = buffer[start : start + number * _LANE].reshape(number, _LANE)[1:, :_WINDOW]
    lane, place = np.nonzero(windows == _NODE)
    places = start + (lane + 1) * _LANE + place
    name, _ = _lengths(buffer, places + 1)
    places, name = places[buffer[name] == _NAME], name[buffer[name] == _NAME]
    # A type follows the name.
    places = places[buffer[name + 2 + np.minimum(buffer[name + 1], _LONGEST_NAME)] == _OP]
    _, first = np.unique((places - start) // _LANE, return_index=True)
    return np.append(start, places[first])


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
        # Attributes come last, and are most of the fields.
        if tags.min(initial=_DEVICE + 1) > _DEVICE:
            return
        for tag, spans in singular.items():
            chosen = np.flatnonzero(tags == tag)
            if len(chosen):
                spans.start[rows[chosen]] = start[chosen]
                spans.stop[rows[chosen]] = stop[chosen]
                if len(chosen) == len(tags):
                    return
        chosen = np.flatnonzero(tags == _INPUT)
        owners.append(rows[chosen])
        starts.append(start[chosen])
        stops.append(stop[chosen])

    buffer = np.frombuffer(data, dtype=np.uint8)

    def step(rows: np.ndarray, at: np.ndarray, end: np.ndarray, few: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        while len(rows) > few:
            tags = buffer[at]
            start, size = _lengths(buffer, at + 1)
            stop = start + size
            if (stop > end).any() or not _are_familiar(tags):
                raise UnfamiliarBytesError
            note(rows, tags, start, stop)
            left = np.flatnonzero(stop < end)
            rows, at, end = rows[left], stop[left], end[left]
        return rows, at, end

    # A header may be cut off at the end of the bytes: what lies there is walked one by one.
    filled = np.flatnonzero(nodes.start < nodes.stop)
    is_near_end = nodes.stop[filled] > len(data) - _LONGEST_NUMBER - 1
    last, filled = filled[is_near_end], filled[~is_near_end]
    parts = [(last[:0], last[:0], last[:0])]
    for begin in range(0, len(filled), _CHUNK):
        rows = filled[begin : begin + _CHUNK]
        parts.append(step(rows, nodes.start[rows], nodes.stop[rows], _CHUNK // 16))
    left_rows, left_at, left_end = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    rows, at, end = step(left_rows, left_at, left_end, _FEW)
    rows, at, end = (np.append(rows, last), np.append(at, nodes.start[last]), np.append(end, nodes.stop[last]))
    for row, begin, finish in zip(rows.tolist(), at.tolist(), end.tolist(), strict=True):
        tags, start, stop = (np.array(column, dtype=np.int64) for column in _fields(data, begin, finish))
        if not _are_familiar(tags):
            raise UnfamiliarBytesError
        note(np.full(len(tags), row), tags, start, stop)
    owner, begin_of, end_of = np.concatenate(owners), np.concatenate(starts), np.concatenate(stops)
    # They come in long runs that are in order, of which only a stable sort makes use.
    in_order = np.argsort(begin_of, kind="stable")
    return NodeSpans(
        nodes=nodes,
        names=singular[_NAME],
        ops=singular[_OP],
        devices=singular[_DEVICE],
        inputs=Spans(begin_of[in_order], end_of[in_order]),
        first_input=offsets_of(owner, count),
        rest=rest,
    )


def _are_familiar(tags: np.ndarray) -> bool:
    """Whether all are tags of length-delimited fields with numbers from 1 to 15; all fields of a node are such."""
    return bool((tags & 0x87 == _LENGTH_DELIMITED).all() and tags.min(initial=0x80) > _LENGTH_DELIMITED)


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
