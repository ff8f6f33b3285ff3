"""What each call of a layer is given and returns, as recorded while a live model is traced."""

from __future__ import annotations

import keras
import pytest
import tensorflow as tf
import tf_keras

from graphdiag.sources.keras_model import open_model

STACKS = pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras3", "tf_keras"])


def calls_of(model, layer):
    return [call for call in open_model(model, graph="inference").calls.calls if call.layer == layer]


@STACKS
def test_a_layer_that_returns_its_input_returns_the_tensor_that_it_was_given(package):
    class Regularize(package.layers.Layer):
        def call(self, x):
            self.add_loss(tf.reduce_mean(x))
            return x

    x = package.Input((4,), name="x")
    h = package.layers.Dense(4, name="h")(x)
    model = package.Model(x, package.layers.Dense(2, name="out")(Regularize(name="regularize")(h)))
    [dense], [regularize], [out] = (calls_of(model, name) for name in ("h", "regularize", "out"))
    [result] = dense.returned
    assert regularize.given == {"0": result}
    assert regularize.returned == (result,)
    assert out.given == {"0": result}


@STACKS
def test_arguments_have_their_places(package):
    class Mix(package.layers.Layer):
        def call(self, xs, scale, shift=None):
            return xs["a"] * xs["b"] * scale[0] + shift

    a, b, c, d = (package.Input((4,), name=name) for name in "abcd")
    model = package.Model([a, b, c, d], Mix(name="mix")({"b": b, "a": a}, [c], shift=d))
    opened = open_model(model)
    [mix] = opened.calls.calls
    given = {place: {opened.owners[name] for name, _ in tensors} for place, tensors in mix.given.items()}
    assert given == {"0['a']": {"a"}, "0['b']": {"b"}, "1[0]": {"c"}, "shift": {"d"}}
    edges = {(edge.argument, edge.source.layer) for edge in opened.layer_graph.tensors}
    assert edges == {("0['a']", "a"), ("0['b']", "b"), ("1[0]", "c"), ("shift", "d")}


@STACKS
def test_calls_of_a_layer_in_a_shared_model_are_counted_through(package):
    i = package.Input((4,), name="i")
    dense = package.layers.Dense(4, name="dense")
    inner = package.Model(i, dense(dense(i)), name="inner")
    x, y = package.Input((4,), name="x"), package.Input((4,), name="y")
    left, right = package.layers.Dense(4, name="left")(x), package.layers.Dense(4, name="right")(y)
    model = package.Model([x, y], package.layers.Add(name="add")([inner(left), inner(right)]))
    opened = open_model(model, graph="inference")
    layers = opened.layer_graph
    given = {
        (edge.call, edge.source.layer, edge.source.call) for edge in layers.tensors if edge.target == "inner/dense"
    }
    assert given == {(0, "left", 0), (1, "inner/dense", 0), (2, "right", 0), (3, "inner/dense", 2)}
    assert layers.uses("inner/dense") == 4
    results = {call.number: call.returned for call in opened.calls.calls if call.layer == "inner/dense"}
    arguments = {call.number: call.given["0"] for call in opened.calls.calls if call.layer == "inner/dense"}
    assert sorted(results) == [0, 1, 2, 3]
    assert (arguments[1],) == results[0]
    assert (arguments[3],) == results[2]
    [add] = calls_of(model, "add")
    assert len(set(add.given.values())) == 2


@STACKS
def test_what_a_layer_calls_itself_is_no_call_of_keras(package):
    dense = package.layers.Dense(4, name="dense")

    class Borrow(package.layers.Layer):
        def call(self, x):
            return dense(x * 2.0)

        def compute_output_shape(self, shape):
            return shape

    x = package.Input((4,), name="x")
    model = package.Model(x, Borrow(name="borrow")(dense(x)))
    assert len(calls_of(model, "dense")) == 1
    opened = open_model(model, graph="inference")
    products = [name for name in opened.calls.of_op if name.endswith(("MatMul", "MatMul_1"))]
    assert {opened.calls.calls[opened.calls.of_op[name]].layer for name in products} == {"dense", "borrow"}


@STACKS
def test_what_a_models_own_code_gives_is_not_given_by_keras(package):
    class Twice(package.Model):
        def call(self, inputs, training=None, mask=None):
            result = super().call(inputs)
            return result + self.get_layer("dense")(self.get_layer("other")(inputs) * 3.0)

    x = package.Input((4,), name="x")
    h = package.layers.Dense(4, name="dense")(x)
    model = Twice(inputs=x, outputs=package.layers.Dense(4, name="other")(h))
    calls = calls_of(model, "dense")
    assert [(call.number, bool(call.given)) for call in calls] == [(0, True), (None, False)]


@STACKS
def test_a_mask_is_given_to_those_that_keras_hands_it_to(package):
    x = package.Input((5,), dtype="int32", name="x")
    h = package.layers.Embedding(6, 4, mask_zero=True, name="embedding")(x)
    h = package.layers.Dropout(0.5, name="dropout")(h)
    h = package.layers.LSTM(4, return_sequences=True, name="lstm")(h)
    h = package.layers.Lambda(lambda t: t * 2.0, name="plain")(h)
    model = package.Model(x, h)
    calls = {call.layer: call for call in open_model(model).calls.calls}
    embedding, dropout, lstm, plain = (calls[name] for name in ("embedding", "dropout", "lstm", "plain"))
    assert embedding.masks
    assert dropout.attached == embedding.masks
    assert lstm.given["mask of 0"] == embedding.masks
    # One comes along, and a Lambda whose function has no `mask` is not given it, unless Keras has it on record as an
    # argument: that is what Keras 3 does.
    assert plain.attached
    assert list(plain.given) == (["0", "mask"] if package is keras else ["0"])


def test_parts_of_a_ragged_tensor():
    x = tf_keras.Input((None,), ragged=True, name="x")
    double = tf_keras.layers.Lambda(lambda t: t * 2.0, name="double")(x)
    model = tf_keras.Model(x, tf_keras.layers.Lambda(lambda t: tf.reduce_sum(t, axis=-1), name="total")(double))
    [double], [total] = calls_of(model, "double"), calls_of(model, "total")
    splits = set(double.given["0"]) & set(total.given["0"])
    assert splits, "both have the same row splits"
    assert set(double.given["0"]) - splits, "and each its own values"


def test_initial_states_are_arguments():
    x, s = keras.Input((5, 4), name="x"), keras.Input((4,), name="s")
    _, h, c = keras.layers.LSTM(4, return_state=True, name="encoder")(x)
    model = keras.Model([x, s], keras.layers.LSTM(4, name="decoder")(x, initial_state=[h, s]))
    [encoder], [decoder] = calls_of(model, "encoder"), calls_of(model, "decoder")
    assert decoder.given["initial_state[0]"] == encoder.returned[1]
    edges = {edge.argument: edge.source for edge in open_model(model).layer_graph.tensors if edge.target == "decoder"}
    assert (edges["initial_state[0]"].layer, edges["initial_state[0]"].output) == ("encoder", 1)
    assert c is not None
