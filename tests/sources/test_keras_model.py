"""Live models: layer graph, op graph and the recorded owner of every op."""

from __future__ import annotations

import runpy
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import graphdiag
from graphdiag.errors import ModelError, UsageError
from graphdiag.reference import build_reference
from graphdiag.sources.keras_json import layer_graph_from_json
from graphdiag.sources.keras_model import GRAPHS, callback_writes_op_graph, layer_base, open_model
from graphdiag.sources.keras_trace import graph_def

MODELS = Path(__file__).parents[2] / "fixtures" / "models"
BOTH = pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras3", "tf_keras"])


def load(name, package):
    """The model of a fixture file, for one of the two packages."""
    found = runpy.run_path(str(MODELS / f"{name}_{'keras3' if package is keras else 'tf_keras'}.py"))
    return found["model"] if "model" in found else found["build_model"]()


def ops(opened):
    (graph,) = opened.graph_defs
    return {node.name: node for node in graph.node}


def unowned(opened):
    """Ops of no layer, without those that TensorFlow puts around every function."""
    around = {"_Arg", "_Retval", "NoOp"}
    return {name for name, node in ops(opened).items() if name not in opened.owners and node.op not in around} - {
        "Identity",
        "Identity_1",
    }


# --- The layer graph -------------------------------------------------------------------------------------------------


@BOTH
def test_sequential(package):
    graph = open_model(load("sequential", package)).layer_graph
    (entry,) = graph.inputs
    assert list(graph.layers) == [entry, "hidden", "norm", "drop", "scores"]
    assert graph.edges == ((entry, "hidden"), ("hidden", "norm"), ("norm", "drop"), ("drop", "scores"))
    assert graph.layers[entry].is_input
    assert graph.layers["hidden"].output_shape == "(None, 16)"
    assert graph.layers["hidden"].parameters == 33 * 16
    assert graph.layers["drop"].parameters == 0
    assert graph.outputs == ("scores",)
    assert graph.model_name == "sequential"
    assert graph.keras_version == package.__version__


@BOTH
def test_nested_model_used_twice(package):
    graph = open_model(load("nested", package)).layer_graph
    assert set(graph.edges) == {
        ("left", "encoder/first"),
        ("right", "encoder/first"),
        ("encoder/first", "encoder/norm"),
        ("encoder/norm", "encoder/second"),
        ("encoder/second", "distance"),
        ("distance", "same"),
    }
    assert graph.nested["encoder"].calls == 2
    assert graph.nested["encoder"].class_name == "Sequential"
    assert graph.layers["encoder/first"].path == ("encoder",)
    assert graph.layers["encoder/first"].calls == 1
    assert graph.inputs == ("left", "right")
    assert not [layer for layer in graph.layers if "input" in layer]


@BOTH
def test_models_in_models_end_at_real_layers(package):
    graph = open_model(load("deep_nested", package)).layer_graph
    inner = "outer/middle/inner"
    # `outer` hands its inputs to `middle` crosswise, and `middle` to `inner` again.
    assert set(graph.edges) == {
        ("x", f"{inner}/left"),
        ("y", f"{inner}/right"),
        (f"{inner}/left", "outer/middle/sum"),
        ("y", "outer/middle/sum"),
        ("outer/middle/sum", "outer/sum"),
        ("x", "outer/sum"),
        ("outer/sum", "one"),
        (f"{inner}/right", "two"),
    }
    assert list(graph.nested) == ["outer", "outer/middle", inner]


@BOTH
def test_nested_model_that_hands_an_input_through(package):
    a, b = package.Input((4,), name="a"), package.Input((4,), name="b")
    inner = package.Model({"a": a, "b": b}, {"made": package.layers.Dense(4, name="d")(a), "same": b}, name="inner")
    x, y = package.Input((4,), name="x"), package.Input((4,), name="y")
    first = inner({"b": y, "a": x})
    second = inner({"b": first["same"], "a": first["made"]})
    outputs = [package.layers.Dense(1, name="f")(second["made"]), package.layers.Dense(1, name="g")(second["same"])]
    graph = open_model(package.Model([x, y], outputs, name="outer")).layer_graph
    assert set(graph.edges) == {("x", "inner/d"), ("inner/d", "inner/d"), ("inner/d", "f"), ("y", "g")}


