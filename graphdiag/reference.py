"""The reference model: a network over point clouds, whose TensorBoard graph made people ask what graphdiag answers.

Each cloud of points runs through one-wide convolutions, each followed by batch normalization, and a maximum over the
points; an auxiliary input runs through dense layers; all is joined and classified. On the stack of its day the graph
showed the first BatchNormalization feeding all others (tensorboard#1514). It is built here on three stacks: Keras 3,
tf_keras, and tf_keras in TF 1 graph mode with the learning-phase op made where Keras up to 2.2 made it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from graphdiag.errors import ModelError, SourceError, UsageError
from graphdiag.extras import INSTALL_TENSORFLOW, INSTALL_TF_KERAS, require_tensorflow
from graphdiag.sources.tf_logging import loading_quietly
from graphdiag.written_files import placing

STACKS = ("keras3", "tf_keras", "tf1")
"""Keras 3; tf_keras; tf_keras in TF 1 graph mode."""


@dataclass(frozen=True)
class ReferenceParameters:
    """What the reference model is made of. The defaults are the real network's: 1,004,085 parameters, 28 layers.

    Attributes:
        clouds: Number of point clouds, at least 1.
        features: Features of each point.
        conv_units: Filters of each cloud's convolutions.
        aux_features: Size of the auxiliary input; ``None`` for no auxiliary input.
        aux_units: Units of the auxiliary input's dense layers; ``None`` for ``(384, 384)``, or none without the input.
        dense_units: Units of the dense layers behind the join.
        dropout_rates: Dropout behind each of ``dense_units``, ``None`` for no Dropout there; ``None`` altogether for
            none at all.
        classes: Number of classes.
        spatial_subnet: Whether each cloud first runs through a learned spatial transform (PointNet's T-net).
    """

    clouds: int = 2
    features: int = 39
    conv_units: Sequence[int] = (64, 64, 316, 316)
    aux_features: int | None = 46
    aux_units: Sequence[int] | None = None
    dense_units: Sequence[int] = (384, 384)
    dropout_rates: Sequence[float | None] | None = (0.5, None)
    classes: int = 101
    spatial_subnet: bool = False

    def checked(self) -> ReferenceParameters:
        """The same parameters with ``None`` resolved.

        Raises:
            UsageError: Arguments that contradict each other or are out of range; the message names them.
        """
        for name, value in (("clouds", self.clouds), ("features", self.features), ("classes", self.classes)):
            _check_size(name, value)
        for name, units in (
            ("conv_units", self.conv_units),
            ("aux_units", self.aux_units or ()),
            ("dense_units", self.dense_units),
        ):
            for value in units:
                _check_size(name, value)
        if not self.conv_units:
            raise UsageError("conv_units is empty: each cloud needs at least one convolution.")
        aux_units = self.aux_units
        if self.aux_features is None:
            if aux_units:
                raise UsageError(f"aux_units={tuple(aux_units)} needs an auxiliary input, but aux_features is None.")
            aux_units = ()
        else:
            _check_size("aux_features", self.aux_features)
            aux_units = (384, 384) if aux_units is None else tuple(aux_units)
        rates = (None,) * len(self.dense_units) if self.dropout_rates is None else tuple(self.dropout_rates)
        if len(rates) != len(self.dense_units):
            raise UsageError(
                f"dropout_rates has {len(rates)} entries and dense_units has {len(self.dense_units)}: "
                "give one rate (or None) for each dense layer, or dropout_rates=None for no Dropout at all."
            )
        for rate in rates:
            if rate is not None and not 0 <= rate < 1:
                raise UsageError(f"dropout_rates holds {rate!r}: a rate is at least 0 and below 1.")
        return replace(
            self,
            conv_units=tuple(self.conv_units),
            aux_units=aux_units,
            dense_units=tuple(self.dense_units),
            dropout_rates=rates,
        )


def _check_size(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"{name} is {value!r}: it must be a whole number of at least 1.")


def build_reference(
    stack: str = "keras3",
    *,
    learning_phase: str | None = None,
    parameters: ReferenceParameters | None = None,
    **options: Any,
) -> Any:
    """Build the reference model.

    In TF 1 graph mode the model is built in the default graph when eager execution is off, else in a graph of its own
    (``model.inputs[0].graph``).

    Args:
        stack: ``keras3``, ``tf_keras`` or ``tf1`` (tf_keras in TF 1 graph mode).
        learning_phase: ``scoped`` makes the learning-phase op inside the scope of the first layer that asks for it, as
            Keras up to 2.2 did; it needs TF 1 graph mode and chooses it for ``tf_keras``. The default is ``scoped``
            for ``tf1``, and Keras's own way elsewhere.
        parameters: What to build; the defaults are the real network's.
        **options: Fields of `ReferenceParameters` to change.

    Returns:
        The model, not compiled.

    Raises:
        UsageError: Unknown or contradicting arguments.
        ModelError: The stack cannot be used here: tf_keras is not installed, or Keras 3 runs on another backend.
    """
    known = {entry.name for entry in fields(ReferenceParameters)}
    for name in options:
        if name not in known:
            raise UsageError(f"The reference model has no option {name!r}; it has {', '.join(sorted(known))}.")
    chosen = replace(parameters or ReferenceParameters(), **options).checked()
    if stack not in STACKS:
        raise UsageError(f"There is no stack {stack!r}; choose one of {', '.join(STACKS)}.")
    if learning_phase not in (None, "scoped"):
        raise UsageError(f"learning_phase is {learning_phase!r}: it may be 'scoped' or be left out.")
    if learning_phase and stack == "keras3":
        raise UsageError("learning_phase='scoped' and stack='keras3' contradict each other: Keras 3 has no graph mode.")
    require_tensorflow("the reference model")
    if stack == "keras3":
        return _build(_keras3(), chosen)
    keras = _tf_keras()
    if stack == "tf1" or learning_phase:
        return _build_in_graph_mode(keras, chosen)
    return _build(keras, chosen)


def write_log(
    stack: str,
    logdir: str | Path,
    *,
    learning_phase: str | None = None,
    parameters: ReferenceParameters | None = None,
    **options: Any,
) -> Path:
    """Build the reference model and write the log that TensorBoard shows of it.

    In TF 1 graph mode that is the graph in which the model was built, as ``FileWriter`` writes it; else the trace of
    the forward pass in training mode, as ``tf.summary.trace_export`` writes it under the tag ``forward``.

    Args:
        stack: As for `build_reference`.
        logdir: Directory to write to; made when it is not there.
        learning_phase: As for `build_reference`.
        parameters: As for `build_reference`.
        **options: As for `build_reference`.

    Returns:
        The directory.

    Raises:
        UsageError: As for `build_reference`.
        ModelError: As for `build_reference`.
        SourceError: The directory cannot be made.
        UsageError: The log cannot be written.
    """
    directory = Path(logdir)
    _check_directory(directory)
    with loading_quietly():
        model = build_reference(stack, learning_phase=learning_phase, parameters=parameters, **options)
    import tensorflow as tf

    # TensorFlow says nothing of a disk that is full, so it writes to memory.
    memory = f"ram:///graphdiag/{secrets.token_hex(8)}"
    if isinstance(model.inputs[0], tf.Tensor):
        with model.inputs[0].graph.as_default() as graph:
            tf.compat.v1.summary.FileWriter(memory, graph=graph).close()
    else:
        _write_trace(tf, model, memory)
    names = tf.io.gfile.listdir(memory)
    files = [(tf.io.gfile.GFile(f"{memory}/{name}", "rb").read(), directory / name) for name in names]
    tf.io.gfile.rmtree(memory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(f"{directory} cannot be made: {error.strerror}; give another directory.") from error
    with placing(files):
        pass
    return directory


def _write_trace(tf: Any, model: Any, directory: str) -> None:
    from graphdiag.sources.keras_trace import signature, trace_forward

    given = signature(tf, model)
    forward = trace_forward(tf, model, given, training=True)
    points = tf.nest.map_structure(lambda spec: tf.zeros([size or 2 for size in spec.shape], spec.dtype), given.args)
    writer = tf.summary.create_file_writer(directory)
    # A trace also holds whatever ran between the last one and this, so that is exported to nowhere first; the second
    # time for the constant which the first export makes.
    for _ in range(2):
        tf.summary.trace_on(graph=True)
        tf.summary.trace_export(name="before", step=0)
    tf.summary.trace_on(graph=True)
    forward(*points)
    with writer.as_default():
        tf.summary.trace_export(name="forward", step=0)
    writer.close()


def _check_directory(directory: Path) -> None:
    """Refuse, before anything slow happens, a directory that could not be made or written to."""
    there = next(path for path in (directory, *directory.parents) if os.path.exists(path))
    if not there.is_dir():
        raise SourceError(f"{directory} cannot be made: {there} is not a directory; give another directory.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise SourceError(f"{directory} cannot be written to; give another directory.")


def _keras3() -> Any:
    try:
        import keras
    except (ImportError, ValueError) as error:  # ValueError: KERAS_BACKEND names no backend
        raise ModelError(
            f"Keras 3 cannot be imported ({error}); install it with: {INSTALL_TENSORFLOW}, and set "
            "KERAS_BACKEND=tensorflow."
        ) from error
    if int(keras.__version__.partition(".")[0]) < 3:
        raise ModelError(
            f"The installed keras is {keras.__version__}, not Keras 3; install it with: pip install -U keras"
        )
    if keras.backend.backend() != "tensorflow":
        raise ModelError(
            f"Keras 3 runs on the {keras.backend.backend()} backend here, which makes no TensorFlow graph; "
            "set KERAS_BACKEND=tensorflow."
        )
    return keras


def _tf_keras() -> Any:
    try:
        import tf_keras
    except ImportError as error:
        raise ModelError(f"tf_keras cannot be imported; install it with: {INSTALL_TF_KERAS}") from error
    return tf_keras


def _build(
    keras: Any,
    parameters: ReferenceParameters,
    batch_normalization: Callable[..., Any] | None = None,
    dropout: Callable[..., Any] | None = None,
) -> Any:
    layers = keras.layers
    batch_normalization = batch_normalization or layers.BatchNormalization
    dropout = dropout or layers.Dropout

    def subnet(points: Any, cloud: int) -> Any:
        size = parameters.features
        hidden = points
        for number, units in enumerate((64, 128, 256)):
            hidden = layers.Conv1D(units, 1, activation="relu", name=f"spatial_conv1d_{cloud}_{number}")(hidden)
            hidden = batch_normalization(name=f"spatial_batchnorm_{cloud}_{number}")(hidden)
        hidden = layers.GlobalMaxPooling1D(name=f"spatial_max_{cloud}")(hidden)
        for number, units in enumerate((256, 64)):
            hidden = layers.Dense(units, activation="relu", name=f"spatial_dense_{cloud}_{number}")(hidden)
        identity = [float(row == column) for row in range(size) for column in range(size)]
        matrix = layers.Dense(
            size * size,
            kernel_initializer="zeros",
            bias_initializer=keras.initializers.Constant(identity),
            name=f"spatial_matrix_{cloud}",
        )(hidden)
        matrix = layers.Reshape((size, size), name=f"spatial_reshape_{cloud}")(matrix)
        return layers.Dot(axes=(2, 1), name=f"spatial_transform_{cloud}")([points, matrix])

    clouds = [
        keras.Input((None, parameters.features), name=f"pt_cloud_{number}") for number in range(parameters.clouds)
    ]
    inputs = list(clouds)
    auxiliary = None
    if parameters.aux_features is not None:
        auxiliary = keras.Input((parameters.aux_features,), name="aux_in")
        inputs.append(auxiliary)
    parts = []
    for cloud, points in enumerate(clouds):
        hidden = subnet(points, cloud) if parameters.spatial_subnet else points
        for number, units in enumerate(parameters.conv_units):
            hidden = layers.Conv1D(units, 1, activation="relu", name=f"conv1d_{cloud}_{number}")(hidden)
            hidden = batch_normalization(name=f"batchnorm_{cloud}_{number}")(hidden)
        parts.append(layers.GlobalMaxPooling1D(name=f"global_max_{cloud}")(hidden))
    if auxiliary is not None:
        hidden = auxiliary
        for number, units in enumerate(parameters.aux_units or ()):
            hidden = layers.Dense(units, activation="relu", name=f"aux_dense_{number}")(hidden)
        parts.append(hidden)
    hidden = layers.Concatenate(name="concatenate_1")(parts) if len(parts) > 1 else parts[0]
    for number, (units, rate) in enumerate(zip(parameters.dense_units, parameters.dropout_rates or (), strict=True)):
        hidden = layers.Dense(units, activation="relu", name=f"dense_{number}")(hidden)
        if rate is not None:
            hidden = dropout(rate, name=f"dropout_{number}")(hidden)
    prediction = layers.Dense(parameters.classes, activation="softmax", name="prediction")(hidden)
    return keras.Model(inputs=inputs, outputs=prediction, name="reference")


def _build_in_graph_mode(keras: Any, parameters: ReferenceParameters) -> Any:
    import tensorflow as tf

    made: list[Any] = []

    def learning_phase() -> Any:
        """The graph's one learning-phase op, made in the scope of whoever asks first."""
        if not made:
            made.append(tf.compat.v1.placeholder_with_default(False, (), name="keras_learning_phase"))
        return made[0]

    # tf_keras makes this op at the root of the graph. The layers below hand one of their own to `training=` instead;
    # they keep the names of their bases, so that the model's JSON names layers that every Keras has.
    class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
        @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
        def call(self, inputs: Any, training: Any = None) -> Any:
            return super().call(inputs, training=learning_phase())

    class Dropout(keras.layers.Dropout):  # type: ignore[misc]
        @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
        def call(self, inputs: Any, training: Any = None) -> Any:
            return super().call(inputs, training=learning_phase())

    with _graph_mode(tf):
        return _build(keras, parameters, BatchNormalization, Dropout)


@contextlib.contextmanager
def _graph_mode(tf: Any) -> Iterator[None]:
    """A plain graph, with the conditionals of TF 1 (Switch and Merge); all as it was afterwards."""
    newer_conditionals = tf.compat.v1.control_flow_v2_enabled()
    graph = tf.Graph() if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    tf.compat.v1.disable_control_flow_v2()
    try:
        with graph.as_default():
            yield
    finally:
        if newer_conditionals:
            tf.compat.v1.enable_control_flow_v2()
