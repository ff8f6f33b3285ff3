"""The callback in ``fit`` of Keras 3 and of tf_keras: its log shows the model, and nothing else changes."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

import graphdiag
from graphdiag.keras import GraphCallback
from graphdiag.sources.keras_model import callback_writes_op_graph
from graphdiag.sources.open_source import open_source
from graphdiag.sources.opened import Opened
from graphdiag.tensorboard import draw, draw_conceptual

BOTH = pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras3", "tf_keras"])
BATCHES, BATCH = 2, 4


@dataclass(frozen=True)
class Written:
    """A model to be trained, and what TensorBoard must draw of it.

    Attributes:
        build: Makes it, with the Keras package that is given.
        boxes: The layers' boxes at the top of the op graph, inputs left out where Keras chooses their names.
        edges: The arrows between these.
        inputs: How many tensors of eight numbers it takes.
        recorded: Whether Keras records its layer graph.
    """

    build: Callable[[Any], Any]
    boxes: frozenset[str]
    edges: frozenset[tuple[str, str]]
    inputs: int = 1
    recorded: bool = True


def functional(package: Any) -> Any:
    """A residual connection, and layers that use random numbers, with a seed and without one."""
    layers = package.layers
    points = package.Input([8], name="points")
    hidden = layers.Dense(8, activation="relu", name="hidden")(points)
    norm = layers.BatchNormalization(name="norm")(hidden)
    drop = layers.Dropout(0.5, name="drop")(norm)
    noise = layers.GaussianNoise(0.1, seed=3, name="noise")(drop)
    total = layers.Add(name="total")([hidden, noise])
    return package.Model(points, layers.Dense(1, name="scores")(total))


def unseeded(package: Any) -> Any:
    """Layers whose seeds are drawn while they are traced, from Python's and NumPy's generators."""

    class Jitter(package.layers.Layer):  # type: ignore[misc] # the package is not known to mypy
        def call(self, points: Any) -> Any:
            drawn = random.random() + float(np.random.rand())
            if package is keras:
                return points + drawn * keras.random.normal(keras.ops.shape(points))
            return points + drawn * tf.random.normal(tf.shape(points), seed=random.randint(1, 1000))

    layers = package.layers
    points = package.Input([8], name="points")
    jitter = Jitter(name="jitter")(layers.Dense(8, name="hidden")(points))
    return package.Model(points, layers.Dense(1, name="scores")(jitter))


def sequential(package: Any) -> Any:
    return package.Sequential([package.Input([8], name="points"), *_stack(package)])


def without_input(package: Any) -> Any:
    return package.Sequential(_stack(package))


def _stack(package: Any) -> list[Any]:
    layers = package.layers
    return [layers.Dense(8, name="hidden"), layers.Dropout(0.5, name="drop"), layers.Dense(1, name="scores")]


def subclassed(package: Any) -> Any:
    class Scorer(package.Model):  # type: ignore[misc] # the package is not known to mypy
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.drop, self.scores = _stack(package)

        def call(self, points: Any, training: bool = False) -> Any:
            return self.scores(self.drop(self.hidden(points), training=training))

    return Scorer()


def several_inputs(package: Any) -> Any:
    layers = package.layers
    left, right = (package.Input([8], name=name) for name in ("left", "right"))
    tower = layers.Dense(4, name="tower")
    both = layers.Concatenate(name="both")([tower(left), tower(right)])
    return package.Model([left, right], layers.Dense(1, name="scores")(both))


CHAIN = frozenset({("hidden", "drop"), ("drop", "scores")})
LAYERS = frozenset({"hidden", "drop", "scores"})
MODELS = {
    "functional": Written(
        functional,
        LAYERS | {"points", "norm", "noise", "total"},
        frozenset(
            {
                ("points", "hidden"),
                ("hidden", "norm"),
                ("norm", "drop"),
                ("drop", "noise"),
                ("hidden", "total"),
                ("noise", "total"),
                ("total", "scores"),
            }
        ),
    ),
    "unseeded": Written(
        unseeded,
        frozenset({"points", "hidden", "jitter", "scores"}),
        frozenset({("points", "hidden"), ("hidden", "jitter"), ("jitter", "scores")}),
    ),
    "sequential": Written(sequential, LAYERS, CHAIN),
    "without_input": Written(without_input, LAYERS, CHAIN),
    "subclassed": Written(subclassed, LAYERS, CHAIN, recorded=False),
    "several_inputs": Written(
        several_inputs,
        frozenset({"left", "right", "tower", "both", "scores"}),
        frozenset({("left", "tower"), ("right", "tower"), ("tower", "both"), ("both", "scores")}),
        inputs=2,
    ),
}


def fit(package: Any, build: Callable[[Any], Any], callbacks: Sequence[Any], inputs: int = 1, **how: Any) -> Any:
    """Train a new model on the same numbers with the same seed each time.

    Returns:
        The model.
    """
    # Keras 3.3 keeps the seeds of layers that were given none in its session.
    package.backend.clear_session()
    package.utils.set_random_seed(5)
    model = build(package)
    model.compile(optimizer="sgd", loss="mse", run_eagerly=how.pop("run_eagerly", False))
    numbers = np.random.default_rng(1).normal(size=(inputs, BATCHES * BATCH, 8)).astype("float32")
    points = numbers[0] if inputs == 1 else list(numbers)
    how = {"verbose": 0, **how}
    model.fit(points, numbers[0][:, :1], batch_size=BATCH, epochs=2, callbacks=list(callbacks), **how)
    return model


def same_weights(model: Any, other: Any) -> bool:
    pairs = zip(model.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(one, two) for one, two in pairs)


def drawn(opened: Opened, boxes: frozenset[str]) -> tuple[set[str], set[tuple[str, str]]]:
    """Which of these boxes TensorBoard draws at the top, in its main graph, and the arrows between them."""
    root = draw(opened.graph_defs).root
    return boxes & set(root.core), {edge for edge in root.core_edges if boxes.issuperset(edge)}


@BOTH
@pytest.mark.parametrize("name", MODELS)
def test_the_log_shows_the_model_and_training_is_the_same(package: Any, name: str, tmp_path: Path) -> None:
    model = MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        trained = fit(package, model.build, [GraphCallback(tmp_path)], model.inputs)
    opened = open_source(tmp_path / "train")
    assert drawn(opened, model.boxes) == (model.boxes, model.edges)
    if model.recorded:
        assert opened.layer_graph is not None
        assert {edge for edge in opened.layer_graph.edges if model.boxes.issuperset(edge)} == model.edges
    assert same_weights(trained, fit(package, model.build, [], model.inputs))


# --- What else may be on ---------------------------------------------------------------------------------------------


@BOTH
def test_it_is_a_callback_of_both_packages(package: Any, tmp_path: Path) -> None:
    assert isinstance(GraphCallback(tmp_path), package.callbacks.Callback)


@pytest.mark.parametrize("package", ["keras", "tf_keras"])
@pytest.mark.parametrize("early", [True, False], ids=["before_keras", "after_keras"])
def test_it_works_with_one_package_whenever_it_is_made(
    package: str, early: bool, tmp_path: Path, run_python: Callable[[str], str]
) -> None:
    made = f"callback = GraphCallback({str(tmp_path)!r})"
    lines = [
        "from graphdiag.keras import GraphCallback",
        *([made, f"import {package} as package"] if early else [f"import {package} as package", made]),
        "import numpy as np",
        "model = package.Sequential([package.Input([8]), package.layers.Dense(1, name='scores')])",
        "model.compile('sgd', 'mse')",
        "model.fit(np.ones([4, 8]), np.ones([4, 1]), verbose=0, callbacks=[callback])",
        "model.evaluate(np.ones([4, 8]), np.ones([4, 1]), verbose=0, callbacks=[callback])",
        "model.predict(np.ones([4, 8]), verbose=0, callbacks=[callback])",
    ]
    run_python("\n".join(lines))
    assert "scores" in draw(open_source(tmp_path / "train").graph_defs).root.core


@BOTH
def test_several_fits_write_once(package: Any, tmp_path: Path) -> None:
    callback = GraphCallback(tmp_path)
    model = fit(package, sequential, [callback])
    [events] = (tmp_path / "train").glob("*tfevents*")
    before = events.stat()
    model.fit(np.ones([4, 8]), np.ones([4, 1]), verbose=0, callbacks=[callback])
    assert (events.stat().st_ino, events.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@BOTH
def test_another_model_takes_the_place_of_the_first(package: Any, tmp_path: Path) -> None:
    callback = GraphCallback(tmp_path)
    fit(package, sequential, [callback])
    fit(package, several_inputs, [callback], inputs=2)
    written = MODELS["several_inputs"]
    assert drawn(open_source(tmp_path / "train"), written.boxes) == (written.boxes, written.edges)


@BOTH
def test_beside_the_tensorboard_callback(package: Any, tmp_path: Path) -> None:
    """The scalars of the one and the graphs of the other are in one run, and graphdiag reads it without being told."""
    written = MODELS["functional"]
    both = [package.callbacks.TensorBoard(tmp_path), GraphCallback(tmp_path)]
    trained = fit(package, functional, both)
    assert same_weights(trained, fit(package, functional, []))
    run = open_runs(tmp_path)["train"]
    assert {"keras", "graphdiag"} <= run["tensors"]
    assert run["graph"]
    assert "epoch_loss" in run["tensors"]
    report = graphdiag.compare(tmp_path, run="train")
    assert report.layer_graph is not None
    assert (report.summary.hidden, report.summary.missing) == (0, 0)
    assert drawn(open_source(tmp_path / "train"), written.boxes) == (written.boxes, written.edges)


@BOTH
@pytest.mark.parametrize("name", ["functional", "subclassed"])
@pytest.mark.parametrize("how", ["progress_bar", "steps_per_second"])
def test_tensorboard_shows_the_repaired_graph(package: Any, name: str, how: str, tmp_path: Path) -> None:
    """Keras's TensorBoard callback has a graph of its own to write after the first batch of each ``fit``."""
    written = MODELS[name]
    callbacks = [package.callbacks.TensorBoard(tmp_path, write_steps_per_second=how == "steps_per_second")]
    callbacks.append(GraphCallback(tmp_path))
    verbose = int(how == "progress_bar")
    trained = fit(package, written.build, callbacks, verbose=verbose)
    assert same_weights(trained, fit(package, written.build, []))
    trained.fit(np.ones([BATCH, 8]), np.ones([BATCH, 1]), verbose=verbose, callbacks=callbacks)
    assert drawn(open_source(tmp_path / "train"), written.boxes) == (written.boxes, written.edges)