@BOTH
def test_nested_model_that_takes_its_inputs_by_name(package):
    late, early = package.Input((4,), name="late"), package.Input((4,), name="early")
    layers = [package.layers.Dense(4, name="of_late")(late), package.layers.Dense(4, name="of_early")(early)]
    inner = package.Model([late, early], layers, name="inner")
    x, y = package.Input((4,), name="x"), package.Input((4,), name="y")
    graph = open_model(package.Model([x, y], inner({"early": x, "late": y}), name="outer")).layer_graph
    assert set(graph.edges) == {("y", "inner/of_late"), ("x", "inner/of_early")}


@BOTH
def test_shared_layer_is_one_node(package):
    graph = open_model(load("shared", package)).layer_graph
    assert graph.layers["shared"].calls == 3
    assert set(graph.edges) == {
        ("a", "shared"),
        ("b", "shared"),
        ("shared", "shared"),
        ("shared", "joined"),
        ("joined", "scores"),
    }


@BOTH
def test_dict_inputs_and_outputs(package):
    opened = open_model(load("multi", package))
    assert opened.layer_graph.inputs == ("image", "words")
    assert opened.layer_graph.outputs == ("kind", "score")
    assert {name: node.attr["T"].type for name, node in ops(opened).items() if name in ("image", "words")} == {
        "image": 1,
        "words": 3,
    }
    assert opened.owners["image"] == "image"
    assert opened.owners["words"] == "words"


def test_raw_ops_are_layers_of_their_own():
    # Both count the names of raw ops through a process.
    keras.backend.clear_session()
    tf_keras.backend.clear_session()
    assert open_model(load("raw_ops", keras)).layer_graph.edges == (
        ("features", "hidden"),
        ("hidden", "multiply"),
        ("multiply", "relu"),
        ("relu", "add"),
        ("features", "add"),
        ("add", "split"),
        ("split", "maximum"),
        ("maximum", "scores"),
    )
    graph = open_model(load("raw_ops", tf_keras)).layer_graph
    assert [layer.class_name for layer in graph.layers.values()].count("TFOpLambda") == 5
    assert len(graph.edges) == 8
    assert graph.layers["tf.split"].output_shape == "[(None, 4), (None, 4)]"


def given(layers):
    """What each call of a layer is given. JSON and records do not name all arguments alike."""
    return Counter((edge.source, edge.target, edge.call) for edge in layers.tensors)


@BOTH
@pytest.mark.parametrize("name", ["sequential", "nested", "deep_nested", "shared", "multi", "raw_ops"])
def test_records_and_json_tell_the_same(package, name):
    opened = open_model(load(name, package))
    written = layer_graph_from_json(opened.keras_json)
    live = opened.layer_graph
    assert list(live.layers) == list(written.layers)
    assert live.edges == written.edges
    assert given(live) == given(written)
    assert live.output_tensors == written.output_tensors
    assert live.nested == written.nested
    assert (live.inputs, live.outputs) == (written.inputs, written.outputs)


# --- Owners ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stack", "suffix"), [("keras3", "_1"), ("tf_keras", "")])
def test_owners_are_the_layers_whose_scopes_the_ops_are_in(stack, suffix):
    opened = open_model(build_reference(stack, spatial_subnet=True))
    assert unowned(opened) == set()
    for name, owner in opened.owners.items():
        inside = name.split("/")
        assert inside == [owner] if len(inside) == 1 else inside[1] == owner + suffix
    assert set(opened.owners.values()) == set(opened.layer_graph.layers)


