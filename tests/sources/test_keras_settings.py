"""The same settings, shapes and numbers of weights from every Keras and from every file."""

from __future__ import annotations

import base64
import json
import marshal
import subprocess
import sys

import keras
import pytest
import tf_keras

from graphdiag.sources.keras_json import layer_graph_from_json
from graphdiag.sources.keras_layers import functional_ids
from graphdiag.sources.keras_live_settings import with_settings
from graphdiag.sources.keras_settings import normalized, settings_of
from graphdiag.sources.marshaled_code import code_digest
from tests.conftest import ROOT
from tests.sources.zoo import ZOO, images
from tests.support import keras_defaults


def of_json(model):
    return layer_graph_from_json(json.loads(model.to_json()))


@pytest.mark.parametrize("build", ZOO)
def test_both_generations_write_the_same_settings(build):
    new, old = of_json(build(keras)), of_json(build(tf_keras))
    assert new.layers.keys() == old.layers.keys()
    for id_, layer in new.layers.items():
        assert old.layers[id_].settings == layer.settings, id_


@pytest.mark.parametrize("package", [keras, tf_keras])
@pytest.mark.parametrize("build", ZOO)
def test_what_the_file_does_not_record_is_computed(build, package):
    model = build(package)
    live, read = functional_ids(model, "").graph, of_json(model)
    for id_, layer in live.layers.items():
        of_file = read.layers[id_]
        assert (of_file.output_shape, of_file.parameters) == (layer.output_shape, layer.parameters), id_


def test_what_is_left_is_what_somebody_set():
    found = {id_: layer.settings for id_, layer in of_json(images(keras)).layers.items()}
    assert found["a"] == {
        "filters": 8,
        "kernel_size": 3,
        "activation": "relu",
        "kernel_initializer": "HeNormal",
        "kernel_regularizer": {"class": "L2", "l2": 0.0001},
    }
    assert found["norm"] == {"momentum": 0.9}
    assert found["separable"] == {"filters": 4, "kernel_size": [3, 1], "dilation_rate": 2, "use_bias": False}
    assert found["dense"]["trainable"] is False
    assert found["grouped"]["dtype"] == "float64"
    assert (found["leaky"], found["flat"], found["image"]) == ({}, {}, {})


def test_the_defaults_are_those_of_keras():
    # In a process of its own: TF 1 graph mode changes the base classes of tf_keras.
    program = "import sys; from tests.support import keras_defaults; sys.stdout.write(keras_defaults.text())"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert keras_defaults.FILE.read_text("utf-8") == done.stdout


