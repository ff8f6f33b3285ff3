"""What the fixes say is done, on the stack that they name, and the finding is gone."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from graphdiag import compare
from graphdiag.diagnosis.fix_code import TRACE_CODE
from tests.diagnosis.sentences import graph
from tests.support.graph_text import LOGS
from tests.support.layers import layer_graph
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
    script = f"{MODELS[package]}\nimport tensorflow\nx = tensorflow.zeros((1, 4))\n" + "\n".join(TRACE_CODE)
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, cwd=tmp_path)
    report = compare(tmp_path / "logs")
    assert {finding.code for finding in report.findings} & {"GD115", "GD203", "GD204", "GD207"} == set()
    assert any("inner" in name for name in report.op_graph.names)
    assert any("last" in name for name in report.op_graph.names)


def test_the_code_of_a_fix_is_copied_from_the_terminal(graphdiag, tmp_path):
    """A cell of a notebook takes indented lines as they are; a file takes them without what all have in common."""
    from IPython.core.inputtransformer2 import TransformerManager

    said = graphdiag("compare", LOGS / "k3_reference_callback").stdout
    begin = said.index("        import tensorflow as tf\n")
    block = said[begin : said.index("\n\nnote ", begin)]
    pasted = TransformerManager().transform_cell(block)
    assert pasted == textwrap.dedent(block).rstrip("\n") + "\n"
    assert pasted.splitlines() == list(TRACE_CODE)
    script = tmp_path / "cell.py"
    script.write_text(f"{MODELS['keras']}\nimport tensorflow\nx = tensorflow.zeros((1, 4))\n{pasted}")
    subprocess.run([sys.executable, script], check=True, capture_output=True, cwd=tmp_path)
    assert compare(tmp_path / "logs").op_graph is not None


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("GD101", "keras216_reference", "keras216_learning_phase_first"),
        ("GD101", "tfkeras110_phase_in_layer", "tfkeras110_phase_first"),
        ("GD102", "keras216_flag_in_layer", "keras216_flag_at_root"),
        ("GD105", "keras216_shared_constant", "keras216_constant_at_root"),
        ("GD106", "keras216_noise_shared", "keras216_noise_own"),
        ("GD107", "tf22_tb3118", "tf22_shared_traced"),
        ("GD108", "tf110_layers_apart", "tf110_layers_named"),
        ("GD108", "tf22_tf39398", "tf22_add_in_group"),
        ("GD109", "tf110_series_loop", "tf110_series_scoped"),
        ("GD110", "keras216_reference", "keras216_learning_phase_first"),
        ("GD111", "keras216_reference_fit", "keras216_reference"),
        ("GD111", "train_step_trace", "k3_subclassed_traced"),
        ("GD111", "mirrored_estimator", "estimator_model_alone"),
        ("GD113", "slim_after_quantize", "slim_before_quantize"),
        ("GD113", "rewritten/quantized.pb", "rewritten/before_quantizing.pb"),
        ("GD113", "rewritten/fused.pb", "rewritten/before_fusing.pb"),
        ("GD114", "mirrored_estimator", "estimator_model_alone"),
        ("GD115", "k3_traced_while_built", "k3_subclassed_traced"),
        ("GD115", "k3_two_shapes_in_one_tag", "k3_subclassed_traced"),
        ("GD116", "train_step_trace", "k3_subclassed_traced"),
        ("GD117", "tfk_relu_called_twice", "tfk_relu_at_each_place"),
        ("GD118", "name_scope_keras3.py", "name_scope_as_model_keras3.py"),
        ("GD118", "own_call_keras3.py", "own_call_mended_keras3.py"),
        ("GD203", "k3_traced_when_run_before", "k3_subclassed_traced"),
        ("GD204", "k3_reference_callback", "k3_reference_training"),
        ("GD205", "tfk_in_function", "tfk_not_in_function"),
        ("GD207", "subclassed_eager_trace", "k3_subclassed_traced"),
        ("GD301", "keras216_hidden_tensor", "keras216_gate_as_input"),
        ("GD302", "keras216_lambda_closes_over_tensor", "keras216_outside_as_input"),
        ("GD302", "closure_layer_keras3.py", "wrapped_layers_keras3.py"),
        ("GD303", "closure_weights_tf_keras.py", "wrapped_layers_tf_keras.py"),
        ("GD303", "keras216_weight_tying", "keras216_siamese"),
        ("GD401", "keras216_two_models_in_one_graph", "keras216_two_models_cleared"),
        ("GD402", "keras216_dead_layer", "keras216_dead_layer_kept"),
        ("GD403", "k3_unused_input", "k3_used_input"),
        ("GD406", "mirrored_estimator", "estimator_model_alone"),
    ],
)
def test_what_was_done_as_the_fix_says_has_the_finding_no_more(code, before, after):
    assert code in {finding.code for finding in report_on(before).findings}
    assert code not in {finding.code for finding in report_on(after).findings}


# --- live: the same model before and after ---------------------------------------------------------------------------

LIVE = {
    # the rule, what the fix says, the model before and after
    "GD108 names": (
        "GD108",
        "without 'conv/' at the beginning",
        """
