"""Many short texts that lie in some bytes: which are equal, found in whole arrays and without a Python string for each.

Texts are told apart by a hash of 64 bits, and those whose hashes are equal are compared byte by byte, so that no answer
depends on luck. Different texts with one hash, which hardly occur unless they were constructed, are refused.
"""

from __future__ import annotations

import numpy as np

from graphdiag.graphs.arrays import first_equal, ranges
from graphdiag.graphs.wire_format import Spans

_WORD = 8
_BLOCK = 64
"""So many bytes of each text are looked at in one step, at most; few names are longer."""
_CHUNK = 1 << 12
"""So many texts at a time: what is computed of them stays in the processor's cache."""
_LONG = 512
"""Texts of more bytes than this are looked at one by one, so that a single long one costs no step of its own."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = _FACTOR ** np.arange(1, _BLOCK // _WORD + 1, dtype=np.uint64)
_HALF = np.uint64(32)
_FIRST_NOT_ASCII = 0x80
_SIZES = range(_WORD, _BLOCK + 1, _WORD)
"""Sizes of a block in bytes: where all texts are short, small blocks do."""


def _blocks_of(data: bytes | np.ndarray, size: int = _BLOCK) -> np.ndarray:
    """A view of the bytes with the block that begins at each place as one item, which numpy copies at once."""
    return np.ndarray((len(data) - size + 1,), dtype=f"V{size}", buffer=data, strides=(1,))


_MASKS = {
    size: np.tril(np.full((size + 1, size), 0xFF, dtype=np.uint8), k=-1).view(f"V{size}")[:, 0] for size in _SIZES
}
"""By size of a block, and by number of bytes that are left of a text, the mask for the block that begins there."""


class AmbiguousTextsError(ValueError):
    """Different texts have the same hash, or some are not ASCII: they have to be told apart as strings."""


class ByteTexts:
    """Bytes with texts in them.

    Args:
        data: The bytes.

    Attributes:
        data: The bytes.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._bytes = np.frombuffer(data, dtype=np.uint8)
        # Blocks that reach beyond the end are read from a copy of the last bytes with zeros behind it.
        self._last = len(data) - _BLOCK
        self._end = max(self._last, 0)
        whole, end = data if self._last >= 0 else bytes(_BLOCK), data[self._end :] + bytes(_BLOCK)
        self._whole = {size: _blocks_of(whole, size) for size in _SIZES}
        self._at_end = {size: _blocks_of(end, size) for size in _SIZES}

    def byte_at(self, places: np.ndarray) -> np.ndarray:
        """The byte at each place; uint8."""
        found: np.ndarray = self._bytes[places]
        return found

    def _blocks(self, places: np.ndarray, size: int = _BLOCK) -> np.ndarray:
        """The bytes from each place on, zeros behind the end, as one item for each."""
        if not len(places) or places.max() <= self._last:
            found: np.ndarray = self._whole[size][places]
        else:
            found = self._whole[size][np.minimum(places, self._end)]
            beyond = np.flatnonzero(places > self._last)
            found[beyond] = self._at_end[size][places[beyond] - self._end]
        return found

    def _words(self, places: np.ndarray, size: int) -> np.ndarray:
        """The bytes from each place on as words; uint64, places x words."""
        return self._blocks(places, size).view("<u8").reshape(len(places), -1)

    def hashes(self, texts: Spans) -> np.ndarray:
        """A hash of each text; uint64.

        Raises:
            AmbiguousTextsError: A text is not ASCII.
        """
        hashes = np.empty(len(texts), dtype=np.uint64)
        size = texts.stop - texts.start
        for begin in range(0, len(texts), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            hashes[part] = self._hashes(texts.start[part], size[part])
        for row in np.flatnonzero(size > _LONG).tolist():
            text = self.data[texts.start[row] : texts.stop[row]]
            if not text.isascii():
                raise AmbiguousTextsError
            hashes[row] = hash(text) & 0xFFFFFFFFFFFFFFFF
        return hashes

    def _hashes(self, at: np.ndarray, size: np.ndarray) -> np.ndarray:
        left = np.where(size > _LONG, 0, size)
        found: np.ndarray = size.astype(np.uint64) * _FACTOR * _FACTOR + self._folded(at, left)
        longer = rows = np.flatnonzero(left > _BLOCK)
        while len(longer):
            at, left = at[longer] + _BLOCK, left[longer] - _BLOCK
            found[rows] = found[rows] * _FACTOR + self._folded(at, left)
            longer = np.flatnonzero(left > _BLOCK)
            rows = rows[longer]
        return found

    def _folded(self, at: np.ndarray, left: np.ndarray) -> np.ndarray:
        """The sum of the words of each text in its block, each times a factor of its place; uint64."""
        block = _block_for(left)
        words = self._words(at, block)
        words &= _kept(left, block)
        if words.view(np.uint8).max() >= _FIRST_NOT_ASCII:
            raise AmbiguousTextsError
        # A product carries bits only upward: else the last letters of a word would change few bits of the hash.
        words ^= words >> _HALF
        folded: np.ndarray = words @ _FACTORS[: block // _WORD]
        return folded

    def equal(self, first: Spans, second: Spans) -> np.ndarray:
        """Whether each text of the first is equal to the one of the second in its place; bool."""
        size = first.stop - first.start
        found: np.ndarray = size == second.stop - second.start
        for begin in range(0, len(size), _CHUNK):
            rows = begin + np.flatnonzero(found[begin : begin + _CHUNK] & (size[begin : begin + _CHUNK] <= _LONG))
            one, other, left = first.start[rows], second.start[rows], size[rows]
            while len(rows):
                block = _block_for(left)
                differing = self._words(one, block)
                differing ^= self._words(other, block)
                differing &= _kept(left, block)
                if np.bitwise_or.reduce(differing, axis=None):
                    found[rows[np.flatnonzero(differing) // (block // _WORD)]] = False
                more = np.flatnonzero((left > _BLOCK) & found[rows])
                rows, one, other, left = rows[more], one[more] + _BLOCK, other[more] + _BLOCK, left[more] - _BLOCK
        for row in np.flatnonzero(found & (size > _LONG)).tolist():
            text = self.data[first.start[row] : first.stop[row]]
            found[row] = text == self.data[second.start[row] : second.stop[row]]
        return found

    def kinds(self, texts: Spans) -> tuple[np.ndarray, np.ndarray]:
        """Number the different texts, in the order in which they first appear.

        Args:
            texts: The texts.

        Returns:
            The place of the first text of each kind, and the kind of each text; int64.

        Raises:
            AmbiguousTextsError: Different texts have the same hash, or a text is not ASCII.
        """
        like = first_equal(self.hashes(texts))
        is_first = like == np.arange(len(like))
        others = np.flatnonzero(~is_first)
        if not self.equal(texts.at(others), texts.at(like[others])).all():
            raise AmbiguousTextsError
        return np.flatnonzero(is_first), (np.cumsum(is_first) - 1)[like]

    def joined(self, texts: Spans) -> tuple[ByteTexts, Spans]:
        """Copy texts into one buffer, each followed by a blank.

        Args:
            texts: The texts, in any order and number.

        Returns:
            The buffer, and where the texts lie in it.
        """
        size = texts.stop - texts.start
        stop = np.cumsum(size + 1) - 1
        start = stop - size
        total = int(stop[-1]) + 1 if len(stop) else 0
        joined = np.empty(total + _BLOCK, dtype=np.uint8)
        blocks = _blocks_of(joined)
        # Blocks are written in order: what one holds beyond its text is overwritten by the next.
        for begin in range(0, len(size), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            number = np.maximum(size[part] + _BLOCK - 1, _BLOCK) // _BLOCK
            onward = _BLOCK * ranges(np.zeros_like(number), number)
            blocks[np.repeat(start[part], number) + onward] = self._blocks(
                np.repeat(texts.start[part], number) + onward
            )
        joined[stop] = ord(" ")
        return ByteTexts(joined[:total].tobytes()), Spans(start, stop)

    def strings(self, texts: Spans) -> list[str]:
        """The texts decoded.

        Raises:
            UnicodeDecodeError: One is not UTF-8.
        """
        joined, places = self.joined(texts)
        return split(joined.data, places)


def _block_for(left: np.ndarray) -> int:
    """The smallest block that holds what is left of each text, or the largest block there is."""
    return min(-(-int(left.max()) // _WORD) * _WORD, _BLOCK) or _WORD


def _kept(left: np.ndarray, block: int) -> np.ndarray:
    """Masks that keep the bytes of each text in its block, and clear what lies behind it; uint64, texts x words."""
    found: np.ndarray = _MASKS[block][np.minimum(left, block)]
    return found.view("<u8").reshape(len(left), -1)


def split(data: bytes, texts: Spans, decoded: str | None = None) -> list[str]:
    """What `ByteTexts.joined` gave, decoded.

    Args:
        data: The bytes of the buffer.
        texts: Where the texts lie in it.
        decoded: The whole buffer, where it is decoded already.

    Raises:
        UnicodeDecodeError: A text is not UTF-8.
    """
    if data.isascii() and data.count(b" ") == len(texts):
        found = (data.decode() if decoded is None else decoded).split(" ")
        # A blank follows the last text as well.
        found.pop()
        return found
    return [data[start:stop].decode() for start, stop in zip(texts.start.tolist(), texts.stop.tolist(), strict=True)]
