"""GD106 shared-random-state."""

from __future__ import annotations

from tests.diagnosis.found import in_graph
from tests.support.layers import layer_graph

LAYERS = layer_graph([("x", "a"), ("a", "b"), ("b", "c")], inputs=["x"])
TEXT = """
    x Feed
    a/shape Const
    a/random RandomUniform a/shape
    a/Mul Mul x a/random
    b/Relu Relu a/Mul
    c/Mul Mul b/Relu a/random
"""


def test_random_numbers_of_one_layer_are_used_in_another():
    [finding] = in_graph("GD106", TEXT, LAYERS)
    assert (finding.culprits, finding.edges, finding.carries) == (("a/random",), (("a", "c"),), ("random",))
    assert finding.message.startswith("1 drawn layer edge carries random numbers")


def test_noise_that_was_added_to_an_activation_is_an_activation():
    text = TEXT.replace("c/Mul Mul b/Relu a/random", "c/Mul Mul b/Relu a/Mul")
    assert in_graph("GD106", text, LAYERS) == []
    assert [finding.edges for finding in in_graph("GD301", text, LAYERS)] == [(("a", "c"),)]
