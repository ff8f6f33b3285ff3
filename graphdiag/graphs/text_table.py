"""Many short texts to look others up among, in whole arrays.

Each text has a slot by the highest bits of its number. Most have one of their own, so that one look tells which text a
number belongs to; the others are sorted by number and searched.
"""

from __future__ import annotations

import numpy as np

from graphdiag.graphs.arrays import sorted_groups
from graphdiag.graphs.byte_texts import AmbiguousTextsError, ByteTexts, slots_for, slots_of
from graphdiag.graphs.wire_format import Spans

_MISSING = -1


class TextTable:
    """Texts to look others up among.

    Args:
        source: What the texts lie in.
        texts: The texts.

    Attributes:
        source: See there.
        texts: See there.
        are_unique: Whether all texts are different.

    Raises:
        AmbiguousTextsError: Different texts have the same number, or some are not ASCII.
    """

    def __init__(self, source: ByteTexts, texts: Spans) -> None:
        self.source = source
        self.texts = texts
        self._numbers = source.numbers(texts)
        rows = np.arange(len(texts), dtype=np.int32)
        self._row_in_slot = np.full(slots_for(len(texts)), _MISSING, dtype=np.int32)
        slots = slots_of(self._numbers, len(self._row_in_slot))
        # Of several texts with one slot the last has it; of equal texts the last counts, as in a dict.
        self._row_in_slot[slots] = rows
        in_slot = self._row_in_slot[slots]
        others = np.flatnonzero(in_slot != rows)
        is_equal = self._numbers[in_slot[others]] == self._numbers[others]
        again, others = others[is_equal], others[~is_equal]
        order, is_first = sorted_groups(self._numbers[others])
        others = others[order]
        last = np.maximum.reduceat(others, np.flatnonzero(is_first)) if len(others) else others
        self._other_rows, self._other_numbers = last, self._numbers[last]
        self.are_unique = not len(again) and bool(is_first.all())
        if not self.are_unique:
            self._check(texts.at(again), in_slot[again])
            self._check(texts.at(others), last[np.cumsum(is_first) - 1])

    def find(self, wanted: Spans) -> np.ndarray:
        """The row of the text that equals each wanted text, the last if several do; int32, -1 where none does.

        Raises:
            AmbiguousTextsError: A wanted text has the number of another one, or is not ASCII.
        """
        numbers = self.source.numbers(wanted)
        if not len(self.texts):
            return np.full(len(wanted), _MISSING, dtype=np.int32)
        found: np.ndarray = self._row_in_slot[slots_of(numbers, len(self._row_in_slot))]
        elsewhere = np.flatnonzero((found != _MISSING) & (self._numbers[found] != numbers))
        found[elsewhere] = self._among_others(numbers[elsewhere])
        rows = np.flatnonzero(found != _MISSING)
        self._check(wanted.at(rows), found[rows])
        return found

    def _among_others(self, numbers: np.ndarray) -> np.ndarray:
        if not len(self._other_rows):
            return np.full(len(numbers), _MISSING, dtype=np.int32)
        places = np.minimum(np.searchsorted(self._other_numbers, numbers), len(self._other_rows) - 1)
        found: np.ndarray = np.where(self._other_numbers[places] == numbers, self._other_rows[places], _MISSING)
        return found

    def _check(self, texts: Spans, rows: np.ndarray) -> None:
        """Make sure that texts with the numbers of these rows are equal to these."""
        if not self.source.equal(texts, self.texts.at(rows)).all():
            raise AmbiguousTextsError
