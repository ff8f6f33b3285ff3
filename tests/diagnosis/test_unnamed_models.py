"""Names of nested Sequential models that Keras up to 2.1 did not write down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graphdiag import compare
from graphdiag.diagnosis.unnamed_models import named_as_in
from graphdiag.graphs.layer_graph import NestedModel
from graphdiag.graphs.op_graph import from_graph_def
from tests.support.graph_text import LOGS, graph_def
from tests.support.layers import layer_graph

TEXT = """
    inner_input Feed
    d/kernel VariableV2
    e/Relu Relu inner_input
    inner/d/MatMul MatMul inner_input d/kernel
    inner/e/Relu Relu inner/d/MatMul
    inner_1/d/MatMul MatMul inner_input d/kernel
    inner_1/e/Relu Relu inner_1/d/MatMul
    out/MatMul MatMul inner/e/Relu inner_1/e/Relu
"""
GRAPH = from_graph_def(graph_def(TEXT))


def unnamed(name="sequential_2", class_name="Sequential"):
    source = f"{name}_input"
    layers = layer_graph(
        [(source, f"{name}/d"), (f"{name}/d", f"{name}/e"), (f"{name}/e", "out")], inputs=[source], nested=[name]
    )
    return replace(layers, nested={name: NestedModel(name, name, class_name)}, outputs=("out",))


def test_the_name_is_that_of_the_scope_which_holds_the_layers():
    named = named_as_in(GRAPH, unnamed())
    assert list(named.layers) == ["inner_input", "inner/d", "inner/e", "out"]
    assert named.edges == (("inner_input", "inner/d"), ("inner/d", "inner/e"), ("inner/e", "out"))
    assert (named.inputs, named.outputs) == (("inner_input",), ("out",))
    assert named.nested == {"inner": NestedModel("inner", "inner", "Sequential")}
    assert [(layer.id, layer.name, layer.path) for layer in named.layers.values()][:2] == [
        ("inner_input", "inner_input", ()),
        ("inner/d", "d", ("inner",)),
    ]


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        (TEXT, unnamed("encoder")),  # that is a name which Keras recorded
        (TEXT, unnamed(class_name="Functional")),
        (TEXT.replace("inner/", "sequential_2/"), unnamed()),  # the made-up name is the right one
        (TEXT.replace("inner/e", "inner/f").replace("inner_1/e", "inner_1/f"), unnamed()),  # not all of its layers
        (TEXT.replace("inner_1/", "other/"), unnamed()),  # two names would do
        (TEXT.replace("inner", "out"), unnamed()),  # the name is another layer's
    ],
)
def test_near_misses(text, layers):
    assert named_as_in(from_graph_def(graph_def(text)), layers) is layers


def test_on_a_real_log():
    log = LOGS / "keras216_sequential_in_sequential"
    report = compare(log, model=log / "model.json")
    [finding] = [finding for finding in report.findings if finding.code == "GD101"]
    # Both edges lead from inside the nested model; Keras has one from the whole of it to "od".
    assert finding.edges == (("inner/ib", "ob"), ("inner/ib", "od"))
    assert report.layer_graph.inputs == ("inner_input",)
