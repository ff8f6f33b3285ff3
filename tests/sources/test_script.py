"""Python files: finding the model, running the file, and recording from the first import on."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tensorboard.compat.proto.types_pb2 import DT_FLOAT

from graphdiag.errors import ModelError, SourceError, UsageError
from graphdiag.sources.script import open_script

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "fixtures" / "models"


def written(directory, text):
    path = directory / "file.py"
    path.write_text(text)
    return path


DRIVER = """
import hashlib, json, sys
from graphdiag.sources.script import open_script

for name in sys.argv[1:]:
    opened = open_script(f"fixtures/models/{name}.py")
    (graph,) = opened.graph_defs
    print(json.dumps({
        "owners": opened.owners,
        "edges": opened.layer_graph.edges,
        "ops": {node.name: [node.op, *node.input] for node in graph.node},
        "digest": hashlib.sha256(graph.SerializeToString(deterministic=True)).hexdigest(),
        "stack": opened.origin.stack,
        "notes": opened.notes,
        "imported": sorted({"keras", "tf_keras"} & sys.modules.keys()),
    }))
    sys.modules["tensorflow"].compat.v1.reset_default_graph()
"""


GRAPH_MODE = ("nested_tf1", "raw_ops_tf1", "closure_tf1")


def in_fresh_process(*names, hash_seed=0):
    """Starts an interpreter that opens some files; gives a function that waits for what `open_script` gave."""
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, *names],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def wait():
        out, err = process.communicate()
        assert process.returncode == 0, err
        return dict(zip(names, map(json.loads, out.splitlines()), strict=True))

    return wait


@pytest.fixture(scope="module")
def two_runs():
    """Files opened by two interpreters that order their sets differently, some of them in TF 1 graph mode."""
    names = ("multi_keras3", "multi_tf_keras", "reference_scoped", *GRAPH_MODE)
    started = [in_fresh_process(*names, hash_seed=seed) for seed in (1, 2)]
    return [wait() for wait in started]


# --- Finding the model -----------------------------------------------------------------------------------------------


def test_model_of_a_file():
    opened = open_script(MODELS / "sequential_keras3.py")
    assert opened.origin.kind == "script"
    assert opened.origin.path == str(MODELS / "sequential_keras3.py")
    assert list(opened.layer_graph.layers) == ["features", "hidden", "norm", "drop", "scores"]
    assert len(opened.graph_defs[0].node) > 50


def test_function_of_a_file_with_arguments():
    path = MODELS / "reference_keras3.py"
    options = {"clouds": "1", "aux_features": "None", "conv_units": "(8, 8)", "dropout_rates": "None"}
    layers = open_script(path, arguments=options).layer_graph.layers
    assert [layer for layer in layers if layer.startswith("conv1d")] == ["conv1d_0_0", "conv1d_0_1"]
    assert "aux_in" not in layers


def test_arguments_that_are_no_literals_are_text():
    opened = open_script(MODELS / "builder_arguments.py", arguments={"units": "3", "activation": "relu"})
    assert any(node.op == "Relu" for node in opened.graph_defs[0].node)
    assert opened.layer_graph.layers["dense"].output_shape == "(None, 3)"


@pytest.mark.parametrize("entry", ["teacher", "student"])
def test_entry_names_a_model(entry):
    assert open_script(MODELS / "two_models.py", entry=entry).layer_graph.model_name == entry


def test_entry_names_a_function():
    layers = open_script(MODELS / "two_builders.py", entry="get_model").layer_graph.layers
    assert layers["dense"].output_shape == "(None, 3)"


def test_entry_names_a_class(tmp_path):
    path = written(
        tmp_path,
        "import keras\n"
        "class Net(keras.Model):\n"
        "    def __init__(self, units):\n"
        "        super().__init__(name='net')\n"
        "        self.dense = keras.layers.Dense(units, name='dense')\n"
        "    def call(self, inputs):\n"
        "        return self.dense(inputs)\n",
    )
    opened = open_script(path, entry="Net", arguments={"units": "3"}, input_shape=(None, 4))
    assert set(opened.owners.values()) == {"dense"}


def test_model_goes_before_functions_and_arguments_call_for_one(tmp_path):
    path = written(
        tmp_path,
        "import keras\n"
        "def build_model(units=2):\n"
        "    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, name='dense')], name='built')\n"
        "model = build_model(5)\n",
    )
    assert open_script(path).layer_graph.layers["dense"].output_shape == "(None, 5)"
    assert open_script(path, arguments={"units": 7}).layer_graph.layers["dense"].output_shape == "(None, 7)"


@pytest.mark.parametrize(
    ("name", "options", "error", "told"),
    [
        ("two_models", {}, ModelError, ["'model'", "'student', 'teacher'", "--entry"]),
        ("two_models", {"entry": "pupil"}, ModelError, ["'pupil'", "'student', 'teacher'"]),
        ("two_models", {"entry": "student", "arguments": {"x": "1"}}, UsageError, ["--arg", "'student'"]),
        ("two_models", {"arguments": {"x": "1"}}, UsageError, ["--arg", "'build_model'"]),
        ("two_builders", {}, ModelError, ["'build_model', 'get_model'", "--entry"]),
        ("builder_arguments", {}, UsageError, ["build_model(units, activation)", "'units'", "--arg"]),
        ("builder_arguments", {"arguments": {"unit": "3"}}, UsageError, ["build_model(units", "--arg"]),
        ("builder_arguments", {"entry": "not_a_model"}, ModelError, ["not_a_model()", "int"]),
        ("no_model", {}, ModelError, ["'model'", "'helper'"]),
        ("not_a_model", {}, ModelError, ["'model'", "no Keras model"]),
        ("not_a_model", {"entry": "model"}, ModelError, ["'model'", "dict"]),
        ("unbuilt_keras3", {}, ModelError, ["'unbuilt'", "never built", "--input-shape"]),
        ("raising", {}, ModelError, ["raising.py", "KeyError", "line 7", "'unit'"]),
        ("exiting", {}, ModelError, ["exiting.py", "line 5", "usage: exiting.py DATA"]),
        ("failing_call", {}, ModelError, ["'failing'", "these shapes do not fit", "line 8"]),
        ("sequential_keras3", {"graph": "train-step"}, ModelError, ["not compiled", "compile()"]),
    ],
)
def test_errors_are_one_line_that_says_what_and_where(name, options, error, told):
    with pytest.raises(error) as caught:
        open_script(MODELS / f"{name}.py", **options)
    message = str(caught.value)
    for text in told:
        assert text in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def broken(:\n", "not valid Python"),
        ("x = '\0'\n", "not valid Python"),
        ("import no_such_package_at_all\n", "'no_such_package_at_all' in line 1, which is not installed"),
        ("import keras\n\nmodel = keras.Sequential(3)\n", "in line 3"),
        ("raise SystemExit\n", "ends the program in line 1"),
        ("raise ValueError\n", "no message"),
        ("if __name__ == '__main__':\n    model = 1\n", "has no 'model'.*found no Keras model"),
    ],
)
def test_files_that_cannot_be_run(text, told, tmp_path):
    with pytest.raises(ModelError, match=told) as caught:
        open_script(written(tmp_path, text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("package", ["tensorflow", "keras", "tf_keras"])
def test_missing_stack_says_what_to_install(package, tmp_path, monkeypatch):
    path = written(tmp_path, f"import {package}\n")
    for name in {package, "tf_keras"}:  # without TensorFlow there is no tf_keras either
        monkeypatch.setitem(sys.modules, name, None)
    extra = "graphdiag[keras2]" if package == "tf_keras" else "graphdiag[tensorflow]"
    with pytest.raises(ModelError) as caught:
        open_script(path)
    assert str(caught.value).endswith(f'needs {package} in line 1, which is not installed: pip install "{extra}"')


def test_missing_tf_keras_of_the_reference_model(monkeypatch):
    monkeypatch.setitem(sys.modules, "tf_keras", None)
    with pytest.raises(ModelError, match=r'^tf_keras cannot be imported.*pip install "graphdiag\[keras2\]"'):
        open_script(MODELS / "reference_tf_keras.py")


@pytest.mark.parametrize("name", ["absent.py", ""])
def test_files_that_cannot_be_read(name, tmp_path):
    with pytest.raises(SourceError, match="cannot be read"):
        open_script(tmp_path / name)


# --- Running the file ------------------------------------------------------------------------------------------------


def test_printing_goes_to_stderr(capfd):
    print("before")
    open_script(MODELS / "printing.py")
    print("after")
    out, err = capfd.readouterr()
    assert out == "before\nafter\n"
    for text in ("from Python", "from a child process", "while traced"):
        assert text in err


def test_file_finds_its_neighbors_and_an_empty_command_line(tmp_path):
    (tmp_path / "graphdiag_neighbor.py").write_text("UNITS = 6\n")
    path = written(
        tmp_path,
        "import sys\n"
        "import keras\n"
        "from dataclasses import dataclass\n"
        "from graphdiag_neighbor import UNITS\n"
        "assert __name__ != '__main__'\n"
        "assert sys.argv == [__file__]\n"
        "@dataclass\n"
        "class Config:\n"
        "    units: 'int' = UNITS\n"
        "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(Config().units, name='dense')])\n",
    )
    before = list(sys.path), list(sys.argv), random.getstate(), list(sys.meta_path), set(sys.modules)
    assert open_script(path).layer_graph.layers["dense"].output_shape == "(None, 6)"
    assert "graphdiag_neighbor" not in sys.modules
    after = list(sys.path), list(sys.argv), random.getstate(), list(sys.meta_path), set(sys.modules)
    assert after[:4] == before[:4]
    assert not {name for name in after[4] - before[4] if "script" in name}


def test_everything_is_as_it_was_after_an_error(capfd):
    before = list(sys.path), list(sys.argv), random.getstate(), list(sys.meta_path), sys.stdout
    with pytest.raises(ModelError):
        open_script(MODELS / "raising.py")
    assert (list(sys.path), list(sys.argv), random.getstate(), list(sys.meta_path), sys.stdout) == before
    os.write(1, b"to stdout\n")
    assert capfd.readouterr().out == "to stdout\n"


def test_every_run_is_a_fresh_one(tmp_path):
    path = written(
        tmp_path,
        "import keras\n"
        "count = globals().get('count', 0) + 1\n"
        "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(count, name='dense')])\n",
    )
    for _ in range(2):
        assert open_script(path).layer_graph.layers["dense"].output_shape == "(None, 1)"


def test_subclassed_model_called_with_several_arguments():
    opened = open_script(MODELS / "subclassed_arguments_keras3.py")
    assert set(opened.owners.values()) == {"table", "scores"}
    types = {node.name: node.attr["T"].type for node in opened.graph_defs[0].node if node.op == "_Arg"}
    assert types["words"] == 3
    assert types["context"] == 1


@pytest.mark.parametrize("name", ["closure_tf_keras", "closure_weights_tf_keras", "closure_layer_keras3"])
def test_closures_are_opened(name):
    opened = open_script(MODELS / f"{name}.py")
    assert len(opened.layer_graph.edges) == len(opened.layer_graph.layers) - 1


# --- In an interpreter that starts with the file ---------------------------------------------------------------------


def test_tensorflow_chatter_is_off_unless_asked_for():
    code = (
        "import os, sys\n"
        "from graphdiag.sources.script import open_script\n"
        "assert not {'tensorflow', 'keras', 'tf_keras'} & sys.modules.keys()\n"
        "try: open_script('fixtures/models/no_model.py')\n"
        "except Exception: pass\n"
        "assert not {'tensorflow', 'keras', 'tf_keras'} & sys.modules.keys()\n"
        "print(os.environ['TF_CPP_MIN_LOG_LEVEL'], os.environ['TF_ENABLE_ONEDNN_OPTS'])\n"
    )
    unset = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}
    for environment, expected in [(unset, "3 0\n"), ({**unset, "TF_CPP_MIN_LOG_LEVEL": "0"}, "0 0\n")]:
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.stdout == expected


def test_graph_mode_is_recorded_as_the_file_builds_it(two_runs):
    nested, raw, closure = (two_runs[0][name] for name in GRAPH_MODE)
    for opened in (nested, raw, closure):
        assert "in TF 1 graph mode" in opened["stack"]
        assert opened["notes"] == []
    # The encoder is built once by itself and called twice.
    products = [nested["owners"][name] for name, op in nested["ops"].items() if op[0] == "MatMul"]
    assert sorted(products) == ["encoder/first"] * 3 + ["encoder/second"] * 3 + ["same"]
    assert nested["ops"].keys() - nested["owners"].keys() == {"first_input"}
    assert ["left", "encoder/first"] in nested["edges"]
    assert raw["owners"]["mul"] == "tf_op_layer_mul"
    assert ["hidden", "tf_op_layer_mul"] in raw["edges"]
    # The Lambda multiplies with the gate's output, and Keras has no such edge.
    product = closure["ops"]["gated/mul"]
    assert {closure["owners"][name.split(":")[0]] for name in product[1:]} == {"hidden", "gate"}
    assert closure["owners"]["gated/mul"] == "gated"
    assert ["gate", "gated"] not in closure["edges"]


def test_scoped_reference_shows_the_eight_edges_of_the_museum(two_runs):
    log = ROOT / "fixtures" / "logs" / "keras216_reference"
    expected = json.loads((log / "expected_learning_phase.json").read_text())["culprit"]
    found = two_runs[0]["reference_scoped"]
    owners = found["owners"]
    assert owners.keys() == found["ops"].keys()
    crossings = {}
    for name, (_, *inputs) in found["ops"].items():
        for text in inputs:
            source = text.lstrip("^").split(":")[0]
            pair = owners[source], owners[name]
            if pair[0] != pair[1] and list(pair) not in found["edges"]:
                crossings.setdefault(source, set()).add(pair)
    assert {culprit: sorted(map(list, pairs)) for culprit, pairs in crossings.items()} == expected


def test_two_runs_give_the_same_graph_and_owners(two_runs):
    first, second = two_runs
    assert first == second
    for name, found in first.items():
        assert list(found["owners"]) == list(second[name]["owners"])


def test_tf_keras_is_not_imported_for_keras3(two_runs):
    assert two_runs[0]["multi_keras3"]["imported"] == ["keras"]


KEPT = """
import keras
from keras import layers, ops

