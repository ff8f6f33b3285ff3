"""GD101 shared-learning-phase."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest

from graphdiag import compare
from graphdiag.diagnosis.finding import Blame, Severity, Verdict
from tests.diagnosis.found import in_graph
from tests.support.layers import layer_graph

LAYERS = layer_graph([("x", "n"), ("n", "d"), ("d", "m"), ("m", "e")], inputs=["x"])
TEXT = """
    x Feed
    n/keras_learning_phase/input Const
    n/keras_learning_phase Flag n/keras_learning_phase/input
    n/Switch Switch x n/keras_learning_phase
    d/MatMul MatMul n/Switch
    m/Switch Switch d/MatMul n/keras_learning_phase
    m/pred_id Identity n/keras_learning_phase
    e/Switch Switch m/Switch n/keras_learning_phase
"""


def test_one_flag_feeds_all():
    [finding] = in_graph("GD101", TEXT, LAYERS)
    assert (finding.verdict, finding.blame, finding.severity) == (Verdict.ARTIFACT, Blame.KERAS, Severity.WARNING)
    assert finding.culprits == ("n/keras_learning_phase",)
    assert finding.edges == (("n", "e"), ("n", "m"))
    assert finding.carries == ("flag",)
    assert [(evidence.target, evidence.target_type) for evidence in finding.evidence] == [
        ("m/Switch", "Switch"),
        ("m/pred_id", "Identity"),
        ("e/Switch", "Switch"),
    ]
    assert finding.message.startswith("2 drawn layer edges come from one op, n/keras_learning_phase: ")


def test_an_edge_that_keras_has_is_none_of_them():
    layers = layer_graph([("x", "n"), ("n", "d"), ("d", "m"), ("m", "e"), ("n", "m")], inputs=["x"])
    [finding] = in_graph("GD101", TEXT, layers)
    assert finding.edges == (("n", "e"),)


def test_one_edge_is_spoken_of_as_one():
    layers = layer_graph([("x", "n"), ("n", "d"), ("d", "m"), ("m", "e"), ("n", "m")], inputs=["x"])
    [finding] = in_graph("GD101", TEXT, layers)
    assert finding.message.startswith("1 drawn layer edge comes from")


@pytest.mark.parametrize(
    "changed",
    [
        # at the root it stands in nobody's box
        TEXT.replace("n/keras_learning_phase", "keras_learning_phase"),
        # another flag is GD102's
        TEXT.replace("keras_learning_phase", "phase_train"),
        # a layer may be named so, and carry activations
        TEXT.replace("n/keras_learning_phase Flag n/keras_learning_phase/input", "n/keras_learning_phase Relu x"),
    ],
)
def test_near_misses(changed):
    assert in_graph("GD101", changed, LAYERS) == []


def test_a_bool_computed_from_an_activation_and_the_flag_is_no_flag():
    text = TEXT.replace(
        "    m/Switch Switch d/MatMul n/keras_learning_phase",
        "    n/And LogicalAnd n/Switch n/keras_learning_phase\n    m/Switch Switch d/MatMul n/And",
    )
    [hidden] = in_graph("GD301", text, LAYERS)
    assert hidden.edges == (("n", "m"),)
    [flag] = in_graph("GD101", text, LAYERS)
    assert {evidence.target for evidence in flag.evidence} == {"m/pred_id", "e/Switch"}


def test_a_learning_phase_at_the_root_is_nobodys(tmp_path):
    script = tmp_path / "model.py"
    script.write_text(
        "import tensorflow as tf\n"
        "from tf_keras import Input, Model, layers\n"
        "with tf.Graph().as_default():\n"
        "    entry = Input((4,), name='entry')\n"
        "    norm = layers.BatchNormalization(name='norm')(entry)\n"
        "    model = Model(entry, layers.Dropout(0.2, name='drop')(layers.Dense(4, name='dense')(norm)))\n"
    )
    report = compare(script)
    assert "keras_learning_phase" in report.context.ops.names
    assert [finding for finding in report.findings if finding.verdict is Verdict.ARTIFACT] == []
