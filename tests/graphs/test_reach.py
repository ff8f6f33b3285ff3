"""A search in whole arrays reaches what a plain one reaches."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graphdiag.graphs.reach import reached


@st.composite
def searches(draw):
    size = draw(st.sampled_from([1, 5, 400]))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    count = int(size * draw(st.sampled_from([0, 1, 3])))
    source = np.sort(random.integers(0, size, count))
    onward = random.integers(0, size, count).astype(np.int32)
    offsets = np.searchsorted(source, np.arange(size + 1))
    start = random.random(size) < draw(st.sampled_from([0, 0.02, 0.5]))
    through = random.random(size) < draw(st.sampled_from([0.5, 1]))
    return start, offsets, onward, draw(st.sampled_from([None, through]))


@given(searches())
def test_rows_are_those_that_a_search_one_by_one_finds(search):
    start, offsets, onward, through = search
    expected = set(np.flatnonzero(start).tolist())
    waiting = list(expected)
    while waiting:
        row = waiting.pop()
        for target in onward[offsets[row] : offsets[row + 1]].tolist():
            if target not in expected and (through is None or through[target]):
                expected.add(target)
                waiting.append(target)
    assert set(np.flatnonzero(reached(start, offsets, onward, through)).tolist()) == expected
