"""Real models, before and after somebody changed them."""

from __future__ import annotations

import json

import keras
import pytest

import graphdiag
from graphdiag.modeldiff.snapshot_file import from_dict
from graphdiag.modeldiff.summary import headline
from graphdiag.output import plain
from graphdiag.reference import build_reference
from graphdiag.render.text.diff import render
from tests.modeldiff.models import applied, compared


@pytest.fixture(scope="module")
def reference():
    return graphdiag.snapshot(build_reference())


def rebuilt(model, *changes):
    """The model again, from its JSON with some texts replaced."""
    text = model.to_json()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return graphdiag.snapshot(keras.models.model_from_json(text))


def lines(old, new):
    found = graphdiag.diff(old, new)
    assert applied(found.to_dict(), old) == compared(new.to_dict())
    return [change.line() for change in found.changes]


def test_a_model_and_itself_built_twice_in_one_process(reference):
    def build():
        start = keras.Input((8,))
        hidden = keras.layers.Dense(8)(start)
        shared = keras.layers.Dense(8)
        inner = keras.Sequential([keras.Input((8,)), keras.layers.Dense(8), keras.layers.ReLU()])
        joined = keras.layers.Add()([shared(hidden), shared(start), inner(hidden), hidden * 2.0])
        return keras.Model(start, keras.layers.Dense(3)(joined))

    old, new = graphdiag.snapshot(build()), graphdiag.snapshot(build())
    assert old.layers.keys() != new.layers.keys()
    found = graphdiag.diff(old, new)
    assert headline(found) == "No difference.", [change.line() for change in found.changes]
    assert found.automatic > 5
    assert headline(graphdiag.diff(reference, build_reference())) == "No difference."


def test_a_snapshot_of_the_same_model_has_the_same_bytes(reference):
    assert graphdiag.snapshot(build_reference()).to_text() == reference.to_text()
    assert from_dict(json.loads(reference.to_text())) == reference


def test_one_inserted_layer(reference):
    found = graphdiag.diff(reference, build_reference(dropout_rates=(0.5, 0.3)))
    assert headline(found) == "1 layer inserted; everything else is the same."
    assert [change.line() for change in found.changes] == [
        "dropout_1 (Dropout) inserted between dense_1 and prediction"
    ]


def test_one_renamed_layer(reference):
    new = rebuilt(build_reference(), ('"batchnorm_0_2"', '"norm"'))
    assert lines(reference, new) == ["batchnorm_0_2 renamed norm (BatchNormalization)"]


def test_one_tower_wired_to_the_other(reference):
    model = build_reference()
    [conv] = [layer for layer in json.loads(model.to_json())["config"]["layers"] if layer["name"] == "conv1d_1_0"]
    before = json.dumps(conv)
    new = rebuilt(model, (before, before.replace("pt_cloud_1", "pt_cloud_0")))
    assert lines(reference, new) == [
        "conv1d_1_0 takes pt_cloud_0 instead of pt_cloud_1",
        "GD403 (leftover) came: pt_cloud_1",
    ]


def test_a_lost_skip_connection():
    def build(skip):
        start = keras.Input((8,))
        hidden = keras.layers.Dense(8)(start)
        inner = keras.layers.Dense(8)(hidden)
        joined = keras.layers.Add(name="add_1")([inner, hidden, start] if skip else [inner, start])
        return keras.Model(start, keras.layers.Dense(3)(joined))

    old, new = graphdiag.snapshot(build(True)), graphdiag.snapshot(build(False))
    [edge, ops] = lines(old, new)
    _, went, *_ = old.layers
    start, _, inner, *_ = new.layers
    assert edge == f"add_1 no longer takes {went}, only {inner} and {start}"
    assert ops == "add_1: 1 AddV2 went"


def test_a_deeper_net_is_no_wall_of_text():
    applications = keras.applications
    old, new = (applications.ResNet50(weights=None), applications.ResNet101(weights=None))
    found = graphdiag.diff(old, new)
    assert applied(found.to_dict(), found.old) == compared(found.new.to_dict())
    text = plain(render(found))
    assert len(text.splitlines()) < 20
    assert " ".join(text.split()).startswith(
        "Model renamed, 170 layers inserted; everything else is the same. old OLD 177 layers"
    )
    assert (
        "170 layers inserted after conv4_block6_out, before conv5_block1_1_conv and conv5_block1_0_conv: 17 blocks of "
        "the same shape, conv4_block7 ... conv4_block23, each 10 layers"
    ) in " ".join(text.split())


def test_another_input_size_is_told_once():
    applications = keras.applications
    old = applications.MobileNetV2(weights=None, input_shape=(96, 96, 3), classes=10)
    new = applications.MobileNetV2(weights=None, input_shape=(128, 128, 3), classes=10, name=old.name)
    text = plain(render(graphdiag.diff(old, new)))
    assert "output shape (None, 96, 96, 3) -> (None, 128, 128, 3)" in text
    assert "layers that follow have other output shapes" in text
    assert len(text.splitlines()) < 15


def test_other_stacks_build_the_same_model(reference):
    new = graphdiag.snapshot(build_reference("tf_keras"))
    kinds = {change.kind for change in graphdiag.diff(reference, new).changes}
    assert kinds <= {"ops-changed", "finding-came", "finding-gone"}
