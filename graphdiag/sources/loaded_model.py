"""Load a saved model with Keras, so that it can be traced: the one way to its op graph, and it runs the file's code."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from graphdiag.errors import ModelError
from graphdiag.extras import INSTALL_TENSORFLOW, INSTALL_TF_KERAS
from graphdiag.sources.keras_model import open_model
from graphdiag.sources.keras_trace import reason
from graphdiag.sources.opened import Opened
from graphdiag.sources.tf_logging import loading_quietly

_UNKNOWN_CLASS = re.compile(r"(?:Could not locate class|Unknown layer:?) '?(\w+)")


def load(path: Path, opened: Opened, *, unsafe: bool, graph: str, input_shape: Any) -> Opened:
    """Load a saved model and trace it.

    Args:
        path: A ``.keras`` or ``.h5`` file.
        opened: The same file, read.
        unsafe: Whether Keras may run Python code that the file itself holds, as that of Lambda layers.
        graph: As for `open_model`.
        input_shape: As for `open_model`.

    Returns:
        As `open_model`, with the file as its origin.

    Raises:
        ModelError: Keras is not installed, or cannot load the file.
    """
    recorded = opened.layer_graph.keras_version if opened.layer_graph else ""
    of_keras_2 = recorded.startswith(("1.", "2."))
    try:
        with loading_quietly():
            if of_keras_2:
                import tf_keras as keras
            else:
                import keras
    except ImportError as error:
        name, extra = ("tf_keras", INSTALL_TF_KERAS) if of_keras_2 else ("Keras 3", INSTALL_TENSORFLOW)
        raise ModelError(f"--load needs {name} for {path}, which cannot be imported: {extra}") from error
    try:
        model = keras.models.load_model(path, compile=graph == "train-step", safe_mode=not unsafe)
    except Exception as error:  # the user's own layers run here, and may raise anything
        raise ModelError(f"{path} cannot be loaded by Keras {keras.__version__}: {_why(error, unsafe)}") from error
    loaded = open_model(model, graph=graph, input_shape=input_shape)
    note = "The model was loaded by Keras, which runs code that the file names or holds."
    return replace(
        loaded, origin=replace(loaded.origin, path=str(path), kind="keras_file"), notes=(note, *loaded.notes)
    )


def _why(error: Exception, unsafe: bool) -> str:
    """The reason in one line, and what to do about the two usual ones."""
    text = str(error)
    if not unsafe and ("safe_mode" in text or "unsafe deserialization" in text):
        return "it holds Python code, of a Lambda layer say. If you trust the file, add --unsafe, and the code is run."
    unknown = _UNKNOWN_CLASS.search(text)
    if unknown:
        return f"Keras does not know the class {unknown[1]!r}; give the Python file that builds the model instead."
    return reason(error)
