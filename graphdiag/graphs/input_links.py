"""What the inputs of nodes lead to: ``op``, ``op:1`` and ``^op`` as rows and output slots.

Of a graph in its bytes this is found in whole arrays, of a parsed one text by text; the answers are the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import repeat
from typing import NewType

import numpy as np

from graphdiag.graphs.byte_texts import AmbiguousTextsError, ByteTexts
from graphdiag.graphs.name_bytes import NameBytes
from graphdiag.graphs.text_table import TextTable
from graphdiag.graphs.wire_format import Spans

OutputSlot = NewType("OutputSlot", int)
"""Which output of an op, from 0 on; or `CONTROL`."""
CONTROL = OutputSlot(-1)
"""Output slot of a control dependency, which carries no tensor."""

LAST_SLOT = 2**31 - 1
"""TensorFlow counts outputs in an int32."""
_MISSING = -1
_CHUNK = 1 << 14
"""So many inputs at a time: what is computed of them stays in the processor's cache."""
_MARKS = ":^"
_SHORT_SLOT = 4
"""Digits of a slot that is read in whole arrays; hardly an op has more outputs."""
_WITH_MARKS = re.compile(r"\^[^:^]+|[^:^]+:[0-9]+")


@dataclass(frozen=True, eq=False)
class Links:
    """What each input leads to; columns of one length.

    Attributes:
        source: Row of the op that it names; int32, -1 where there is none.
        output: Output slot; int32, `CONTROL` for a control dependency, 0 where no op is named.
        ordinary: Whether it names an op as ``op``, ``^op`` or ``op:1``, which can be read in one way only; bool.
        are_unique: Whether no two ops have one name. If two have, the last is meant.
        are_plain: Whether no op's name holds one of the marks ``:`` and ``^``.
    """

    source: np.ndarray
    output: np.ndarray
    ordinary: np.ndarray
    are_unique: bool
    are_plain: bool


class Inputs:
    """The inputs of all nodes of a graph, one after the other.

    Args:
        names: Names of the nodes.
        texts: Gives the inputs, as ``op``, ``op:1`` or ``^op``.
        links: What they lead to, where it is known.
        table: The names in their bytes, where they are ASCII and can be told apart.
    """

    def __init__(
        self,
        names: Sequence[str],
        texts: Callable[[], list[str]],
        links: Links | None = None,
        table: TextTable | None = None,
    ) -> None:
        self._names = names
        self._read = texts
        self._links = links
        self.table = table

    @cached_property
    def texts(self) -> list[str]:
        """The inputs as they stand in the nodes."""
        return self._read()

    @cached_property
    def links(self) -> Links:
        """What they lead to."""
        return self._links or _links_of_texts(self._names, self.texts)


def inputs_in_bytes(
    names: Sequence[str], texts: Callable[[], list[str]], source: ByteTexts, in_bytes: NameBytes, input_spans: Spans
) -> Inputs:
    """The inputs of nodes in their bytes; decoded when they are looked at as texts.

    Args:
        names: Names of the nodes.
        texts: Decodes the inputs.
        source: The bytes.
        in_bytes: The names in them.
        input_spans: Where the inputs lie.

    Returns:
        The inputs, and what they lead to.

    Raises:
        UnicodeDecodeError: An input is not UTF-8.
    """
    try:
        if in_bytes.are_ascii and not any(map(in_bytes.holds, _MARKS)):
            table = TextTable(source, in_bytes.spans)
            return Inputs(names, texts, _links_in_bytes(names, texts, table, input_spans), table)
    except AmbiguousTextsError:
        pass
    return Inputs(names, partial(list, texts()))


