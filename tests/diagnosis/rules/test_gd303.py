"""GD303 shared-parameters."""

from __future__ import annotations

import pytest
from tensorboard.compat.proto.types_pb2 import DT_COMPLEX64, DT_FLOAT, DT_INT8, DT_INT32, DT_INT64

from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.diagnosis.finding import Verdict
from graphdiag.graphs.op_graph import from_graph_def
from tests.diagnosis.found import in_graph, in_log
from tests.support.graph_text import graph_def
from tests.support.layers import layer_graph

LAYERS = layer_graph([("x", "enc"), ("enc", "mid"), ("mid", "dec")], inputs=["x"])
TEXT = """
    x Feed
    enc/kernel VariableV2
    enc/kernel/read Identity enc/kernel
    enc/MatMul MatMul x enc/kernel/read
    mid/Relu Relu enc/MatMul
    dec/Transpose Transpose enc/kernel/read
    dec/MatMul MatMul mid/Relu dec/Transpose
"""


def test_one_layer_uses_anothers_weights():
    [finding] = in_graph("GD303", TEXT, LAYERS)
    assert (finding.verdict, finding.culprits) == (Verdict.HIDDEN, ("enc/kernel/read",))
    assert (finding.edges, finding.carries) == ((("enc", "dec"),), ("parameter",))
    assert finding.message.startswith("1 drawn layer edge carries parameters from enc/kernel/read")


def test_calls_of_a_shared_layer_share_nothing_with_another():
    layers = layer_graph([("x", "enc"), ("enc", "enc"), ("enc", "mid")], inputs=["x"], calls={"enc": 2})
    text = TEXT.replace("dec/", "enc_1/").replace("mid/Relu Relu enc/MatMul", "mid/Relu Relu enc_1/MatMul")
    text = text.replace("MatMul mid/Relu enc_1/Transpose", "MatMul enc/MatMul enc_1/Transpose")
    assert in_graph("GD303", text, layers) == []


def test_what_was_computed_with_the_weights_is_an_activation():
    text = TEXT.replace("Transpose enc/kernel/read", "Transpose enc/MatMul")
    assert in_graph("GD303", text, LAYERS) == []
    assert [finding.edges for finding in in_graph("GD301", text, LAYERS)] == [(("enc", "dec"),)]


@pytest.mark.parametrize("dtype", [DT_FLOAT, DT_COMPLEX64, DT_INT8, DT_INT32, DT_INT64])
def test_a_variable_that_a_traced_function_captures(dtype):
    text = """
        x Argument
        enc_kernel Handle
        enc/Read ReadVariableOp enc_kernel
        enc/MatMul MatMul x enc/Read
        mid/Relu Relu enc/MatMul
        dec/Read ReadVariableOp enc_kernel
        dec/MatMul MatMul mid/Relu dec/Read
    """
    graph = graph_def(text)
    for node in graph.node:
        if node.op == "ReadVariableOp":
            node.attr["dtype"].type = dtype
    findings = diagnose(analyze(from_graph_def(graph), LAYERS))
    found = [(finding.culprits, finding.edges) for finding in findings if finding.code == "GD303"]
    assert found == [(("enc_kernel",), (("enc", "dec"),))]


def test_the_museums_model():
    [finding] = in_log("GD303", "keras216_weight_tying")
    assert finding.edges == (("enc", "tied"),)


READ_BY_ANOTHER = """
    x Feed
    mine/kernel VarHandleOp
    mine/Read ReadVariableOp mine/kernel
    mine/MatMul MatMul x mine/Read
    other/Read ReadVariableOp mine/kernel
    other/MatMul MatMul mine/MatMul other/Read
"""


@pytest.mark.parametrize(
    ("mine", "other", "hidden"),
    [
        ("Dense", "Lambda", True),
        ("Permute", "Lambda", True),  # a Lambda tracks nothing
        ("Dense", "Dense", True),
        ("Dense", "Wrapper", False),  # it may hold the Dense layer
        ("Dense", "Bidirectional", False),
        ("Quantizer", "Lookup", False),
    ],
)
@pytest.mark.parametrize("captured", [False, True], ids=["in the layer's scope", "outside of all layers"])
def test_in_a_file_a_layer_may_hold_the_one_whose_variable_it_reads(mine, other, hidden, captured):
    layers = layer_graph([("x", "mine"), ("mine", "other")], inputs=["x"], classes={"mine": mine, "other": other})
    text = READ_BY_ANOTHER
    if captured:
        text = text.replace("mine/kernel VarHandleOp", "kernel Handle").replace("mine/kernel", "kernel")
    found = [finding.edges for finding in in_graph("GD303", text, layers)]
    assert found == ([(("mine", "other"),)] if hidden else [])
