"""Columns of texts of which most are never looked at: of a drawn graph, an answer names few nodes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, chain
from typing import Any, TypeVar, overload

import numpy as np

T = TypeVar("T")

_PATIENCE = 64
"""One in so many items may be made by itself; then all are made, which takes less time for each."""


class OnDemand(Sequence[T]):
    """Items that are made when they are looked at: one by itself, and all of them when they are gone through.

    Args:
        size: How many there are.
        one: Makes the item at a place from 0 on.
        every: Makes all items.
    """

    def __init__(self, size: int, one: Callable[[int], T], every: Callable[[], Iterable[T]]) -> None:
        self._size = size
        self._one = one
        self._every = every
        self._patience = size // _PATIENCE
        self._made: list[T] | None = None

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[T]: ...
    def __getitem__(self, place: int | slice) -> T | Sequence[T]:
        if self._made is not None or isinstance(place, slice) or not self._patience:
            return self._all()[place]
        self._patience -= 1
        return self._one(range(self._size)[place])

    def __iter__(self) -> Any:
        return iter(self._all())

    def __reduce__(self) -> tuple[type[list[T]], tuple[list[T]]]:
        return list, (self._all(),)

    def _all(self) -> list[T]:
        if self._made is None:
            self._made = list(self._every())
        return self._made


def coded(values: Sequence[T], codes: np.ndarray) -> OnDemand[T]:
    """The value for each of some codes, which are places in the values."""
    return OnDemand(
        len(codes),
        one=lambda place: values[codes[place]],
        every=lambda: map(list(values).__getitem__, codes.tolist()),
    )


def joined(*parts: Sequence[T]) -> OnDemand[T]:
    """Columns, one after the other."""
    starts = list(accumulate(map(len, parts), initial=0))

    def one(place: int) -> T:
        part = bisect_right(starts, place) - 1
        return parts[part][place - starts[part]]

    return OnDemand(starts[-1], one, every=lambda: chain(*parts))
