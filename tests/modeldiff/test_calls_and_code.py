"""What a layer's call is given, and the code that the user wrote: one small change each, told in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from graphdiag import diff


def model(keras: Any, layer: Any, **given: Any) -> Any:
    x = keras.Input((4, 4), name="x")
    return keras.Model(x, layer(x, **given), name="model")


def normalized(keras: Any, training: bool | None) -> Any:
    return model(keras, keras.layers.BatchNormalization(name="norm"), training=training)


def dense(keras: Any, **options: Any) -> Any:
    return model(keras, keras.layers.Dense(2, name="dense", **options))


def times(keras: Any, factor: int) -> Any:
    return model(keras, keras.layers.Lambda(lambda x: x * factor, name="times"))


def part(keras: Any, column: int) -> Any:
    x = keras.Input((4, 4), name="x")
    return keras.Model(x, x[:, column], name="model")


def transferred(keras: Any, *calls: bool | None, keyed: bool = False) -> Any:
    start = keras.Input((4,), name="start")
    base = keras.Model(
        {"start": start} if keyed else start, keras.layers.BatchNormalization(name="norm")(start), name="base"
    )
    x = keras.Input((4,), name="x")
    given = {"start": x} if keyed else x
    found = [base(given) if training is None else base(given, training=training) for training in calls]
    return keras.Model(x, found if len(found) > 1 else found[0], name="model")


CHANGES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], str]] = {
    "a normalization that is not trained": (
        lambda keras: normalized(keras, None),
        lambda keras: normalized(keras, False),
        "norm: constant none -> training=False",
    ),
    "a nested model that is not trained": (
        lambda keras: transferred(keras, None),
        lambda keras: transferred(keras, False),
        "base: constant none -> training=False",
    ),
    "a nested model that is always trained": (
        lambda keras: transferred(keras, False),
        lambda keras: transferred(keras, True),
        "base: constant training=False -> training=True",
    ),
    "a nested model that takes its inputs by name": (
        lambda keras: transferred(keras, None, keyed=True),
        lambda keras: transferred(keras, False, keyed=True),
        "base: constant none -> training=False",
    ),
    "one of two calls of a nested model": (
        lambda keras: transferred(keras, None, None),
        lambda keras: transferred(keras, None, False),
        "base: constant none -> none in call 1, training=False in call 2",
    ),
    "another seed": (
        lambda keras: dense(keras, kernel_initializer=keras.initializers.GlorotUniform(seed=1)),
        lambda keras: dense(keras, kernel_initializer=keras.initializers.GlorotUniform(seed=2)),
        "dense: kernel_initializer GlorotUniform(seed=1) -> GlorotUniform(seed=2)",
    ),
    "another axis of a constraint": (
        lambda keras: dense(keras, kernel_constraint=keras.constraints.UnitNorm(axis=0)),
        lambda keras: dense(keras, kernel_constraint=keras.constraints.UnitNorm(axis=1)),
        "dense: kernel_constraint UnitNorm -> UnitNorm(axis=1)",
    ),
    "a model of one layer without weights that is not trained": (
        lambda keras: model(keras, keras.layers.Identity(name="same")),
        lambda keras: model(keras, keras.layers.Identity(name="same", trainable=False)),
        "same: trainable True -> False",
    ),
    "a number that is closed over": (
        lambda keras: times(keras, 2),
        lambda keras: times(keras, 3),
        "times: what is closed over by its function (2,) -> (3,)",
    ),
}
ONLY_KERAS_3: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], str]] = {
    "a layer in both directions that is not trained": (
        lambda keras: model(keras, keras.layers.Bidirectional(keras.layers.LSTM(2), name="both")),
        lambda keras: model(keras, keras.layers.Bidirectional(keras.layers.LSTM(2, trainable=False), name="both")),
        "both: layer.trainable True -> False",
    ),
    "an activation of one's own": (
        lambda keras: dense(keras, activation="relu"),
        lambda keras: dense(keras, activation=lambda x: x * 2),
        "dense: activation relu -> a function of one's own",
    ),
    "another column": (
        lambda keras: part(keras, 1),
        lambda keras: part(keras, 2),
        "get_item: constant (:, 1) -> (:, 2)",
    ),
}


@pytest.mark.parametrize(
    ("package", "name"),
    [*(("keras", name) for name in (*CHANGES, *ONLY_KERAS_3)), *(("tf_keras", name) for name in CHANGES)],
)
def test_a_small_change_is_told_live_and_from_files(package, name, tmp_path):
    keras = pytest.importorskip(package)
    keras.backend.clear_session()
    made = (CHANGES | ONLY_KERAS_3)[name]
    old, new = made[0](keras), made[1](keras)
    sources = {"live": (old, new)}
    for suffix in (".json", ".keras", ".h5") if package == "keras" else (".json", ".h5"):
        sources[suffix] = tuple(tmp_path / f"{side}{suffix}" for side in ("old", "new"))
        for path, built in zip(sources[suffix], (old, new), strict=True):
            if suffix == ".json":
                path.write_text(json.dumps(json.loads(built.to_json())))
            else:
                built.save(path)
    for told in (diff(*pair) for pair in sources.values()):
        (change,) = [change for change in told.changes if change.kind == "layer-changed"]
        # Keras numbers the operations of a process.
        assert change.line().replace("get_item_1", "get_item") == made[2]


OF_A_BASE = """
import keras

class Base(keras.layers.Layer):
    def call(self, x):
        return x * {factor}

class Scaled(Base):
    pass

x = keras.Input((4,), name="x")
model = keras.Model(x, Scaled(name="scaled")(x))
"""
OF_A_HELPER = """
import keras

def scaled(x):
    return x * {factor}

class Scaled(keras.layers.Layer):
    def call(self, x):
        return scaled(x)

x = keras.Input((4,), name="x")
model = keras.Model(x, Scaled(name="scaled")(x))
"""


@pytest.mark.parametrize("text", [OF_A_BASE, OF_A_HELPER])
def test_code_that_a_layer_has_from_elsewhere_is_its_code(text, tmp_path):
    for factor in (2, 3):
        (tmp_path / f"by{factor}.py").write_text(text.format(factor=factor))
    (tmp_path / "again.py").write_text(text.format(factor=2))
    told = diff(tmp_path / "by2.py", tmp_path / "by3.py")
    assert [change.line() for change in told.changes] == ["scaled: its code"]
    assert diff(tmp_path / "by2.py", tmp_path / "again.py").equal
