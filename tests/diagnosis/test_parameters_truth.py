"""Whose variable it is: read, written or shared by layers, tracked by layers, by the model, or by nothing."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from collections.abc import Callable
from typing import Any

import keras
import pytest
import tensorflow as tf
import tf_keras
from keras import layers, ops

from graphdiag import compare
from graphdiag.diagnosis.finding import Finding
from tests.diagnosis.test_state_truth import (
    Does,
    DoesOnKeras2,
    edges,
    hidden,
    in_branch,
    in_function,
    two_branches,
)


def codes(findings: list[Finding]) -> set[str]:
    return {finding.code for finding in findings}


def of(model: Any, graph: str = "training") -> list[Finding]:
    return hidden(compare(model, graph=graph))


# --- Variables that nothing tracks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "int64", "int32", "uint8"])
@pytest.mark.parametrize("keras2", [False, True], ids=["Keras 3", "tf_keras"])
def test_a_variable_that_two_layers_read_and_none_tracks(dtype, keras2):
    scale = tf.Variable(tf.ones(4, dtype))

    def scaled(values):
        return values * tf.cast(scale, values.dtype)

    found = of(two_branches(scaled, scaled, keras2))
    assert codes(found) == {"GD303"}
    assert edges(found) == {("put", "take"), ("take", "put")}
    [finding] = found
    assert "no layer tracks" in finding.message
    assert "neither trained nor saved" in finding.message


@pytest.mark.parametrize("dtype", ["float32", "int64"])
@pytest.mark.parametrize("keras2", [False, True], ids=["Keras 3", "tf_keras"])
def test_a_variable_that_one_layer_reads_and_none_tracks(dtype, keras2):
    scale = tf.Variable(tf.ones(4, dtype))
    found = of(two_branches(lambda values: values * tf.cast(scale, values.dtype), lambda values: values * 2.0, keras2))
    [finding] = found
    assert finding.code == "GD302"
    assert {target for _, target in finding.edges} == {"put"}
    assert "neither trained nor saved" in finding.message


class Scales(layers.Layer):
    """A ``tf.Variable`` as an attribute, which Keras 3 does not track; beside a weight of its own."""

    def build(self, shape):
        self.weight = self.add_weight(shape=(shape[-1],), name="weight")
        self.scale = tf.Variable(tf.ones(shape[-1]))

    def call(self, values):
        return values * self.weight * self.scale


class ScalesOnKeras2(tf_keras.layers.Layer):
    def build(self, shape):
        self.weight = self.add_weight(shape=(shape[-1],), name="weight")
        self.scale = tf.Variable(tf.ones(shape[-1]))

    def call(self, values):
        return values * self.weight * self.scale


def test_keras_3_tracks_no_tf_variable():
    x = keras.Input((4,), name="x")
    [finding] = of(keras.Model(x, layers.Dense(2, name="out")(Scales(name="scales")(x))))
    assert (finding.code, finding.edges[0][1]) == ("GD302", "scales")
    assert "add_weight" in finding.fix


def test_keras_2_tracks_a_tf_variable():
    x = tf_keras.Input((4,), name="x")
    assert of(tf_keras.Model(x, tf_keras.layers.Dense(2, name="out")(ScalesOnKeras2(name="scales")(x)))) == []


# --- Another layer's variables ---------------------------------------------------------------------------------------


class Keeps(layers.Layer):
    """A layer with a variable of some type, which it reads."""

    def __init__(self, dtype_of_weight, **options):
        super().__init__(**options)
        self.dtype_of_weight = dtype_of_weight

    def build(self, shape):
        self.kept = self.add_weight(
            shape=(4,), dtype=self.dtype_of_weight, trainable=False, initializer="ones", name="kept"
        )

    def call(self, values):
        return values * ops.cast(self.kept, "float32")


@pytest.mark.parametrize("dtype", ["float32", "int64", "int32", "uint32", "bool"])
@pytest.mark.parametrize("in_between", [True, False], ids=["further down", "right behind"])
def test_a_variable_of_any_type_of_another_layer(dtype, in_between):
    keeps = Keeps(dtype, name="keeps")
    x = keras.Input((4,), name="x")
    values = keeps(x)
    if in_between:
        values = layers.Dense(4, name="mid")(values)
    found = of(keras.Model(x, Does(lambda values: values * tf.cast(keeps.kept.value, "float32"), name="uses")(values)))
    assert (codes(found), edges(found)) == ({"GD303"}, {("keeps", "uses")})


@pytest.mark.parametrize("around", [lambda function: function, in_branch, in_function], ids=["", "branch", "function"])
@pytest.mark.parametrize("keras2", [False, True], ids=["Keras 3", "tf_keras"])
def test_python_code_that_reads_another_layers_weights(around, keras2):
    package, does = (tf_keras, DoesOnKeras2) if keras2 else (keras, Does)
    dense = package.layers.Dense(4, name="dense")
    reads = around(lambda values: tf.numpy_function(lambda array: array @ dense.kernel.numpy(), [values], tf.float32))
    x = package.Input((4,), name="x")
    values = package.layers.Dense(4, name="mid")(dense(x))
    holder = does(reads, name="holder")
    holder.holds = dense
    found = of(package.Model(x, holder(does(reads, name="reader")(values))))
    assert (codes(found), edges(found)) == ({"GD303"}, {("dense", "reader")})
    assert "in Python code" in found[0].message


def test_the_moving_averages_of_another_layer():
    norm = layers.BatchNormalization(name="norm")
    x = keras.Input((4,), name="x")
    values = layers.Dense(4, name="mid")(norm(layers.Dense(4, name="first")(x)))
    model = keras.Model(x, Does(lambda values: values - norm.moving_mean, name="uses")(values))
    at_inference = of(model, "inference")
    assert (codes(at_inference), edges(at_inference)) == ({"GD303"}, {("norm", "uses")})
    # In training the average of this very call is there already.
    assert ("norm", "uses") in edges(of(model))


class Shadow(layers.Layer):
    """An exponential moving average of another layer's kernel."""

    def __init__(self, function, **options):
        super().__init__(**options)
        self.kernel_of = function

    def build(self, shape):
        self.average = self.add_weight(shape=(4, 4), trainable=False, name="average")

    def call(self, values):
        self.average.assign(0.9 * self.average + 0.1 * self.kernel_of())
        return values @ ops.convert_to_tensor(self.average)


