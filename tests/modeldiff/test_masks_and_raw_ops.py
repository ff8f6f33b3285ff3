"""What Keras 3 adds for masks is part of the layer that makes the mask; raw ops are the same in both generations."""

from __future__ import annotations

import keras
import tf_keras

from graphdiag.modeldiff.differ import diff
from graphdiag.modeldiff.summary import lines
from tests.modeldiff.sources import snapshot_of


def masked(k):
    layers = k.layers
    a, b = k.Input((5, 4), name="a"), k.Input((5,), name="b", dtype="int32")
    left = layers.LSTM(4, return_sequences=True, name="left")(layers.Masking(name="masking")(a))
    right = layers.GRU(4, return_sequences=True, name="right")(layers.Embedding(9, 3, mask_zero=True, name="words")(b))
    joined = layers.Concatenate(name="joined")([left, right])
    attended = layers.MultiHeadAttention(2, 3, name="attended")(joined, right)
    return k.Model([a, b], layers.LSTM(3, name="last")(attended), name="masked")


def test_operations_that_compute_masks_are_folded(tmp_path):
    new, old = (snapshot_of(masked(package), "json", tmp_path) for package in (keras, tf_keras))
    assert new.layers.keys() == old.layers.keys() == {
        *("a", "b", "masking", "words", "left", "right", "joined", "attended", "last")
    }  # fmt: skip
    assert lines(diff(old, new)) == []
    assert lines(diff(snapshot_of(masked(keras), "live", tmp_path), new)) == []


def test_a_mask_of_the_users_own_stays(tmp_path):
    def build(padding):
        tokens = keras.Input((5,), name="tokens", dtype="int32")
        words = keras.layers.Embedding(9, 3, name="words")(tokens)
        mask = keras.ops.not_equal(tokens, padding)
        return keras.Model(tokens, keras.layers.LSTM(3, name="last")(words, mask=mask), name="own")

    old, new = (snapshot_of(build(padding), "json", tmp_path) for padding in (7, 8))
    [line] = lines(diff(old, new))
    assert line.endswith(": constant 7 -> 8")


def test_raw_ops_are_the_same_in_both_generations(tmp_path):
    def build(k, factor=2.0):
        start = k.Input((4,), name="start")
        hidden = k.layers.Dense(4, name="hidden")(start)
        return k.Model(start, k.layers.Dense(1, name="out")((start + hidden * factor) / 3.0 - hidden), name="raw")

    new, old = (snapshot_of(build(package), "json", tmp_path) for package in (keras, tf_keras))
    assert lines(diff(old, new)) == []
    [line] = lines(
        diff(snapshot_of(build(tf_keras), "h5", tmp_path), snapshot_of(build(tf_keras, 5.0), "h5", tmp_path))
    )
    assert line.endswith(": constant 2.0 -> 5.0")
