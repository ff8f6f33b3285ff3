"""Components that are cycles, held against networkx."""

from __future__ import annotations

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from graphdiag.diagnosis.components import cyclic_components

NODES = st.integers(0, 9)


@given(st.lists(st.tuples(NODES, NODES)))
def test_the_components_are_those_of_networkx(arrows):
    found = nx.strongly_connected_components(nx.DiGraph(arrows))
    assert cyclic_components(arrows) == sorted(sorted(part) for part in found if len(part) > 1)


def test_a_long_cycle_does_not_recurse():
    length = 100_000
    arrows = [(number, (number + 1) % length) for number in range(length)]
    assert cyclic_components(arrows) == [list(range(length))]
