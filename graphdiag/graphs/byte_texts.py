"""Many short texts that lie in some bytes: which are equal, found in whole arrays and without a Python string for each.

Texts are told apart by a number of 64 bits, and those whose numbers are equal are compared byte by byte, so that no
answer depends on luck. Where different texts have one number, for which somebody must have worked, there is no answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphdiag.graphs.arrays import first_of_each, sorted_groups
from graphdiag.graphs.wire_format import Spans

_WORD = 8
_CHUNK = 1 << 12
"""So many texts at a time: what is computed of them stays in the processor's cache."""
_LONG = 512
"""Texts of more bytes than this are looked at one by one, so that a single long one costs no step of its own."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_ASCII = np.uint64(0x7F7F7F7F7F7F7F7F)
_KEPT = np.array([(1 << 8 * size) - 1 for size in range(_WORD + 1)], dtype=np.uint64)
"""By number of bytes that are left of a text, the mask for the word that begins there."""


class AmbiguousTextsError(ValueError):
    """Different texts have the same number, or some are not ASCII: they have to be told apart as strings."""


class ByteTexts:
    """Bytes with texts in them.

    Args:
        data: The bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._bytes = np.frombuffer(data, dtype=np.uint8)
        # One word of eight bytes for each place; the words at the last places begin before them.
        self._last = max(len(data) - _WORD, 0)
        start = data if len(data) >= _WORD else data + bytes(_WORD)
        self._whole = np.ndarray((self._last + 1,), dtype="<u8", buffer=start, strides=(1,))

    def byte_at(self, places: np.ndarray) -> np.ndarray:
        """The bytes at some places; uint8."""
        found: np.ndarray = self._bytes[places]
        return found

    def _words(self, places: np.ndarray) -> np.ndarray:
        """The eight bytes from each place on, zeros behind the end; uint64."""
        if not len(places) or places.max() <= self._last:
            found: np.ndarray = self._whole[places]
            return found
        whole = np.minimum(places, self._last)
        moved: np.ndarray = self._whole[whole] >> (8 * (places - whole)).astype(np.uint64)
        return moved

    def numbers(self, texts: Spans) -> np.ndarray:
        """A number for each text, the same for equal texts; uint64.

        Raises:
            AmbiguousTextsError: A text is not ASCII.
        """
        numbers = np.empty(len(texts), dtype=np.uint64)
        size = texts.stop - texts.start
        for begin in range(0, len(texts), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            numbers[part] = self._numbers(texts.start[part], texts.stop[part])
        for row in np.flatnonzero(size > _LONG).tolist():
            text = self._data[texts.start[row] : texts.stop[row]]
            if not text.isascii():
                raise AmbiguousTextsError
            numbers[row] = hash(text) & 0xFFFFFFFFFFFFFFFF
        return numbers

    def _numbers(self, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        size = stop - start
        found: np.ndarray = size.astype(np.uint64) * _FACTOR
        rows = np.flatnonzero((size > 0) & (size <= _LONG))
        at, left = start[rows], size[rows]
        seen = np.zeros(len(rows), dtype=np.uint64)
        while len(rows):
            words = self._words(at) & _KEPT[np.minimum(left, _WORD)]
            seen[: len(words)] |= words
            number = (found[rows] ^ words) * _FACTOR
            found[rows] = number ^ (number >> _SHIFT)
            left = left - _WORD
            more = np.flatnonzero(left > 0)
            rows, at, left = rows[more], at[more] + _WORD, left[more]
        if (seen & ~_ASCII).any():
            raise AmbiguousTextsError
        return found

    def equal(self, first: Spans, second: Spans) -> np.ndarray:
        """Whether each text of the first is equal to the one of the second in its place; bool."""
        size = first.stop - first.start
        found: np.ndarray = size == second.stop - second.start
        for begin in range(0, len(first), _CHUNK):
            rows = begin + np.flatnonzero(found[begin : begin + _CHUNK] & (size[begin : begin + _CHUNK] <= _LONG))
            one, other, left = first.start[rows], second.start[rows], size[rows]
            while len(rows):
                differing = (self._words(one) ^ self._words(other)) & _KEPT[np.clip(left, 0, _WORD)]
                found[rows[differing != 0]] = False
                left = left - _WORD
                more = np.flatnonzero((left > 0) & (differing == 0))
                rows, one, other, left = rows[more], one[more] + _WORD, other[more] + _WORD, left[more]
        for row in np.flatnonzero(found & (size > _LONG)).tolist():
            text = self._data[first.start[row] : first.stop[row]]
            found[row] = text == self._data[second.start[row] : second.stop[row]]
        return found

    def kinds(self, texts: Spans) -> tuple[np.ndarray, np.ndarray]:
        """Number the different texts, in the order in which they first appear.

        Returns:
            The place of the first text of each kind, and the kind of each text; int64.

        Raises:
            AmbiguousTextsError: See there.
        """
        numbers = self.numbers(texts)
        first, kind = first_of_each(numbers)
        if not self.equal(texts, _chosen(texts, first[kind])).all():
            raise AmbiguousTextsError
        return first, kind

    def table(self, texts: Spans) -> TextTable:
        """Texts to look others up among.

        Raises:
            AmbiguousTextsError: See there.
        """
        numbers = self.numbers(texts)
        order, is_first = sorted_groups(numbers)
        are_unique = bool(is_first.all())
        if not are_unique:
            # Of equal texts the last counts, as in a dict.
            last = np.maximum.reduceat(order, np.flatnonzero(is_first))
            if not self.equal(_chosen(texts, order), _chosen(texts, last[np.cumsum(is_first) - 1])).all():
                raise AmbiguousTextsError
            order = last
        return TextTable(self, texts, numbers[order], order, are_unique)


@dataclass(frozen=True, eq=False)
class TextTable:
    """Texts to look others up among.

    Attributes:
        source: What the texts lie in.
        texts: The texts.
        numbers: Their different numbers, ascending; uint64.
        rows: The last text that has each number; int64.
        are_unique: Whether all texts are different.
    """

    source: ByteTexts
    texts: Spans
    numbers: np.ndarray
    rows: np.ndarray
    are_unique: bool

    def find(self, wanted: Spans) -> np.ndarray:
        """The row of the text that equals each wanted text, the last if several do; int64, -1 where none does.

        Raises:
            AmbiguousTextsError: See there.
        """
        found = np.full(len(wanted), -1, dtype=np.int64)
        if not len(self.numbers):
            return found
        numbers = self.source.numbers(wanted)
        # Looked up in order, neighbors find what they need in the cache.
        order = np.argsort(numbers)
        in_order = numbers[order]
        places = np.minimum(np.searchsorted(self.numbers, in_order), len(self.numbers) - 1)
        hit = self.numbers[places] == in_order
        found[order[hit]] = self.rows[places[hit]]
        rows = np.flatnonzero(found >= 0)
        if not self.source.equal(_chosen(wanted, rows), _chosen(self.texts, found[rows])).all():
            raise AmbiguousTextsError
        return found


def _chosen(texts: Spans, rows: np.ndarray) -> Spans:
    return Spans(texts.start[rows], texts.stop[rows])
