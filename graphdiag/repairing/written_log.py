"""The log: an event file that TensorBoard reads, and ``names.json`` beside it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from graphdiag.errors import UsageError
from graphdiag.repairing.conceptual import TAG, conceptual_event
from graphdiag.repairing.repair import Repair
from graphdiag.source_names import scheme_of
from graphdiag.sources.event_runs import other_events
from graphdiag.sources.records import framed
from graphdiag.sources.remote import copied
from graphdiag.unprintable import escape_unprintable
from graphdiag.written_files import write_directory

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

EVENT_FILE = "events.out.tfevents.0000000000.graphdiag"
"""TensorBoard reads every file with ``tfevents`` in its name, in the order of the names, and does not go back to one
when a later one has appeared: this one comes before those of any run. It is always the same, so that a second repair
replaces the first."""
NAMES_FILE = "names.json"
NAMES_SCHEMA = "graphdiag.names/1"
_FILE_VERSION = "brain.Event:2"


def write_log(repair: Repair, directory: Path, *, with_events: bool = False) -> tuple[Path, Path]:
    """Write a repaired graph as a log for TensorBoard.

    Args:
        repair: The repaired graph.
        directory: The log directory; it is made if there is none.
        with_events: Whether the other events of the source's run, such as scalars, are copied.

    Returns:
        The event file and ``names.json``.

    Raises:
        UsageError: The directory holds event files of another run, or cannot be written, or the source has no events.
            Nothing has been written then.
        SourceError: An event file cannot be read.
    """
    files = directory / EVENT_FILE, directory / NAMES_FILE
    _check_own(directory)
    _check_names_file(files[1])
    contents = {EVENT_FILE: event_file(repair, with_events=with_events), NAMES_FILE: _names_file(repair)}
    write_directory(directory, contents)
    return files


def write_into_run(repair: Repair, run: Path, tag: str) -> None:
    """Write a repaired graph beside the event files that a run has.

    Args:
        repair: The repaired graph.
        run: The run's directory; it is made if there is none.
        tag: Tag of the conceptual graph.

    Raises:
        UsageError: The directory cannot be written.
    """
    write_directory(run, {EVENT_FILE: event_file(repair, tag), NAMES_FILE: _names_file(repair)})


def _check_own(directory: Path) -> None:
    """Refuse a directory in which the repaired graph would be one of several."""
    try:
        others = sorted(name for name in os.listdir(directory) if "tfevents" in name and name != EVENT_FILE)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{directory}: cannot be written: {error.strerror}; give another directory.") from error
    if others:
        raise UsageError(
            f"{directory} holds event files already ({escape_unprintable(others[0])}); "
            "give a directory of its own, or TensorBoard may show the graph that is in them."
        )


def _check_names_file(file: Path) -> None:
    """Refuse to replace a file that graphdiag did not write."""
    try:
        content = file.read_bytes()
    except OSError:
        # What is wrong with it, if there is something, is said when it is written.
        return
    if NAMES_SCHEMA.encode() not in content:
        raise UsageError(f"{file} is there already, and not a file that repair wrote; give another directory.")


def event_file(repair: Repair, tag: str = TAG, *, with_events: bool = False) -> bytes:
    """The content of an event file that holds a repaired graph.

    Args:
        repair: The repaired graph.
        tag: Tag of the conceptual graph.
        with_events: As for `write_log`.

    Raises:
        UsageError: The source has no events to copy.
        SourceError: An event file of it cannot be read.
    """
    return b"".join(framed(data) for data in _events(repair, with_events, tag))


def _events(repair: Repair, with_events: bool, tag: str) -> Iterator[bytes]:
    from tensorboard.compat.proto.event_pb2 import Event

    now = time.time()
    yield Event(wall_time=now, file_version=_FILE_VERSION).SerializeToString()
    for event in _graph_events(repair, tag, now):
        yield event.SerializeToString()
    if with_events:
        if repair.origin.kind != "event_log":
            raise UsageError(
                f"--with-events: {repair.origin.path} is not a TensorBoard log of files, and has no events to copy."
            )
        if not scheme_of(repair.origin.path):
            yield from other_events(Path(repair.origin.path), repair.origin.run)
            return
        with copied(repair.origin.path) as local:
            yield from other_events(local, repair.origin.run)


def _graph_events(repair: Repair, tag: str, now: float) -> Iterator[Event]:
    """The events that hold the graphs: the op graph as the run's own, and the Keras model under a tag."""
    from tensorboard.compat.proto.event_pb2 import Event

    if repair.graph_def is not None:
        yield Event(wall_time=now, graph_def=repair.graph_def.SerializeToString())
    if repair.conceptual:
        yield conceptual_event(repair.conceptual, now, tag)


def _names_file(repair: Repair) -> bytes:
    return (json.dumps(names_document(repair), indent=1, ensure_ascii=True) + "\n").encode()


def names_document(repair: Repair) -> Mapping[str, object]:
    """What ``names.json`` holds.

    Returns:
        ``schema``; ``names``: the new name of each op by its old one (an op of a function that was called has the
        call's name before its own); ``inserted``: names of the identity ops that the source does not have.
    """
    return {"schema": NAMES_SCHEMA, "names": dict(repair.names), "inserted": list(repair.inserted)}
