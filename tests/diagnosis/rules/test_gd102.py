"""GD102 shared-flag."""

from __future__ import annotations

import pytest

from tests.diagnosis.found import in_graph
from tests.support.layers import layer_graph

LAYERS = layer_graph([("x", "n"), ("n", "d"), ("d", "m")], inputs=["x"])
TEXT = """
    x Feed
    n/phase_train Flag
    n/Not LogicalNot n/phase_train
    n/Switch Switch x n/phase_train
    d/MatMul MatMul n/Switch
    m/Switch Switch d/MatMul n/Not
"""


def test_a_flag_of_the_users_own():
    [finding] = in_graph("GD102", TEXT, LAYERS)
    assert (finding.culprits, finding.edges, finding.carries) == (("n/Not",), (("n", "m"),), ("flag",))
    assert finding.message.startswith("1 drawn layer edge comes from n/Not, a flag")


@pytest.mark.parametrize(
    "changed",
    [
        TEXT.replace("n/phase_train Flag", "n/phase_train Feed"),  # a batch, so perhaps an input
        TEXT.replace("n/Not LogicalNot n/phase_train", "n/Not Greater x n/phase_train"),  # computed from the input
        TEXT.replace("n/phase_train", "phase_train").replace("n/Not", "Not"),  # in nobody's box
    ],
)
def test_near_misses(changed):
    assert in_graph("GD102", changed, LAYERS) == []