@BOTH
@pytest.mark.parametrize("name", ["sequential", "nested", "deep_nested", "shared", "multi", "raw_ops"])
def test_every_op_of_a_functional_model_has_an_owner(package, name):
    opened = open_model(load(name, package))
    assert unowned(opened) == set()
    assert set(opened.owners.values()) <= set(opened.layer_graph.layers)
    assert set(opened.owners) <= set(ops(opened))


@BOTH
def test_captured_variables_have_no_owner(package):
    opened = open_model(load("sequential", package))
    resources = {name for name, node in ops(opened).items() if node.op == "_Arg" and node.attr["T"].type == 20}
    assert len(resources) == 8 + (package is keras)  # Keras 3 also captures the state of the Dropout's generator
    assert not resources & opened.owners.keys()


@BOTH
def test_both_calls_of_a_shared_encoder_are_owned_by_its_layers(package):
    opened = open_model(load("nested", package))
    products = [owner for name, owner in opened.owners.items() if ops(opened)[name].op == "MatMul"]
    assert sorted(products) == ["encoder/first"] * 2 + ["encoder/second"] * 2 + ["same"]


@BOTH
def test_one_object_in_two_models_is_owned_where_it_is_called(package):
    encoder = package.Sequential([package.Input((4,)), package.layers.Dense(4, name="dense")], name="encoder")

    def around(name):
        inputs = package.Input((4,), name=f"{name}_input")
        return package.Model(inputs, encoder(inputs), name=name)

    entry = package.Input((4,), name="entry")
    joined = package.layers.Add(name="sum")([around("a")(entry), around("b")(entry), encoder(entry)])
    opened = open_model(package.Model(entry, joined, name="all"))
    owners = [owner for name, owner in opened.owners.items() if ops(opened)[name].op == "MatMul"]
    assert sorted(owners) == ["a/encoder/dense", "b/encoder/dense", "encoder/dense"]


def test_owner_is_who_made_the_op_and_not_its_name():
    class Guest(tf_keras.layers.Layer):
        def call(self, inputs):
            with tf.name_scope("host/"):
                return tf.exp(inputs, name="guest_op")

    entry = tf_keras.Input((4,), name="entry")
    hosted = tf_keras.layers.Dense(4, name="host")(entry)
    opened = open_model(tf_keras.Model(entry, Guest(name="guest")(hosted), name="house"))
    assert opened.owners["host/guest_op"] == "guest"


def test_who_calls_another_layer_owns_what_that_one_makes():
    opened = open_model(runpy.run_path(str(MODELS / "closure_layer_keras3.py"))["model"])
    owners = {name.split("/")[1]: set() for name in opened.owners if "/" in name}
    for name, owner in opened.owners.items():
        if "/" in name:
            owners[name.split("/")[1]].add(owner)
    assert owners["tied_1"] == {"tied"}
    assert owners["again_1"] == {"again"}
    assert owners["unknown_1"] == {"unknown"}


@BOTH
def test_who_tracks_a_variable(package):
    class Holder(package.layers.Layer):
        def __init__(self, inner, **kwargs):
            super().__init__(**kwargs)
            self.inner = inner

        def call(self, inputs):
            return self.inner(inputs) + stray(inputs)

    entry = package.Input((4,), name="entry")
    stray, tied = package.layers.Dense(4, name="stray"), package.layers.Dense(4, name="tied")
    stray.build((None, 4))
    hidden = Holder(tied, name="holder")(tied(entry))
    opened = open_model(package.Model(entry, package.layers.Dense(2, name="scores")(hidden), name="tracked"))
    captured = {node.name for node in opened.graph_defs[0].node if node.attr["T"].type == 20}
    assert opened.trackers.keys() == captured
    trackers = {}
    for name, layers in opened.trackers.items():
        (layer,) = {layer for layer in ("stray", "tied", "scores") if f"_{layer}_" in name}
        trackers.setdefault(layer, set()).add(tuple(layers))
    assert trackers == {"tied": {("tied", "holder")}, "stray": {()}, "scores": {("scores",)}}


