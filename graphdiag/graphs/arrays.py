"""Numbers in arrays, grouped and told apart: what numpy lacks, or has at too high a cost."""

from __future__ import annotations

import numpy as np

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_DENSE = 16
"""With at least one value for so many possible ones, marking those that occur is faster than sorting."""


def distinct(values: np.ndarray) -> np.ndarray:
    """The different values, sorted.

    ``numpy.unique`` imports ``numpy.ma`` when it is not asked for an index, a tenth of a small comparison.
    """
    found, _ = np.unique(values, return_index=True)
    return found


def distinct_below(values: np.ndarray, count: int) -> np.ndarray:
    """The different values, sorted, of numbers from 0 up to `count`; without sorting them where there are many."""
    if len(values) * _DENSE < count:
        return distinct(values)
    marked = np.zeros(count, dtype=bool)
    marked[values] = True
    return np.flatnonzero(marked)


def numbers_of_pairs(first: np.ndarray, second: np.ndarray, count: int) -> np.ndarray:
    """A number for each pair, the same for equal pairs, in the order of the pairs.

    Args:
        first: The first number of each pair.
        second: The second number of each pair, from 0 up to `count`.
        count: More than any second number.

    Returns:
        int64; from 46,341 ops on, the number of a pair of ops may not fit in 32 bits.
    """
    numbers: np.ndarray = first.astype(np.int64, copy=False) * count + second
    return numbers


def sorted_groups(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Equal values side by side.

    Args:
        values: Numbers, in any order.

    Returns:
        The places of the values in the order of the values, in no particular order among equal ones; int64. And
        whether each of these is the first place of its value; bool.
    """
    order = np.argsort(values)
    in_order = values[order]
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = in_order[1:] != in_order[:-1]
    return order, is_first


def first_of_each(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different values in the order in which they first appear.

    Args:
        values: Numbers, in any order.

    Returns:
        The place at which each different value first appears, ascending, and for each value which of them it is; int64.
    """
    like = first_equal(values)
    is_first = like == np.arange(len(like))
    return np.flatnonzero(is_first), (np.cumsum(is_first) - 1)[like]


def first_equal(values: np.ndarray) -> np.ndarray:
    """For each of some numbers the place of the first that is equal to it; int32.

    Each number has a slot by a hash of it, and most have one of their own, which takes less time than to sort them.
    """
    slot_count = slots_for(len(values))
    slots = slots_of(values.astype(np.uint64) * _FACTOR, slot_count)
    places = np.arange(len(values), dtype=np.int32)
    first_in_slot = np.empty(slot_count, dtype=np.int32)
    first_in_slot[slots[::-1]] = places[::-1]
    found: np.ndarray = first_in_slot[slots]
    # Few share a slot with another number; they are sorted.
    others = np.flatnonzero(values[found] != values)
    order, is_first = sorted_groups(values[others])
    others = others[order]
    first = np.minimum.reduceat(others, np.flatnonzero(is_first)) if len(others) else others
    found[others] = first[np.cumsum(is_first) - 1]
    return found


def slots_for(count: int) -> int:
    """How many slots to have for so many hashes: four to eight times as many, a power of two, so few share one."""
    return 4 << count.bit_length()


def slots_of(hashes: np.ndarray, slots: int) -> np.ndarray:
    """The slot of each hash: its highest bits, which a product mixes best; int64."""
    found: np.ndarray = (hashes >> np.uint64(65 - slots.bit_length())).astype(np.int64)
    return found


def first_places(keys: np.ndarray, count: int) -> np.ndarray:
    """Where each key first appears.

    Args:
        keys: Keys from 0 up to `count`, in any order.
        count: How many keys there are.

    Returns:
        A place for each key, the number of `keys` for one that does not appear; int64.
    """
    first = np.full(count, len(keys), dtype=np.int64)
    # Of several places the last to be written counts, which is the first of them.
    first[keys[::-1]] = np.arange(len(keys))[::-1]
    return first


def offsets_of(keys: np.ndarray, count: int) -> np.ndarray:
    """Where the entries of each key begin once they are sorted by key.

    Args:
        keys: Keys from 0 up to `count`, in any order.
        count: How many keys there are.

    Returns:
        The entries of key ``k`` are those from the ``k``-th offset up to the next; int64, one more than keys.
    """
    offsets = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(keys, minlength=count), out=offsets[1:])
    return offsets


def grouped(keys: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places sorted by key.

    Args:
        keys: The key of each place, from 0 up to `count`; -1 for a place without one.
        count: How many keys there are.

    Returns:
        The places, ascending among those of one key; those without a key come first. And where the places of each key
        begin, as `offsets_of` has it. int64.
    """
    shifted = keys + 1
    # numpy sorts numbers of at most 16 bits by radix, in linear time.
    in_few_bits = shifted.astype(np.min_scalar_type(count)) if count < 1 << 16 else shifted
    return np.argsort(in_few_bits, kind="stable"), offsets_of(shifted, count + 1)[1:]


def ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The numbers of several ranges, one range after the other.

    Args:
        starts: The first number of each range.
        counts: How many numbers each range has; 0 for none.

    Returns:
        int64, as many as `counts` has in all.
    """
    before = np.cumsum(counts) - counts
    numbers: np.ndarray = np.repeat(starts - before, counts) + np.arange(int(counts.sum()))
    return numbers
