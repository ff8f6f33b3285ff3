"""The name scopes of an op graph as a tree of integers, so that no name is split again and again.

An op ``a/b/c`` lies in the scope ``a/b``, which lies in ``a``, which lies in the root, whose name is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class ScopeTree:
    """Scopes, each with a number; 0 is the root, and a scope comes after the one that it lies in.

    Attributes:
        names: Full name of each scope; empty for the root.
        numbers: Number of each scope, by name.
        parent: Number of the scope that each lies in; int32, -1 for the root.
        of_op: Number of the scope right around each op; int32.
    """

    names: Sequence[str]
    numbers: Mapping[str, int]
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
        around = [name.rpartition("/")[0] for name in names]
        numbers = {"": 0}
        parent = [-1]
        for scope in dict.fromkeys(around):
            path = []
            while scope not in numbers:
                path.append(scope)
                scope = scope.rpartition("/")[0]
            outer = numbers[scope]
            for inner in reversed(path):
                parent.append(outer)
                outer = numbers[inner] = len(numbers)
        of_op = np.fromiter(map(numbers.__getitem__, around), dtype=np.int32, count=len(around))
        return cls(list(numbers), numbers, np.array(parent, dtype=np.int32), of_op)

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def segments(self) -> Sequence[str]:
        """The last part of each scope's name: ``b`` for ``a/b``."""
        return [name.rpartition("/")[2] for name in self.names]

    @cached_property
    def depth(self) -> np.ndarray:
        """How many scopes each lies in; int32, 0 for the root."""
        depth: list[int] = []
        for outer in self.parent.tolist():
            depth.append(depth[outer] + 1 if outer >= 0 else 0)
        return np.array(depth, dtype=np.int32)

    @cached_property
    def levels(self) -> Sequence[np.ndarray]:
        """The scopes of each depth, from the root on: for work that goes down the tree, a whole level at a time."""
        order = np.argsort(self.depth, kind="stable")
        ends = np.cumsum(np.bincount(self.depth))
        return np.split(order, ends[:-1])

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
