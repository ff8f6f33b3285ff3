"""GD103 shape-only."""

from __future__ import annotations

import pytest

from tests.diagnosis.found import in_graph
from tests.support.layers import layer_graph

LAYERS = layer_graph([("x", "a"), ("a", "b"), ("b", "c")], inputs=["x"])
TEXT = """
    x Feed
    a/MatMul MatMul x
    b/Relu Relu a/MatMul
    a/Shape Shape a/MatMul
    c/Reshape Reshape b/Relu a/Shape
"""


def test_only_the_dimensions_cross():
    [finding] = in_graph("GD103", TEXT, LAYERS)
    assert (finding.culprits, finding.edges, finding.carries) == (("a/Shape",), (("a", "c"),), ("shape",))
    assert finding.message == (
        "1 drawn layer edge carries only the shape of a/MatMul (by a/Shape): dimensions cross, values do not."
    )


def test_the_shape_may_be_taken_in_the_second_layer():
    text = TEXT.replace("a/Shape", "c/Shape")
    [finding] = in_graph("GD103", text, LAYERS)
    assert (finding.culprits, finding.edges) == (("a/MatMul",), (("a", "c"),))


@pytest.mark.parametrize(
    "changed",
    [
        TEXT.replace("a/Shape Shape a/MatMul", "a/Shape Cast a/MatMul"),  # the values themselves
        TEXT.replace("a/Shape", "c/Shape") + "c/Add Add c/Reshape a/MatMul",  # the values as well
    ],
)
def test_values_are_hidden_dependencies(changed):
    assert in_graph("GD103", changed, LAYERS) == []
    assert [finding.edges for finding in in_graph("GD301", changed, LAYERS)] == [(("a", "c"),)]
