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
_BLOCK = 64
"""So many bytes of each text are looked at in one step; most names are not longer."""
_WORDS = _BLOCK // _WORD
_CHUNK = 1 << 12
"""So many texts at a time: what is computed of them stays in the processor's cache."""
_LONG = 512
"""Texts of more bytes than this are looked at one by one, so that a single long one costs no step of its own."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_NOT_ASCII = np.uint64(0x8080808080808080)
_MASKS = np.tril(np.full((_BLOCK + 1, _BLOCK), 0xFF, dtype=np.uint8), k=-1).view(f"V{_BLOCK}")[:, 0]
"""By number of bytes that are left of a text, the mask for the block that begins there."""


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
        # From places near the end a whole block is read from a copy with zeros behind.
        self._last = len(data) - _BLOCK
        self._end = max(self._last, 0)
        self._whole = _blocks_of(data if self._last >= 0 else bytes(_BLOCK))
        self._at_end = _blocks_of(data[self._end :] + bytes(_BLOCK))

    def byte_at(self, places: np.ndarray) -> np.ndarray:
        """The bytes at some places; uint8."""
        found: np.ndarray = self._bytes[places]
        return found

    def _blocks(self, places: np.ndarray) -> np.ndarray:
        """The bytes from each place on, zeros behind the end; uint64, places x words."""
        if not len(places) or places.max() <= self._last:
            found: np.ndarray = self._whole[places]
        else:
            found = self._whole[np.minimum(places, self._end)]
            beyond = np.flatnonzero(places > self._last)
            found[beyond] = self._at_end[places[beyond] - self._end]
        return found.view("<u8").reshape(-1, _WORDS)

    def numbers(self, texts: Spans) -> np.ndarray:
        """A number for each text, the same for equal texts; uint64.

        Raises:
            AmbiguousTextsError: A text is not ASCII.
        """
        numbers = np.empty(len(texts), dtype=np.uint64)
        size = texts.stop - texts.start
        for begin in range(0, len(texts), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            numbers[part] = self._numbers(texts.start[part], size[part])
        for row in np.flatnonzero(size > _LONG).tolist():
            text = self._data[texts.start[row] : texts.stop[row]]
            if not text.isascii():
                raise AmbiguousTextsError
            numbers[row] = hash(text) & 0xFFFFFFFFFFFFFFFF
        return numbers

    def _numbers(self, at: np.ndarray, size: np.ndarray) -> np.ndarray:
        found: np.ndarray = size.astype(np.uint64) * _FACTOR
        rows, left = np.arange(len(size)), np.where(size > _LONG, 0, size)
        while len(rows):
            words = self._blocks(at) & _kept(left)
            if (words & _NOT_ASCII).any():
                raise AmbiguousTextsError
            number = found[rows]
            for word in range(_WORDS):
                number ^= words[:, word]
                number *= _FACTOR
                number ^= number >> _SHIFT
            found[rows] = number
            more = np.flatnonzero(left > _BLOCK)
            rows, at, left = rows[more], at[more] + _BLOCK, left[more] - _BLOCK
        return found

    def are_equal(self, first: Spans, second: Spans) -> bool:
        """Whether each text of the first is equal to the one of the second in its place."""
        size = first.stop - first.start
        if (size != second.stop - second.start).any():
            return False
        for begin in range(0, len(size), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            one, other, left = first.start[part], second.start[part], np.where(size[part] > _LONG, 0, size[part])
            while len(left):
                if ((self._blocks(one) ^ self._blocks(other)) & _kept(left)).any():
                    return False
                more = np.flatnonzero(left > _BLOCK)
                one, other, left = one[more] + _BLOCK, other[more] + _BLOCK, left[more] - _BLOCK
        return all(
            self._data[first.start[row] : first.stop[row]] == self._data[second.start[row] : second.stop[row]]
            for row in np.flatnonzero(size > _LONG).tolist()
        )

    def kinds(self, texts: Spans) -> tuple[np.ndarray, np.ndarray]:
        """Number the different texts, in the order in which they first appear.

        Returns:
            The place of the first text of each kind, and the kind of each text; int64.

        Raises:
            AmbiguousTextsError: See there.
        """
        numbers = self.numbers(texts)
        first, kind = first_of_each(numbers)
        if not self.are_equal(texts, _chosen(texts, first[kind])):
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
            if not self.are_equal(_chosen(texts, order), _chosen(texts, last[np.cumsum(is_first) - 1])):
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
        if not self.source.are_equal(_chosen(wanted, rows), _chosen(self.texts, found[rows])):
            raise AmbiguousTextsError
        return found


def _chosen(texts: Spans, rows: np.ndarray) -> Spans:
    return Spans(texts.start[rows], texts.stop[rows])


def _blocks_of(data: bytes) -> np.ndarray:
    """The block that begins at each place, as one item: to take many of them at once costs little more than a byte."""
    return np.ndarray((len(data) - _BLOCK + 1,), dtype=f"V{_BLOCK}", buffer=data, strides=(1,))


def _kept(left: np.ndarray) -> np.ndarray:
    """The masks for blocks in which so many bytes of texts are left; uint64, texts x words."""
    found: np.ndarray = _MASKS[np.minimum(left, _BLOCK)]
    return found.view("<u8").reshape(-1, _WORDS)
