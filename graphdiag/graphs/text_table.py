"""Many short texts to look others up among, in whole arrays.

Each text has a slot by the highest bits of its hash. Most have one of their own, so that one look tells which text a
hash belongs to; the others are sorted by hash and searched.
"""

from __future__ import annotations

import numpy as np

from graphdiag.graphs.arrays import slots_for, slots_of, sorted_groups
from graphdiag.graphs.byte_texts import AmbiguousTextsError, ByteTexts
from graphdiag.graphs.wire_format import Spans

_MISSING = -1


class TextTable:
    """Texts to look others up among.

    Args:
        source: The bytes in which the texts lie.
        texts: Where they lie.

    Attributes:
        source: The bytes.
        texts: Where the texts lie in them.
        are_unique: Whether all texts are different.

    Raises:
        AmbiguousTextsError: Different texts have the same hash, or some are not ASCII.
    """

    def __init__(self, source: ByteTexts, texts: Spans) -> None:
        self.source = source
        self.texts = texts
        self._hashes = source.hashes(texts)
        rows = np.arange(len(texts), dtype=np.int32)
        self._row_in_slot = np.full(slots_for(len(texts)), _MISSING, dtype=np.int32)
        slots = slots_of(self._hashes, len(self._row_in_slot))
        # Of several texts with one slot the last has it; of equal texts the last counts, as in a dict.
        self._row_in_slot[slots] = rows
        in_slot = self._row_in_slot[slots]
        # Texts that have lost their slot: to an equal text, or to one with another hash.
        others = np.flatnonzero(in_slot != rows)
        is_equal = self._hashes[in_slot[others]] == self._hashes[others]
        again, others = others[is_equal], others[~is_equal]
        # Of those with another hash the last of each hash is kept, sorted to be searched.
        order, is_first = sorted_groups(self._hashes[others])
        others = others[order]
        last = np.maximum.reduceat(others, np.flatnonzero(is_first)) if len(others) else others
        self._other_rows, self._other_hashes = last, self._hashes[last]
        self.are_unique = not len(again) and bool(is_first.all())
        if not self.are_unique:
            self._check(texts.at(again), in_slot[again])
            self._check(texts.at(others), last[np.cumsum(is_first) - 1])

    def find(self, wanted: Spans) -> np.ndarray:
        """Look texts up.

        Args:
            wanted: Texts in the same bytes.

        Returns:
            The row of the text that equals each wanted one, the last if several do; int32, -1 where none does.

        Raises:
            AmbiguousTextsError: A wanted text has the hash of a different text, or is not ASCII.
        """
        hashes = self.source.hashes(wanted)
        if not len(self.texts):
            return np.full(len(wanted), _MISSING, dtype=np.int32)
        found: np.ndarray = self._row_in_slot[slots_of(hashes, len(self._row_in_slot))]
        elsewhere = np.flatnonzero((found != _MISSING) & (self._hashes[found] != hashes))
        found[elsewhere] = self._among_others(hashes[elsewhere])
        rows = np.flatnonzero(found != _MISSING)
        self._check(wanted.at(rows), found[rows])
        return found

    def _among_others(self, hashes: np.ndarray) -> np.ndarray:
        """The row of the text with each hash among those that have no slot of their own; -1 where there is none."""
        if not len(self._other_rows):
            return np.full(len(hashes), _MISSING, dtype=np.int32)
        places = np.minimum(np.searchsorted(self._other_hashes, hashes), len(self._other_rows) - 1)
        found: np.ndarray = np.where(self._other_hashes[places] == hashes, self._other_rows[places], _MISSING)
        return found

    def _check(self, texts: Spans, rows: np.ndarray) -> None:
        """Make sure that texts are equal to those of the table whose hashes they have."""
        if not self.source.equal(texts, self.texts.at(rows)).all():
            raise AmbiguousTextsError
