"""Decide which kind of source a path is, by its content and then by its name, and open it."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphdiag.errors import SourceError, UsageError
from graphdiag.sources.event_log import open_event_log
from graphdiag.sources.event_runs import holds_event_files, is_event_file
from graphdiag.sources.files import read_start
from graphdiag.sources.graph_def import open_graph_file
from graphdiag.sources.keras_files import HDF5_SIGNATURE, ZIP_SIGNATURE, open_keras_archive, open_keras_json
from graphdiag.sources.opened import Opened
from graphdiag.sources.records import starts_with_record
from graphdiag.sources.saved_model import SAVED_MODEL_FILES, open_saved_model

_KINDS = {
    "event_log": "a TensorBoard log",
    "saved_model": "a SavedModel",
    "graph_def": "a GraphDef or SavedModel file",
    "keras_file": "a Keras file",
    "keras_json": "a file of Keras JSON",
    "script": "a Python file",
}

_SUFFIXES = {
    ".py": "script",
    ".pb": "graph_def",
    ".pbtxt": "graph_def",
    ".keras": "keras_file",
    ".h5": "keras_file",
    ".hdf5": "keras_file",
    ".json": "keras_json",
}

_ACCEPTED = (
    "give a Python file, a TensorBoard log directory or event file, a .pb or .pbtxt GraphDef, a SavedModel directory, "
    "or a model as .keras, .h5 or Keras JSON"
)


def open_source(
    path: str | Path,
    *,
    run: str | None = None,
    tag: str | None = None,
    entry: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    graph: str | None = None,
    input_shape: Any = None,
) -> Opened:
    """Open any source.

    Args:
        path: A file or directory of one of the kinds that the README lists.
        run: Run of a TensorBoard log.
        tag: Tag in a TensorBoard log.
        entry: Name of the model, or of the function that builds it, in a Python file.
        arguments: Arguments for that function.
        graph: Which op graph of a Python file's model: ``training``, ``inference`` or ``train-step``.
        input_shape: Shape or shapes to call a Python file's subclassed model with.

    Returns:
        The graphs that the source holds.

    Raises:
        SourceError: There is no such path, or it is of no known kind, or damaged.
        UsageError: An option does not apply to this kind of source, or names something that it does not hold.
        ModelError: A Python file has no usable model.
    """
    where = Path(path)
    kind = _kind(where)
    _refuse_options(where, kind, "event_log", {"--run": run, "--tag": tag})
    script_options = {"--entry": entry, "--arg": arguments or None, "--graph": graph, "--input-shape": input_shape}
    _refuse_options(where, kind, "script", script_options)
    if kind == "event_log":
        return open_event_log(where, run=run, tag=tag)
    if kind == "saved_model":
        return open_saved_model(where)
    if kind == "graph_def":
        return open_graph_file(where)
    if kind == "keras_file":
        return open_keras_archive(where)
    if kind == "keras_json":
        return open_keras_json(where)
    from graphdiag.sources.script import open_script

    return open_script(
        where, entry=entry, arguments=arguments or {}, graph=graph or "training", input_shape=input_shape
    )


def _refuse_options(path: Path, kind: str, owner: str, options: Mapping[str, object]) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given and kind != owner:
        verb = "applies" if len(given) == 1 else "apply"
        raise UsageError(f"{' and '.join(given)} {verb} to {_KINDS[owner]} only, and {path} is {_KINDS[kind]}.")


def _kind(path: Path) -> str:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise SourceError(f"{path} does not exist.") from None
    except (OSError, ValueError) as error:
        # ValueError: the path holds a null byte.
        raise SourceError(f"{str(path)!r} cannot be read: {_reason(error)}.") from error
    if stat.S_ISDIR(mode):
        return _kind_of_directory(path)
    if not stat.S_ISREG(mode):
        raise SourceError(f"{path} is neither a file nor a directory; {_ACCEPTED}.")
    return _kind_of_file(path)


def _kind_of_directory(path: Path) -> str:
    try:
        names = os.listdir(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {_reason(error)}.") from error
    if not names:
        raise SourceError(f"{path} is an empty directory; {_ACCEPTED}.")
    is_saved_model = any(name in SAVED_MODEL_FILES for name in names)
    is_log = holds_event_files(path)
    if is_saved_model and is_log:
        raise SourceError(
            f"{path} holds both a SavedModel and TensorBoard event files; give the saved_model.pb or an event file."
        )
    if is_saved_model:
        return "saved_model"
    if not is_log:
        raise SourceError(f"{path} holds neither TensorBoard event files nor a SavedModel; {_ACCEPTED}.")
    return "event_log"


def _kind_of_file(path: Path) -> str:
    start = read_start(path)
    if start.startswith((HDF5_SIGNATURE, ZIP_SIGNATURE)):
        return "keras_file"
    if starts_with_record(start) or is_event_file(path.name):
        return "event_log"
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None and start.lstrip().startswith(b"{"):
        kind = "keras_json"
    if kind is None:
        raise SourceError(f"{path} is of no known kind; {_ACCEPTED}.")
    return kind


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
