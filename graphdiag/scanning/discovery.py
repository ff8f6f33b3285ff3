"""Which files and directories are runs and models: told from their names, without opening them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from graphdiag.errors import UsageError
from graphdiag.scanning.listing import FoundFile, Place, directories, file_of, places
from graphdiag.source_names import PYTHON_SUFFIXES
from graphdiag.sources.event_runs import is_event_file
from graphdiag.sources.model_beside import may_be_model
from graphdiag.sources.run_choice import time_in_name
from graphdiag.sources.saved_model import KERAS_METADATA, SAVED_MODEL_FILES

RUN, SAVED_MODEL, FILE, PYTHON, DIRECTORY = "run", "saved_model", "file", "python", "directory"

_SUFFIXES = (".pb", ".pbtxt", ".keras", ".h5", ".hdf5", ".json")
_NOT_MODELS = (".weights.h5", ".xplane.pb", KERAS_METADATA, "fingerprint.pb", "_frozen_metadata.pb")
"""Ends of names of files that stand beside models and runs, and hold no graph."""
_ONE_TRAINING = ("train", "validation")


@dataclass(frozen=True, slots=True)
class Found:
    """A run or a model, or a directory that may hold some and cannot be listed.

    Attributes:
        sort: `RUN` for a directory with event files, `SAVED_MODEL`, `FILE`, `PYTHON` or `DIRECTORY`.
        shown: Where it is, as the user knows it.
        address: Where it is, from any directory.
        run: Its name below the place that was scanned; ``.`` for that place.
        files: The files that it consists of, in order; names relative to ``address``, or that file itself.
        series: What it is one of: runs are held against the run before in their series.
        models: The files beside a run that may hold its model, by their names.
        problem: Why a directory cannot be listed.
    """

    sort: str
    shown: str
    address: str
    run: str
    files: tuple[FoundFile, ...]
    series: str
    models: tuple[FoundFile, ...] = ()
    problem: str = ""

    @property
    def written(self) -> float | None:
        """When it was begun, in seconds since 1970: its event files are named so, or else have that time."""
        named = [time for file in self.files if (time := time_in_name(file.name)) is not None]
        if named:
            return min(named)
        return min((file.modified for file in self.files if file.modified is not None), default=None)


def find(paths: Sequence[str], *, python: bool = False) -> Iterator[Found]:
    """Find every run and model.

    A run is a directory that holds event files, as in TensorBoard; a SavedModel is a directory with its file, and what
    lies below it is part of it.

    Args:
        paths: Directories, files, addresses, and patterns of them.
        python: Whether Python files and notebooks count, whose code is run.

    Yields:
        What was found, in the order of the names.

    Raises:
        SourceError: A place cannot be listed; a directory below it is told of as what was found.
        UsageError: A place is a Python file, and ``python`` is not set.
    """
    seen = set()
    for place in places(paths):
        if place.address in seen:
            continue
        seen.add(place.address)
        if place.is_file:
            yield _given(place, file_of(place), python)
            continue
        saved_model = None
        for listed in directories(place):
            directory, files = listed.name, listed.files
            if saved_model is not None and (not saved_model or directory.startswith(f"{saved_model}/")):
                continue
            if listed.problem:
                yield replace(_found(DIRECTORY, place, directory, ()), problem=listed.problem)
                continue
            names = {file.name: file for file in files}
            model = next((names[name] for name in SAVED_MODEL_FILES if name in names), None)
            if model is not None:
                saved_model = directory
                yield _saved_model(place, directory, model, names)
                continue
            yield from _in_directory(place, directory, files, python)


def _in_directory(place: Place, directory: str, files: Sequence[FoundFile], python: bool) -> Iterator[Found]:
    events = tuple(file for file in files if is_event_file(file.name))
    if events:
        run = _found(RUN, place, directory, events)
        yield replace(run, models=tuple(file for file in files if may_be_model(file.name) and file not in events))
    for file in files:
        name = file.name.lower()
        if is_event_file(file.name):
            continue
        if name.endswith(_SUFFIXES) and not name.endswith(_NOT_MODELS):
            yield _found(FILE, place, _joined(directory, file.name), (file,))
        elif python and name.endswith(PYTHON_SUFFIXES):
            yield _found(PYTHON, place, _joined(directory, file.name), (file,))


def _saved_model(place: Place, directory: str, model: FoundFile, names: dict[str, FoundFile]) -> Found:
    beside = (names[KERAS_METADATA],) if KERAS_METADATA in names else ()
    return _found(SAVED_MODEL, place, directory, (model, *beside))


def _found(sort: str, place: Place, name: str, files: tuple[FoundFile, ...]) -> Found:
    shown = _joined(place.shown, name)
    return Found(sort, shown, _joined(place.address, name), name or ".", files, _series(sort, shown))


def _given(place: Place, file: FoundFile, python: bool) -> Found:
    """A file that the user named, whatever it is called."""
    is_python = file.name.lower().endswith(PYTHON_SUFFIXES)
    if is_python and not python:
        raise UsageError(f"{place.shown}: its code would be run; add --python.")
    sort = RUN if is_event_file(file.name) else PYTHON if is_python else FILE
    return Found(sort, place.shown, place.address, file.name, (file,), _series(sort, place.shown))


def _series(sort: str, shown: str) -> str:
    """The directory that holds a run or a model; the ``train`` and the ``validation`` of one training count as one."""
    around, _, last = shown.rpartition("/")
    if sort != RUN or last not in _ONE_TRAINING:
        return f"{sort} {around}"
    return f"{sort} {around.rpartition('/')[0]} {last}"


def _joined(around: str, name: str) -> str:
    return f"{around}/{name}" if around and name else around or name