@BOTH
@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_when_the_tensorboard_callback_writes_a_graph(package: Any, verbose: int, tmp_path: Path) -> None:
    """What GD204 says, and the note on the model of a program."""
    trained = fit(package, functional, [package.callbacks.TensorBoard(tmp_path)], verbose=verbose)
    written = open_runs(tmp_path)["train"]["graph"]
    if package is keras:
        assert callback_writes_op_graph(trained) is written
    else:
        assert written is (verbose == 1)


@BOTH
def test_a_tensorboard_callback_elsewhere_writes_what_it_wrote(package: Any, tmp_path: Path) -> None:
    def run_of(*more: Any) -> Mapping[str, Any]:
        elsewhere = tmp_path / f"elsewhere{len(more)}"
        fit(package, functional, [package.callbacks.TensorBoard(elsewhere), *more], verbose=1)
        return open_runs(elsewhere)["train"]

    assert run_of(GraphCallback(tmp_path / "logs")) == run_of()


@BOTH
def test_where_graphdiag_writes_no_graph_the_tensorboard_callback_does(package: Any, tmp_path: Path) -> None:
    def graph_of(directory: Path, *more: Any) -> bool:
        fit(package, functional, [package.callbacks.TensorBoard(directory), *more], verbose=1)
        return bool(open_runs(directory)["train"]["graph"])

    logs = tmp_path / "logs"
    (logs / "train" / "names.json").mkdir(parents=True)
    with pytest.warns(UserWarning, match="graphdiag wrote no graph of this model: .*names.json"):
        assert graph_of(logs, GraphCallback(logs)) is graph_of(tmp_path / "alone")