def test_an_average_of_another_layers_kernel():
    dense = layers.Dense(4, name="dense")
    x = keras.Input((4,), name="x")
    values = Shadow(lambda: dense.kernel, name="shadow")(layers.Dense(4, name="mid")(dense(x)))
    found = of(keras.Model(x, values))
    assert (codes(found), edges(found)) == ({"GD303"}, {("dense", "shadow")})


# --- Another layer's variables, written ------------------------------------------------------------------------------


def with_writer(writes: Callable[[Any, Any], Any], writer_first: bool) -> Any:
    """A layer that does something to the kernel of a Dense layer before or after that is called."""
    dense = layers.Dense(4, name="dense")
    dense.build((None, 4))
    writer = Does(lambda values: writes(dense.kernel, values), name="writer")
    x = keras.Input((4,), name="x")
    first, second = (writer, dense) if writer_first else (dense, writer)
    return keras.Model(x, layers.Dense(2, name="out")(second(layers.Dense(4, name="mid")(first(x)))))


def clip(kernel: Any, values: Any) -> Any:
    kernel.assign(ops.clip(kernel, -1, 1))
    return values * 1.0


def reset(kernel: Any, values: Any) -> Any:
    kernel.assign(ops.zeros((4, 4)))
    return values * 1.0


def learn(kernel: Any, values: Any) -> Any:
    kernel.assign(ops.matmul(ops.transpose(values), values))
    return values * 1.0


@pytest.mark.parametrize("writer_first", [True, False])
@pytest.mark.parametrize("writes", [clip, reset])
def test_a_kernel_that_another_layer_writes(writes, writer_first):
    [finding] = of(with_writer(writes, writer_first))
    assert (finding.code, finding.edges) == ("GD303", (("writer", "dense"),))
    assert "writes to 1 variable of dense" in finding.message
    assert "let the layer" in finding.fix.lower()


