"""GD117 loop-of-calls."""

from __future__ import annotations

from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.diagnosis.tensorboard_view import TensorBoardView
from graphdiag.graphs.op_graph import from_graph_def
from graphdiag.tensorboard import draw
from tests.diagnosis.found import in_log
from tests.support.graph_text import graph_def

LOOP = """
    x Feed
    group/first Relu x
    between/MatMul MatMul group/first
    group/second Relu between/MatMul
    end/Neg Neg group/second
"""


def loops(text):
    graph = graph_def(text)
    context = analyze(from_graph_def(graph), None, view=TensorBoardView(drawn=draw([graph])))
    return [finding for finding in diagnose(context) if finding.code == "GD117"]


def test_a_scope_that_is_entered_again_makes_a_loop():
    [finding] = loops(LOOP)
    assert finding.culprits == ("group",)
    assert "first leads from x to between, second leads from between to end" in finding.message
    assert "layer" not in finding.message.split("only on screen")[1].split("ops of several places")[0]
    assert finding.fix.startswith("Enter each name scope once")


def test_no_loop_where_each_scope_is_entered_once():
    assert loops(LOOP.replace("group/second", "again/second")) == []


def test_a_loop_of_ops_is_no_matter_of_boxes():
    real = """
        x Feed
        loop/Enter Enter x
        loop/Merge Merge loop/Enter body/NextIteration
        body/NextIteration NextIteration loop/Merge
    """
    assert loops(real) == []


def test_an_optimizer_in_the_scope_of_the_model_is_named():
    step = """
        x Feed
        step/net/MatMul MatMul x
        gradients/MatMul_grad MatMul step/net/MatMul
        step/adam/Mul Mul gradients/MatMul_grad
        step/adam/Sub Sub step/adam/Mul
    """
    [finding] = loops(step)
    assert "The box step holds ops of the model, and step/adam as well." in finding.message
    assert finding.fix.startswith("Leave the scope step before step/adam is called.")


def test_layers_whose_names_begin_alike_share_a_box():
    [finding] = in_log("GD117", "keras216_slash_names")
    assert "The box conv1 holds the layers conv1/conv, conv1/bn, conv1/relu and conv1" in finding.message
    assert "calls of the layer" not in finding.message


def test_gradients_are_bookkeeping():
    step = """
        x Feed
        net/MatMul MatMul x
        gradients/A_grad MatMul net/MatMul
        AddN AddN gradients/A_grad
        gradients/B_grad MatMul AddN
        gradients/C_grad MatMul gradients/B_grad
    """
    [finding] = loops(step)
    assert "gradients is bookkeeping" in finding.message
    assert finding.fix == "None is needed: no layer is in the loop."
