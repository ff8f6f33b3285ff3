from __future__ import annotations

import pytest

from graphdiag.keras_facts import is_automatic, is_automatic_model


@pytest.mark.parametrize(
    ("name", "class_name"),
    [
        ("dense", "Dense"),
        ("dense_12", "Dense"),
        ("conv2d_transpose_1", "Conv2DTranspose"),
        ("global_max_pooling1d", "GlobalMaxPooling1D"),
        ("lstm_3", "LSTM"),
        ("re_lu_1", "ReLU"),
        ("p_re_lu", "PReLU"),
        ("input_layer_2", "InputLayer"),
        ("input_1", "InputLayer"),
        ("dense_input", "InputLayer"),
        ("tf.math.add_3", "TFOpLambda"),
        ("tf.__operators__.getitem", "SlicingOpLambda"),
        ("functional_1", "Functional"),
        ("model_2", "Functional"),
        ("sequential", "Sequential"),
        ("get_item_4", "GetItem"),
    ],
)
def test_names_that_keras_makes_up(name, class_name):
    assert is_automatic(name, class_name)


@pytest.mark.parametrize(
    ("name", "class_name"),
    [
        ("dense", "Conv1D"),
        ("dense_0", "Dense"),
        ("dense_a", "Dense"),
        ("my_dense_1", "Dense"),
        ("Dense", "Dense"),
        ("pt_cloud_0", "InputLayer"),
        ("conv2_block1_1_conv", "Conv2D"),
        ("encoder", "Functional"),
        ("", "Dense"),
    ],
)
def test_names_that_somebody_chose(name, class_name):
    assert not is_automatic(name, class_name)


def test_the_rule_is_that_of_both_keras_packages(run_python):
    script = """
import keras, tf_keras
from graphdiag.keras_facts import is_automatic
for package in (keras, tf_keras):
    found = 0
    for name, kind in sorted(vars(package.layers).items()):
        if not isinstance(kind, type) or name in ("InputLayer", "Layer", "Wrapper"):
            continue
        for arguments in ((), (2,), (2, 2), (package.layers.Dense(1),), (package.layers.LSTM(1),), (lambda x: x,)):
            try:
                layer = kind(*arguments)
            except Exception:
                continue
            if layer.name is None:
                continue
            found += 1
            assert is_automatic(layer.name, type(layer).__name__), (layer.name, type(layer).__name__)
            break
    assert found > 80, found
    tensor = package.Input((2,))
    assert is_automatic(package.Model(tensor, tensor).name, "Functional")
    assert is_automatic(package.Sequential().name, "Sequential")
print("same")
"""
    assert run_python(script).strip().endswith("same")


def test_model_names():
    assert is_automatic_model("functional_3")
    assert not is_automatic_model("resnet50")
