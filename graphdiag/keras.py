"""For training with Keras: a callback that writes graphs worth looking at.

```python
from graphdiag.keras import GraphCallback

model.fit(x, y, callbacks=[keras.callbacks.TensorBoard("logs"), GraphCallback("logs")])
```
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphdiag.repairing.repair import Repair

__all__ = ["GraphCallback"]

RUN = "train"
"""The run into which Keras's own TensorBoard callback writes what it sees while a model is trained."""


class GraphCallback:
    """Writes the graphs of a model, once, when its training begins.

    TensorBoard then has in the run ``train``, beside what Keras's TensorBoard callback writes there, the op graph of
    the model's forward pass under the model's own names (see `graphdiag.repair`), and as conceptual graph, under the
    tag ``graphdiag``, the layers as Keras has them. A model whose inputs are not known before it is called is written
    after the first batch; under tf_keras after the first epoch, unless another callback is called after each batch.
    With a backend other than TensorFlow there is no op graph. Where Keras's TensorBoard callback would write the graph
    of the train function into the same run (Keras before 3.7, and tf_keras), it does not.

    It works in ``fit`` of Keras 3 and of tf_keras, and is a ``Callback`` of whichever is imported. It never stops the
    training: what fails is a warning.
    """

    def __new__(cls, *_: Any, **__: Any) -> GraphCallback:
        """Make an object that each Keras which is imported takes for one of its own callbacks."""
        made: GraphCallback = object.__new__(_callback_class(_callback_bases()))
        return made

    def __init__(self, log_dir: str | Path, *, group: str = "auto") -> None:
        """Make the callback.

        Args:
            log_dir: The log directory, the same as that of the TensorBoard callback.
            group: ``auto`` to put the boxes of a large model into blocks, ``none`` for one box a layer at the top.
        """
        super().__init__()
        self._log_dir = Path(log_dir)
        self._group = group
        self._trained: Any = None
        self._done = False
        self._failed = False
        self._restore: Callable[[], None] = _nothing

    def __getattr__(self, name: str) -> Any:
        """Answer a Keras that was imported after this callback was made, and so is not among its base classes."""
        if name.startswith("on_"):
            return _nothing
        if name.startswith("_implements_"):
            return lambda: False
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Called by Keras with how the model is trained."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Called by Keras with the model that is trained."""
        super().set_model(model)  # type: ignore[misc] # Keras's own class is the next one
        if model is not self._trained:
            self._trained = model
            self._done = False
            self._failed = False

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Called by Keras: writes the graphs of a model whose inputs are known."""
        from graphdiag.sources.keras_layers import is_network

        if not self._failed and _has_other_events(self._log_dir / RUN):
            self._restore = _hide_train_function(self._trained)
        if not self._done and is_network(self._trained):
            self._write()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Called by Keras: leaves the model as it would be without this callback."""
        self._restore()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Called by Keras: writes the graphs of any other model, which has been called by now."""
        if not self._done:
            self._write()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Called by Keras: the same, where it does not call callbacks after each batch."""
        if not self._done:
            self._write()

    def _implements_train_batch_hooks(self) -> bool:
        """Tell tf_keras that nothing is to be called after each batch.

        It would call all callbacks then, not this one only, and wait for the numbers of each batch (``callbacks.py`` of
        tf_keras).
        """
        return False

    def _write(self) -> None:
        self._done = True
        try:
            from graphdiag.repairing.written_log import write_into_run
            from graphdiag.sources.event_runs import OWN_TAG

            write_into_run(_repaired(self._trained, self._group), self._log_dir / RUN, OWN_TAG)
        except Exception as error:  # whatever it is, the training is worth more
            self._failed = True
            self._restore()
            warnings.warn(f"graphdiag wrote no graph of this model: {error}", stacklevel=2)


def _has_other_events(run: Path) -> bool:
    """Whether a run has event files, as it has when Keras's TensorBoard callback has been given the model."""
    from graphdiag.repairing.written_log import EVENT_FILE
    from graphdiag.sources.event_runs import is_event_file

    try:
        return any(is_event_file(name) and name != EVENT_FILE for name in os.listdir(run))
    except OSError:
        return False


def _hide_train_function(model: Any) -> Callable[[], None]:
    """Keep Keras's TensorBoard callback from writing the graph of the train function over the repaired one.

    After the first batch, that callback looks at a function of the model for the attributes of a ``tf.function``, and
    writes its graph (``callbacks/tensorboard.py`` of Keras before 3.7, ``callbacks.py`` of tf_keras); TensorBoard shows
    the last graph of a run. From Keras 3.7 on, the model has a plain function there, and so it gets one here.

    Returns:
        Gives the model its own function back.
    """
    # tf_keras holds it for this callback alone, beside the one that it runs.
    name = "train_tf_function" if hasattr(model, "train_tf_function") else "train_function"
    function: Any = getattr(model, name, None)
    if not hasattr(function, "function_spec"):
        return _nothing

    def plain(*arguments: Any) -> Any:
        return function(*arguments)

    def restore() -> None:
        if getattr(model, name) is plain:
            setattr(model, name, function)

    setattr(model, name, plain)
    return restore


def _nothing(*_: Any, **__: Any) -> None:
    """What the callback does at most of the times that Keras calls it."""


def _repaired(model: Any, group: str) -> Repair:
    from graphdiag.repairing.repair import layers_alone, repair_source
    from graphdiag.sources.keras_model import runs_on_tensorflow
    from graphdiag.sources.registry import SourceOptions

    if not runs_on_tensorflow(model):
        return layers_alone(model, group)
    return repair_source(model, options=SourceOptions(), group=group)


def _callback_bases() -> tuple[type, ...]:
    """``Callback`` of each Keras that is imported; one that is not has no model to train."""
    found = []
    for package in ("keras", "tf_keras"):
        base = getattr(getattr(sys.modules.get(package), "callbacks", None), "Callback", None)
        if isinstance(base, type):
            found.append(base)
    return tuple(found)


@cache
def _callback_class(bases: tuple[type, ...]) -> type[GraphCallback]:
    made: type[GraphCallback] = type("GraphCallback", (GraphCallback, *(bases or (_NoKeras,))), {"__doc__": None})
    return made


class _NoKeras:
    """What the callback is where no Keras is imported."""

    def set_model(self, model: Any) -> None:
        """Nothing to do."""
