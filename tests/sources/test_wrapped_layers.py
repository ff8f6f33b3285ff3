"""Names of the layers that other layers wrap, from Keras's JSON."""

from __future__ import annotations

import json

import pytest

from graphdiag.sources.keras_json import layer_graph_from_json
from tests.support.graph_text import LOGS


def wrapped(log):
    layers = layer_graph_from_json(json.loads((LOGS / log / "model.json").read_text())).layers
    return {layer.name: layer.inner for layer in layers.values() if layer.inner}


def test_a_wrapped_model_with_all_its_layers():
    assert wrapped("keras216_td_models_two") == {
        "each_one": ("one", "onef", "idense", "ibn", "idrop"),
        "each_two": ("two", "twof", "idense", "ibn", "idrop"),
    }


def test_a_wrapped_layer():
    assert wrapped("tfkeras110_masks_merge").keys() == {"td"}


@pytest.mark.parametrize("log", ["k3_reference_training", "tfk_reference_training", "keras216_reference", "tfk_nested"])
def test_initializers_policies_and_nested_models_are_no_wrapped_layers(log):
    assert wrapped(log) == {}
