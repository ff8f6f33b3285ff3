"""For training with Keras: a callback that writes graphs worth looking at.

```python
from graphdiag.keras import GraphCallback

model.fit(x, y, callbacks=[keras.callbacks.TensorBoard("logs"), GraphCallback("logs")])
```
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
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
    With a backend other than TensorFlow there is no op graph.

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

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Called by Keras: writes the graphs of a model whose inputs are known."""
        from graphdiag.sources.keras_layers import is_network

        if not self._done and is_network(self._trained):
            self._write()

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

        It would call all callbacks then, not this one only, and its TensorBoard callback would write the graph of the
        train function over the repaired one (``callbacks.py`` of tf_keras).
        """
        return False

    def _write(self) -> None:
        self._done = True
        try:
            from graphdiag.repairing.written_log import write_into_run
            from graphdiag.sources.event_runs import OWN_TAG

            write_into_run(_repaired(self._trained, self._group), self._log_dir / RUN, OWN_TAG)
        except Exception as error:  # whatever it is, the training is worth more
            warnings.warn(f"graphdiag wrote no graph of this model: {error}", stacklevel=2)


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
