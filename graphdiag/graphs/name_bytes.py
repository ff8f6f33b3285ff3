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
        """Whether all are ASCII; only then the rest is known."""
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

    @cached_property
    def depths(self) -> np.ndarray:
        """How many slashes each name holds; int64."""
        return np.diff(self._first_slash)

    @cached_property
    def _slashes(self) -> np.ndarray:
        return np.flatnonzero(np.frombuffer(self._texts.data, dtype=np.uint8) == ord("/"))

    @cached_property
    def _first_slash(self) -> np.ndarray:
        """The slashes of name ``n`` are those from ``_first_slash[n]`` up to ``_first_slash[n + 1]``."""
        return np.append(0, np.searchsorted(self._slashes, self._places.stop))

    @cached_property
    def scopes(self) -> ScopeTree:
        """The name scopes.

        Raises:
            AmbiguousTextsError: They cannot be told apart in bytes.
        """
        start = self._places.start
        stop = start.copy()
        scoped = np.flatnonzero(self.depths)
        stop[scoped] = self._slashes[self._first_slash[scoped + 1] - 1]
        first, own = self._texts.kinds(Spans(start, stop))
        return ScopeTree.of_scopes(self._texts.strings(Spans(start[first], stop[first])), own)
