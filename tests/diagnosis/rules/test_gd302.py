"""GD302 untracked-layer."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest
import tensorflow as tf
import tf_keras
from tensorboard.compat.proto.types_pb2 import DT_FLOAT

from graphdiag import compare
from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.diagnosis.finding import Finding, Severity, Verdict
from graphdiag.graphs.op_graph import from_graph_def
from tests.diagnosis.found import in_graph, in_log
from tests.support.graph_text import FIXTURES, graph_def
from tests.support.layers import layer_graph
from tests.support.reports import report_on

GATED = layer_graph([("x", "body"), ("body", "gated")], inputs=["x"], classes={"gated": "Lambda"})
GATE = """
    x Feed
    gate/kernel VariableV2
    gate/MatMul MatMul x gate/kernel
    body/MatMul MatMul x
    gated/Mul Mul body/MatMul gate/MatMul
"""


def test_a_layer_inside_a_lambda_of_a_live_model():
    report = compare(FIXTURES / "models" / "closure_layer_keras3.py")
    [finding] = [finding for finding in report.findings if finding.code == "GD302"]
    assert finding.edges == (("closure_layer_1/unknown_1/stray_1", "unknown"),)
    assert all("stray_1" in culprit for culprit in finding.culprits)


def test_a_layer_with_weights_that_calls_a_stray_one():
    class Borrower(keras.layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(name="scale", shape=())

        def call(self, inputs):
            return stray(inputs) * self.scale

    stray = keras.layers.Dense(4, name="stray")
    entry = keras.Input((4,), name="entry")
    once = Borrower(name="once")(entry)
    model = keras.Model(entry, Borrower(name="twice")(once), name="borrowing")
    findings = [finding for finding in compare(model).findings if finding.verdict is Verdict.HIDDEN]
    assert [(finding.code, finding.edges[0][1], len(finding.culprits)) for finding in findings] == [
        ("GD302", "once", 2),
        ("GD302", "twice", 2),
    ]


def test_the_states_of_a_layer_are_its_own_affair():
    entry = tf_keras.Input(batch_shape=(2, 5, 4), name="entry")
    model = tf_keras.Model(entry, tf_keras.layers.LSTM(3, stateful=True, name="remembers")(entry), name="stateful")
    assert [finding for finding in compare(model).findings if finding.verdict is Verdict.HIDDEN] == []


READS = """
    x Feed
    {variable} Handle
    body/MatMul MatMul x
    gated/Read ReadVariableOp {variable}
    gated/Mul Mul body/MatMul gated/Read
"""


@pytest.mark.parametrize(
    ("log", "box", "edge"),
    [
        ("keras216_lambda_closes_over_tensor", "gate", ("x", "gated")),
        ("keras216_lambda_closes_over_bool", "probe", ("x", "switched")),
        ("keras216_custom_layer_closure_in_loop", "scale_source", ("x", "looped")),
    ],
)
def test_a_layer_outside_of_the_model_on_the_way(log, box, edge):
    report = report_on(log)
    [finding] = [finding for finding in report.findings if finding.code == "GD302"]
    assert (finding.culprits, finding.edges, finding.carries) == ((box,), (edge,), ("activation",))
    assert (finding.verdict, finding.severity) == (Verdict.HIDDEN, Severity.ERROR)
    # It has claimed the crossing, so the other rule for hidden dependencies has nothing to say about it.
    assert [finding.code for finding in report.findings if finding.verdict is Verdict.HIDDEN] == ["GD302"]
    assert report.summary.hidden == 1


def test_a_layer_made_inside_a_lambda():
    [finding] = in_log("GD302", "keras216_untracked_layer")
    assert finding.culprits == ("wrap/secret/kernel", "wrap/secret/bias")
    assert finding.edges == (("wrap/secret", "wrap"),)
    assert finding.carries == ("parameter",)


def test_a_lambda_that_reads_a_variable_of_nobody():
    text = READS.format(variable="stray")
    [finding] = with_float_reads(text)
    assert (finding.culprits, finding.edges) == (("stray",), (("stray", "gated"),))


def with_float_reads(text: str) -> list[Finding]:
    graph = graph_def(text)
    for node in graph.node:
        if node.op == "ReadVariableOp":
            node.attr["dtype"].type = DT_FLOAT
    return [finding for finding in diagnose(analyze(from_graph_def(graph), GATED)) if finding.code == "GD302"]


def test_state_of_a_random_generator_is_no_weight():
    text = READS.format(variable="seed")
    assert in_graph("GD302", text, GATED) == []


def test_a_variable_that_another_layer_reads_is_tracked_there():
    text = (
        "x Feed\nkernel Handle\nbody/Read ReadVariableOp kernel\nbody/MatMul MatMul x body/Read\n"
        "gated/Read ReadVariableOp kernel\ngated/Mul Mul body/MatMul gated/Read"
    )
    assert with_float_reads(text) == []


def test_ops_of_nobody_without_variables_are_no_layer():
    text = GATE.replace("gate/kernel VariableV2\n", "").replace("x gate/kernel", "x x")
    assert in_graph("GD302", text, GATED) == []
    assert [finding.edges for finding in in_graph("GD301", text, GATED)] == [(("x", "gated"),)]


def test_what_one_layer_stores_for_another_is_no_layer():
    assert in_log("GD302", "keras216_hidden_assign") == []
    assert [finding.edges for finding in in_log("GD301", "keras216_hidden_assign")] == [(("writer", "reader"),)]


@pytest.mark.parametrize(
    "log",
    [
        "keras216_outside_as_input",  # the fix
        "keras216_gate_as_input",
        "keras216_hidden_two_hops",  # through unowned ops, which have no variables: GD301's
        "keras216_dead_layer",  # leads to no layer: GD402's
        "keras216_weight_tying",
        "k3_siamese_training",
    ],
)
def test_no_untracked_layer(log):
    assert in_log("GD302", log) == []


@pytest.mark.parametrize("dtype", ["complex64", "int8", "int32"])
def test_weights_are_not_only_floats(dtype):
    weights = tf.Variable(tf.zeros((4, 4), dtype))
    entry = keras.Input((4,), name="entry")
    through = keras.layers.Lambda(lambda t: t @ tf.cast(weights, "float32"), output_shape=(4,), name="through")
    [finding] = [finding for finding in compare(keras.Model(entry, through(entry))).findings if finding.code == "GD302"]
    assert finding.edges[0][1] == "through"


@pytest.mark.parametrize("dtype", ["float32", "int64"])
@pytest.mark.parametrize("inside", ["function", "loop", "branch"])
def test_variables_that_only_a_function_reads(inside, dtype):
    numbers = tf.Variable(tf.zeros((4,), dtype))
    function = tf.function(lambda t: t + tf.cast(numbers, "float32"))
    calls = {
        "function": function,
        "loop": lambda t: tf.while_loop(lambda i, _: i < 3, lambda i, s: (i + 1, function(s)), (0, t))[1],
        "branch": lambda t: tf.cond(tf.reduce_any(t > 0), lambda: function(t), lambda: t),
    }
    entry = keras.Input((4,), batch_size=2, name="entry")
    through = keras.layers.Lambda(calls[inside], output_shape=(4,), name="through")
    found = [finding for finding in compare(keras.Model(entry, through(entry))).findings if finding.code == "GD302"]
    assert [finding.edges[0][1] for finding in found] == ["through"]