@BOTH
def test_the_model_has_the_functions_that_keras_gave_it(package: Any, tmp_path: Path) -> None:
    trained = fit(package, functional, [package.callbacks.TensorBoard(tmp_path), GraphCallback(tmp_path)])
    other = fit(package, functional, [])
    for name in ("train_function", "train_tf_function"):
        assert type(getattr(trained, name, None)) is type(getattr(other, name, None))


def open_runs(directory: Path) -> Mapping[str, Mapping[str, Any]]:
    """What TensorBoard's own reader finds in each run."""
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(directory))
    multiplexer.Reload()
    return {name: {**tags, "tensors": set(tags["tensors"])} for name, tags in multiplexer.Runs().items()}


# --- It never stops the training -------------------------------------------------------------------------------------


@BOTH
def test_a_directory_that_cannot_be_written_is_a_warning(package: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="graphdiag wrote no graph of this model: .*file.*cannot be made"):
        trained = fit(package, functional, [GraphCallback(tmp_path / "file" / "logs")])
    assert same_weights(trained, fit(package, functional, []))


@BOTH
def test_a_model_that_cannot_be_traced_is_a_warning(package: Any, tmp_path: Path) -> None:
    """Its code asks for numbers, which it has only when it is run eagerly."""

    def build(package: Any) -> Any:
        class Eager(package.Model):  # type: ignore[misc] # the package is not known to mypy
            def __init__(self) -> None:
                super().__init__()
                self.scores = package.layers.Dense(1)

            def call(self, points: Any) -> Any:
                return self.scores(points * float(tf.convert_to_tensor(points).numpy().max()))

        model = Eager()
        model(np.ones([BATCH, 8], dtype="float32"))
        return model

    why = "Keras has no record of what the model 'eager' takes" if package is keras else ".*numpy"
    with pytest.warns(UserWarning, match=f"graphdiag wrote no graph of this model: {why}"):
        trained = fit(package, build, [GraphCallback(tmp_path)], run_eagerly=True)
    assert same_weights(trained, fit(package, build, [], run_eagerly=True))
    assert not list(tmp_path.rglob("*"))


