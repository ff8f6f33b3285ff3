"""The line of the user's code in which each layer is made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphdiag import compare
from graphdiag.sources.locator import LayerLocator
from graphdiag.sources.script import open_script
from tests.conftest import ROOT

BLOCKS = """\
import keras

def block(inputs, name):
    hidden = keras.layers.Dense(
        4,
        name=name + "_dense",
    )(inputs)
    return keras.layers.ReLU(name=name + "_relu")(hidden)

class Scaled(keras.layers.Layer):
    def __init__(self, **options):
        self.factor = 2.0
        super().__init__(**options)

    def call(self, inputs):
        return self.factor * inputs
"""

NET = """\
import keras
from blocks import Scaled, block

def build_model():
    inputs = keras.Input((4,), name="inputs")
    outputs = inputs
    for number in range(2):
        outputs = block(outputs, f"block_{number}")
    outputs = Scaled(name="scaled")(outputs)
    shared = keras.layers.Dense(4, name="shared")
    outputs = shared(
        shared(outputs)
    )
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="inside")], name="inner")
    outputs = inner(outputs) + 1.0
    copied = keras.models.clone_model(inner)
    copied.name = "copied"
    outputs = copied(outputs)
    return keras.Model(inputs, outputs)
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "models" / "site-packages").mkdir(parents=True)
    (tmp_path / "models" / "net.py").write_text(NET)
    (tmp_path / "models" / "blocks.py").write_text(BLOCKS)
    return tmp_path


def test_loops_functions_shared_layers_and_nested_models(project, monkeypatch):
    monkeypatch.chdir(project)
    locations = open_script("models/net.py").locations
    # Keras numbers the names of operations through all models of a process.
    [raw] = [layer for layer in locations if layer.startswith("add")]
    assert locations.pop(raw) == ("models/net.py", 15)
    assert locations == {
        "inputs": ("models/net.py", 5),
        "block_0_dense": ("models/blocks.py", 4),
        "block_0_relu": ("models/blocks.py", 8),
        "block_1_dense": ("models/blocks.py", 4),
        "block_1_relu": ("models/blocks.py", 8),
        "scaled": ("models/net.py", 9),
        "shared": ("models/net.py", 10),
        "inner/inside": ("models/net.py", 14),
        "copied/inside": ("models/net.py", 16),
    }


def test_paths_are_as_the_script_was_given(project, monkeypatch):
    monkeypatch.chdir(project / "models")
    assert open_script("net.py").locations["block_0_relu"] == ("blocks.py", 8)
    (project / "elsewhere").mkdir()
    monkeypatch.chdir(project / "elsewhere")
    assert open_script("../models/net.py").locations["block_0_relu"] == ("../models/blocks.py", 8)
    path = project / "models" / "net.py"
    assert open_script(path).locations["block_0_relu"] == (str(project / "models" / "blocks.py"), 8)


def test_a_module_beside_the_directory_of_the_script(project, monkeypatch):
    monkeypatch.chdir(project)
    (project / "models" / "blocks.py").rename(project / "blocks.py")
    monkeypatch.syspath_prepend(str(project))
    assert open_script("models/net.py").locations["block_0_relu"] == ("blocks.py", 8)


@pytest.fixture(autouse=True)
def _blocks_are_imported_anew():
    yield
    sys.modules.pop("blocks", None)


def test_code_of_installed_packages_is_not_the_user_s(project, monkeypatch):
    monkeypatch.chdir(project)
    (project / "models" / "blocks.py").rename(project / "models" / "site-packages" / "blocks.py")
    monkeypatch.syspath_prepend(str(project / "models" / "site-packages"))
    assert open_script("models/net.py").locations["block_0_relu"] == ("models/net.py", 8)


def test_layers_of_keras_applications_are_made_where_they_are_asked_for(project, monkeypatch):
    monkeypatch.chdir(project)
    (project / "mobile.py").write_text(
        "import keras\n\n\ndef build_model():\n"
        "    return keras.applications.MobileNetV3Small(\n"
        "        input_shape=(32, 32, 3), weights=None, classes=2)\n"
    )
    opened = open_script("mobile.py")
    assert set(opened.locations) == set(opened.layer_graph.layers)
    assert set(opened.locations.values()) == {("mobile.py", 5)}


DRIVER = """
import json, sys
import keras, tf_keras
from graphdiag.sources.script import open_script

makers = [vars(cls).get("__new__") for base in (keras.Operation, tf_keras.layers.Layer) for cls in base.__mro__]
found = {name: open_script(f"fixtures/models/{name}.py").locations for name in sys.argv[1:]}
after = [vars(cls).get("__new__") for base in (keras.Operation, tf_keras.layers.Layer) for cls in base.__mro__]
print(json.dumps([found, makers == after]))
"""


def test_tf_keras_and_graph_mode():
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, "shared_tf_keras", "deep_nested_tf_keras", "nested_tf1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stderr
    found, as_it_was = json.loads(done.stdout)
    assert as_it_was
    for name, locations in found.items():
        lines = (ROOT / "fixtures" / "models" / f"{name}.py").read_text().splitlines()
        assert locations
        for layer, (path, line) in locations.items():
            assert path == f"fixtures/models/{name}.py"
            assert layer.rpartition("/")[2] in lines[line - 1] or "name)" in lines[line - 1], (layer, line)
    assert found["shared_tf_keras"]["shared"] == ["fixtures/models/shared_tf_keras.py", 7]


def test_classes_are_as_they_were_even_after_an_error():
    class Base:
        def __new__(cls, *args):
            return super().__new__(cls)

    class Layer(Base):
        pass

    original = vars(Base)["__new__"]
    locator = LayerLocator(ROOT / "tests" / "none.py")

    def fail():
        with locator:
            locator.watch(Layer)
            locator.watch(Layer)
            made.append(Layer(1))
            raise RuntimeError

    made = []
    with pytest.raises(RuntimeError):
        fail()
    assert vars(Base)["__new__"] is original
    path, line = locator.line_of(id(made[0]))
    assert (ROOT / path).samefile(__file__)
    assert "made.append(Layer(1))" in Path(__file__).read_text().splitlines()[line - 1]
    outside = Layer(2)
    assert locator.line_of(id(outside)) is None


def test_a_report_has_the_lines_of_its_layers(project, monkeypatch):
    monkeypatch.chdir(project)
    report = compare("models/net.py")
    assert report.locations["shared"] == ("models/net.py", 10)
    assert report.to_dict()["locations"]["shared"] == ["models/net.py", 10]
