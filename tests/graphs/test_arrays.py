"""Groups and sets of numbers in arrays: at every size, none and more than 32 bits included."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from graphdiag.graphs.arrays import (
    distinct,
    distinct_below,
    first_of_each,
    first_places,
    grouped,
    numbers_of_pairs,
    offsets_of,
    ranges,
)

SIZES = [[], [0], [2, 0, 2, 1, 0], list(range(40)) * 2]


@pytest.mark.parametrize("values", SIZES)
def test_different_values_are_sorted_and_given_once(values: list[int]) -> None:
    array = np.array(values, dtype=np.int32)
    for found in (distinct(array), distinct_below(array, 40), distinct_below(array, 100_000)):
        assert found.tolist() == sorted(set(values))


@pytest.mark.parametrize("values", SIZES)
def test_different_values_are_numbered_as_they_come(values: list[int]) -> None:
    first, which = first_of_each(np.array(values, dtype=np.int64))
    in_order = list(dict.fromkeys(values))
    assert first.tolist() == [values.index(value) for value in in_order]
    assert which.tolist() == [in_order.index(value) for value in values]


def test_many_values_are_numbered_as_they_come() -> None:
    values = np.random.default_rng(0).integers(-(2**62), 2**62, 5000)[np.arange(20_000) * 7919 % 5000]
    first, which = first_of_each(values)
    assert first.tolist() == list(range(5000))
    assert (values[first][which] == values).all()


@pytest.mark.parametrize("values", SIZES)
def test_the_first_place_of_each_key_is_found(values: list[int]) -> None:
    first = first_places(np.array(values, dtype=np.int32), 40)
    assert first.tolist() == [values.index(key) if key in values else len(values) for key in range(40)]


@pytest.mark.parametrize("values", SIZES)
def test_offsets_are_where_the_numbers_of_each_key_begin(values: list[int]) -> None:
    offsets = offsets_of(np.array(values, dtype=np.int32), 40)
    in_order = sorted(values)
    assert [in_order[start:stop] for start, stop in pairwise(offsets.tolist())] == [
        [key] * values.count(key) for key in range(40)
    ]


@pytest.mark.parametrize("values", [[], [-1], [2, -1, 0, 2, 2, -1, 5]])
def test_places_are_grouped_by_key_and_those_without_one_are_left_out(values: list[int]) -> None:
    places, offsets = grouped(np.array(values, dtype=np.int32), 7)
    assert [places[start:stop].tolist() for start, stop in pairwise(offsets.tolist())] == [
        [place for place, value in enumerate(values) if value == key] for key in range(7)
    ]


def test_pairs_of_large_numbers_of_32_bits_are_told_apart() -> None:
    first, second = np.array([0, 1, 90_000, 90_000], dtype=np.int32), np.array([1, 0, 5, 99_999], dtype=np.int32)
    assert numbers_of_pairs(first, second, 100_000).tolist() == [1, 100_000, 9_000_000_005, 9_000_099_999]


@pytest.mark.parametrize("bounds", [[], [(3, 3)], [(5, 8), (2, 2), (0, 2), (7, 7)]])
def test_ranges_stand_one_after_the_other(bounds: list[tuple[int, int]]) -> None:
    starts, stops = np.array(bounds, dtype=np.int64).reshape(-1, 2).T
    assert ranges(starts, stops - starts).tolist() == [number for bound in bounds for number in range(*bound)]
