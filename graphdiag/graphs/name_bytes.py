"""The names of the ops of a graph in one buffer: decoded at once, and their scopes found in whole arrays.

A scope is told by an op in it and by the slash in that op's name at which it ends; the scope around it ends one slash
earlier. So the scopes are gone through from the innermost slashes outwards, those at one number of slashes all at once.
"""

from __future__ import annotations

from dataclasses import dataclass
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
        """The name scopes, numbered as `ScopeTree.of_names` numbers them.

        Raises:
            AmbiguousTextsError: They cannot be told apart in bytes.
        """
        innermost = self.depths - 1
        ops = np.flatnonzero(innermost >= 0)
        ops = ops[self._is_scope(ops, innermost[ops])]
        first, own = self._texts.kinds(self._scopes(ops, innermost[ops]))
        found = self._outwards(ops[first], innermost[ops[first]])
        # Scopes are numbered as the ops come; of those around one op the outer come before the inner.
        order = np.argsort(found.op * (1 + found.slash.max(initial=0)) + found.slash)
        number = np.zeros(len(order) + 1, dtype=np.int32)
        number[order] = np.arange(1, len(order) + 1)
        of_op = np.zeros(len(innermost), dtype=np.int32)
        of_op[ops] = number[found.place[own]]
        names = self._texts.strings(self._scopes(found.op[order], found.slash[order]))
        return ScopeTree(["", *names], np.append(np.int32(-1), number[found.parent[order]]), of_op)

    def _outwards(self, op: np.ndarray, slash: np.ndarray) -> _Found:
        """Find the scopes around some scopes.

        Args:
            op: The first op right inside each of the scopes, no two of which are the same.
            slash: Which slash in its name ends the scope.
        """
        by_slash = np.argsort(slash, kind="stable")
        bounds = [0, *np.cumsum(np.bincount(slash)).tolist()]
        place = np.empty(len(op), dtype=np.int64)
        parts = [_Found(op[:0], slash[:0], slash[:0], slash[:0])]
        inner, count = parts[0], 0
        for level in range(len(bounds) - 2, -1, -1):
            given = by_slash[bounds[level] : bounds[level + 1]]
            around = self._is_scope(inner.op, level)
            within = np.concatenate([op[given], inner.op[around]])
            order = np.argsort(within, kind="stable")
            within = within[order]
            first, kind = self._texts.kinds(self._scopes(within, level))
            found = np.empty(len(order), dtype=np.int64)
            found[order] = count + kind
            place[given], inner.parent[around] = found[: len(given)], found[len(given) :]
            inner = _Found(within[first], np.full(len(first), level), np.full(len(first), -1), first[:0])
            parts.append(inner)
            count += len(first)
        return _Found(
            op=np.concatenate([part.op for part in parts]),
            slash=np.concatenate([part.slash for part in parts]),
            parent=np.concatenate([part.parent for part in parts]),
            place=place,
        )

    def _is_scope(self, ops: np.ndarray, slash: np.ndarray | int) -> np.ndarray:
        """Whether a scope ends at a slash of some ops' names; at a slash that begins a name it is the root; bool."""
        scopes = self._scopes(ops, slash)
        found: np.ndarray = scopes.start < scopes.stop
        return found

    def _scopes(self, ops: np.ndarray, slash: np.ndarray | int) -> Spans:
        """What stands before a slash, counted from 0, in the names of some ops."""
        return Spans(self._places.start[ops], self._slashes[self._first_slash[ops] + slash])


@dataclass(frozen=True, eq=False)
class _Found:
    """Scopes, in some order; columns of one length, int64.

    Attributes:
        op: The first op inside each, at any depth.
        slash: Which slash in the op's name ends the scope.
        parent: Place of the scope around it; -1 for the root.
        place: Of each scope that was looked from, its place among these.
    """

    op: np.ndarray
    slash: np.ndarray
    parent: np.ndarray
    place: np.ndarray
