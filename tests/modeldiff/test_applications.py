"""Neighbors in ``keras.applications``: what a colleague would say of them, in less than thirty lines."""

from __future__ import annotations

from dataclasses import replace

import keras
import pytest

from graphdiag.modeldiff.differ import diff
from graphdiag.output import plain
from graphdiag.render.text.diff import render
from tests.modeldiff.models import applied, compared
from tests.modeldiff.sources import snapshot_of

PAIRS = {
    "deeper": (
        ("ResNet50", {}),
        ("ResNet101", {}),
        "170 layers inserted after conv4_block6_out, before conv5_block1_1_conv and conv5_block1_0_conv: 17 blocks of "
        "the same shape, conv4_block7 ... conv4_block23, each 10 layers (3 Conv2D, 3 BatchNormalization, 3 Activation, "
        "1 Add)",
    ),
    "rewritten": (
        ("ResNet50", {}),
        ("ResNet50V2", {}),
        "9 blocks rewritten, conv2_block2 to conv5_block3: 9 layers renamed, 9 re-wired",
    ),
    "half as wide": (
        ("MobileNet", {}),
        ("MobileNet", {"alpha": 0.5}),
        "filters of 14 layers, 0.5 times as many: conv1 32 -> 16, conv_pw_1 64 -> 32, conv_pw_2 128 -> 64 and 11 more",
    ),
    "three quarters as wide": (
        ("MobileNetV2", {}),
        ("MobileNetV2", {"alpha": 0.75}),
        "filters of 28 layers, 0.75 times as many: Conv1 32 -> 24, block_3_project 32 -> 24, block_4_project 32 -> 24 "
        "and 25 more",
    ),
    "deeper and larger": (
        ("EfficientNetB0", {}),
        ("EfficientNetB1", {}),
        "inserted at 6 places: before block3a_expand_conv, block4a_expand_conv, block5a_expand_conv and 3 more",
    ),
    "another family": (
        ("InceptionV3", {}),
        ("InceptionResNetV2", {}),
        "the model inception_v3 renamed inception_resnet_v2",
    ),
    "more of two kinds of block": (
        ("DenseNet121", {}),
        ("DenseNet169", {}),
        "112 layers inserted between conv5_block16_concat and bn: 16 blocks wired alike, conv5_block17 ... "
        "conv5_block32, each 7 layers (2 BatchNormalization, 2 Activation, 2 Conv2D, 1 Concatenate)",
    ),
}


@pytest.fixture(scope="module")
def application(tmp_path_factory):
    directory = tmp_path_factory.mktemp("applications")
    known = {}

    def read(name, options):
        key = name, str(options)
        if key not in known:
            keras.backend.clear_session()
            model = getattr(keras.applications, name)(weights=None, **options)
            known[key] = snapshot_of(model, "json", directory)
        return known[key]

    return read


@pytest.mark.parametrize("pair", PAIRS)
def test_neighbors_take_less_than_thirty_lines(application, pair):
    left, right, words = PAIRS[pair]
    old, new = application(*left), application(*right)
    found = diff(old, new)
    assert applied(found.to_dict(), old) == compared(new.to_dict())
    text = plain(render(replace(found, titles=(f"models/{left[0]}.keras", f"models/{right[0]}.keras"))))
    assert len(text.splitlines()) < 30
    assert words in " ".join(text.split())
