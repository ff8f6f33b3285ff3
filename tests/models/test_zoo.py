"""Models as people build them are clean; a few of the zoo, the whole of which `python -m tests.models.zoo` looks at."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.models.zoo import GRAPHS, rows


@pytest.mark.parametrize("stack", ["keras3", "tf_keras"])
@pytest.mark.parametrize(
    "name", ["transformer", "vae", "vq_vae", "experts", "contrastive", "wide_and_deep", "mirrored"]
)
def test_a_model_of_the_zoo_is_clean(name: str, stack: str) -> None:
    found = rows(name, stack, log=True)
    assert len(found) == 2 * len(GRAPHS)
    assert {row.line(): row.text for row in found if not row.clean} == {}


REPLICAS = """
import {package} as keras
import tensorflow as tf
from graphdiag import compare

[device] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
layers = keras.layers
with tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"]).scope():
    x = keras.Input((4,), name="x")
    h = layers.BatchNormalization(name="norm")(layers.Dense(4, name="dense")(x))
    model = keras.Model(x, layers.Dense(2, name="out")(h))
    model.compile("adam", "mse")
for graph in ("training", "inference", "train-step"):
    report = compare(model, graph=graph)
    print([finding.code for finding in report.findings if finding.severity.value == "error"])
"""


@pytest.mark.parametrize("package", ["keras", "tf_keras"])
def test_a_model_on_two_replicas_is_clean(package: str, run_python: Callable[[str], str]) -> None:
    assert run_python(REPLICAS.format(package=package)).splitlines() == ["[]"] * 3
