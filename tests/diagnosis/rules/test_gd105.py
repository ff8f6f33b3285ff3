"""GD105 shared-constant."""

from __future__ import annotations

import pytest

from tests.diagnosis.found import in_graph
from tests.support.layers import layer_graph

LAYERS = layer_graph([("x", "a"), ("a", "b"), ("b", "c")], inputs=["x"])
TEXT = """
    x Feed
    a/one Const
    a/two Add a/one a/one
    a/Mul Mul x a/one
    b/Mul Mul a/Mul
    c/Sub Sub b/Mul a/two
"""


def test_a_constant_is_used_by_two():
    [finding] = in_graph("GD105", TEXT, LAYERS)
    assert (finding.culprits, finding.edges, finding.carries) == (("a/two",), (("a", "c"),), ("constant",))
    assert finding.message.startswith("1 drawn layer edge carries a constant, a/two")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("a/one Const", "a/one VariableV2", "GD303"),
        ("a/one Const", "a/one Relu x", "GD301"),
        ("a/one Const", "a/one RandomUniform", "GD106"),
        ("a/one Const", "a/one NoSuchOp x", "GD301"),
    ],
)
def test_near_misses(old, new, code):
    text = TEXT.replace(old, new)
    assert in_graph("GD105", text, LAYERS) == []
    assert [finding.edges for finding in in_graph(code, text, LAYERS)] == [(("a", "c"),)]
