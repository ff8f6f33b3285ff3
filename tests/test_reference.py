"""The reference model on its three stacks."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from graphdiag.errors import GraphdiagError, ModelError, UsageError
from graphdiag.reference import STACKS, ReferenceParameters, build_reference, write_log
from graphdiag.sources.event_log import open_event_log
from graphdiag.sources.keras_model import open_model

ROOT = Path(__file__).parent.parent
LOG = ROOT / "fixtures" / "logs" / "keras216_reference"
EDGES = {tuple(edge) for edge in json.loads((LOG / "logical_edges.json").read_text())}
# Convolutions 39-64-128-256, their normalizations, dense 256-256-64 and the 39 x 39 matrix.
SUBNET = 40 * 64 + 65 * 128 + 129 * 256 + 4 * (64 + 128 + 256) + 257 * 256 + 257 * 64 + 65 * 39 * 39


@pytest.mark.parametrize("stack", STACKS)
def test_is_the_model_of_the_museum(stack):
    model = build_reference(stack)
    layers = open_model(model).layer_graph
    assert model.count_params() == 1_004_085
    assert sum(layer.parameters for layer in layers.layers.values()) == 1_004_085
    assert len(layers.layers) == 28
    assert len(layers.edges) == 27
    assert set(layers.edges) == EDGES
    assert layers.inputs == ("pt_cloud_0", "pt_cloud_1", "aux_in")
    assert layers.outputs == ("prediction",)


@pytest.mark.parametrize("stack", STACKS)
def test_layers_are_set_as_in_the_museum(stack):
    model = build_reference(stack)
    for entry in json.loads((LOG / "model.json").read_text())["config"]["layers"]:
        layer = model.get_layer(entry["name"])
        assert type(layer).__name__ == entry["class_name"]
        ours = layer.get_config()
        keys = {"filters", "units", "rate", "activation", "use_bias", "momentum", "epsilon"}
        for key in keys & entry["config"].keys():
            assert ours[key] == entry["config"][key], (entry["name"], key)


def test_scoped_learning_phase_feeds_the_eight_layers_of_the_museum():
    expected = json.loads((LOG / "expected_learning_phase.json").read_text())
    ((culprit, edges),) = expected["culprit"].items()
    graph = build_reference("tf1").inputs[0].graph
    phase = graph.get_operation_by_name(culprit)
    assert phase.type == "PlaceholderWithDefault"
    assert phase.outputs[0].dtype.name == "bool"
    assert phase.outputs[0].shape.rank == 0
    layers = {consumer.name.split("/")[0] for consumer in phase.outputs[0].consumers()}
    assert layers - {"batchnorm_0_0"} == {target for _, target in edges}
    assert [op.name for op in graph.get_operations() if "learning_phase" in op.name and op.inputs] == [culprit]


def test_scoped_is_the_third_stack():
    import tensorflow as tf

    model = build_reference("tf_keras", learning_phase="scoped")
    assert model.inputs[0].graph.get_operation_by_name("batchnorm_0_0/keras_learning_phase")
    # What the reference model needs of TensorFlow is put back.
    assert tf.executing_eagerly()
    assert tf.compat.v1.control_flow_v2_enabled()
    assert not tf.compat.v1.get_default_graph().get_operations()


def test_scoped_model_is_written_with_keras_own_layers():
    classes = {entry["class_name"] for entry in json.loads(build_reference("tf1").to_json())["config"]["layers"]}
    assert classes == {
        "BatchNormalization",
        "Concatenate",
        "Conv1D",
        "Dense",
        "Dropout",
        "GlobalMaxPooling1D",
        "InputLayer",
    }


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    ("options", "layers", "edges", "parameters"),
    [
        ({"clouds": 3}, 38, 37, 1_004_085 + 130_472 + 316 * 384),
        ({"clouds": 1}, 18, 17, 1_004_085 - 130_472 - 316 * 384),
        ({"aux_features": None}, 25, 24, 1_004_085 - 165_888 - 384 * 384),
        ({"clouds": 1, "aux_features": None}, 14, 13, 1_004_085 - 130_472 - 165_888 - 700 * 384),
        ({"dropout_rates": None}, 27, 26, 1_004_085),
        ({"dropout_rates": (None, 0.3)}, 28, 27, 1_004_085),
        ({"dropout_rates": (0.1, 0.3)}, 29, 28, 1_004_085),
        # Per cloud: 3 convolutions, 3 normalizations, a maximum, 3 dense layers, a reshape and a product.
        ({"spatial_subnet": True}, 28 + 24, 27 + 2 * 13, 1_004_085 + 2 * SUBNET),
    ],
)
def test_options(stack, options, layers, edges, parameters):
    model = build_reference(stack, **options)
    graph = open_model(model).layer_graph
    assert (len(graph.layers), len(graph.edges), model.count_params()) == (layers, edges, parameters)


def test_one_cloud_alone_is_not_joined():
    graph = open_model(build_reference("keras3", clouds=1, aux_features=None)).layer_graph
    assert ("global_max_0", "dense_0") in graph.edges
    assert "concatenate_1" not in graph.layers


@pytest.mark.parametrize("stack", ["keras3", "tf_keras"])
def test_spatial_subnet_starts_as_the_identity(stack):
    model = build_reference(stack, clouds=1, aux_features=None, spatial_subnet=True)
    keras = sys.modules["keras" if stack == "keras3" else "tf_keras"]
    transform = keras.Model(model.inputs, model.get_layer("spatial_transform_0").output)
    points = np.random.default_rng(0).normal(size=(2, 5, 39)).astype("float32")
    np.testing.assert_allclose(np.asarray(transform([points])), points, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"clouds": 0}, ["clouds"]),
        ({"clouds": True}, ["clouds"]),
        ({"features": -1}, ["features"]),
        ({"classes": 2.5}, ["classes"]),
        ({"conv_units": ()}, ["conv_units"]),
        ({"conv_units": (64, 0)}, ["conv_units"]),
        ({"aux_features": 0}, ["aux_features"]),
        ({"aux_features": None, "aux_units": (3,)}, ["aux_features", "aux_units"]),
        ({"dropout_rates": (0.5,)}, ["dropout_rates", "dense_units"]),
        ({"dropout_rates": (0.5, 1.0)}, ["dropout_rates"]),
        ({"dense_units": (384,)}, ["dropout_rates", "dense_units"]),
        ({"cloud": 3}, ["cloud", "clouds"]),
        ({"learning_phase": "scoped"}, ["learning_phase", "keras3"]),
        ({"learning_phase": "rooted"}, ["learning_phase", "rooted"]),
        ({"stack": "torch"}, ["torch", *STACKS]),
    ],
)
def test_contradicting_arguments_are_named(options, named):
    with pytest.raises(UsageError) as caught:
        build_reference(**{"stack": "keras3", **options})
    for name in named:
        assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_parameters_and_options_go_together():
    model = build_reference("keras3", parameters=ReferenceParameters(classes=7, clouds=1), classes=5)
    assert model.output_shape == (None, 5)
    assert len(model.inputs) == 2


@pytest.mark.parametrize("stack", ["tf_keras", "tf1"])
def test_missing_tf_keras_says_what_to_install(stack, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf_keras", None)
    with pytest.raises(ModelError) as caught:
        build_reference(stack)
    assert 'pip install "graphdiag[keras2]"' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_backends_are_refused(monkeypatch):
    import keras

    model = build_reference("keras3", clouds=1, conv_units=(2,))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ModelError, match=r"jax backend.*KERAS_BACKEND=tensorflow"):
        build_reference()
    # Of a model that is there, the layers are told.
    opened = open_model(model)
    assert not opened.has_op_graph
    assert opened.layer_graph is not None
    assert any("jax" in note for note in opened.notes)


def test_backend_that_cannot_be_loaded(run_python):
    printed = run_python(
        "import os\n"
        "os.environ['KERAS_BACKEND'] = 'nowhere'\n"
        "from graphdiag.errors import ModelError\n"
        "from graphdiag.reference import build_reference\n"
        "try: build_reference('keras3')\n"
        "except ModelError as error: print(error)\n"
    )
    assert "KERAS_BACKEND=tensorflow" in printed
    assert printed.count("\n") == 1


def shape_of(graph_def):
    """Each op with its type and inputs; the order of ops is TensorFlow's own affair."""
    return sorted((node.name, node.op, tuple(node.input)) for node in graph_def.node)


@pytest.mark.parametrize("stack", ["keras3", "tf_keras"])
def test_log_holds_the_graph_that_the_live_model_shows(stack, tmp_path):
    options = {"clouds": 1, "conv_units": (4,), "spatial_subnet": True}
    write_log(stack, tmp_path / "logs" / "run", **options)
    logged = open_event_log(tmp_path / "logs")
    assert logged.origin.tag == "forward"
    (from_log,) = logged.graph_defs
    (from_model,) = open_model(build_reference(stack, **options)).graph_defs
    assert shape_of(from_log) == shape_of(from_model)


def test_log_of_graph_mode_holds_the_graph_it_was_built_in(tmp_path):
    write_log("tf1", tmp_path)
    (from_log,) = open_event_log(tmp_path).graph_defs
    (from_model,) = open_model(build_reference("tf1")).graph_defs
    assert shape_of(from_log) == shape_of(from_model)


def test_log_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GraphdiagError, match="cannot be made"):
        write_log("keras3", tmp_path / "file" / "logs")
