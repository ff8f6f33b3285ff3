"""The names of the ops of a graph in one buffer, where they are decoded at once and their scopes are told apart."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from graphdiag.graphs.byte_texts import ByteTexts, split
from graphdiag.graphs.scope_tree import ScopeTree
from graphdiag.graphs.wire_format import Spans


class NameBytes:
    """Names that lie in some bytes.

    Args:
        source: The bytes.
        spans: Where the names lie.
    """

    def __init__(self, source: ByteTexts, spans: Spans) -> None:
        self.spans = spans
        self._texts, self._places = source.joined(spans)

    @property
    def are_ascii(self) -> bool:
        """Whether all names are ASCII; `scopes` is only there if they are."""
        return self._texts.data.isascii()

    @cached_property
    def together(self) -> str:
        """All names, with a blank behind each."""
        return self._texts.data.decode()

    def holds(self, mark: str) -> bool:
        """Whether some name holds a character."""
        return mark.encode() in self._texts.data

    def strings(self) -> list[str]:
        """The names."""
        return split(self._texts, self._places)

    @property
    def depths(self) -> np.ndarray:
        """How many slashes each name holds; int64."""
        return self._cut[0]

    @cached_property
    def scopes(self) -> ScopeTree:
        """The name scopes.

        Raises:
            AmbiguousTextsError: They cannot be told apart in bytes.
        """
        own = Spans(self._places.start, self._cut[1])
        first, which = self._texts.kinds(own)
        return ScopeTree.of_scopes(self._texts.strings(own.at(first)), which)

    @cached_property
    def _cut(self) -> tuple[np.ndarray, np.ndarray]:
        """How many slashes each name holds; and where its scope ends, at the last of them; both int64."""
        slashes = np.flatnonzero(np.frombuffer(self._texts.data, dtype=np.uint8) == ord("/"))
        passed = np.searchsorted(slashes, self._places.stop)
        depths = np.diff(passed, prepend=0)
        ends = self._places.start.copy()
        scoped = np.flatnonzero(depths)
        ends[scoped] = slashes[passed[scoped] - 1]
        return depths, ends
