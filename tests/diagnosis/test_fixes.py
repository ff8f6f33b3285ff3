"""What the fixes say is done, on the stack that they name, and the finding is gone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from graphdiag import compare
from graphdiag.diagnosis.fixes import TRACE_A_CALL
from tests.support.reports import report_on

MODELS = {
    "keras": """
import keras
class Net(keras.Model):
    def __init__(self):
        super().__init__(name="net")
        self.inner = keras.layers.Dense(6, name="inner")
        self.last = keras.layers.Dense(2, name="last")
    def call(self, x):
        return self.last(self.inner(x))
model = Net()
""",
    "tf_keras": """
import tf_keras
model = tf_keras.Sequential([tf_keras.layers.Dense(6, name="inner"), tf_keras.layers.Dense(2, name="last")], name="net")
""",
}


@pytest.mark.parametrize("package", MODELS)
def test_a_call_that_is_traced_as_the_fix_says_is_a_whole_graph(package, tmp_path):
    code = TRACE_A_CALL.partition("did not run before: ")[2].rstrip(".")
    assert code.startswith("model(x); ")
    script = f"""
import tensorflow as tf
{MODELS[package]}
x = tf.zeros((1, 4))
with tf.summary.create_file_writer({str(tmp_path)!r}).as_default():
    {code}
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    report = compare(tmp_path)
    assert {finding.code for finding in report.findings} & {"GD115", "GD203", "GD204", "GD207"} == set()
    assert any("inner" in name for name in report.op_graph.names)
    assert any("last" in name for name in report.op_graph.names)


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("GD101", "keras216_reference", "keras216_learning_phase_first"),
        ("GD102", "keras216_flag_in_layer", "keras216_flag_at_root"),
        ("GD105", "keras216_shared_constant", "keras216_constant_at_root"),
        ("GD109", "tf110_series_loop", "tf110_series_scoped"),
        ("GD115", "k3_traced_while_built", "k3_subclassed_traced"),
        ("GD117", "tfk_relu_called_twice", "tfk_relu_at_each_place"),
        ("GD118", "name_scope_keras3.py", "name_scope_as_model_keras3.py"),
        ("GD203", "k3_traced_when_run_before", "k3_subclassed_traced"),
        ("GD207", "subclassed_eager_trace", "k3_subclassed_traced"),
        ("GD301", "keras216_hidden_tensor", "keras216_gate_as_input"),
        ("GD401", "keras216_two_models_in_one_graph", "keras216_two_models_cleared"),
        ("GD402", "keras216_dead_layer", "keras216_dead_layer_kept"),
        ("GD403", "k3_unused_input", "k3_used_input"),
    ],
)
def test_what_was_done_as_the_fix_says_has_the_finding_no_more(code, before, after):
    assert code in {finding.code for finding in report_on(before).findings}
    assert code not in {finding.code for finding in report_on(after).findings}
