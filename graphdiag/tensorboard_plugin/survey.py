"""Find the graphs in a run's event files, reading only what is new since the last look: in a process of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from graphdiag.errors import SourceError
from graphdiag.sources.event_runs import BEGINNING, Run, Written, add_record
from graphdiag.sources.records import framed_size, read_records
from graphdiag.sources.run_choice import written_at
from graphdiag.tensorboard_plugin.files import File
from graphdiag.tensorboard_plugin.places import KERAS, META_GRAPH, OWN_GRAPH, TRACE, Place, RunPlaces


@dataclass(frozen=True)
class Survey:
    """A run to look through.

    Attributes:
        log: What reports call the log.
        run: The run's name.
        files: Its event files, in TensorBoard's order.
        most: How many records of each file are read at most; all if not given.
    """

    log: str
    run: str
    files: tuple[File, ...]
    most: int | None = None


@dataclass
class _Seen:
    """What was read of a run so far; of the graphs only where they lie."""

    run: Run
    ends: dict[str, int] = field(default_factory=dict)
    places: dict[tuple[str, str], Place] = field(default_factory=dict)
    records: int = 0


_seen: dict[tuple[str, str], _Seen] = {}


def survey(task: Survey) -> RunPlaces:
    """Look through a run.

    Args:
        task: The run.

    Returns:
        Where its graphs lie.

    Raises:
        SourceError: An event file cannot be read.
    """
    key = task.log, task.run
    # Nothing is known of a run that could not be read; it is read anew next time.
    seen = _seen.pop(key, None)
    sizes = {file.path: file.size for file in task.files}
    if seen is None or any(sizes.get(path, -1) < end for path, end in seen.ends.items()):
        seen = _Seen(Run([]))
    seen.run.files = [Path(file.path) for file in task.files]
    seen.run.notes = []
    complete = True
    for file in seen.run.files:
        complete &= _read(seen, file, task.most)
    _seen[key] = seen
    if seen.run.notes and not seen.places and seen.records <= BEGINNING:
        # Its graph is what is cut off, then: writers write that first.
        raise SourceError(seen.run.notes[0])
    started = written_at(seen.run) if sizes else 0.0
    return RunPlaces(task.log, task.run, tuple(seen.places.values()), tuple(seen.run.notes), started, complete)


def _read(seen: _Seen, file: Path, most: int | None) -> bool:
    """Read what is new in a file; whether that was all of it."""
    path = str(file)
    position = seen.ends.get(path, 0)
    for number, data in enumerate(read_records(file, seen.run.notes.append, position)):
        if number == most:
            return False
        if add_record(seen.run, file, data):
            _take_places(seen, path, position)
        position += framed_size(data)
        seen.records += 1
        seen.ends[path] = position
    return True


def _take_places(seen: _Seen, file: str, position: int) -> None:
    for kind, tag, written in _written(seen.run):
        known = seen.places.get((kind, tag))
        if written.times == (known.times if known else 0):
            continue
        data = written.data
        digest = hashlib.sha256(data).hexdigest()
        seen.places[kind, tag] = Place(kind, tag, file, position, digest, len(data), written.times)
        written.forget()


def _written(run: Run) -> Iterator[tuple[str, str, Written]]:
    yield OWN_GRAPH, "", run.graph
    yield META_GRAPH, "", run.meta_graph
    for tag, trace in run.traces.items():
        yield TRACE, tag, trace
    for tag, model in run.keras.items():
        yield KERAS, tag, model