@BOTH
def test_a_layer_called_inside_another_is_part_of_it(package):
    inside = package.layers.Dense(4, name="inside")
    entry = package.Input((5, 4), name="entry")
    each = package.layers.TimeDistributed(inside, name="each")(entry)
    opened = open_model(package.Model(entry, inside(each), name="wrapped"))
    places = {name.split("/")[1].removesuffix("_1"): owner for name, owner in opened.owners.items() if "/" in name}
    assert places == {"each": "each", "inside": "inside"}


@BOTH
def test_layers_inside_layers_belong_to_the_outer(package):
    entry = package.Input((5, 4), name="entry")
    hidden = package.layers.Bidirectional(package.layers.GRU(3, return_sequences=True), name="both")(entry)
    hidden = package.layers.TimeDistributed(package.layers.Dense(4, name="inside"), name="each")(hidden)
    hidden = package.layers.MultiHeadAttention(2, 4, name="attend")(hidden, hidden)
    opened = open_model(package.Model(entry, hidden, name="wrapped"))
    assert unowned(opened) == set()
    assert set(opened.owners.values()) == {"entry", "both", "each", "attend"}


@BOTH
def test_keras_is_as_it_was(package):
    def calls():
        waiting, found = [layer_base(package)], {}
        while waiting:
            cls = waiting.pop()
            waiting.extend(type.__subclasses__(cls))
            found[cls] = vars(cls).get("__call__")
        return found

    class Broken(package.layers.Layer):
        def call(self, inputs):
            raise RuntimeError("no")

        def compute_output_shape(self, input_shape):
            return input_shape

    before = calls()
    model = load("shared", package)
    open_model(model)
    assert calls() == before
    failing = package.Sequential([Broken(name="broken")], name="failing")
    failing.built = True
    with pytest.raises(ModelError):
        open_model(failing, input_shape=(2, 3))
    assert calls() == before


# --- The op graph ----------------------------------------------------------------------------------------------------


@BOTH
def test_training_and_inference(package):
    model = load("sequential", package)
    training = open_model(model)
    inference = open_model(model, graph="inference")
    assert any("Random" in node.op for node in ops(training).values())
    assert any(node.op.startswith("Assign") for node in ops(training).values())
    assert not any("Random" in node.op or node.op.startswith("Assign") for node in ops(inference).values())
    assert set(inference.owners.values()) == set(training.layer_graph.layers) - (
        # tf_keras makes no op for a Dropout that drops nothing but an Identity; Keras 3 makes none at all.
        {"drop"} if package is keras else set()
    )


@BOTH
def test_train_step(package):
    model = load("multi", package)
    forward, step = open_model(model), open_model(model, graph="train-step")
    assert forward.owners.keys() - step.owners.keys() == set()
    assert step.owners == {**step.owners, **forward.owners}
    made = unowned(step)
    assert any("gradient" in name.lower() for name in made)
    assert any("sparse_categorical_crossentropy" in name for name in made)
    assert any(node.op == "_Arg" and name.startswith("y") for name, node in ops(step).items())


def test_train_step_of_a_subclassed_model():
    model = runpy.run_path(str(MODELS / "subclassed_keras3.py"))["model"]
    model.compile(optimizer="adam", loss="mse")
    opened = open_model(model, graph="train-step")
    assert set(opened.owners.values()) == {"left", "right", "drop", "scores"}
    assert any("gradient" in name.lower() for name in unowned(opened))


def test_train_step_needs_compile():
    with pytest.raises(ModelError, match=r"not compiled.*compile\(\)"):
        open_model(load("sequential", keras), graph="train-step")


@BOTH
def test_batch_size_stays_open(package):
    opened = open_model(load("sequential", package))
    (entry,) = opened.layer_graph.inputs
    shape = ops(opened)[entry].attr["_output_shapes"].list.shape[0]
    assert [dim.size for dim in shape.dim] == [-1, 32]