import tf_keras as k
x = k.Input((4,), name="x")
h = k.layers.Dense(4, name="conv")(x)
model = k.Model(x, k.layers.Dense(2, name="NAME")(h), name="m")
""",
        {"NAME": "conv/out"},
        {"NAME": "out"},
    ),
    "GD202": (
        "GD202",
        "layers.Rescaling(2.0)",
        """
import keras
x = keras.Input((4,), name="x")
model = keras.Model(x, keras.layers.Dense(2, name="out")(SCALED), name="m")
""",
        {"SCALED": "x * 2.0"},
        {"SCALED": "keras.layers.Rescaling(2.0)(x)"},
    ),
    "GD301 state of the next call": (
        "GD301",
        "Keep the state in one layer that both writes and reads it",
        """
import keras
from keras import ops
class Store(keras.layers.Layer):
    def __init__(self, reads, writes, store, **options):
        super().__init__(**options)
        self.reads, self.writes, self.store = reads, writes, store
    def call(self, x):
        found = x + self.store if self.reads else x
        if self.writes:
            self.store.assign(ops.mean(x, axis=0))
        return found
store = keras.Variable(ops.zeros(4), trainable=False, name="store")
x = keras.Input((4,), name="x")
h = Store(True, FIRST, store, name="first")(x)
h = keras.layers.Dense(4, name="mid")(h)
model = keras.Model(x, keras.layers.Dense(2, name="out")(SECOND), name="m")
""",
        {"FIRST": "False", "SECOND": "Store(False, True, store, name='second')(h)"},
        {"FIRST": "True", "SECOND": "h"},
    ),
    "GD301 stored for another layer": (
        "GD301",
        "Return the tensor from put, and give it to the layer as an input.",
        """
import keras
from keras import ops
class Put(keras.layers.Layer):
    def call(self, x):
        mean = ops.mean(x, axis=0, keepdims=True)
        if STORED:
            store.assign(mean[0])
        return x * 2.0 if STORED else (x * 2.0, mean)
class Take(keras.layers.Layer):
    def call(self, x, mean=None):
        return x + (store if STORED else mean)
store = keras.Variable(ops.zeros(4), trainable=False, name="store")
x = keras.Input((4,), name="x")
put, take = Put(name="put"), Take(name="take")
if STORED:
    put.store = take.store = store
    left, mean = put(x), None
    right = take(x)
else:
    left, mean = put(x)
    right = take(x, mean)
model = keras.Model(x, keras.layers.Add(name="sum")([left, right]), name="m")
""",
        {"STORED": "True"},
        {"STORED": "False"},
    ),
    "GD302 add_weight": (
        "GD302",
        "Make the variable with add_weight in the layer: Keras 3 tracks no tf.Variable",
        """
import keras
import tensorflow as tf
class Scale(keras.layers.Layer):
    def build(self, input_shape):
        self.scale = MADE
    def call(self, x):
        return x * self.scale
x = keras.Input((4,), name="x")
model = keras.Model(x, Scale(name="scale")(x), name="m")
""",
        {"MADE": "tf.Variable(2.0)"},
        {"MADE": "self.add_weight(shape=(), name='scale')"},
    ),
    "GD302 in __init__": (
        "GD302",
        "Make the layer that has these variables in __init__, and hold it as an attribute.",
        """
import keras
outside = keras.layers.Dense(4, name="stray")
class Uses(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        HELD
    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=())
    def call(self, x):
        return CALLED(x) * self.scale
x = keras.Input((4,), name="x")
model = keras.Model(x, Uses(name="uses")(x), name="m")
""",
        {"HELD": "pass", "CALLED": "outside"},
        {"HELD": "self.own = keras.layers.Dense(4, name='stray')", "CALLED": "self.own"},
    ),
    "GD303 tracked by nobody": (
        "GD303",
        "Make the variable with add_weight in one layer",
        """