@pytest.mark.parametrize("writer_first", [True, False])
def test_a_kernel_that_another_layer_computes_from_activations(writer_first):
    [finding] = of(with_writer(learn, writer_first))
    assert (finding.code, finding.edges) == ("GD301", (("writer", "dense"),))
    assert ("in the next call" in finding.message) is not writer_first
    assert "variable of dense" in finding.message


def test_a_constraint_that_a_layer_has_itself():
    class Clipped(layers.Dense):
        def call(self, values):
            self.kernel.assign(ops.clip(self.kernel, -1, 1))
            return super().call(values)

    x = keras.Input((4,), name="x")
    assert of(keras.Model(x, layers.Dense(2, name="out")(Clipped(4, name="clipped")(x)))) == []


# --- What is not a weight, and what is looked after
# ---------------------------------------------------------------------


def test_seeds_that_two_layers_draw_from():
    seeds = keras.random.SeedGenerator(1)

    def noisy(values):
        return values + keras.random.normal(ops.shape(values), seed=seeds)

    assert of(two_branches(noisy, noisy)) == []


def test_a_generator_of_tensorflow_that_two_layers_draw_from():
    generator = tf.random.Generator.from_seed(1)

    def noisy(values):
        return values + generator.normal(tf.shape(values))

    assert of(two_branches(noisy, noisy)) == []
    assert of(two_branches(noisy, noisy, keras2=True)) == []


class Shared(layers.Layer):
    """Uses what is handed to it, and holds it."""

    def __init__(self, held, function, **options):
        super().__init__(**options)
        self.held = held
        self.function = function

    def call(self, values):
        return self.function(self.held, values)


def test_a_metric_that_two_layers_hold():
    mean = keras.metrics.Mean(name="mean")

    def watch(metric, values):
        metric.update_state(ops.mean(values))
        return values * 1.0

    x = keras.Input((4,), name="x")
    first = Shared(mean, watch, name="first")(layers.Dense(4, name="a")(x))
    assert of(keras.Model(x, Shared(mean, watch, name="second")(layers.Dense(4, name="b")(first)))) == []


class Endpoint(layers.Layer):
    """Keras's guide: a layer that computes loss and metrics."""

    def __init__(self, **options):
        super().__init__(**options)
        self.loss = keras.losses.MeanSquaredError()
        self.accuracy = keras.metrics.Mean(name="accuracy")

    def call(self, targets, logits):
        self.add_loss(self.loss(targets, logits))
        self.accuracy.update_state(ops.mean(logits))
        return ops.softmax(logits)


@pytest.mark.parametrize("graph", ["training", "inference", "train-step"])
def test_the_metrics_of_a_layer_are_its_own(graph):
    x, targets = keras.Input((3,), name="x"), keras.Input((2,), name="targets")
    model = keras.Model([x, targets], Endpoint(name="endpoint")(targets, layers.Dense(2, name="logits")(x)))
    model.compile("adam", loss="mse", metrics=["mae"])
    assert of(model, graph) == []


def test_weights_of_the_model_itself():
    class Scaled(keras.Model):
        def __init__(self):
            x = keras.Input((4,), name="x")
            super().__init__(x, layers.Dense(2, name="out")(layers.Dense(4, name="hidden")(x)), name="scaled")
            self.scale = self.add_weight(shape=(), name="scale")

        def call(self, inputs, training=None, mask=None):
            return super().call(inputs * self.scale, training=training, mask=mask)

    model = Scaled()
    assert of(model) == []
    model.compile("adam", "mse")
    assert of(model, "train-step") == []


def test_the_count_of_an_optimizers_steps():
    x = keras.Input((4,), name="x")
    optimizer = keras.optimizers.Adam()
    warm = Does(lambda values: values * tf.cast(optimizer.iterations.value, "float32"), name="warm")
    model = keras.Model(x, layers.Dense(2, name="out")(warm(x)))
    model.compile(optimizer, "mse")
    assert of(model) == []
    assert of(model, "train-step") == []