def test_random_names_are_numbered():
    with tf.Graph().as_default() as graph:
        for name in ("lstm", "gru"):
            tf.raw_ops.HashTableV2(
                shared_name=f"{name}_63fce47b-8081-4097-a1ba-f51349e6e464", key_dtype=tf.string, value_dtype=tf.int64
            )
        tf.raw_ops.HashTableV2(
            shared_name="lstm_0d9af0f3-6f0f-4b4c-9f0a-0a4b4c4d4e4f", key_dtype=tf.string, value_dtype=tf.int64
        )
    names = [node.attr["shared_name"].s for node in graph_def(graph).node]
    assert names == [
        b"lstm_00000000-0000-4000-8000-000000000000",
        b"gru_00000000-0000-4000-8000-000000000000",
        b"lstm_00000000-0000-4000-8000-000000000001",
    ]


# --- Models whose input Keras does not know --------------------------------------------------------------------------


@BOTH
def test_subclassed_model_called_once(package):
    opened = open_model(load("subclassed", package))
    assert opened.layer_graph is None
    assert opened.keras_json is None
    assert any("subclassed" in note for note in opened.notes)
    assert set(opened.owners.values()) == {"left", "right", "drop", "scores"}
    # Only the addition in the model's own call is not a layer's.
    assert [ops(opened)[name].op for name in unowned(opened)] == ["AddV2"]


@BOTH
def test_subclassed_model_with_a_shape(package):
    class Tower(package.Model):
        def __init__(self):
            super().__init__(name="tower")
            self.inner = package.Sequential([package.Input((4,)), package.layers.Dense(4, name="dense")], name="inner")
            self.last = package.layers.Dense(2, name="last")

        def call(self, inputs):
            return self.last(self.inner(inputs["a"]) + inputs["b"])

    opened = open_model(Tower(), input_shape={"a": (None, 4), "b": (3, 4)})
    assert set(opened.owners.values()) == {"inner/dense", "last"}
    sizes = {name: [dim.size for dim in ops(opened)[name].attr["_output_shapes"].list.shape[0].dim] for name in "ab"}
    assert sizes == {"a": [-1, 4], "b": [3, 4]}


@BOTH
def test_unbuilt_model(package):
    model = load("unbuilt", package)
    with pytest.raises(ModelError, match=r"'unbuilt' was never built.*--input-shape"):
        open_model(model)
    with pytest.raises(UsageError, match="not an input shape"):
        open_model(load_plain(package), input_shape="None,32")
    with pytest.raises(ModelError, match="'plain' was never built"):
        open_model(load_plain(package))
    opened = open_model(model, input_shape=(None, 6))
    assert opened.layer_graph.edges[1:] == (("hidden", "scores"),)


def load_plain(package):
    return runpy.run_path(str(MODELS / f"unbuilt_{'keras3' if package is keras else 'tf_keras'}.py"))["plain"]


def test_shape_is_passed_over_when_it_is_known():
    assert open_model(load("sequential", keras), input_shape=(None, 3)).notes == (
        "The input shape was passed over: the model knows its inputs.",
    )


# --- TF 1 graph mode -------------------------------------------------------------------------------------------------


def test_graph_mode_without_a_recorder_goes_by_name_scopes():
    model = build_reference("tf1")
    opened = open_model(model)
    assert any("before graphdiag saw it" in note for note in opened.notes)
    assert opened.owners == {}
    assert opened.layer_graph.layers["batchnorm_0_0"].output_shape == "(None, None, 64)"
    assert opened.origin.stack == f"tf_keras {tf_keras.__version__} in TF 1 graph mode, TensorFlow {tf.__version__}"
    report = graphdiag.compare(model)
    assert (report.summary.artifact, report.summary.hidden, report.summary.missing) == (8, 0, 0)


def test_graph_mode_has_one_graph_only():
    opened = open_model(build_reference("tf1"), graph="inference")
    assert any("not inference" in note for note in opened.notes)


# --- What is said about a model --------------------------------------------------------------------------------------


