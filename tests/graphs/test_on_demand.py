"""Columns made when they are looked at: what is found in them is what lists would hold."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import numpy as np
import pytest

from graphdiag.graphs.on_demand import OnDemand, coded, joined

TEXTS = [f"op_{place}" for place in range(400)]


def column() -> OnDemand[str]:
    return OnDemand(len(TEXTS), one=TEXTS.__getitem__, every=lambda: TEXTS)


def test_a_column_reads_as_a_list():
    assert list(column()) == TEXTS
    assert len(column()) == len(TEXTS)
    assert column()[3:-2:2] == TEXTS[3:-2:2]
    assert column()[-1] == "op_399"
    assert [column_[place] for column_ in [column()] for place in range(400)] == TEXTS
    assert "op_7" in column()
    assert column().index("op_7") == 7
    assert pickle.loads(pickle.dumps(column())) == TEXTS


@pytest.mark.parametrize("place", [400, -401])
def test_a_place_outside_of_a_column_is_an_error(place: int):
    with pytest.raises(IndexError):
        column()[place]


def test_one_item_does_not_make_the_others():
    def every() -> Iterator[str]:
        raise AssertionError("all items were made")

    assert OnDemand(len(TEXTS), one=TEXTS.__getitem__, every=every)[5] == "op_5"


def test_columns_are_put_together_as_lists_are():
    codes = np.array([2, 0, 2, 1] * 8, dtype=np.uint8)
    expected = [*"cacb" * 8, *TEXTS, "end"]
    found = joined(coded("abc", codes), column(), [], ["end"])
    assert [found[place] for place in (0, 3, 31, 32, 431, 432)] == [expected[p] for p in (0, 3, 31, 32, 431, 432)]
    assert list(found) == expected
    assert list(joined(coded("abc", codes), column(), [], ["end"])) == expected
