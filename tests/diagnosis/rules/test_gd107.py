"""GD107 reused-layer."""

from __future__ import annotations

import pytest

from graphdiag import compare
from graphdiag.diagnosis.finding import Verdict
from tests.diagnosis.found import in_graph, in_log
from tests.support.graph_text import LOGS
from tests.support.layers import layer_graph
from tests.support.reports import report_on

SHARED = """
    a Feed
    b Feed
    enc/kernel VariableV2
    enc/kernel/read Identity enc/kernel
    enc/MatMul MatMul a enc/kernel/read
    enc_1/MatMul MatMul b enc/kernel/read
    out/Add Add enc/MatMul enc_1/MatMul
"""
TWICE = layer_graph([("a", "enc"), ("b", "enc"), ("enc", "out")], inputs=["a", "b"], calls={"enc": 2})


def test_the_first_use_of_a_sequential_feeds_the_second():
    [finding] = in_log("GD107", "tf22_tb3118")
    assert finding.edges == (("sequential", "sequential_1"),)
    assert finding.culprits == ("sequential",)
    assert finding.carries == ("handle",)
    # A kernel and a bias in each of twelve layers: as many op edges as TensorBoard 2.21 has under its arrow.
    assert len(finding.evidence) == 24


def test_the_template_of_a_nested_model_feeds_both_calls():
    [finding] = in_log("GD107", "keras216_siamese")
    assert finding.culprits == ("encoder",)
    assert finding.edges == tuple(
        (layer, call) for layer in ("enc_a", "enc_b", "enc_bn") for call in ("encoder", "encoder_1")
    )
    assert "activation" not in finding.carries


def test_without_a_layer_graph_scopes_of_one_name_are_one_layer():
    [finding] = in_log("GD107", "tf110_shared_scope_9545")
    assert finding.edges == (("inner/conv", "inner/conv_1"), ("inner/conv", "inner/conv_2"))
    assert finding.culprits == ("inner/conv",)


@pytest.mark.parametrize("code", ["GD107", "GD112"])
def test_without_a_layer_graph_ops_of_one_call_are_no_uses_of_a_layer(code):
    # A batch normalization multiplies gamma with the rest in `mul`, and feeds it to `mul_1` and `mul_2`.
    report = compare(LOGS / "keras216_reference")
    assert [finding.message for finding in report.findings if finding.code == code] == []


def test_it_is_no_artifact_of_a_layer_edge():
    report = report_on("keras216_siamese")
    assert {finding.verdict for finding in report.findings} == {Verdict.MISPLACED}
    assert (report.summary.artifact, report.summary.hidden, report.summary.missing) == (0, 0, 0)


@pytest.mark.parametrize("log", ["tf22_shared_traced", "tf22_nested_traced", "k3_siamese_training"])
def test_variables_that_a_traced_function_takes_lie_in_no_box(log):
    assert in_log("GD107", log) == []


def test_variables_of_a_shared_layer_in_a_small_graph():
    [finding] = in_graph("GD107", SHARED, TWICE)
    assert (finding.edges, finding.carries) == ((("enc", "enc_1"),), ("parameter",))


def test_a_layer_that_is_called_on_its_own_output_really_feeds_its_later_call():
    series = SHARED.replace("MatMul b", "MatMul enc/MatMul")
    assert in_graph("GD107", series, TWICE) == []


def test_parts_of_one_call_are_no_later_use():
    once = "a Feed\nenc/kernel/read VariableV2\nenc/dot/MatMul MatMul a enc/kernel/read\nout/Add Add enc/dot/MatMul"
    assert in_graph("GD107", once, layer_graph([("a", "enc"), ("enc", "out")], inputs=["a"])) == []


def test_weights_of_another_layer_are_no_reuse():
    assert in_log("GD107", "keras216_weight_tying") == []
