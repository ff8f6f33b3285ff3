"""What people saw and asked about, each on the real log or model: the right answer, and in the first screen."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest

from graphdiag import compare
from graphdiag.diagnosis.finding import Verdict
from graphdiag.errors import ModelError
from graphdiag.output import plain
from graphdiag.render.headline import headline
from graphdiag.render.text.report import render, to_text
from graphdiag.results.document import from_dict
from graphdiag.results.report import Report
from tests.diagnosis.found import context_of, in_graph
from tests.support.graph_text import FIXTURES, LOGS, REPORTS
from tests.support.layers import layer_graph
from tests.support.reports import report_on

LINES, COLUMNS = 24, 80
"""A terminal, as it opens."""


@cache
def first_screen(name: str, model: bool = True) -> str:
    return on_first_screen(report_on(name, model))


def on_first_screen(report: Report) -> str:
    text = "\n".join(plain(render(report), COLUMNS).splitlines()[:LINES])
    return re.sub(r"\s+", " ", text)


def codes(name: str, model: bool = True) -> list[str]:
    return list(dict.fromkeys(finding.code for finding in report_on(name, model).findings))


@cache
def live(name: str) -> dict:
    return compare(FIXTURES / "models" / f"{name}.py").to_dict()


# --- after a quantizer, edges that Keras does not have ---------------------------------------------------------------


def test_a_rewriter_is_no_closure_in_the_users_code():
    report = report_on("quantize_rewriter")
    assert (report.summary.hidden, report.summary.artifact, report.summary.missing) == (0, 0, 0)
    said = first_screen("quantize_rewriter")
    assert "A quantizer changed this graph after the model was built" in said
    assert "not a closure in your code, and what flows there is real" in said
    # Each edge that Keras lacks is named, and those of Keras that lead through the quantizer's ops.
    assert "act -> cv, bn -> cv, cv -> act and cv -> flat" in said
    assert "Instead of bn -> act and act -> flat the way leads through them." in said
    assert "before the quantizer is called" in said


def test_a_closure_in_a_quantized_graph_is_still_the_users():
    text = """
        x Feed
        a/MatMul MatMul x
        b/MatMul MatMul x
        b/act_quant/FakeQuantWithMinMaxVars FakeQuantWithMinMaxVars a/MatMul
        b/Add AddV2 b/MatMul b/act_quant/FakeQuantWithMinMaxVars
        c/Mul Mul b/Add a/MatMul
    """
    layers = layer_graph([("x", "a"), ("x", "b"), ("b", "c")], inputs=["x"])
    [rewritten] = in_graph("GD113", text, layers)
    assert rewritten.edges == (("a", "b"),)
    [hidden] = in_graph("GD301", text, layers)
    assert hidden.edges == (("a", "c"),)


def test_a_fused_graph_is_named_with_the_layers_that_are_gone():
    report = compare(REPORTS / "rewritten" / "fused.pb", model=REPORTS / "rewritten" / "model.json")
    assert (report.summary.hidden, report.summary.artifact, report.summary.missing) == (0, 0, 0)
    assert "1 op (as _FusedBatchNormEx) is its own. r1 has no op any more" in on_first_screen(report)
    before = compare(REPORTS / "rewritten" / "before_fusing.pb", model=REPORTS / "rewritten" / "model.json")
    assert "GD113" not in {finding.code for finding in before.findings}


def test_constants_that_a_quantizer_shares_are_no_artifacts():
    report = report_on("rewritten/quantized.pb")
    assert report.summary.artifact == 0
    assert "56 ops (as QuantizeV2, QuantizedConv2D, Dequantize and 4 more) are its own" in on_first_screen(report)
    assert "contrib" not in on_first_screen(report)
    assert "GD113" not in {finding.code for finding in report_on("rewritten/before_quantizing.pb").findings}


# --- replicas and an estimator ---------------------------------------------------------------------------------------


def test_a_replica_is_the_same_model_again():
    report = report_on("mirrored_estimator")
    assert report.summary.met("any") is False
    said = first_screen("mirrored_estimator")
    assert "replica_1 repeats lower, norm and upper: the same model, built once more for" in said
    assert "with copies of the weights" in said
    assert "group_deps to group_deps_27 are NoOps" in said
    assert "IteratorGetNext and IteratorGetNext_1 feed lower and replica_1" in said


def test_a_tower_that_is_another_model_is_no_replica():
    alike = """
        x Feed
        tower_0/conv/MatMul MatMul x
        tower_0/conv/Relu Relu tower_0/conv/MatMul
        tower_1/conv/MatMul MatMul x
        tower_1/conv/Relu Relu tower_1/conv/MatMul
    """
    [finding] = in_graph("GD114", alike, None)
    assert "tower_1 repeats" in finding.message
    assert "tower_0" in finding.message
    assert in_graph("GD114", alike.replace("tower_1/conv/Relu Relu", "tower_1/head/Tanh Tanh"), None) == []


# --- a subclassed model ----------------------------------------------------------------------------------------------


def test_of_a_subclassed_model_the_callback_writes_no_graph_at_all():
    report = live("subclassed_net_keras3")
    assert report["findings"] == []
    assert "writes no graph at all of a subclassed model" in report["notes"][-1]


def test_an_eager_trace_is_a_heap_of_single_ops():
    said = first_screen("subclassed_eager_trace")
    assert "Each of the 4 graphs of this trace is a single op (ReadVariableOp (2), MatMul and BiasAdd)" in said
    assert "the model was called eagerly" in said
    assert "carries activations" not in said
    # What the fix says was done for this log.
    assert codes("k3_subclassed_traced") == []
    report = compare(REPORTS / "subclassed_eager_trace", model=FIXTURES / "files" / "k3_siamese.keras")
    assert headline(report).startswith("This trace holds single ops and no model")
    assert report.edges == ()
    assert report.notes == ("No layer can be seen in this trace, so the model is left out.",)


def test_a_function_that_ran_before_is_not_in_a_trace():
    said = first_screen("k3_traced_when_run_before")
    assert "had run before; TensorFlow records a tf.function when it first runs" in said


def test_what_makes_the_variables_is_traced_as_well():
    said = first_screen("k3_traced_while_built")
    assert "14 of them are single ops" in said
    assert "Call the model once before tf.summary.trace_on, outside of the tf.function" in said
    assert codes("k3_traced_while_built") == ["GD115"]


# --- TF 1: conv1 and conv2 are not connected -------------------------------------------------------------------------


def test_layers_that_bookkeeping_pulls_out_of_the_picture_come_first():
    said = first_screen("unconnected_conv")
    assert codes("unconnected_conv")[0] == "GD110"
    assert "TensorBoard moved conv1, conv2, local3 and softmax_linear to 'Auxiliary Nodes'" in said
    assert "norm1 -> conv2" in said
    assert "Of the 11 boxes that conv1 leads to, only pool1 takes activations. ExponentialMovingAverage, " in said
    assert "IsVariableInitialized_[1-7] and 4 more are no part of the model." in said
    assert not {"GD105", "GD107", "GD112"} & set(codes("unconnected_conv"))


# --- a traced training step ------------------------------------------------------------------------------------------


def test_captured_handles_are_weights_and_slots():
    said = first_screen("train_step_trace")
    assert codes("train_step_trace")[0] == "GD116"
    assert "4 weights of the model, and 10 of the optimizer and the like (slots, counters)" in said
    assert "Trace a call of the model instead of the training step" in said


def test_a_subclassed_model_may_be_given_and_has_no_edges():
    report = compare(REPORTS / "train_step_trace", model=FIXTURES / "models" / "subclassed_net_keras3.py")
    assert report.layer_graph is None
    assert any("Keras records no edges between the layers of a subclassed model" in note for note in report.notes)
    assert "GD116" in {finding.code for finding in report.findings}


# --- a SavedModel as one box -----------------------------------------------------------------------------------------


def test_a_saved_model_that_was_imported_is_in_one_function():
    said = first_screen("savedmodel_import")
    assert "import/StatefulPartitionedCall runs __inference_signature_wrapper_513" in said
    assert "Give graphdiag the SavedModel directory itself" in said


# --- a GAN: the loss feeds nothing -----------------------------------------------------------------------------------


def test_a_loss_may_lead_nowhere():
    said = first_screen("gan_without_model")
    assert codes("gan_without_model")[0] == "GD404"
    assert "loss feeds nothing, and it need not" in said
    assert "do not read its value" in said


# --- a loop, because one layer is used at several places -------------------------------------------------------------


def test_a_loop_of_calls_is_told_with_its_places():
    said = first_screen("tfk_relu_called_twice")
    assert "The loop in block through relu, c2, bn2 and plus is only on screen" in said
    assert "Relu leads from bn1 to c2, Relu_1 leads from plus to gap" in said
    assert "make a new ReLU at each place" in said
    assert "GD117" not in codes("tfk_relu_at_each_place")


def test_the_loop_is_found_in_the_live_model_too():
    [finding] = [finding for finding in live("relu_called_twice_tf_keras")["findings"] if finding["code"] == "GD117"]
    assert finding["culprits"] == ["block/relu"]


# --- an input that reaches no output ---------------------------------------------------------------------------------


def test_an_unused_input_is_told_by_name():
    [finding] = [finding for finding in live("unused_input_keras3")["findings"] if finding["code"] == "GD403"]
    assert finding["culprits"] == ["right"]
    assert (
        "right is an input of the model, and no path leads from it to an output (total and side)"
        in (finding["message"])
    )
    assert "right is an input of the model" in first_screen("k3_unused_input")


def test_a_placeholder_that_no_op_takes_is_told_without_a_layer_graph():
    text = "x Feed\ny Feed\na/MatMul MatMul x\na/Relu Relu a/MatMul"
    [finding] = in_graph("GD403", text, None)
    assert finding.culprits == ("y",)
    assert in_graph("GD403", text.replace("a/Relu Relu a/MatMul", "a/Add AddV2 a/MatMul y"), None) == []


# --- alternatives in the function library ----------------------------------------------------------------------------


def test_alternatives_of_which_one_runs_are_no_second_computation():
    report = report_on("tfk_lstm_gradients")
    said = first_screen("tfk_lstm_gradients")
    assert "are alternatives of one function (lstm), of which one runs: a layer is not computed twice" in said
    order = [finding.code for finding in report.findings]
    # What is on screen comes before what is in the bodies of functions.
    assert order.index("GD116") < order.index("GD205") < order.index("GD109")


def test_each_call_of_a_shared_layer_has_alternatives_of_its_own():
    said = first_screen("tfk_shared_gru_gradients")
    assert (
        "__inference_standard_gru_1398 and __inference_gpu_gru_with_fallback_1485 are alternatives of one function "
        "(gru), of which one runs, and so are those of 1 more such function: a layer is not computed twice."
    ) in said


def test_functions_that_do_not_stand_for_one_another_are_no_alternatives():
    assert "alternatives" not in first_screen("tfk_in_function")


# --- a nested model with two inputs and two outputs -------------------------------------------------------------------


def test_edges_into_a_nested_model_of_several_inputs_are_lost_by_name():
    said = first_screen("k3_nested_callback")
    assert (
        "shows 2 of 4 layer edges. x -> inner/p and y -> inner/q are lost because the nested model inner has " in said
    )
    assert "several inputs, and TensorBoard gives those no source" in said
    # Of a nested model of one input all is shown, whatever its outputs are.
    assert "GD201" not in codes("k3_nested_one_input_callback")


def test_the_second_call_of_a_nested_model_is_not_drawn():
    [finding] = [finding for finding in live("nested_keras3")["findings"] if finding["code"] == "GD201"]
    assert finding["edges"] == [["right", "encoder/first"]]
    assert "TensorBoard draws the first call of the nested model encoder only" in finding["message"]


# --- frozen graphs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tf1_frozen/frozen.pb", "tf1_frozen/tf2_frozen.pb"])
def test_a_frozen_graph_has_one_finding(name):
    report = report_on(name)
    assert [finding.code for finding in report.findings] == ["GD405"]
    assert "the graph was frozen" in report.findings[0].message


# --- a killed run ----------------------------------------------------------------------------------------------------


def test_a_truncated_log_is_read_up_to_its_last_whole_record(tmp_path):
    [log] = (LOGS / "keras216_reference").glob("events*")
    (tmp_path / "events.out.tfevents.1.killed").write_bytes(log.read_bytes() + b"\x40\x00\x00\x00\x00\x00\x00\x00\x00")
    report = compare(tmp_path, model=LOGS / "keras216_reference" / "model.json")
    assert report.summary.artifact == 8
    assert any("whole record" in note for note in report.notes), report.notes


# --- words -----------------------------------------------------------------------------------------------------------


def test_the_rank_of_a_computed_tensor_is_no_constant_of_its_own():
    text = """
        x Feed
        a/w VariableV2
        a/MatMul MatMul x a/w
        a/axis Const
        a/ArgMax ArgMax a/w a/axis
        b/Rank Rank a/ArgMax
        b/MatMul MatMul x b/Rank
    """
    layers = layer_graph([("x", "a"), ("x", "b")], inputs=["x"])
    assert in_graph("GD105", text, layers) == []
    [finding] = in_graph("GD103", text, layers)
    assert "only the rank of a/ArgMax" in finding.message
    # A constant is one.
    [constant] = in_graph("GD105", "x Feed\na/one Const\na/Neg Neg x\nb/Add AddV2 x a/one", layers)
    assert constant.culprits == ("a/one",)


def test_a_learning_phase_at_the_root_is_where_it_should_be():
    report = report_on("keras216_learning_phase_first", model=False)
    assert "GD101" not in {finding.code for finding in report.findings}
    assert report.summary.artifact == 0


def test_of_a_sequential_model_no_edge_is_lost_that_keras_did_not_write(tmp_path):
    report = live("sequential_tf_keras")
    assert "GD201" not in {finding["code"] for finding in report["findings"]}


def test_what_is_ignored_stays_true():
    log = LOGS / "keras216_reference"
    whole = compare(log, model=log / "model.json")
    report = compare(log, model=log / "model.json", ignore=["GD101"])
    assert "GD101" not in {finding.code for finding in report.findings}
    assert report.edges == whole.edges
    assert to_text(report).startswith("8 layer edges differ, explained by rules that are ignored (GD101).")
    assert report.summary.met("any") is False


@pytest.mark.parametrize(
    ("name", "ignored", "said"),
    [
        (
            "keras216_siamese",
            ["GD107", "GD112"],
            "Your model has 7 layer edges, and TensorBoard's op graph has the same. No artifact and no hidden "
            "dependency was found. What looks different on screen: reused-layer (GD107, ignored) and duplicated-layer "
            "(GD112, ignored).",
        ),
        (
            "quantize_rewriter",
            ["GD113"],
            "Your model has 5 layer edges. No artifact and no hidden dependency was found. What looks different on "
            "screen: rewritten-graph (GD113, ignored).",
        ),
        (
            "k3_reference_callback",
            ["GD204"],
            "Your model has 27 layer edges. There is no op graph to hold it against: TensorBoard shows the conceptual "
            "graph only.",
        ),
        (
            "subclassed_eager_trace",
            ["GD207"],
            "This trace holds single ops and no model (GD207), so nothing can be said about its layers.",
        ),
    ],
)
def test_what_is_ignored_is_on_screen_all_the_same(name, ignored, said):
    place = next(place / name for place in (LOGS, REPORTS) if (place / name).exists())
    model = place / "model.json"
    report = compare(place, model=model if model.exists() else None, ignore=ignored)
    assert not {finding.code for finding in report.findings} & set(ignored)
    assert headline(report) == said
    assert headline(from_dict(json.loads(json.dumps(report.to_dict())))) == said


def test_pytorch_is_named_and_nothing_is_claimed():
    report = report_on("pytorch_add_graph")
    assert report.findings == ()
    assert all(edge.verdict is None for edge in report.edges)
    said = to_text(report)
    assert said.startswith("This is a graph of PyTorch.")
    assert "Keras" not in said
    assert "TensorFlow" not in said
    assert report.drawn_graph is not None
    with pytest.raises(ModelError, match="PyTorch"):
        compare(REPORTS / "pytorch_add_graph", model=LOGS / "keras216_reference" / "model.json")


def test_without_a_layer_graph_nothing_beside_the_layers_is_an_artifact():
    text = """
        x Feed
        flag Flag
        conv/MatMul MatMul x
        conv/Relu Relu conv/MatMul
        top/MatMul MatMul conv/Relu
        mul/y Const
        mul Mul top/MatMul mul/y
        loss/one Const
        loss/Mean Mean mul loss/one
        accuracy/zero Const
        accuracy/Equal Equal top/MatMul accuracy/zero
        conv/hist HistogramSummary conv/Relu
        save/Const Const
        save/SaveV2 SaveV2 save/Const
        batch/size Const
        top/Reshape Reshape top/MatMul loss/one
    """
    context = context_of(text, None)
    assert sorted(context.ownership.owners) == ["conv", "top"]
    assert not context.unexplained


def test_every_verdict_of_the_new_rules_leaves_the_exit_status_alone():
    for name in (
        "quantize_rewriter",
        "mirrored_estimator",
        "train_step_trace",
        "gan_without_model",
        "unconnected_conv",
    ):
        assert report_on(name).summary.met("any") is False
        assert not any(finding.verdict in (Verdict.ARTIFACT, Verdict.HIDDEN) for finding in report_on(name).findings), (
            name
        )


def test_saved_reports_have_the_same_words():
    for name in ("quantize_rewriter", "gan_without_model", "pytorch_add_graph"):
        report = report_on(name)
        again = from_dict(json.loads(json.dumps(report.to_dict())))
        assert to_text(again) == to_text(report)


# --- scopes and outputs ----------------------------------------------------------------------------------------------


def test_a_name_scope_around_layers_has_no_effect():
    [finding] = live("name_scope_keras3")["findings"]
    assert (finding["code"], finding["culprits"]) == ("GD118", ["d1", "d2"])
    assert "'block_a' (line 8) has no effect" in finding["message"]
    assert live("name_scope_as_model_keras3")["findings"] == []


def test_a_block_that_overrides_call_is_not_seen():
    [finding] = live("own_call_keras3")["findings"]
    assert (finding["code"], finding["culprits"]) == ("GD118", ["first", "second"])
    assert "The class Block (line 7) overrides __call__" in finding["message"]
    assert live("own_call_mended_keras3")["findings"] == []


def test_the_second_output_of_a_gru_is_told():
    said = first_screen("k3_gru_callback")
    assert "the second result of gru, which feeds o as well" in said