@pytest.mark.parametrize(
    ("key", "raw", "value"),
    [
        ("kernel_initializer", {"class_name": "VarianceScaling", "config": {"scale": 1.0, "mode": "fan_avg",
                                "distribution": "uniform", "seed": None}}, "GlorotUniform"),
        ("kernel_initializer", "glorot_uniform", "GlorotUniform"),
        ("kernel_regularizer", {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.009999999776482582}},
         {"class": "L2", "l2": 0.01}),
        ("dtype", {"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}, "mixed_float16"),
        ("kernel_size", [3, 3], 3),
        ("kernel_size", {"class_name": "__tuple__", "items": [3, 1]}, [3, 1]),
        ("activation", "linear", None),
        ("activation", {"class_name": "function", "config": "mine", "module": "builtins"}, "mine"),
        ("axis", [3], 3),
    ],
)  # fmt: skip
def test_one_form_for_a_value(key, raw, value):
    assert normalized(key, raw) == value


def test_long_values_are_known_by_a_hash():
    found = normalized("vocabulary", [f"word{number}" for number in range(1000)])
    assert found.startswith("sha256:")
    assert found != normalized("vocabulary", [f"word{number}" for number in range(1001)])


def test_damaged_settings_are_no_settings():
    assert settings_of({"class_name": "Dense", "config": None}) is None
    assert settings_of({"class_name": "Dense", "config": {"units": [[{"class_name": 3, "config": []}]]}}) is not None
    deep = json.loads('{"class_name": "Conv2D", "config": {"name": "a", "kernel_size": "x", "filters": {"a": 1}}}')
    graph = layer_graph_from_json(
        {"class_name": "Sequential", "config": {"name": "s", "layers": [deep], "build_input_shape": [None, 3, 3, 1]}}
    )
    assert graph.layers["a"].parameters is None


def test_a_value_without_json_does_not_hide_the_others():
    found = settings_of({"class_name": "Mine", "config": {"units": 3, "start": object(), "sizes": [object(), 2]}})
    assert found == {"units": 3, "start": "<object>", "sizes": ["<object>", 2], "code": None}


def marshaled(code):
    return base64.b64encode(marshal.dumps(code)).decode()


def test_code_is_known_by_what_it_does_and_not_by_where_it_stands():
    here = compile("f = lambda x: x * 2 + 1", "one.py", "exec")
    there = compile("\n\n\nf = lambda x: x * 2 + 1", "/somewhere/else.py", "exec")
    other = compile("f = lambda x: x * 3 + 1", "one.py", "exec")
    assert code_digest(marshaled(here)) == code_digest(marshaled(there))
    assert code_digest(marshaled(here)) != code_digest(marshaled(other))


def test_damaged_code_is_not_run_and_has_a_hash():
    whole = marshal.dumps(compile("f = lambda x: [x, (1, 2.5, 10**30, 'é', None)]", "one.py", "exec"))
    for end in range(0, len(whole), 7):
        assert len(code_digest(base64.b64encode(whole[:end]).decode())) == 16
    assert len(code_digest("no base64 at all: \x00é")) == 16
    # A hundred lists, each of which holds the one before twice.
    nested = b"\xa9\x02" + b"".join(b"\xa9\x02r" + number.to_bytes(4, "little") for number in range(60))
    assert len(code_digest(base64.b64encode(nested).decode())) == 16


class Silent(keras.layers.Layer):
    def __init__(self, thing, **options):
        super().__init__(**options)
        self.thing = thing

    def call(self, x):
        return x

    def get_config(self):
        raise ValueError("nothing is told")


class Scaled(keras.layers.Layer):
    def __init__(self, by=2.0, **options):
        super().__init__(**options)
        self.by = by

    def call(self, x):
        return x * self.by

    def get_config(self):
        return {**super().get_config(), "by": self.by}


def test_a_layer_that_does_not_tell_its_settings_has_none():
    start = keras.Input((4,), name="in")
    x = Silent(object(), name="silent")(keras.layers.Dense(3, name="dense")(start))
    ids = with_settings(functional_ids(keras.Model(start, x), ""), None)
    assert ids.graph.layers["silent"].settings is None
    assert ids.graph.layers["dense"].settings == {"units": 3}


def test_the_code_of_the_users_own_layers_and_functions_is_known_of_a_live_model():
    def doubled(x):
        return x * 2

    start = keras.Input((4,), name="in")
    x = keras.layers.Lambda(doubled, name="function")(Scaled(3.0, name="scaled")(start))
    model = keras.Model(start, keras.layers.Lambda(lambda y: y + 1, name="lambda")(x))
    found = with_settings(functional_ids(model, ""), json.loads(model.to_json())).graph.layers
    assert found["scaled"].settings["by"] == 3.0
    assert len(found["scaled"].settings["code"]) == 16
    assert found["function"].settings["function"] == "doubled"
    assert len(found["function"].settings["code"]) == 16
    assert found["lambda"].settings["function"]["class"] == "code"
    in_file = of_json(model).layers
    assert in_file["scaled"].settings == {"by": 3.0, "code": None}
    assert in_file["function"].settings == {"function": "doubled", "code": None}
    assert "code" not in in_file["lambda"].settings
