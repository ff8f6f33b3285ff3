"""Models as people build them: clean, so every hidden or missing edge that is reported of one is a false alarm.

    python -m tests.models.zoo              # all of them, a row for each graph
    python -m tests.models.zoo vae resnet50 --stack tf_keras

A row is printed for each model, stack, graph and way (live, or through a log): layer edges called artifacts, hidden and
missing, and the seconds that building and comparing took. The exit status is 1 if any is hidden or missing.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

GRAPHS = ("training", "inference", "train-step")
APPLICATIONS = {
    "mobilenet": "MobileNet",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3": "MobileNetV3Small",
    "resnet": "ResNet50",
    "resnet_v2": "ResNet50V2",
    "densenet": "DenseNet121",
    "efficientnet": "EfficientNetB0",
    "efficientnet_v2": "EfficientNetV2B0",
    "nasnet": "NASNetMobile",
    "vgg": "VGG16",
    "inception": "InceptionV3",
    "inception_resnet": "InceptionResNetV2",
    "xception": "Xception",
    "convnext": "ConvNeXtTiny",
}
"""The smallest member of each family of ``keras.applications``."""

Builder = Callable[[Any], Any]
ZOO: dict[str, Builder] = {}
"""What builds each model, given the Keras package."""


def entry(build: Builder) -> Builder:
    """Add a builder to the zoo, under its own name."""
    ZOO[build.__name__] = build
    return build


def _application(name: str) -> Builder:
    def build(keras: Any) -> Any:
        made = getattr(keras.applications, name)(
            weights=None, include_top=False, input_shape=(96, 96, 3), pooling="avg"
        )
        model = keras.Model(made.input, keras.layers.Dense(10, name="scores")(made.output))
        model.compile("sgd", "mse")
        return model

    return build


ZOO.update({name: _application(made) for name, made in APPLICATIONS.items()})


def _compiled(keras: Any, inputs: Any, outputs: Any, loss: Any = "mse") -> Any:
    model = keras.Model(inputs, outputs)
    model.compile("adam", loss)
    return model


@entry
def transformer(keras: Any) -> Any:
    layers = keras.layers
    words = keras.Input((12,), dtype="int32", name="words")

    class Positions(layers.Layer):
        def build(self, shape: Any) -> None:
            self.table = self.add_weight(shape=(12, 16), name="table")

        def call(self, x: Any) -> Any:
            return x + self.table

    x = Positions(name="positions")(layers.Embedding(50, 16, mask_zero=True, name="tokens")(words))
    for block in range(2):
        a = layers.MultiHeadAttention(2, 8, dropout=0.1, name=f"attention{block}")(x, x)
        x = layers.LayerNormalization(name=f"norm{block}_a")(layers.Add(name=f"add{block}_a")([x, a]))
        f = layers.Dense(32, activation="relu", name=f"feed{block}_a")(x)
        f = layers.Dropout(0.1, name=f"drop{block}")(layers.Dense(16, name=f"feed{block}_b")(f))
        x = layers.LayerNormalization(name=f"norm{block}_b")(layers.Add(name=f"add{block}_b")([x, f]))
    return _compiled(keras, words, layers.Dense(2, name="scores")(layers.GlobalAveragePooling1D(name="pool")(x)))


@entry
def causal_transformer(keras: Any) -> Any:
    layers = keras.layers
    words = keras.Input((10,), dtype="int32", name="words")
    x = layers.Embedding(50, 16, name="tokens")(words)
    for block in range(2):
        attention = layers.MultiHeadAttention(2, 8, name=f"attention{block}")
        x = layers.LayerNormalization(name=f"norm{block}")(x + attention(x, x, use_causal_mask=True))
        x = x + layers.Dense(16, name=f"down{block}")(layers.Dense(32, activation="gelu", name=f"up{block}")(x))
    return _compiled(keras, words, layers.Dense(50, name="next")(x), "sparse_categorical_crossentropy")


@entry
def seq2seq(keras: Any) -> Any:
    layers = keras.layers
    source = keras.Input((8,), dtype="int32", name="source")
    target = keras.Input((6,), dtype="int32", name="target")
    embedded = layers.Embedding(30, 16, mask_zero=True, name="source_words")(source)
    encoded, h, c = layers.LSTM(16, return_sequences=True, return_state=True, name="encoder")(embedded)
    shifted = layers.Embedding(30, 16, mask_zero=True, name="target_words")(target)
    decoded = layers.LSTM(16, return_sequences=True, name="decoder")(shifted, initial_state=[h, c])
    context = layers.AdditiveAttention(name="attention")([decoded, encoded])
    both = layers.Concatenate(name="both")([decoded, context])
    return _compiled(keras, [source, target], layers.TimeDistributed(layers.Dense(30), name="words")(both))


@entry
def seq2seq_gru(keras: Any) -> Any:
    layers = keras.layers
    source = keras.Input((8, 4), name="source")
    target = keras.Input((6, 4), name="target")
    masked = layers.Masking(name="masked")(source)
    _, forward, backward = layers.Bidirectional(layers.GRU(8, return_state=True), name="encoder")(masked)
    state = layers.Concatenate(name="state")([forward, backward])
    decoded = layers.GRU(16, return_sequences=True, name="decoder")(target, initial_state=state)
    return _compiled(keras, [source, target], layers.Dense(4, name="steps")(decoded))


def _sampling(keras: Any) -> Any:
    import tensorflow as tf

    class Sampling(keras.layers.Layer):
        def call(self, given: Any) -> Any:
            mean, log_var = given
            return mean + tf.exp(0.5 * log_var) * tf.random.normal(tf.shape(mean))

    return Sampling(name="sampling")


@entry
def vae(keras: Any) -> Any:
    import tensorflow as tf

    layers = keras.layers

    class Divergence(layers.Layer):
        def call(self, given: Any) -> Any:
            mean, log_var = given
            self.add_loss(-0.5 * tf.reduce_mean(1 + log_var - tf.square(mean) - tf.exp(log_var)))
            return mean, log_var

    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(8, 3, 2, padding="same", activation="relu", name="conv")(image)
    x = layers.Dense(16, activation="relu", name="hidden")(layers.Flatten(name="flat")(x))
    mean, log_var = layers.Dense(2, name="mean")(x), layers.Dense(2, name="log_var")(x)
    encoder = keras.Model(image, Divergence(name="divergence")([mean, log_var]), name="encoder")
    latent = keras.Input((2,), name="latent")
    y = layers.Reshape((14, 14, 8), name="shaped")(layers.Dense(14 * 14 * 8, name="grown")(latent))
    decoder = keras.Model(latent, layers.Conv2DTranspose(1, 3, 2, padding="same", name="up")(y), name="decoder")
    return _compiled(keras, image, decoder(_sampling(keras)(encoder(image))))


@entry
def gan(keras: Any) -> Any:
    layers = keras.layers
    noise = keras.Input((8,), name="noise")
    generator = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(7 * 7 * 8, name="grown"),
            layers.Reshape((7, 7, 8), name="shaped"),
            layers.BatchNormalization(name="norm"),
            layers.LeakyReLU(name="leaky"),
            layers.Conv2DTranspose(1, 4, 2, padding="same", activation="tanh", name="painted"),
        ],
        name="generator",
    )
    discriminator = keras.Sequential(
        [
            keras.Input((14, 14, 1)),
            layers.Conv2D(8, 4, 2, padding="same", name="seen"),
            layers.LeakyReLU(name="leaky"),
            layers.Dropout(0.3, name="dropped"),
            layers.Flatten(name="flat"),
            layers.Dense(1, name="real"),
        ],
        name="discriminator",
    )
    discriminator.trainable = False
    return _compiled(keras, noise, discriminator(generator(noise)))


@entry
def vq_vae(keras: Any) -> Any:
    import tensorflow as tf

    layers = keras.layers

    class Quantizer(layers.Layer):
        def build(self, shape: Any) -> None:
            self.codebook = self.add_weight(shape=(16, 8), name="codebook")

        def call(self, x: Any) -> Any:
            codebook = tf.convert_to_tensor(self.codebook)
            flat = tf.reshape(x, (-1, 8))
            distances = tf.reduce_sum(tf.square(flat[:, None] - codebook[None]), -1)
            quantized = tf.reshape(tf.gather(codebook, tf.argmin(distances, -1)), tf.shape(x))
            self.add_loss(tf.reduce_mean(tf.square(tf.stop_gradient(quantized) - x)))
            self.add_loss(tf.reduce_mean(tf.square(quantized - tf.stop_gradient(x))))
            return x + tf.stop_gradient(quantized - x)

    image = keras.Input((16, 16, 1), name="image")
    x = layers.Conv2D(8, 3, 2, padding="same", name="encoded")(image)
    x = Quantizer(name="quantizer")(x)
    return _compiled(keras, image, layers.Conv2DTranspose(1, 3, 2, padding="same", name="decoded")(x))


def _encoder(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((16, 16, 3), name="pixels")
    x = layers.Conv2D(8, 3, 2, activation="relu", name="conv")(image)
    x = layers.BatchNormalization(name="norm")(x)
    return keras.Model(image, layers.Dense(8, name="code")(layers.GlobalAveragePooling2D(name="pool")(x)), name="tower")


@entry
def siamese(keras: Any) -> Any:
    layers = keras.layers
    left, right = keras.Input((16, 16, 3), name="left"), keras.Input((16, 16, 3), name="right")
    tower = _encoder(keras)
    distance = layers.Lambda(lambda pair: abs(pair[0] - pair[1]), name="distance")([tower(left), tower(right)])
    return _compiled(keras, [left, right], layers.Dense(1, activation="sigmoid", name="same")(distance))


@entry
def contrastive(keras: Any) -> Any:
    layers = keras.layers
    anchor, other = keras.Input((16, 16, 3), name="anchor"), keras.Input((16, 16, 3), name="other")
    tower = _encoder(keras)
    flip = layers.RandomFlip(name="flip")
    project = layers.Dense(4, name="project")
    a = layers.UnitNormalization(name="unit_a")(project(tower(flip(anchor))))
    b = layers.UnitNormalization(name="unit_b")(project(tower(flip(other))))
    return _compiled(keras, [anchor, other], layers.Dot(1, name="similarity")([a, b]))


@entry
def detection(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((64, 64, 3), name="image")
    levels, x = [], image
    for level in range(3):
        x = layers.Conv2D(8, 3, 2, padding="same", activation="relu", name=f"down{level}")(x)
        levels.append(x)
    x = levels[-1]
    pyramid = [x]
    for level in (1, 0):
        x = layers.UpSampling2D(name=f"up{level}")(x)
        x = layers.Add(name=f"join{level}")([x, layers.Conv2D(8, 1, name=f"side{level}")(levels[level])])
        pyramid.append(x)
    head = layers.Conv2D(8, 3, padding="same", activation="relu", name="head")
    classes, boxes = layers.Conv2D(6, 1, name="classes"), layers.Conv2D(4, 1, name="boxes")
    found = [(classes(seen), boxes(seen)) for seen in map(head, pyramid)]
    flat = [
        layers.Concatenate(1, name=name)(
            [layers.Reshape((-1, size), name=f"{name}{at}")(pair[which]) for at, pair in enumerate(found)]
        )
        for which, (name, size) in enumerate((("all_classes", 6), ("all_boxes", 4)))
    ]
    return _compiled(keras, image, flat)


@entry
def unet(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((32, 32, 1), name="image")
    x, kept = image, []
    for level in range(2):
        x = layers.Conv2D(8, 3, padding="same", activation="relu", name=f"conv{level}")(x)
        kept.append(x)
        x = layers.MaxPooling2D(name=f"pool{level}")(x)
    x = layers.SpatialDropout2D(0.2, name="drop")(layers.Conv2D(16, 3, padding="same", name="bottom")(x))
    for level in (1, 0):
        x = layers.Conv2DTranspose(8, 2, 2, name=f"up{level}")(x)
        x = layers.Concatenate(name=f"skip{level}")([x, kept[level]])
        x = layers.Conv2D(8, 3, padding="same", activation="relu", name=f"back{level}")(x)
    return _compiled(keras, image, layers.Conv2D(1, 1, activation="sigmoid", name="mask")(x))


@entry
def stateful_rnn(keras: Any) -> Any:
    layers = keras.layers
    x = keras.Input(batch_shape=(4, 6, 3), name="x")
    h = layers.Masking(name="masked")(x)
    h = layers.LSTM(8, stateful=True, return_sequences=True, name="first")(h)
    h = layers.GRU(8, stateful=True, name="second")(h)
    return _compiled(keras, x, layers.Dense(1, name="out")(h))


@entry
def masked_rnn(keras: Any) -> Any:
    layers = keras.layers
    words = keras.Input((9,), dtype="int32", name="words")
    x = layers.Embedding(20, 8, mask_zero=True, name="embedded")(words)
    x = layers.SpatialDropout1D(0.2, name="drop")(x)
    x = layers.Bidirectional(layers.LSTM(8, return_sequences=True), name="first")(x)
    x = layers.TimeDistributed(layers.Dense(8), name="steps")(x)
    y = layers.Concatenate(name="both")([x, layers.SimpleRNN(8, return_sequences=True, dropout=0.1, name="simple")(x)])
    y = layers.RNN([layers.GRUCell(8), layers.LSTMCell(8)], name="cells")(y)
    return _compiled(keras, words, layers.Dense(1, name="out")(y))


@entry
def conv_lstm(keras: Any) -> Any:
    layers = keras.layers
    film = keras.Input((4, 8, 8, 1), name="film")
    x = layers.ConvLSTM2D(4, 3, padding="same", return_sequences=True, name="seen")(film)
    x = layers.TimeDistributed(layers.MaxPooling2D(), name="smaller")(x)
    x = layers.Conv3D(2, 3, padding="same", name="mixed")(x)
    return _compiled(keras, film, layers.Dense(1, name="out")(layers.GlobalAveragePooling3D(name="pool")(x)))


@entry
def wavenet(keras: Any) -> Any:
    layers = keras.layers
    sound = keras.Input((32, 2), name="sound")
    x, skips = layers.Conv1D(8, 1, name="start")(sound), []
    for rate in (1, 2, 4):
        gate = layers.Conv1D(8, 2, padding="causal", dilation_rate=rate, activation="sigmoid", name=f"gate{rate}")(x)
        value = layers.Conv1D(8, 2, padding="causal", dilation_rate=rate, activation="tanh", name=f"value{rate}")(x)
        out = layers.Multiply(name=f"gated{rate}")([gate, value])
        skips.append(out)
        x = layers.Add(name=f"add{rate}")([x, layers.Conv1D(8, 1, name=f"mix{rate}")(out)])
    return _compiled(keras, sound, layers.Conv1D(2, 1, name="next")(layers.Add(name="skipped")(skips)))


@entry
def augmented(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((32, 32, 3), name="image")
    x = layers.Rescaling(1 / 255, name="scaled")(image)
    for made in (
        layers.RandomFlip,
        layers.RandomRotation,
        layers.RandomZoom,
        layers.RandomTranslation,
        layers.RandomContrast,
    ):
        given = {"RandomRotation": [0.1], "RandomZoom": [0.1], "RandomTranslation": [0.1, 0.1], "RandomContrast": [0.1]}
        x = made(*given.get(made.__name__, []), name=made.__name__.lower())(x)
    x = layers.GaussianNoise(0.1, name="noise")(layers.Resizing(16, 16, name="smaller")(x))
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    return _compiled(keras, image, layers.Dense(2, name="out")(layers.Flatten(name="flat")(x)))


@entry
def preprocessed(keras: Any) -> Any:
    layers = keras.layers
    age, kind = keras.Input((1,), name="age"), keras.Input((1,), dtype="int64", name="kind")
    normal = layers.Normalization(mean=[3.0], variance=[2.0], name="normal")
    buckets = layers.Discretization(bin_boundaries=[0.0, 1.0, 2.0], name="buckets")
    lookup = layers.IntegerLookup(vocabulary=[1, 5, 9], output_mode="one_hot", name="kinds")
    encode = layers.CategoryEncoding(num_tokens=4, output_mode="multi_hot", name="bucketed")
    x = layers.Concatenate(name="features")([normal(age), encode(buckets(age)), lookup(kind)])
    return _compiled(keras, {"age": age, "kind": kind}, layers.Dense(1, name="out")(x))


@entry
def text(keras: Any) -> Any:
    layers = keras.layers
    words = keras.Input((1,), dtype="string", name="words")
    x = layers.TextVectorization(vocabulary=["a", "b", "c"], output_sequence_length=5, name="vectors")(words)
    x = layers.Embedding(6, 4, mask_zero=True, name="embedded")(x)
    return _compiled(keras, words, layers.Dense(1, name="out")(layers.LSTM(4, name="read")(x)))


@entry
def wide_and_deep(keras: Any) -> Any:
    layers = keras.layers
    inputs = {name: keras.Input((1,), dtype="int32", name=name) for name in ("user", "item", "place")}
    embedded = {name: layers.Embedding(20, 4, name=f"{name}_embedded")(x) for name, x in inputs.items()}
    flat = {name: layers.Flatten(name=f"{name}_flat")(x) for name, x in embedded.items()}
    crossed = layers.Dot(1, name="crossed")([flat["user"], flat["item"]])
    deep = layers.Dense(8, activation="relu", name="deep")(layers.Concatenate(name="all")(list(flat.values())))
    deep = layers.ActivityRegularization(l2=0.01, name="regular")(deep)
    wide = layers.Dense(1, name="wide")(layers.Concatenate(name="short")([crossed, deep]))
    return _compiled(keras, inputs, wide)


@entry
def experts(keras: Any) -> Any:
    import tensorflow as tf

    layers = keras.layers

    class Balance(layers.Layer):
        def call(self, scores: Any) -> Any:
            self.add_loss(0.01 * tf.reduce_sum(tf.square(tf.reduce_mean(scores, 0))))
            return scores

    x = keras.Input((8,), name="x")
    scores = Balance(name="balance")(layers.Dense(3, activation="softmax", name="router")(x))
    made = [
        layers.Reshape((1, 8), name=f"row{at}")(layers.Dense(8, activation="relu", name=f"expert{at}")(x))
        for at in range(3)
    ]
    rows = layers.Concatenate(1, name="rows")(made)
    mixed = layers.Dot((1, 1), name="mixed")([scores, rows])
    return _compiled(keras, x, [layers.Dense(1, name="first")(mixed), layers.Dense(2, name="second")(mixed)])


@entry
def mixed_precision(keras: Any) -> Any:
    layers = keras.layers
    kept = (
        keras.mixed_precision.global_policy()
        if hasattr(keras.mixed_precision, "global_policy")
        else keras.mixed_precision.dtype_policy()
    )
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        image = keras.Input((16, 16, 3), name="image")
        x = layers.Conv2D(4, 3, activation="relu", name="conv")(image)
        x = layers.BatchNormalization(name="norm")(x)
        x = layers.Dense(4, name="hidden")(layers.Dropout(0.2, name="drop")(layers.Flatten(name="flat")(x)))
        return _compiled(keras, image, layers.Activation("softmax", dtype="float32", name="scores")(x))
    finally:
        keras.mixed_precision.set_global_policy(kept)


@entry
def mirrored(keras: Any) -> Any:
    import tensorflow as tf

    layers = keras.layers
    with tf.distribute.MirroredStrategy(["/cpu:0"]).scope():
        image = keras.Input((16, 16, 3), name="image")
        x = layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3, name="conv")(image))
        x = layers.Dropout(0.2, name="drop")(layers.Flatten(name="flat")(x))
        return _compiled(keras, image, layers.Dense(2, name="scores")(x))


@entry
def subclassed(keras: Any) -> Any:
    layers = keras.layers

    class Block(layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.first, self.norm, self.last = layers.Dense(8), layers.LayerNormalization(), layers.Dense(8)

        def call(self, x: Any, training: Any = None) -> Any:
            return x + self.last(self.norm(self.first(x)))

    x = keras.Input((8,), name="x")
    block = Block(name="block")
    h = block(block(layers.Dense(8, name="in")(x)))
    return _compiled(keras, x, layers.Dense(1, name="out")(h))


@entry
def sequential(keras: Any) -> Any:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.ZeroPadding2D(name="padded"),
            layers.SeparableConv2D(4, 3, name="separable"),
            layers.PReLU(name="prelu"),
            layers.AveragePooling2D(2, name="pool"),
            layers.Flatten(name="flat"),
            layers.Dropout(0.5, name="drop"),
            layers.Dense(2, activation="softmax", name="out"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def _hub(name: str, **given: int) -> Builder:
    def build(keras: Any) -> Any:
        import keras_hub

        if keras.__name__ != "keras":
            raise ModuleNotFoundError("keras_hub has models for Keras 3 only")
        model = getattr(keras_hub.models, name)(**given)
        model.compile("adam", "mse")
        return model

    return build


if importlib.util.find_spec("keras_hub"):  # not among the tests' packages
    _SIZES = {"vocabulary_size": 50, "num_layers": 2, "hidden_dim": 16, "intermediate_dim": 32}
    _HEADS = {**_SIZES, "num_heads": 2, "max_sequence_length": 12}
    _GROUPED = {**_SIZES, "num_query_heads": 2, "num_key_value_heads": 1}
    ZOO |= {
        "hub_bert": _hub("BertBackbone", **_HEADS),
        "hub_roberta": _hub("RobertaBackbone", **_HEADS),
        "hub_distil_bert": _hub("DistilBertBackbone", **_HEADS),
        "hub_gpt2": _hub("GPT2Backbone", **_HEADS),
        "hub_opt": _hub("OPTBackbone", **_HEADS),
        "hub_t5": _hub("T5Backbone", **_SIZES, num_heads=2),
        "hub_llama": _hub("LlamaBackbone", **_GROUPED),
        "hub_mistral": _hub("MistralBackbone", **_GROUPED),
        "hub_gemma": _hub("GemmaBackbone", **_GROUPED, head_dim=8),
        "hub_whisper": _hub("WhisperBackbone", **_SIZES, num_heads=2),
    }


# --- asking ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """What graphdiag says of a model of the zoo.

    Attributes:
        model: Its name.
        stack: ``keras3`` or ``tf_keras``.
        graph: ``training``, ``inference`` or ``train-step``.
        via: ``live`` or ``log``.
        artifact: Layer edges called artifacts.
        hidden: Layer edges called hidden.
        missing: Layer edges called missing.
        seconds: What comparing took, the trace of a live model included.
        text: The findings that name them, or why there is no answer.
        failed: Whether there is no answer.
    """

    model: str
    stack: str
    graph: str
    via: str
    artifact: int
    hidden: int
    missing: int
    seconds: float
    text: Sequence[str] = ()
    failed: bool = False

    @property
    def clean(self) -> bool:
        return not self.hidden and not self.missing and not self.failed

    def line(self) -> str:
        counts = f"{self.artifact:>9}{self.hidden:>8}{self.missing:>9}{self.seconds:>9.1f}"
        return f"{self.model:20}{self.stack:10}{self.graph:12}{self.via:6}{counts}"


HEAD = f"{'model':20}{'stack':10}{'graph':12}{'via':6}{'artifact':>9}{'hidden':>8}{'missing':>9}{'seconds':>9}"


def rows(name: str, stack: str, graphs: Sequence[str] = GRAPHS, log: bool = False) -> list[Row]:
    """Build a model of the zoo, and ask graphdiag about it.

    Args:
        name: Its name.
        stack: ``keras3`` or ``tf_keras``.
        graphs: Which graphs.
        log: Whether to ask about a log of each graph, too.

    Returns:
        A row for each graph and way.
    """
    from graphdiag import GraphdiagError, compare
    from graphdiag.sources.keras_model import open_model

    keras = _package(stack)
    try:
        model = ZOO[name](keras)
    except Exception as error:  # not every layer is in every Keras
        return [Row(name, stack, "-", "-", 0, 0, 0, 0.0, [f"not built: {type(error).__name__}: {error}"], True)]
    found = []
    for graph in graphs:
        for via in ("live", "log") if log else ("live",):
            with tempfile.TemporaryDirectory() as directory:
                written = Path(directory)
                if via == "log":
                    opened = open_model(model, graph=graph)
                    (written / "graph.pb").write_bytes(opened.graph_defs[0].SerializeToString())
                    (written / "model.json").write_text(model.to_json())
                start = time.perf_counter()
                try:
                    if via == "log":
                        report = compare(written / "graph.pb", model=written / "model.json")
                    else:
                        report = compare(model, graph=graph)
                except GraphdiagError as error:
                    found.append(Row(name, stack, graph, via, 0, 0, 0, time.perf_counter() - start, [str(error)], True))
                    continue
            said = [
                f"{finding.code} {finding.message} {list(finding.edges)[:4]}"
                for finding in report.findings
                if finding.counted and finding.verdict.value in ("hidden", "missing")
            ]
            counts = report.summary
            seconds = time.perf_counter() - start
            found.append(Row(name, stack, graph, via, counts.artifact, counts.hidden, counts.missing, seconds, said))
    return found


def _package(stack: str) -> Any:
    if stack == "keras3":
        import keras

        keras.utils.clear_session()
    else:
        import tf_keras as keras

        keras.backend.clear_session()
    return keras


def main() -> int:
    """Run the command; see above."""
    parser = argparse.ArgumentParser(prog="python -m tests.models.zoo", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these, of {', '.join(ZOO)}")
    parser.add_argument("--stack", choices=("keras3", "tf_keras"), action="append", help="only these")
    parser.add_argument("--graph", choices=GRAPHS, action="append", help="only these")
    parser.add_argument("--log", action="store_true", help="ask about logs, too")
    options = parser.parse_args()
    unclean = 0
    print(HEAD)
    for name in options.names or ZOO:
        for stack in options.stack or ("keras3", "tf_keras"):
            for row in rows(name, stack, options.graph or GRAPHS, options.log):
                unclean += not row.clean
                print(row.line(), *(row.text if not row.clean else ()), sep="\n    ", flush=True)
    print(f"{unclean} rows are not clean")
    return int(unclean > 0)


if __name__ == "__main__":
    sys.exit(main())