import keras
import tensorflow as tf
class Scale(keras.layers.Layer):
    def build(self, input_shape):
        self.scale = MADE
    def call(self, x):
        return x * self.scale
shared = tf.Variable(2.0)
x = keras.Input((4,), name="x")
first = Scale(name="first")
second = SECOND
model = keras.Model(x, second(keras.layers.Dense(4, name="mid")(first(x))), name="m")
""",
        {"MADE": "shared", "SECOND": "Scale(name='second')"},
        {"MADE": "self.add_weight(shape=(), name='scale')", "SECOND": "first"},
    ),
    "GD303 written by another": (
        "GD303",
        "Let the layer that has the variable write to it itself: as a constraint of the weight",
        """
import keras
class Clip(keras.layers.Layer):
    def call(self, x):
        CLIPPED
        return x
dense = keras.layers.Dense(4, name="dense", CONSTRAINT)
dense.build((None, 4))
x = keras.Input((4,), name="x")
model = keras.Model(x, Clip(name="clip")(dense(x)), name="m")
""",
        {"CLIPPED": "dense.kernel.assign(keras.ops.ones((4, 4)))", "CONSTRAINT": "kernel_constraint=None"},
        {"CLIPPED": "pass", "CONSTRAINT": "kernel_constraint='non_neg'"},
    ),
    "GD403 left out": (
        "GD403",
        "Leave it out of keras.Model(inputs=...)",
        """
import keras
x = keras.Input((4,), name="x")
unused = keras.Input((4,), name="unused")
model = keras.Model(INPUTS, keras.layers.Dense(2, name="out")(x), name="m")
""",
        {"INPUTS": "[x, unused]"},
        {"INPUTS": "x"},
    ),
}


@pytest.mark.parametrize("name", LIVE)
def test_a_model_that_is_mended_as_the_fix_says_has_the_finding_no_more(name, tmp_path):
    code, fix, script, before, after = LIVE[name]

    def findings(words: dict[str, str]) -> dict[str, str]:
        text = script
        for word, stands_for in words.items():
            text = text.replace(word, stands_for)
        path = tmp_path / "model.py"
        path.write_text(text)
        return {finding.code: finding.fix for finding in compare(path).findings}

    assert fix in findings(before)[code]
    assert code not in findings(after)


def test_a_saved_model_that_is_given_as_the_fix_says_is_not_one_box(tmp_path):
    [finding] = [each for each in report_on("savedmodel_import").findings if each.code == "GD205"]
    assert finding.fix.startswith("Give graphdiag the SavedModel directory itself")
    script = f"""
import tf_keras
model = tf_keras.Sequential([tf_keras.layers.Dense(3, input_shape=(4,), name="a"), tf_keras.layers.Dense(2, name="b")])
model.save({str(tmp_path)!r}, save_format="tf")
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    report = compare(tmp_path)
    assert "GD205" not in {each.code for each in report.findings}
    assert ("a", "b") in {(edge.source, edge.target) for edge in report.edges}


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        # Compute the flag in each layer that uses it.
        (
            "GD102",
            "x Feed\ntrain Flag\nn/Not LogicalNot train\nn/Switch Switch x n/Not\nd/Neg Neg n/Switch\n"
            "m/Switch Switch d/Neg n/Not",
            "x Feed\ntrain Flag\nn/Not LogicalNot train\nn/Switch Switch x n/Not\nd/Neg Neg n/Switch\n"
            "m/Not LogicalNot train\nm/Switch Switch d/Neg m/Not",
        ),
        # Make the variable in the scope of the box that uses it.
        (
            "GD108",
            "x Feed\nstem/w VariableV2\nstem/w/read Identity stem/w\nstem/Relu Relu x\nhead/MatMul MatMul stem/Relu "
            "stem/w/read",
            "x Feed\nhead/w VariableV2\nhead/w/read Identity head/w\nstem/Relu Relu x\nhead/MatMul MatMul stem/Relu "
            "head/w/read",
        ),
        # Leave the placeholder out.
        (
            "GD403",
            "x Feed\ny Feed\na/MatMul MatMul x\na/Relu Relu a/MatMul",
            "x Feed\na/MatMul MatMul x\na/Relu Relu a/MatMul",
        ),
    ],
)
def test_a_graph_that_is_built_as_the_fix_says_has_the_finding_no_more(code, before, after):
    layers = layer_graph([("x", "n"), ("n", "d"), ("d", "m")], inputs=["x"]) if code == "GD102" else None
    assert code in graph(before, layers=layers)()
    assert code not in graph(after, layers=layers)()