@pytest.mark.parametrize("package", [keras, tf_keras], ids=["Keras 3", "tf_keras"])
def test_what_keras_own_layers_keep(package):
    if package is keras:
        entry = keras.Input(batch_shape=(2, 5, 4), name="entry")
    else:
        entry = tf_keras.Input(batch_shape=(2, 5, 4), name="entry")
    make = package.layers
    values = make.LSTM(3, stateful=True, return_sequences=True, name="remembers")(entry)
    values = make.Bidirectional(make.GRU(3, return_sequences=True), name="both_ways")(values)
    values = make.BatchNormalization(name="norm")(make.Dropout(0.1, name="drop")(make.GaussianNoise(0.1)(values)))
    if package is keras:
        values = make.SpectralNormalization(make.Dense(3), name="spectral")(values)
    assert of(package.Model(entry, make.Dropout(0.2, name="drop_again")(values))) == []


def test_tables_of_preprocessing_layers():
    words = keras.Input((1,), dtype="string", name="words")
    numbers = keras.Input((1,), name="numbers")
    codes_of = layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot", name="codes")(words)
    again = layers.StringLookup(vocabulary=["b", "c"], output_mode="one_hot", name="again")(words)
    bins = layers.Discretization(bin_boundaries=[0.0, 1.0], output_mode="one_hot", name="bins")(numbers)
    scaled = layers.Normalization(mean=1.0, variance=2.0, name="scaled")(numbers)
    joined = layers.Concatenate(name="joined")([codes_of, again, bins, scaled])
    assert of(keras.Model([words, numbers], layers.Dense(2, name="out")(joined))) == []


def test_a_codebook_that_the_quantizer_moves_itself():
    class Quantizer(layers.Layer):
        def build(self, shape):
            self.codebook = self.add_weight(shape=(6, 4), trainable=False, name="codebook")
            self.counts = self.add_weight(shape=(6,), trainable=False, name="counts")

        def call(self, values):
            distances = ops.sum(ops.square(values[:, None, :] - self.codebook[None]), axis=-1)
            codes_ = ops.one_hot(ops.argmin(distances, axis=-1), 6)
            self.counts.assign(0.9 * self.counts + 0.1 * ops.sum(codes_, axis=0))
            self.codebook.assign(0.9 * self.codebook + 0.1 * ops.matmul(ops.transpose(codes_), values))
            return ops.matmul(codes_, self.codebook)

    x = keras.Input((4,), name="x")
    values = Quantizer(name="quantizer")(layers.Dense(4, name="encoded")(x))
    assert of(keras.Model(x, layers.Dense(4, name="decoded")(values))) == []


def test_a_count_of_its_own_in_each_layer():
    class Counts(tf_keras.layers.Layer):
        def build(self, shape):
            self.count = tf.Variable(0, dtype=tf.int64, trainable=False)

        def call(self, values):
            self.count.assign_add(1)
            return values * tf.cast(self.count, values.dtype)

    x = tf_keras.Input((4,), name="x")
    values = Counts(name="again")(tf_keras.layers.Dense(4, name="mid")(Counts(name="counts")(x)))
    assert of(tf_keras.Model(x, values)) == []


def test_layers_on_several_devices():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        x = keras.Input((4,), name="x")
        values = layers.Dropout(0.1, name="drop")(layers.BatchNormalization(name="norm")(x))
        model = keras.Model(x, layers.Dense(2, name="out")(layers.Dense(4, name="mid")(values)))
    assert of(model) == []


def test_layers_with_a_name_that_looks_like_a_path():
    make = tf_keras.layers
    inner = tf_keras.Input((4,), name="inner")
    enc = tf_keras.Model(inner, make.Dense(4, name="dense")(inner), name="enc")
    x = tf_keras.Input((4,), name="x")
    report = compare(tf_keras.Model(x, [make.Dense(4, name="enc/dense")(x), enc(x)]))
    assert report.layer_graph is not None
    assert sorted(report.layer_graph.layers) == ["enc/dense", "enc/dense#2", "x"]
    assert set(report.layer_graph.edges) == {("x", "enc/dense"), ("x", "enc/dense#2")}
    assert hidden(report) == []
