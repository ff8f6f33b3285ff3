"""Disjoint sets: things that are joined two by two, and which of them belong together.

networkx has the same as ``networkx.utils.UnionFind``; loading networkx takes longer than a small comparison.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class DisjointSets(Generic[T]):
    """Sets that are joined two by two (union-find with path halving)."""

    def __init__(self) -> None:
        self._parent: dict[T, T] = {}

    def root(self, item: T) -> T:
        """The item that stands for all that this one was joined with; itself if it was joined with none."""
        while (parent := self._parent.get(item, item)) != item:
            self._parent[item] = self._parent.get(parent, parent)
            item = parent
        return item

    def join(self, item: T, into: T) -> None:
        """Make one set of two; the root of ``into`` stands for it."""
        self._parent[self.root(item)] = self.root(into)