kept = {}

class Router(layers.Layer):
    def call(self, x):
        kept["weights"] = ops.softmax(x)
        return kept["weights"]

class Expert(layers.Layer):
    def call(self, x):
        return x * kept["weights"]

x = keras.Input((4,), name="x")
routed = layers.Dense(4, name="after")(Router(name="router")(x))
model = keras.Model(x, [Expert(name="expert")(x), routed])
"""


def test_a_tensor_that_is_kept_from_an_earlier_call_is_an_error(tmp_path):
    # Keras calls the layers by depth, so that `expert` comes when `router` has not been called yet.
    deeper = KEPT.replace('Expert(name="expert")(x)', 'layers.Dense(4)(layers.Dense(4)(Expert(name="expert")(x)))')
    with pytest.raises(ModelError, match=r"cannot be run: functional.*/expert.* takes .* another call of the model"):
        open_script(written(tmp_path, deeper))
    assert open_script(written(tmp_path, KEPT)).graph_defs


# --- What a model takes that training would have built ---------------------------------------------------------------

BUILT_BY_FIT = """
import numpy as np
import tensorflow as tf
import {package} as keras

class Net(keras.Model):
    def __init__(self):
        super().__init__(name="net")
        self.scores = keras.layers.Dense(2, name="scores")

    def call(self, inputs):
        if isinstance(inputs, dict):
            inputs = inputs["left"] + inputs["right"]
        return self.scores(inputs)