@BOTH
def test_losses_that_layers_add_are_counted_once(package: Any, tmp_path: Path) -> None:
    """A trace leaves no loss behind that the training would take for one of its own."""

    def build(package: Any) -> Any:
        class Adding(package.layers.Layer):  # type: ignore[misc] # the package is not known to mypy
            def call(self, points: Any) -> Any:
                self.add_loss(tf.reduce_mean(points**2))
                return points

        layers = package.layers
        points = package.Input([8], name="points")
        hidden = Adding(name="adding")(layers.Dense(8, activity_regularizer="l2", name="hidden")(points))
        return package.Model(points, layers.Dense(1, name="scores")(hidden))

    for eagerly in (False, True):
        trained = fit(package, build, [GraphCallback(tmp_path)], run_eagerly=eagerly)
        assert same_weights(trained, fit(package, build, [], run_eagerly=eagerly))


# --- Other backends --------------------------------------------------------------------------------------------------


def test_with_another_backend_there_is_the_conceptual_graph_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Keras's name of its backend is another here; the model itself is one of TensorFlow's, which is not looked at."""
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    written = MODELS["functional"]
    fit(keras, functional, [GraphCallback(tmp_path)])
    opened = open_source(tmp_path / "train")
    assert not opened.has_op_graph
    assert opened.layer_graph is not None
    assert set(opened.layer_graph.edges) == written.edges
    assert opened.keras_json is not None
    assert set(draw_conceptual(opened.keras_json).root.core_edges) == written.edges


def test_with_another_backend_a_subclassed_model_is_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.warns(UserWarning, match="Keras records no edges between the layers of Scorer"):
        fit(keras, subclassed, [GraphCallback(tmp_path)])
    assert not list(tmp_path.rglob("*"))
