"""Models as teams have them, and the edits that they make to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


def vision(k: Any, **edit: Any) -> Any:
    """A small residual network; the keywords are what somebody edited."""
    o = {
        "size": 32, "channels": 3, "stem": 16, "kernel": 3, "strides": 1, "padding": "same", "dilation": 1,
        "bias": True, "activation": "relu", "norm": "BatchNormalization", "momentum": 0.99, "epsilon": 0.001,
        "blocks": 4, "order": "norm first", "block_dropout": 0.0, "drop": 0.2, "head": [64], "classes": 10,
        "final": "softmax", "initializer": "glorot_uniform", "l2": 0.0, "constraint": 0, "frozen": (), "dtype": None,
        "skip": True, "skip_lost": (), "merge": "Add", "pool": "GlobalAveragePooling2D", "prefix": "", "names": {},
        "extra": None, "scale": None, "flip": False, "groups": 1, "separable": False, "name": "vision", "outputs": 1,
    } | edit  # fmt: skip
    layers = k.layers

    def called(name: str) -> str:
        return o["names"].get(name, o["prefix"] + name)

    def options(name: str) -> dict[str, Any]:
        found = {"name": called(name)}
        if name in o["frozen"]:
            found["trainable"] = False
        if o["dtype"] and name.startswith("block"):
            found["dtype"] = o["dtype"]
        return found

    def normalize(x: Any, name: str) -> Any:
        if o["norm"] == "BatchNormalization":
            return layers.BatchNormalization(momentum=o["momentum"], epsilon=o["epsilon"], **options(name))(x)
        if o["norm"] is None:
            return x
        return getattr(layers, o["norm"])(**options(name))(x)

    start = k.Input((o["size"], o["size"], o["channels"]), name=called("image"))
    x = start
    if o["scale"]:
        x = layers.Rescaling(o["scale"], name=called("rescaling"))(x)
    if o["flip"]:
        x = layers.RandomFlip("horizontal", name=called("flip"))(x)
    x = layers.Conv2D(
        o["stem"], o["kernel"], strides=o["strides"], padding=o["padding"], dilation_rate=o["dilation"],
        use_bias=o["bias"], kernel_initializer=o["initializer"],
        kernel_regularizer=k.regularizers.L2(o["l2"]) if o["l2"] else None,
        kernel_constraint=k.constraints.MaxNorm(o["constraint"]) if o["constraint"] else None, **options("stem"),
    )(x)  # fmt: skip
    for number in range(1, o["blocks"] + 1):
        before, name = x, f"block{number}"
        if o["separable"]:
            x = layers.SeparableConv2D(o["stem"], 3, padding="same", **options(f"{name}_conv"))(x)
        else:
            x = layers.Conv2D(o["stem"], 3, padding="same", groups=o["groups"], **options(f"{name}_conv"))(x)
        if o["order"] == "norm first":
            x = normalize(x, f"{name}_norm")
            x = layers.Activation(o["activation"], **options(f"{name}_act"))(x)
        else:
            x = layers.Activation(o["activation"], **options(f"{name}_act"))(x)
            x = normalize(x, f"{name}_norm")
        if o["block_dropout"]:
            x = layers.Dropout(o["block_dropout"], **options(f"{name}_drop"))(x)
        if o["skip"] and name not in o["skip_lost"]:
            both = [before, x] if o["extra"] == f"{name} swapped" else [x, before]
            x = getattr(layers, o["merge"])(**options(f"{name}_add"))(both)
    if o["extra"] == "attention":
        gate = layers.Dense(o["stem"], activation="sigmoid", name="gate")(
            layers.GlobalAveragePooling2D(name="squeeze")(x)
        )
        x = layers.Multiply(name="excite")([x, layers.Reshape((1, 1, o["stem"]), name="gate_shape")(gate)])
    x = (
        layers.Flatten(name=called("flat"))(x)
        if o["pool"] == "Flatten"
        else getattr(layers, o["pool"])(name=called("pool"))(x)
    )
    for number, units in enumerate(o["head"]):
        x = layers.Dense(units, activation=o["activation"], **options(f"head{number}"))(x)
    if o["drop"]:
        x = layers.Dropout(o["drop"], name=called("drop"))(x)
    if o["extra"] == "scaled":
        x = x * 2.0
    if o["extra"] == "scaled more":
        x = x * 3.0
    out = layers.Dense(o["classes"], activation=o["final"], **options("out"))(x)
    outputs = [out, layers.Dense(1, name="score")(x)][: o["outputs"]]
    return k.Model(start, outputs[0] if len(outputs) == 1 else outputs, name=o["name"])


def language(k: Any, **edit: Any) -> Any:
    """A small network on words."""
    o = {
        "vocabulary": 1000, "width": 16, "mask": True, "units": 24, "sequences": True, "cell": "LSTM",
        "both_ways": False,
        "recurrent_dropout": 0.0, "heads": 2, "key_dim": 8, "use": "first", "roles": "query value key", "twice": False,
        "shared": True, "pair": "a b", "merge_mode": "concat", "lambda": 2, "steps": 5, "swap_outputs": False,
    } | edit  # fmt: skip
    layers = k.layers
    a, b = (k.Input((7,), name=name, dtype="int32") for name in "ab")
    embedding = layers.Embedding(o["vocabulary"], o["width"], mask_zero=o["mask"], name="embedding")
    words, others = embedding(a), embedding(b)
    recurrent = getattr(layers, o["cell"])(
        o["units"], return_sequences=True, return_state=not o["both_ways"], recurrent_dropout=o["recurrent_dropout"],
        name="recurrent",
    )  # fmt: skip
    if o["both_ways"]:
        recurrent = layers.Bidirectional(recurrent, merge_mode=o["merge_mode"], name="recurrent")
        sequence = hidden = carry = recurrent(words)
        hidden = carry = layers.GlobalAveragePooling1D(name="mean")(sequence)
    else:
        sequence, hidden, carry = recurrent(words)
    parts = {"query": sequence, "value": sequence, "key": layers.Dense(o["width"], name="keys")(others)}
    query, value, key = (parts[role] for role in o["roles"].split())
    attended = layers.MultiHeadAttention(o["heads"], o["key_dim"], name="attention")(query, value, key)
    attended = layers.TimeDistributed(layers.Dense(o["steps"], name="each"), name="steps")(attended)
    encode = layers.Dense(8, name="encode")
    state = {"first": hidden, "second": carry}[o["use"]]
    left = encode(state)
    right = encode(carry) if o["shared"] else layers.Dense(8, name="encode_too")(carry)
    pair = [left, right] if o["pair"] == "a b" else [right, left]
    joined = layers.Concatenate(name="joined")([*pair, left] if o["twice"] else pair)
    pooled = layers.GlobalMaxPooling1D(name="pooled")(attended)
    joined = layers.Lambda(_times(o["lambda"]), name="scaled")(joined)
    outputs = [layers.Dense(2, name="choice")(joined), layers.Dense(3, name="topic")(pooled)]
    return k.Model([a, b], outputs[::-1] if o["swap_outputs"] else outputs, name="language")


def _times(by: int) -> Any:
    return (lambda x: x * 2) if by == 2 else (lambda x: x * 3)


@dataclass(frozen=True)
class Edit:
    """One edit: the model, how it was, how it is, and what is said of it."""

    build: Any
    old: dict[str, Any]
    new: dict[str, Any]
    lines: list[str]


EDITS = {
    "more dropout": Edit(vision, {}, {"drop": 0.9}, ["drop: rate 0.2 -> 0.9"]),
    "no dropout": Edit(vision, {}, {"drop": 0}, ["drop (Dropout) removed between head0 and out"]),
    "dropout in each block": Edit(
        vision, {}, {"block_dropout": 0.1}, ["Dropout (rate 0.1) inserted in 4 blocks (block1 to block4)"]
    ),
    "more dropout in each block": Edit(
        vision,
        {"block_dropout": 0.1},
        {"block_dropout": 0.3},
        ["4 layers: rate 0.1 -> 0.3: block1_drop to block4_drop"],
    ),
    "another activation everywhere": Edit(
        vision,
        {},
        {"activation": "gelu"},
        ["5 layers: activation relu -> gelu: block1_act, block2_act, block3_act and 2 more"],
    ),
    "another final activation": Edit(vision, {}, {"final": "sigmoid"}, ["out: activation softmax -> sigmoid"]),
    "no final activation": Edit(vision, {}, {"final": None}, ["out: activation softmax -> none"]),
    "another number of classes": Edit(
        vision,
        {},
        {"classes": 1000},
        ["out: units 10 -> 1,000, output shape (None, 10) -> (None, 1000), parameters 650 -> 65,000"],
    ),
    "a wider net": Edit(
        vision,
        {},
        {"stem": 32},
        [
            "5 layers: filters 16 -> 32: stem, block1_conv, block2_conv and 2 more",
            (
                "and 14 layers that follow have other output shapes or parameters: block1_norm, block1_act, "
                "block1_add and 11 more"
            ),
        ],
    ),
    "another kernel": Edit(vision, {}, {"kernel": 5}, ["stem: kernel_size 3 -> 5, parameters 448 -> 1,216"]),
    "a kernel that is not square": Edit(
        vision, {}, {"kernel": (3, 1)}, ["stem: kernel_size 3 -> (3, 1), parameters 448 -> 160"]
    ),
    "other strides": Edit(
        vision,
        {},
        {"strides": 2},
        [
            "stem: strides 1 -> 2, output shape (None, 32, 32, 16) -> (None, 16, 16, 16)",
            (
                "and 16 layers that follow have other output shapes or parameters: block1_conv, block1_norm, "
                "block1_act and 13 more"
            ),
        ],
    ),
    "another padding": Edit(
        vision,
        {},
        {"padding": "valid"},
        [
            "stem: padding same -> valid, output shape (None, 32, 32, 16) -> (None, 30, 30, 16)",
            (
                "and 16 layers that follow have other output shapes or parameters: block1_conv, block1_norm, "
                "block1_act and 13 more"
            ),
        ],
    ),
    "another dilation": Edit(vision, {}, {"dilation": 2}, ["stem: dilation_rate 1 -> 2"]),
    "no bias": Edit(vision, {}, {"bias": False}, ["stem: use_bias True -> False, parameters 448 -> 432"]),
    "another initializer": Edit(
        vision, {}, {"initializer": "he_normal"}, ["stem: kernel_initializer GlorotUniform -> HeNormal"]
    ),
    "a regularizer": Edit(vision, {}, {"l2": 1e-4}, ["stem: kernel_regularizer none -> L2(0.0001)"]),
    "a stronger regularizer": Edit(
        vision, {"l2": 1e-4}, {"l2": 1e-3}, ["stem: kernel_regularizer L2(0.0001) -> L2(0.001)"]
    ),
    "a constraint": Edit(vision, {}, {"constraint": 3}, ["stem: kernel_constraint none -> MaxNorm(3)"]),
    "a frozen layer": Edit(vision, {}, {"frozen": ("stem",)}, ["stem: trainable True -> False"]),
    "frozen blocks": Edit(
        vision,
        {},
        {"frozen": tuple(f"block{n}_conv" for n in range(1, 5))},
        ["4 layers: trainable True -> False: block1_conv to block4_conv"],
    ),
    "mixed precision": Edit(
        vision,
        {},
        {"dtype": "mixed_float16"},
        ["16 layers: dtype float32 -> mixed_float16: block1_conv, block1_norm, block1_act and 13 more"],
    ),
    "another momentum": Edit(
        vision, {}, {"momentum": 0.9}, ["4 layers: momentum 0.99 -> 0.9: block1_norm to block4_norm"]
    ),
    "another epsilon": Edit(
        vision, {}, {"epsilon": 1e-5}, ["4 layers: epsilon 0.001 -> 1e-05: block1_norm to block4_norm"]
    ),
    "another normalization": Edit(
        vision,
        {},
        {"norm": "LayerNormalization"},
        ["4 layers: class BatchNormalization -> LayerNormalization: block1_norm to block4_norm"],
    ),
    "no normalization": Edit(vision, {}, {"norm": None}, ["BatchNormalization removed in 4 blocks (block1 to block4)"]),
    "activation before normalization": Edit(
        vision,
        {},
        {"order": "activation first"},
        [
            "BatchNormalization and Activation changed places, 4 times: block1_norm and block1_act; block2_norm "
            "and block2_act ..."
        ],
    ),
    "one more block": Edit(
        vision,
        {},
        {"blocks": 5},
        [
            "4 layers inserted between block4_add and pool: block5_conv (Conv2D), block5_norm "
            "(BatchNormalization), block5_act (Activation) and block5_add (Add)"
        ],
    ),
    "many more blocks": Edit(
        vision,
        {},
        {"blocks": 12},
        [
            "32 layers inserted between block4_add and pool: 8 blocks of the same shape, block5 ... block12, "
            "each 4 layers (1 Conv2D, 1 BatchNormalization, 1 Activation, 1 Add)"
        ],
    ),
    "one block less": Edit(
        vision,
        {},
        {"blocks": 3},
        [
            "4 layers removed between block3_add and pool: block4_conv (Conv2D), block4_norm "
            "(BatchNormalization), block4_act (Activation) and block4_add (Add)"
        ],
    ),
    "a lost skip connection": Edit(
        vision,
        {},
        {"skip_lost": ("block3",)},
        ["block3_add (Add) removed: block4_conv and block4_add take block3_act alone, without block2_add"],
    ),
    "no skip connections": Edit(
        vision,
        {},
        {"skip": False},
        ["Add removed in 4 blocks (block1 to block4); block1_act to block4_act go on alone"],
    ),
    "another merge": Edit(
        vision, {}, {"merge": "Average"}, ["4 layers: class Add -> Average: block1_add to block4_add"]
    ),
    "swapped inputs of one merge": Edit(
        vision, {}, {"extra": "block2 swapped"}, ["block2_add takes its inputs swapped: block1_add and block2_act"]
    ),
    "another pooling": Edit(
        vision, {}, {"pool": "GlobalMaxPooling2D"}, ["pool: class GlobalAveragePooling2D -> GlobalMaxPooling2D"]
    ),
    "flattened instead of pooled": Edit(
        vision,
        {},
        {"pool": "Flatten"},
        [
            "pool (GlobalAveragePooling2D) replaced by flat (Flatten) between block4_add and head0",
            "head0: parameters 1,088 -> 1,048,640",
        ],
    ),
    "a deeper head": Edit(
        vision,
        {},
        {"head": [64, 32]},
        [
            "head1 (Dense) inserted between head0 and drop",
            "drop: output shape (None, 64) -> (None, 32)",
            "out: parameters 650 -> 330",
        ],
    ),
    "a wider head": Edit(
        vision,
        {},
        {"head": [128]},
        [
            "head0: units 64 -> 128, output shape (None, 64) -> (None, 128), parameters 1,088 -> 2,176",
            "drop: output shape (None, 64) -> (None, 128)",
            "out: parameters 650 -> 1,290",
        ],
    ),
    "no head": Edit(
        vision,
        {},
        {"head": []},
        [
            "head0 (Dense) removed between pool and drop",
            "drop: output shape (None, 64) -> (None, 16)",
            "out: parameters 650 -> 170",
        ],
    ),
    "another input size": Edit(
        vision,
        {},
        {"size": 64},
        [
            "image: output shape (None, 32, 32, 3) -> (None, 64, 64, 3)",
            (
                "and 17 layers that follow have other output shapes or parameters: stem, block1_conv, block1_norm "
                "and 14 more"
            ),
        ],
    ),
    "one more channel": Edit(
        vision,
        {},
        {"channels": 4},
        ["image: output shape (None, 32, 32, 3) -> (None, 32, 32, 4)", "stem: parameters 448 -> 592"],
    ),
    "inputs that are rescaled": Edit(
        vision, {}, {"scale": 1 / 255}, ["rescaling (Rescaling) inserted between image and stem"]
    ),
    "another scale": Edit(vision, {"scale": 1 / 255}, {"scale": 1 / 127.5}, ["rescaling: scale 1/255 -> 1/127.5"]),
    "augmentation": Edit(vision, {}, {"flip": True}, ["flip (RandomFlip) inserted between image and stem"]),
    "grouped convolutions": Edit(vision, {}, {"groups": 4}, ["4 layers: groups 1 -> 4: block1_conv to block4_conv"]),
    "separable convolutions": Edit(
        vision, {}, {"separable": True}, ["4 layers: class Conv2D -> SeparableConv2D: block1_conv to block4_conv"]
    ),
    "a prefix to all names": Edit(
        vision, {}, {"prefix": "student_"}, ["all 22 names: prefix student_ added, as image renamed student_image"]
    ),
    "one other name": Edit(vision, {}, {"names": {"head0": "hidden"}}, ["head0 renamed hidden (Dense)"]),
    "another name of the model": Edit(vision, {}, {"name": "vision_2"}, ["the model vision renamed vision_2"]),
    "squeeze and excitation": Edit(
        vision,
        {},
        {"extra": "attention"},
        [
            "4 layers inserted between block4_add and pool: squeeze (GlobalAveragePooling2D), gate (Dense), "
            "gate_shape (Reshape) and excite (Multiply)"
        ],
    ),
    "a raw op": Edit(vision, {}, {"extra": "scaled"}, ["multiply (Multiply) inserted between drop and out"]),
    "another constant": Edit(vision, {"extra": "scaled"}, {"extra": "scaled more"}, ["multiply: constant 2.0 -> 3.0"]),
    "a second output": Edit(
        vision,
        {},
        {"outputs": 2},
        ["score (Dense) added after drop", "the model's outputs were out and are out and score"],
    ),
    "a larger vocabulary": Edit(
        language, {}, {"vocabulary": 2000}, ["embedding: input_dim 1,000 -> 2,000, parameters 16,000 -> 32,000"]
    ),
    "no mask": Edit(language, {}, {"mask": False}, ["embedding: mask_zero True -> False"]),
    "more units": Edit(
        language,
        {},
        {"units": 32},
        [
            (
                "recurrent: units 24 -> 32, output shape [(None, 7, 24), (None, 24), (None, 24)] -> [(None, 7, 32), "
                "(None, 32), (None, 32)], parameters 3,936 -> 6,272"
            ),
            "and 3 layers that follow have other output shapes or parameters: encode, attention and steps",
        ],
    ),
    "another cell": Edit(
        language,
        {"both_ways": True},
        {"both_ways": True, "cell": "GRU"},
        ["recurrent: layer LSTM -> GRU, parameters 7,872 -> 6,048"],
    ),
    "dropout between steps": Edit(
        language, {}, {"recurrent_dropout": 0.2}, ["recurrent: recurrent_dropout 0.0 -> 0.2"]
    ),
    "both directions added": Edit(
        language,
        {"both_ways": True},
        {"both_ways": True, "merge_mode": "sum"},
        [
            "recurrent: merge_mode concat -> sum, output shape (None, 7, 48) -> (None, 7, 24)",
            "and 4 layers that follow have other output shapes or parameters: mean, encode, attention and steps",
        ],
    ),
    "more units in both directions": Edit(
        language,
        {"both_ways": True},
        {"both_ways": True, "units": 32},
        [
            "recurrent: layer.units 24 -> 32, output shape (None, 7, 48) -> (None, 7, 64), parameters 7,872 -> 12,544",
            "and 4 layers that follow have other output shapes or parameters: mean, encode, attention and steps",
        ],
    ),
    "more heads": Edit(language, {}, {"heads": 4}, ["attention: num_heads 2 -> 4, parameters 1,480 -> 2,936"]),
    "key and value swapped": Edit(
        language,
        {},
        {"roles": "query key value"},
        ["attention takes recurrent as key instead of value, and keys as value instead of key"],
    ),
    "another output of a layer": Edit(
        language, {}, {"use": "second"}, ["encode takes output 3 of recurrent instead of output 2"]
    ),
    "an input given twice": Edit(
        language,
        {},
        {"twice": True},
        [
            "joined takes encode twice instead of once",
            "joined: output shape (None, 16) -> (None, 24)",
            "scaled: output shape (None, 16) -> (None, 24)",
            "choice: parameters 34 -> 50",
        ],
    ),
    "a layer no longer shared": Edit(
        language,
        {},
        {"shared": False},
        [
            "encode_too (Dense) added after recurrent, before joined",
            "encode is no longer shared: it takes recurrent alone, 1 call instead of 2",
            "joined no longer takes encode (call 2)",
        ],
    ),
    "a layer now shared": Edit(
        language,
        {"shared": False},
        {},
        [
            "encode_too (Dense) removed after recurrent, before joined",
            "encode is now shared: 2 calls instead of 1, on recurrent",
            "joined takes encode (call 2) as well",
        ],
    ),
    "another wrapped layer": Edit(
        language,
        {},
        {"steps": 6},
        [
            "steps: layer.units 5 -> 6, output shape (None, 7, 5) -> (None, 7, 6), parameters 125 -> 150",
            "pooled: output shape (None, 5) -> (None, 6)",
            "topic: parameters 18 -> 21",
        ],
    ),
    "another lambda": Edit(language, {}, {"lambda": 3}, ["scaled: the code of its function"]),
    "swapped calls of a shared layer": Edit(
        language, {}, {"pair": "b a"}, ["joined takes its inputs swapped: encode (call 2) and encode (call 1)"]
    ),
    "swapped outputs of the model": Edit(
        language, {}, {"swap_outputs": True}, ["the model's outputs are in another order: topic and choice"]
    ),
}
"""Edits as teams make them; numbers that Keras puts behind a raw op are left out."""