def test_origin():
    opened = open_model(load("sequential", keras))
    assert opened.origin.kind == "model"
    assert opened.origin.path == "sequential"
    assert opened.origin.stack == f"Keras {keras.__version__}, TensorFlow {tf.__version__}"
    assert opened.has_op_graph
    assert open_model(load("sequential", tf_keras), name="mine").origin.path == "mine"


def test_json_that_cannot_be_written_is_said():
    class NoConfig(keras.layers.Layer):
        def __init__(self, function):
            super().__init__(name="no_config")
            self.function = function

        def call(self, inputs):
            return self.function(inputs)

    entry = keras.Input((4,), name="entry")
    opened = open_model(keras.Model(entry, NoConfig(keras.ops.exp)(entry), name="unwritten"))
    assert opened.keras_json is None
    assert any("as JSON" in note and "\n" not in note for note in opened.notes)
    assert opened.layer_graph.edges == (("entry", "no_config"),)


@pytest.mark.parametrize("thing", [None, {"layers": []}, keras.layers.Dense(2), keras.Model, np.zeros(3)])
def test_what_is_no_model(thing):
    with pytest.raises(ModelError, match="not a Keras 3 or tf_keras model"):
        open_model(thing)


def test_unknown_graph():
    with pytest.raises(UsageError, match=", ".join(GRAPHS)):
        open_model(load("sequential", keras), graph="backward")


def test_error_in_a_trace_is_one_line():
    model = runpy.run_path(str(MODELS / "failing_call.py"))["model"]
    with pytest.raises(ModelError) as caught:
        open_model(model)
    message = str(caught.value)
    assert "'failing'" in message
    assert "RuntimeError in Broken.call(): these shapes do not fit" in message
    assert "failing_call.py, line 8" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("3.2.1", None),
        ("3.3.3", True),
        ("3.4.0", True),
        ("3.6.0", True),
        ("3.7.0", False),
        ("3.15.1", False),
        ("3.99.0", None),
    ],
)
def test_callback_of_keras3(release, expected, monkeypatch):
    model = load("sequential", keras)
    monkeypatch.setattr(keras, "__version__", release)
    assert callback_writes_op_graph(model) is expected


def test_callback_of_tf_keras():
    assert callback_writes_op_graph(build_reference("tf1")) is True
    assert callback_writes_op_graph(load("sequential", tf_keras)) is None
    assert callback_writes_op_graph("no model") is None


def test_model_of_the_museum_is_opened_from_its_json():
    config = (MODELS.parent / "logs" / "tfk_nested" / "model.json").read_text()
    # tf_keras 2.16 does not know this argument of an input, which newer ones write.
    opened = open_model(tf_keras.models.model_from_json(config.replace(', "optional": false', "")))
    assert set(opened.layer_graph.edges) == {
        ("img", "backbone/bb_d"),
        ("backbone/bb_d", "backbone/bb_bn"),
        ("backbone/bb_bn", "head_a"),
        ("backbone/bb_bn", "head_b"),
    }
    assert unowned(opened) == set()


def test_on_another_backend_there_is_the_layer_graph_and_the_reason(monkeypatch):
    """Keras's name of its backend is another here; the model itself is one of TensorFlow's, which is not looked at."""
    inputs = keras.Input((4,), name="x")
    model = keras.Model(inputs, keras.layers.Dense(3, name="scores")(inputs), name="net")
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    opened = open_model(model)
    assert list(opened.layer_graph.edges) == [("x", "scores")]
    assert (opened.has_op_graph, opened.graph_defs) == (False, ())
    assert opened.origin.stack == f"Keras {keras.__version__} on torch"
    assert "makes no TensorFlow graph" in opened.notes[0]
    report = graphdiag.compare(model)
    assert report.op_graph is None
    assert any("KERAS_BACKEND=tensorflow gives one" in note for note in report.notes)


def test_a_subclassed_model_on_another_backend_has_neither_graph(monkeypatch):
    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ModelError, match=r"jax backend.*records no layer graph of Own.*KERAS_BACKEND=tensorflow"):
        open_model(Own())
