"""What public logs and graphs of many stacks showed to be said wrongly, each rebuilt small."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.types_pb2 import DT_FLOAT

from graphdiag import compare
from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.finding import Blame, Verdict
from graphdiag.graphs.op_graph import from_graph_def
from graphdiag.render.headline import headline
from tests.diagnosis.found import context_of, in_graph
from tests.diagnosis.sentences import graph
from tests.support.graph_text import graph_def
from tests.support.layers import layer_graph

# --- a frozen Keras model that does not record its producer ----------------------------------------------------------

TWO_LAYERS = """
    x Feed
    a/MatMul MatMul x
    a/Relu Relu a/MatMul
    b/MatMul MatMul a/Relu
    b/Relu Relu b/MatMul
"""


def without_shape(message: GraphDef) -> GraphDef:
    """As TensorFlow 1.0 and before wrote a placeholder of any shape."""
    [feed] = [node for node in message.node if node.op == "Placeholder"]
    feed.attr["shape"].shape.Clear()
    feed.attr["shape"].shape.SetInParent()
    return message


@pytest.mark.parametrize(("producer", "artifacts"), [(0, 0), (21, 0), (22, 0)])
def test_the_only_input_is_no_flag(producer, artifacts):
    message = without_shape(graph_def(TWO_LAYERS))
    message.versions.producer = producer
    context = analyze(from_graph_def(message), None)
    assert len(context.unexplained) == artifacts


def test_a_scalar_beside_an_input_is_a_flag():
    text = "x Feed\nn/train Flag\nn/Switch Switch x n/train\nn/Neg Neg n/Switch\nm/Switch Switch n/Neg n/train"
    message = graph_def(text)
    message.versions.producer = 27
    for node in message.node:
        if node.name == "n/train":
            node.attr["dtype"].type = DT_FLOAT
    context = analyze(from_graph_def(message), None)
    assert context.ownership.inputs_found
    alone = analyze(
        from_graph_def(graph_def("train Flag\na/Neg Neg train\na/Abs Abs a/Neg\nb/Neg Neg a/Abs\nb/Abs Abs b/Neg")),
        None,
    )
    assert not alone.ownership.inputs_found


# --- raw ops of TensorFlow 1 at the root -----------------------------------------------------------------------------


def test_an_op_at_the_root_with_a_scope_for_its_shape_is_no_layer():
    text = """
        x Feed
        att/MatMul MatMul x
        att/BiasAdd BiasAdd att/MatMul
        Shape Shape x
        Reshape_5/shape Pack Shape
        Reshape_5 Reshape att/BiasAdd Reshape_5/shape
        ones_like/Shape Shape Reshape_5
        ones_like Fill ones_like/Shape
        head/Mul Mul Reshape_5 ones_like
        head/Relu Relu head/Mul
    """
    context = context_of(text, None)
    assert sorted(context.ownership.owners) == ["att", "head"]
    assert not context.unexplained
    # What has weights is more than an op, whatever one of its ops is called.
    weights = text.replace(
        "Reshape_5/shape Pack Shape", "Reshape_5/w VariableV2\n        Reshape_5/shape Mul Shape Reshape_5/w"
    )
    assert "Reshape_5" in context_of(weights, None).ownership.owners


# --- a callback of TensorFlow 2 whose train function is one call -----------------------------------------------------


CROWD = "\n".join(
    f"{letter}_resource Handle\nnet/Read_{letter} ReadVariableOp {letter}_resource\nhead_{letter}/Neg Neg net/MatMul"
    for letter in "abcdefgh"
)


def test_the_handle_of_an_iterator_is_no_variable():
    text = f"iterator Handle\nIteratorGetNext IteratorGetNext iterator\nnet/MatMul MatMul IteratorGetNext\n{CROWD}"
    said = graph(text, drawn=True)()["GD116"]
    assert said.startswith("8 boxes (a_resource, b_resource and 6 more) are variables")
    assert "iterator" not in said


def test_an_iterator_that_only_a_function_takes_is_no_variable():
    from graphdiag.diagnosis.handles import captured_handles

    message = graph_def(
        "iterator Handle\nweight Handle\nStatefulPartitionedCall StatefulPartitionedCall iterator weight"
    )
    call = message.node[2]
    call.attr["f"].func.name = "one_step"
    function = message.library.function.add()
    function.signature.name = "one_step"
    for name in ("iterator", "weight"):
        function.signature.input_arg.add(name=name, type=20)
    function.node_def.add(name="next", op="IteratorGetNext", input=["iterator"])
    function.node_def.add(name="read", op="ReadVariableOp", input=["weight"])
    handles = captured_handles(analyze(from_graph_def(message), None))
    assert [*handles.of_model, *handles.of_training] == ["weight"]


def _model() -> dict[str, Any]:
    def layer(name: str, class_name: str, before: str = "") -> dict[str, Any]:
        nodes = [[[before, 0, 0, {}]]] if before else []
        return {"name": name, "class_name": class_name, "config": {"name": name}, "inbound_nodes": nodes}

    layers = [layer("x", "InputLayer"), layer("a", "ReLU", "x"), layer("b", "Negative", "a")]
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [["b", 0, 0]]}
    return {"class_name": "Model", "config": {"name": "m", "layers": layers, **ends}, "keras_version": "2.4.0"}


def test_none_is_said_where_no_edge_is_drawn(tmp_path):
    # The whole step runs in a function, as with the callback of Keras 3.5.
    body = "x Argument\na/Relu Relu x\nb/Neg Neg a/Relu"
    message = graph_def("x Argument\nStatefulPartitionedCall StatefulPartitionedCall x")
    message.node[1].attr["f"].func.name = "one_step"
    function = message.library.function.add()
    function.signature.name = "one_step"
    function.signature.input_arg.add(name="x", type=DT_FLOAT)
    for node in graph_def(body).node[1:]:
        function.node_def.add().CopyFrom(node)
        function.node_def[-1].input[0] = {"x": "x", "a/Relu": "a/Relu:activations:0"}[node.input[0]]
    path = tmp_path / "graph.pb"
    path.write_bytes(message.SerializeToString())
    model = tmp_path / "model.json"
    model.write_text(json.dumps(_model()))
    report = compare(path, model=model)
    assert headline(report) == (
        "None of the 2 layer edges of your model is drawn; see GD205. No artifact and no hidden dependency was found."
    )
    assert not any("edges through" in note for note in report.notes)


# --- SavedModels: nobody has them on screen --------------------------------------------------------------------------


def test_of_a_saved_model_nothing_was_moved_on_screen():
    text = f"x Argument\nnet/MatMul MatMul x\n{CROWD}"
    assert "GD116" in graph(text, drawn=True)()
    imagined = graph(text, drawn=True, imagined=True)()
    assert "GD116" not in imagined
    assert "TensorBoard moved" not in "".join(imagined.values())


# --- gradients under a name of the user's ----------------------------------------------------------------------------


def test_places_inside_a_scope_are_told_apart():
    text = """
        x Feed
        outer/group/first Relu x
        outer/between/MatMul MatMul outer/group/first
        outer/group/second Relu outer/between/MatMul
        outer/end/Neg Neg outer/group/second
        tail/Abs Abs outer/end/Neg
    """
    said = graph(text, drawn=True)()["GD117"]
    assert "first leads from x to outer/between, second leads from outer/between to outer/end" in said


# --- numbers that a Lambda draws -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("class_name", "blame"), [("Lambda", Blame.MODEL), ("GaussianNoise", Blame.KERAS)])
def test_who_draws_random_numbers_is_who_shares_them(class_name, blame):
    layers = layer_graph([("x", "a"), ("a", "b"), ("b", "c")], inputs=["x"], classes={"a": class_name})
    text = "x Feed\na/noise RandomUniform\na/Mul Mul x a/noise\nb/Mul Mul a/Mul\nc/Sub Sub b/Mul a/noise"
    [finding] = in_graph("GD106", text, layers)
    assert (finding.verdict, finding.blame) == (Verdict.ARTIFACT, blame)