def batches():
    while True:
        yield np.ones((8, 4)), np.ones((8, 2))

x, y = np.ones((20, 4)), np.ones((20, 2))
sequential = keras.Sequential([keras.layers.Dense(2, name="scores")], name="net")
{call}
"""


@pytest.mark.parametrize("package", ["keras", "tf_keras"])
@pytest.mark.parametrize(
    "call",
    [
        "Net().fit(x, y, epochs=30)",
        "Net().fit({'left': x, 'right': x}, y)",
        "Net().fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(8))",
        "Net().fit(batches(), steps_per_epoch=3)",
        "Net().predict(x=x)",
        "sequential.fit(x, y)",
    ],
)
def test_a_model_that_fit_would_have_built_is_built_on_what_fit_is_given(package, call, tmp_path):
    opened = open_script(written(tmp_path, BUILT_BY_FIT.format(package=package, call=call)))
    [graph] = opened.graph_defs
    fed = [node for node in graph.node if node.op == "_Arg" and node.attr["T"].type == DT_FLOAT]
    shapes = [[size.size for size in node.attr["_output_shapes"].list.shape[0].dim] for node in fed]
    assert shapes == [[-1, 4]] * (2 if "left" in call else 1)
    assert "scores" in opened.owners.values()


@pytest.mark.parametrize("given", ["None", "[[1.0, 2.0], [3.0, 4.0]]", "(1 / 0 for _ in range(3))"])
def test_data_that_do_not_tell_leave_the_question(given, tmp_path):
    text = BUILT_BY_FIT.format(package="keras", call=f"Net().fit({given}, y)")
    with pytest.raises(ModelError, match=r"'net' was never built.*--input-shape"):
        open_script(written(tmp_path, text))


def test_an_input_shape_that_is_given_goes_before_what_fit_is_given(tmp_path):
    text = BUILT_BY_FIT.format(package="keras", call="Net().fit(x, y)")
    opened = open_script(written(tmp_path, text), input_shape=(5, 4))
    assert [size.size for size in opened.graph_defs[0].node[0].attr["_output_shapes"].list.shape[0].dim] == [5, 4]
