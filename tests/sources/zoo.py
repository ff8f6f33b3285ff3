"""Models that hold the layers of Keras, built with either package."""

from __future__ import annotations

from typing import Any


def images(keras: Any) -> Any:
    """Layers on images."""
    layers = keras.layers
    start = keras.Input((32, 32, 3), name="image")
    x = layers.Rescaling(1 / 255, name="rescaling")(start)
    x = layers.ZeroPadding2D(((0, 1), (2, 0)), name="pad")(x)
    x = layers.Conv2D(
        8,
        3,
        activation="relu",
        kernel_initializer="he_normal",
        kernel_regularizer=keras.regularizers.L2(1e-4),
        name="a",
    )(x)
    x = layers.BatchNormalization(momentum=0.9, name="norm")(x)
    x = layers.DepthwiseConv2D(5, strides=2, padding="same", depth_multiplier=2, name="depthwise")(x)
    x = layers.SeparableConv2D(4, (3, 1), dilation_rate=2, use_bias=False, name="separable")(x)
    x = layers.PReLU(shared_axes=[1, 2], name="prelu")(x)
    x = layers.MaxPooling2D(padding="same", name="pool")(x)
    x = layers.LeakyReLU(name="leaky")(x)
    x = layers.Conv2DTranspose(6, 3, strides=2, name="up")(x)
    x = layers.UpSampling2D((2, 1), name="larger")(x)
    x = layers.Cropping2D(((1, 0), (0, 2)), name="crop")(x)
    x = layers.SpatialDropout2D(0.3, name="drop")(x)
    x = layers.Conv2D(12, 1, groups=2, dtype="float64", name="grouped")(x)
    left = layers.GlobalAveragePooling2D(name="mean")(x)
    right = layers.Flatten(name="flat")(layers.AveragePooling2D(3, strides=4, name="average")(x))
    right = layers.Dense(12, kernel_constraint=keras.constraints.MaxNorm(3), trainable=False, name="dense")(right)
    x = layers.Multiply(name="gate")([left, right])
    x = layers.Concatenate(name="cat")([x, right])
    x = layers.Activation("softmax", name="soft")(x)
    return keras.Model(start, [x, layers.UnitNormalization(name="unit")(left)], name="images")


def words(keras: Any) -> Any:
    """Layers on sequences."""
    layers = keras.layers
    start = keras.Input((7,), name="tokens", dtype="int32")
    x = layers.Embedding(100, 12, name="embedding")(start)
    x, hidden, _ = layers.LSTM(12, return_sequences=True, return_state=True, name="lstm")(x)
    x = layers.Bidirectional(layers.GRU(6, return_sequences=True, name="gru"), name="both")(x)
    x = layers.MultiHeadAttention(2, 8, dropout=0.1, name="heads")(x, x)
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    x = layers.TimeDistributed(layers.Dense(5, activation="tanh", name="each"), name="steps")(x)
    x = layers.Conv1D(4, 3, padding="causal", dilation_rate=2, name="causal")(x)
    x = layers.Attention(use_scale=True, name="attention")([x, x])
    x = layers.Permute((2, 1), name="turned")(x)
    x = layers.Reshape((-1, 4), name="shaped")(x)
    cells = layers.StackedRNNCells([layers.LSTMCell(3, name="one"), layers.GRUCell(4, name="two")], name="cells")
    x = layers.RNN(cells, name="rnn")(x)
    x = layers.RepeatVector(3, name="again")(layers.Concatenate(name="cat")([x, hidden]))
    x = layers.SimpleRNN(3, name="simple")(x)
    return keras.Model(start, layers.Dropout(0.5, name="drop")(x), name="words")


ZOO = (images, words)
