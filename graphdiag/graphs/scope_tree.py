"""The name scopes of an op graph as a tree of integers, so that no name is split again and again.

An op ``a/b/c`` lies in the scope ``a/b``, which lies in ``a``, which lies in the root, whose name is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from graphdiag.graphs.arrays import distinct_below, first_places


@dataclass(frozen=True, eq=False)
class ScopeTree:
    """Scopes, each with a number; 0 is the root, and a scope comes after the one that it lies in.

    Attributes:
        names: Full name of each scope; empty for the root.
        kinds: The different last parts of their names, ``b`` for ``a/b``, in the order in which they first appear, and
            which of them each scope has; int32. Large graphs have few.
        parent: Number of the scope that each lies in; int32, -1 for the root.
        of_op: Number of the scope right around each op; int32.
    """

    names: Sequence[str]
    kinds: tuple[Sequence[str], np.ndarray]
    parent: np.ndarray
    of_op: np.ndarray

    @classmethod
    def of_names(cls, names: Sequence[str]) -> ScopeTree:
        """The scopes of ops.

        Args:
            names: The ops' full names.

        Returns:
            Their scopes, and those around them.
        """
        numbers: dict[str, int] = {}
        own = [numbers.setdefault(name.rpartition("/")[0], len(numbers)) for name in names]
        return cls.of_scopes(list(numbers), np.array(own, dtype=np.int32))

    @classmethod
    def of_scopes(cls, scopes: Sequence[str], own: np.ndarray) -> ScopeTree:
        """The scopes of ops whose own scopes are known.

        Args:
            scopes: The different scopes right around ops, in the order in which they first appear.
            own: Place among them of each op's.

        Returns:
            These scopes, and those around them.
        """
        numbers = {"": 0}
        parent, segments = [-1], [""]
        found = []
        latest, around = "", 0
        for scope in scopes:
            outer, _, segment = scope.rpartition("/")
            # Neighbors mostly lie in the same scope.
            if outer != latest:
                latest, around = outer, _number(outer, numbers, parent, segments)
            new = len(parent)
            number = numbers.setdefault(scope, new)
            if number == new:
                parent.append(around)
                segments.append(segment)
            found.append(number)
        kinds: dict[str, int] = {}
        which = np.array([kinds.setdefault(segment, len(kinds)) for segment in segments], dtype=np.int32)
        of_op = np.array(found, dtype=np.int32)[own]
        return cls(list(numbers), (list(kinds), which), np.array(parent, dtype=np.int32), of_op)

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """Number of each scope, by name."""
        return dict(zip(self.names, range(len(self)), strict=True))

    @cached_property
    def segments(self) -> Sequence[str]:
        """The last part of each scope's name: ``b`` for ``a/b``."""
        segments, kinds = self.kinds
        return list(map(segments.__getitem__, kinds.tolist()))

    @cached_property
    def parents(self) -> Sequence[int]:
        """As `parent`, to go up from one scope at a time."""
        found: list[int] = self.parent.tolist()
        return found

    @cached_property
    def depth(self) -> np.ndarray:
        """How many scopes each lies in; int32, 0 for the root."""
        depth = (self.parent >= 0).astype(np.int32)
        around = self.parent.copy()
        below = np.flatnonzero(around > 0)
        # Each round looks twice as far out as the one before.
        while len(below):
            depth[below] += depth[around[below]]
            around[below] = around[around[below]]
            below = below[around[below] > 0]
        return depth

    @cached_property
    def levels(self) -> Sequence[np.ndarray]:
        """The scopes of each depth, from the root on: for work that goes down the tree, a whole level at a time."""
        number = np.bincount(self.depth)
        # numpy sorts numbers of at most 16 bits by radix, in linear time.
        order = np.argsort(self.depth.astype(np.min_scalar_type(len(number))), kind="stable")
        return np.split(order, np.cumsum(number)[:-1])

    def first_inside(self, of_op: np.ndarray) -> np.ndarray:
        """The first op in each scope, at any depth.

        Args:
            of_op: The scope right around each op.

        Returns:
            Place of the op; int64, the number of ops where there is none.
        """
        first = first_places(of_op, len(self))
        for level in reversed(self.levels[1:]):
            np.minimum.at(first, self.parent[level], first[level])
        return first

    def totals(self, values: np.ndarray) -> np.ndarray:
        """For each scope the sum of its value and those of all scopes in it, at any depth.

        Args:
            values: A number for each scope; not changed.

        Returns:
            The sums, of the same type.
        """
        found = values.copy()
        for level in reversed(self.levels[1:]):
            np.add.at(found, self.parent[level], found[level])
        return found

    def inherited(self, values: np.ndarray, unset: int) -> np.ndarray:
        """The value of each scope, or else that of the innermost scope around it that has one.

        Args:
            values: A value for each scope.
            unset: Stands for none.

        Returns:
            The values, with `unset` where no scope around has one.
        """
        found = values.copy()
        for level in self.levels[1:]:
            without = level[found[level] == unset]
            found[without] = found[self.parent[without]]
        return found

    def at_depth(self, depth: int) -> np.ndarray:
        """The scope of a depth that is, or is around, each scope; int32, -1 for scopes that are less deep."""
        at_depth = np.where(self.depth == depth, np.arange(len(self), dtype=np.int32), np.int32(-1))
        return self.inherited(at_depth, -1)

    def within(self, wanted: Callable[[str], object]) -> np.ndarray:
        """Whether each scope, or one around it, has a segment of some kind.

        Args:
            wanted: Says it of a segment; it is asked once for each.

        Returns:
            bool, one for each scope.
        """
        segments, kinds = self.kinds
        return self.spread(np.array([bool(segment) and bool(wanted(segment)) for segment in segments])[kinds])

    def spread(self, marked: np.ndarray) -> np.ndarray:
        """Whether each scope, or one around it, is marked: bool, one for each scope, as `marked` is."""
        found = marked.copy()
        for level in self.levels[1:]:
            found[level] |= found[self.parent[level]]
        return found

    def around(self, scopes: np.ndarray) -> np.ndarray:
        """Whether each scope is one of some scopes, or is around one of them.

        Args:
            scopes: Scopes, in any order and number.

        Returns:
            bool, one for each scope; ``False`` for the root.
        """
        found = np.zeros(len(self), dtype=bool)
        while len(scopes):
            scopes = distinct_below(scopes, len(self))
            scopes = scopes[(scopes > 0) & ~found[scopes]]
            found[scopes] = True
            scopes = self.parent[scopes]
        return found

    def lies_in(self, inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
        """Whether each scope is, or lies in, another.

        Args:
            inner: Scopes.
            outer: The other scope for each of them; -1 for one in which nothing lies.

        Returns:
            bool, one for each pair.
        """
        at = inner.astype(np.int32)
        deeper = np.flatnonzero((outer >= 0) & (self.depth[at] > self.depth[outer]))
        while len(deeper):
            at[deeper] = self.parent[at[deeper]]
            deeper = deeper[self.depth[at[deeper]] > self.depth[outer[deeper]]]
        found: np.ndarray = at == outer
        return found

    def side_by_side(self, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For pairs of scopes the two scopes that hold them and stand in one and the same scope.

        Args:
            first: Scopes, one for each pair.
            second: The other scope of each pair.

        Returns:
            int32, one for each pair; -1 in both where one of the two scopes holds the other.
        """
        first, second = first.astype(np.int32), second.astype(np.int32)
        parents, depths = self.parent, self.depth
        for end, other in ((first, second), (second, first)):
            at = np.flatnonzero(depths[end] > depths[other])
            while len(at):
                end[at] = parents[end[at]]
                at = at[depths[end[at]] > depths[other[at]]]
        apart = first != second
        at = np.flatnonzero(apart)
        at = at[parents[first[at]] != parents[second[at]]]
        while len(at):
            first[at], second[at] = parents[first[at]], parents[second[at]]
            at = at[parents[first[at]] != parents[second[at]]]
        first[~apart] = second[~apart] = -1
        return first, second


def _number(scope: str, numbers: dict[str, int], parent: list[int], segments: list[str]) -> int:
    """The number of a scope. One that has none yet gets the next, after those around it that have none either."""
    number = numbers.get(scope)
    path = []
    while number is None:
        outer, _, segment = scope.rpartition("/")
        path.append((scope, segment))
        scope, number = outer, numbers.get(outer)
    for inner, segment in reversed(path):
        parent.append(number)
        segments.append(segment)
        number = numbers[inner] = len(numbers)
    return number