def _links_of_texts(names: Sequence[str], texts: Sequence[str]) -> Links:
    rows = dict(zip(names, range(len(names)), strict=True))
    # Most inputs name slot 0 of an op and are the op's bare name.
    source = np.fromiter(map(rows.get, texts, repeat(_MISSING)), dtype=np.int32, count=len(texts))
    output = np.zeros(len(texts), dtype=np.int32)
    ordinary = source != _MISSING
    for place in np.flatnonzero(~ordinary).tolist():
        found, slot = resolve(texts[place], rows)
        if found is not None:
            source[place], output[place] = found, slot
            ordinary[place] = _WITH_MARKS.fullmatch(texts[place]) is not None
    return Links(source, output, ordinary, len(rows) == len(names), _are_plain(names))


def _links_in_bytes(
    names: Sequence[str], texts: Callable[[], Sequence[str]], table: TextTable, input_spans: Spans
) -> Links:
    # No name holds a mark, so that an input with one names what is left without it.
    bare, output = _without_marks(table.source, input_spans)
    source = table.find(bare)
    ordinary = source != _MISSING
    rest = np.flatnonzero(~ordinary)
    output[rest] = 0
    if len(rest):
        index = dict(zip(names, range(len(names)), strict=True))
        given = texts()
        for place in rest.tolist():
            text = given[place]
            found, slot = resolve(text, index)
            if found is not None:
                source[place], output[place] = found, slot
                ordinary[place] = _WITH_MARKS.fullmatch(text) is not None
    return Links(source, output, ordinary, table.are_unique, are_plain=True)


def _without_marks(source: ByteTexts, inputs: Spans) -> tuple[Spans, np.ndarray]:
    """Inputs without ``^`` or ``:1``, and their slots; int32."""
    start, stop = inputs.start.copy(), inputs.stop.copy()
    slots = np.zeros(len(start), dtype=np.int32)
    for begin in range(0, len(start), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        _strip_marks(source, start[part], stop[part], slots[part])
    return Spans(start, stop), slots


def _strip_marks(source: ByteTexts, start: np.ndarray, stop: np.ndarray, slots: np.ndarray) -> None:
    """Move the ends of inputs past their marks, and note their slots, in place."""
    # A text of one character is a name, or a mark with no name behind it.
    may_be_marked = np.flatnonzero(stop - start > 1)
    control = may_be_marked[source.byte_at(start[may_be_marked]) == ord("^")]
    slots[control] = CONTROL
    start[control] += 1
    left = may_be_marked[slots[may_be_marked] != CONTROL]
    value = np.zeros(len(left), dtype=np.int32)
    for digits in range(1, _SHORT_SLOT + 1):
        # A colon and at least one letter of a name precede the digits.
        fits = stop[left] - start[left] > digits + 1
        left, value = left[fits], value[fits]
        digit = source.byte_at(stop[left] - digits) - np.uint8(ord("0"))
        fits = digit < 10
        # numpy 1.26 multiplies bytes by a small number in bytes, where 3 * 100 overflows.
        left, value = left[fits], value[fits] + digit[fits].astype(np.int32) * 10 ** (digits - 1)
        is_marked = source.byte_at(stop[left] - digits - 1) == ord(":")
        marked = left[is_marked]
        slots[marked] = value[is_marked]
        stop[marked] -= digits + 1
        left, value = left[~is_marked], value[~is_marked]


def _are_plain(names: Sequence[str]) -> bool:
    together = "\n".join(names)
    return not any(mark in together for mark in _MARKS)


def resolve(text: str, rows: Mapping[str, int]) -> tuple[int | None, int]:
    """Row and slot of ``op:1``, ``^op``, or, in a function body, ``op:output_name:1``.

    Args:
        text: The input.
        rows: Rows of the ops, by name.

    Returns:
        The row, ``None`` where there is no such op, and the slot.
    """
    if text.startswith("^"):
        return rows.get(text[1:]), CONTROL
    name, _, rest = text.partition(":")
    slot = rest.rpartition(":")[2]
    if not slot.isdecimal():
        return rows.get(name), 0
    # Python refuses to read a number of thousands of digits.
    if len(slot.lstrip("0")) > len(str(LAST_SLOT)) or int(slot) > LAST_SLOT:
        return None, 0
    return rows.get(name), int(slot)
