"""The names of the ops of a graph in one buffer, where they are decoded at once and their scopes are told apart."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from graphdiag.graphs.byte_texts import ByteTexts, split
from graphdiag.graphs.scope_tree import ScopeTree
from graphdiag.graphs.wire_format import Spans

_OPS_FOR_A_LEVEL = 256
"""With fewer ops for each depth of scopes, these are told apart one by one."""


class NameBytes:
    """Names that lie in some bytes.

    Args:
        source: The bytes.
        spans: Where the names lie.
    """

    def __init__(self, source: ByteTexts, spans: Spans) -> None:
        self.spans = spans
        self._texts, self._places = source.joined(spans)

    @cached_property
    def are_ascii(self) -> bool:
        """Whether all names are ASCII; `scopes` is only there if they are."""
        return self._texts.data.isascii()

    @cached_property
    def together(self) -> str:
        """All names, with a blank behind each."""
        return self._texts.data.decode()

    @property
    def are_printable(self) -> bool:
        """Whether all names are ASCII without control characters."""
        data = np.frombuffer(self._texts.data, dtype=np.uint8)
        return bool(data.min(initial=ord(" ")) >= ord(" ") and data.max(initial=ord(" ")) <= ord("~"))

    def holds(self, mark: str) -> bool:
        """Whether some name holds a character."""
        return mark.encode() in self._texts.data

    def strings(self) -> list[str]:
        """The names."""
        return split(self._texts.data, self._places, self.together if self.are_ascii else None)

    @cached_property
    def depths(self) -> np.ndarray:
        """How many slashes each name holds; int64."""
        _, firsts, ends = self._marks
        depths: np.ndarray = ends - firsts
        return depths

    @cached_property
    def scopes(self) -> ScopeTree:
        """The name scopes.

        Raises:
            AmbiguousTextsError: They cannot be told apart in bytes.
        """
        deepest = int(self.depths.max(initial=0))
        # What begins with a slash lies in a scope without a name, which is the root.
        is_odd = (self._texts.byte_at(self._places.start) == ord("/")).any()
        if is_odd or deepest * _OPS_FOR_A_LEVEL > len(self.spans):
            rows, which = self._texts.kinds(self._scopes_at(np.arange(len(self.spans)), self.depths))
            return ScopeTree.of_scopes(self._texts.strings(self._scopes_at(rows, self.depths[rows])), which)
        return self._level_by_level(deepest)

    def _level_by_level(self, deepest: int) -> ScopeTree:
        """The scopes, all of one depth at a time: those right around ops, and those around the deeper ones."""
        # numpy sorts numbers of at most 16 bits by radix, in linear time.
        by_depth = np.argsort(self.depths.astype(np.min_scalar_type(deepest)), kind="stable")
        ops = np.split(by_depth, np.cumsum(np.bincount(self.depths))[:-1])
        first = [by_depth[:0]] * (deepest + 2)
        kinds = [by_depth[:0]] * (deepest + 1)
        for depth in range(deepest, 0, -1):
            # A scope is found in the first op that lies in it.
            rows = np.concatenate([ops[depth], first[depth + 1]])
            places, kinds[depth] = self._texts.kinds(self._scopes_at(rows, depth))
            first[depth] = rows[places]
            np.minimum.at(first[depth], kinds[depth], rows)
        # With an op come the scopes around it, the outer ones before the inner.
        sizes = [len(rows) for rows in first[1:-1]]
        depths = np.repeat(np.arange(1, deepest + 1), sizes)
        rows = np.concatenate(first)
        order = np.argsort(rows * (deepest + 1) + depths)
        numbers = np.empty(len(order), dtype=np.int32)
        numbers[order] = np.arange(1, len(order) + 1)
        of_op = np.zeros(len(self.spans), dtype=np.int32)
        parents = [numbers[:0]]
        around = np.split(numbers, np.cumsum(sizes))
        for depth in range(1, deepest + 1):
            numbered = around[depth - 1][kinds[depth]]
            of_op[ops[depth]] = numbered[: len(ops[depth])]
            parents.append(numbered[len(ops[depth]) :])
        outermost = np.zeros(sizes[0] if sizes else 0, dtype=np.int32)
        parent = np.concatenate([outermost, *parents])[order]
        rows, depths = rows[order], depths[order]
        spans = self._scopes_at(rows, depths)
        names = ["", *self._texts.strings(spans)]
        return ScopeTree(
            names, self._last_parts(spans, self._scopes_at(rows, depths - 1)), np.append(np.int32(-1), parent), of_op
        )

    def _last_parts(self, scopes: Spans, around: Spans) -> tuple[list[str], np.ndarray]:
        """What `ScopeTree.kinds` has, of the scopes behind the root and those that they lie in."""
        # A slash stands before the last part, unless it is the whole name.
        start = around.stop + (around.stop > around.start)
        parts = Spans(np.append(0, start), np.append(0, scopes.stop))
        first, which = self._texts.kinds(parts)
        return self._texts.strings(parts.at(first)), which.astype(np.int32)

    def _scopes_at(self, rows: np.ndarray, depths: np.ndarray | int) -> Spans:
        """The scopes of some depths, up to their own ones, around some ops; an empty text for the root."""
        marks, firsts, _ = self._marks
        start = self._places.start[rows]
        stop = np.where(depths, marks[firsts[rows] + depths - 1], start)
        return Spans(start, stop)

    @cached_property
    def _marks(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where all slashes and the ends of all names are, and which of these come first and last for each name."""
        data = np.frombuffer(self._texts.data, dtype=np.uint8)
        is_mark = data == ord("/")
        is_mark[self._places.stop] = True
        marks = np.flatnonzero(is_mark)
        ends = np.flatnonzero(data[marks] != ord("/"))
        return marks, np.append(0, ends[:-1] + 1)[: len(ends)], ends
