"""GD405 frozen-variables, GD404 dead-end and GD406 estimator-clone: what is said of graphs without a layer graph."""

from __future__ import annotations

from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.diagnosis.tensorboard_view import TensorBoardView
from graphdiag.graphs.op_graph import from_graph_def
from graphdiag.tensorboard import draw
from tests.diagnosis.found import in_graph
from tests.support.graph_text import graph_def
from tests.support.layers import layer_graph


def test_weights_that_cross_are_told_in_one_finding():
    text = """
        x Feed
        a/kernel Const
        a/kernel/read Identity a/kernel
        a/bias Const
        a/bias/read Identity a/bias
        a/MatMul MatMul x a/kernel/read
        b/MatMul MatMul x a/kernel/read
        b/Add AddV2 b/MatMul a/bias/read
    """
    layers = layer_graph([("x", "a"), ("x", "b")], inputs=["x"])
    [finding] = in_graph("GD405", text, layers)
    assert "2 weights (a/kernel and a/bias) are constants" in finding.message
    assert "1 edge between boxes (a -> b) carries such weights and nothing else" in finding.message
    assert in_graph("GD105", text, layers) == []


def test_a_constant_that_was_no_variable_is_not_frozen():
    text = "x Feed\na/one Const\na/Neg Neg x\nb/copy Identity a/one\nb/Add AddV2 x b/copy"
    assert in_graph("GD405", text, layer_graph([("x", "a"), ("x", "b")], inputs=["x"])) == []


def dead_ends(text):
    graph = graph_def(text)
    context = analyze(from_graph_def(graph), None, view=TensorBoardView(drawn=draw([graph])))
    return [finding for finding in diagnose(context) if finding.code == "GD404"]


LOSS = """
    x Feed
    net/MatMul MatMul x
    net/Relu Relu net/MatMul
    loss/Square Square net/Relu
    loss/Mean Mean loss/Square
    gradients/net/Relu_grad ReluGrad net/Relu
"""


def test_a_loss_with_gradients_may_lead_nowhere():
    [finding] = dead_ends(LOSS)
    assert finding.message.startswith("loss feeds nothing, and it need not")
    assert "(net)" in finding.message


def test_a_loss_without_gradients_or_that_feeds_something_is_not_told():
    assert dead_ends(LOSS.replace("gradients/net/Relu_grad ReluGrad net/Relu", "")) == []
    assert dead_ends(LOSS + "report/Neg Neg loss/Mean") == []


def test_an_iterator_alone_makes_no_estimator():
    text = "it IteratorGetNext\na/MatMul MatMul it\na/Relu Relu a/MatMul\nglobal_step VariableV2"
    assert in_graph("GD406", text, None) == []
    scaffold = text + "\nreport_uninitialized_variables/Identity Identity global_step"
    [finding] = in_graph("GD406", scaffold, None)
    assert "it feeds a" in finding.message
