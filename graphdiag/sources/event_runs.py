"""Gather the graphs of a TensorBoard log, run by run, without choosing among them.

Runs are named as TensorBoard names them: the directory of the event file, relative to the log directory. What counts
as a graph follows ``tensorboard/plugins/graph/graphs_plugin.py`` and ``plugin_event_accumulator.py``.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdiag.errors import SourceError
from graphdiag.sources.records import read_records
from graphdiag.sources.visits import Visits, name_below

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

TRACE_PLUGINS = ("graph_run_metadata_graph", "graph_run_metadata")
KERAS_PLUGIN = "graph_keras_model"
OWN_TAG = "graphdiag"
"""Tag of the Keras model that `graphdiag.keras.GraphCallback` writes beside that of Keras's own callback."""

BEGINNING = 2
"""Records that a writer writes before a graph."""

# The only version of these summaries that TensorBoard accepts, as the plugin's content.
_VERSION = b"1"

# Leading bytes of an Event: wall_time as a double; step, when it is not zero; then what the event holds.
_WALL_TIME = 0x09
_STEP = 0x10
_GRAPH = 0x22
_SUMMARY = 0x2A
_MARKS = (b"graph_run_metadata", KERAS_PLUGIN.encode())


@dataclass
class Written:
    """Something that may have been written several times.

    Attributes:
        record: Bytes that end with what was written last, which may be large and is not copied.
        times: How many times something was written.
        start: Where what was written last begins in `record`.
    """

    record: bytes = b""
    times: int = 0
    start: int = 0

    @property
    def data(self) -> bytes:
        """What was written last; a copy."""
        return self.record[self.start :]

    def write(self, record: bytes, start: int = 0) -> None:
        """Note one more writing.

        Args:
            record: Bytes that end with what was written.
            start: Where it begins in them.
        """
        self.record, self.start = record, start
        self.times += 1

    def forget(self) -> None:
        """Drop the bytes, which may be large; how many times it was written is kept."""
        self.record, self.start = b"", 0


@dataclass
class Run:
    """The graphs of one run, as serialized messages.

    Attributes:
        files: Its event files, in TensorBoard's order.
        graph: The run's own graph, a ``GraphDef``.
        meta_graph: A ``MetaGraphDef``. TensorBoard's event accumulator falls back on it where there is no ``graph``;
            its graph page does not.
        traces: By tag, the ``RunMetadata`` of a trace.
        keras: By tag, the JSON of a Keras model.
        notes: Sentences for the user: which files end within a record, and what is not a regular file.
    """

    files: list[Path]
    graph: Written = field(default_factory=Written)
    meta_graph: Written = field(default_factory=Written)
    traces: dict[str, Written] = field(default_factory=dict)
    keras: dict[str, Written] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_runs(path: Path) -> dict[str, Run]:
    """Read all event files of a log.

    Args:
        path: A log directory, searched to any depth, or one event file.

    Returns:
        Run by name, in order of name; ``.`` for the log directory itself and for a single file.

    Raises:
        SourceError: There is no event file, or one of them cannot be read.
    """
    runs = {name: _run(files) for name, files in sorted(_runs(path))}
    if not runs:
        raise SourceError(
            f"{path} holds no event file (events.out.tfevents.*); give the log directory that TensorBoard is given."
        )
    for run in runs.values():
        _read(run)
    return runs


def read_run(files: Sequence[Path]) -> Run:
    """Read the event files of one run.

    Args:
        files: In TensorBoard's order.

    Raises:
        SourceError: One of them cannot be read.
    """
    run = _run(files)
    _read(run)
    return run


def check_whole(run: Run) -> None:
    """Make sure that a run without a graph was not cut off within one.

    Args:
        run: The run, read.

    Raises:
        SourceError: It holds no more than a writer writes before the graph, and then ends within a record.
    """
    if not run.notes or run.graph.times or run.meta_graph.times or run.traces or run.keras:
        return
    records = sum(1 for file in run.files for _ in islice(read_records(file), BEGINNING + 1))
    if records <= BEGINNING:
        raise SourceError(run.notes[0])


def _read(run: Run) -> None:
    for file in run.files:
        for data in read_records(file, run.notes.append):
            add_record(run, file, data)


def add_record(run: Run, file: Path, data: bytes) -> bool:
    """Take one more record of a run.

    Args:
        run: What was read of the run before.
        file: The event file that the record is in.
        data: The record.

    Returns:
        Whether it may hold a graph: others are told from their first bytes, and passed over.

    Raises:
        SourceError: It holds no event.
    """
    if not _of_interest(data, run):
        return False
    start = _start_of_graph_alone(data)
    if start:
        run.graph.write(data, start)
    else:
        _add(run, _parse(file, data))
    return True


def other_events(path: Path, run: str) -> Iterator[bytes]:
    """The events of a run that hold no graph and no Keras model.

    Args:
        path: A log directory, or one event file.
        run: Name of the run.

    Yields:
        The data of each record, as it was written; of a summary that holds a graph beside other values, the others.

    Raises:
        SourceError: An event file cannot be read.
    """
    seen = Run([])
    for file in dict(_runs(path)).get(run, ()):
        for data in read_records(file, lambda _: None) if not _is_special(file) else ():
            if not _of_interest(data, seen):
                yield data
                continue
            event = _parse(file, data)
            _add(seen, event)
            what = event.WhichOneof("what")
            if what == "summary":
                kept = [value for value in event.summary.value if not _is_graph(value, seen)]
                if len(kept) < len(event.summary.value):
                    del event.summary.value[:]
                    event.summary.value.extend(kept)
                if kept:
                    yield event.SerializeToString()
            elif what not in ("graph_def", "meta_graph_def", "file_version", "tagged_run_metadata"):
                yield data


def _is_graph(value: Any, run: Run) -> bool:
    plugin = value.metadata.plugin_data.plugin_name
    return plugin in (*TRACE_PLUGINS, KERAS_PLUGIN) or value.tag in run.traces or value.tag in run.keras


def _run(files: Sequence[Path]) -> Run:
    regular = [file for file in files if not _is_special(file)]
    notes = [f"{file} was passed over: it is not a regular file." for file in files if file not in regular]
    return Run(regular, notes=notes)


def _is_special(file: Path) -> bool:
    """Whether there is something under this name that is not a file."""
    try:
        return not stat.S_ISREG(os.stat(file).st_mode)
    except OSError:
        # What is wrong is said when it is read.
        return False


def holdings(runs: Mapping[str, Run]) -> str:
    """Say what the runs hold besides graphs, for the message that they hold none: ``2 scalars, 1 image``."""
    kinds: Counter[str] = Counter()
    seen = set()
    for name, run in runs.items():
        for file in run.files:
            for data in read_records(file):
                event = _parse(file, data)
                for kind, tag in _kinds(event):
                    if (name, kind, tag) not in seen:
                        seen.add((name, kind, tag))
                        kinds[kind] += 1
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "no data"


def is_event_file(name: str) -> bool:
    """Whether TensorBoard takes a file of this name for an event file."""
    return "tfevents" in name


def holds_event_files(directory: Path) -> bool:
    """Whether there is an event file in a directory, at any depth."""
    return next(_runs(directory), None) is not None


def _runs(path: Path) -> Iterator[tuple[str, list[Path]]]:
    """The directories with event files, each with its files; links are followed, and none twice."""
    if not path.is_dir():
        yield ".", [path]
        return
    visits = Visits()
    waiting = [(str(path), ".")]
    while waiting:
        directory, name = waiting.pop()
        try:
            if not visits.is_first(directory):
                continue
            below, files = _entries(directory)
        except OSError as error:
            raise SourceError(f"{directory} cannot be read: {error.strerror}.") from error
        if files:
            yield name, [Path(directory, file) for file in files]
        waiting += [(os.path.join(directory, inner), name_below(name, inner)) for inner in reversed(below)]


def _entries(directory: str) -> tuple[list[str], list[str]]:
    """Names of the directories in a directory, and of what may be an event file; both in order."""
    below, files = [], []
    with os.scandir(directory) as entries:
        for entry in entries:
            if _is_directory(entry):
                below.append(entry.name)
            elif is_event_file(entry.name):
                files.append(entry.name)
    return sorted(below), sorted(files)


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _of_interest(data: bytes, run: Run) -> bool:
    """Whether an event may hold a graph, told from its first bytes and a search, without parsing it.

    A log can be hundreds of megabytes of scalars and images.
    """
    position = _past_times(data)
    if data[position : position + 1] != bytes([_SUMMARY]):
        return True
    if any(mark in data for mark in _MARKS):
        return True
    # A writer may leave out the plugin where it has written the tag before.
    return any(tag.encode() in data for tags in (run.traces, run.keras) for tag in tags)


def _past_times(data: bytes) -> int:
    """Where the times of an event end, and what it holds begins."""
    position = 9 if data[:1] == bytes([_WALL_TIME]) else 0
    if data[position : position + 1] == bytes([_STEP]):
        position += 1
        while position < len(data) and data[position] & 0x80:
            position += 1
        position += 1
    return position


def _start_of_graph_alone(data: bytes) -> int:
    """Where the graph begins in an event that ends with it; 0 for any other event, and for an empty graph."""
    position = _past_times(data)
    if data[position : position + 1] != bytes([_GRAPH]):
        return 0
    length = shift = 0
    for place in range(position + 1, min(position + 6, len(data))):
        length |= (data[place] & 0x7F) << shift
        shift += 7
        if not data[place] & 0x80:
            return place + 1 if length and place + 1 + length == len(data) else 0
    return 0


def _parse(file: Path, data: bytes) -> Event:
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event

    try:
        return Event.FromString(data)
    except DecodeError as error:
        check_memory(error)
        raise SourceError(
            f"{file} is not a TensorBoard event file: its records hold no events; give a file named like "
            "events.out.tfevents.*."
        ) from error


def check_memory(error: Exception) -> None:
    """Tell a message that there is no memory for from a damaged one.

    Args:
        error: What protobuf raised; it has one class for both, and says which in its words.

    Raises:
        MemoryError: There was no memory.
    """
    if "alloc failed" in str(error):
        raise MemoryError from error


def _add(run: Run, event: Event) -> None:
    what = event.WhichOneof("what")
    if what == "graph_def":
        run.graph.write(event.graph_def)
    elif what == "meta_graph_def":
        run.meta_graph.write(event.meta_graph_def)
    elif what == "summary":
        for value in event.summary.value:
            if not value.tensor.string_val:
                continue
            plugin = value.metadata.plugin_data
            known = plugin.content == _VERSION
            if (plugin.plugin_name in TRACE_PLUGINS and known) or value.tag in run.traces:
                run.traces.setdefault(value.tag, Written()).write(value.tensor.string_val[0])
            elif (plugin.plugin_name == KERAS_PLUGIN and known) or value.tag in run.keras:
                run.keras.setdefault(value.tag, Written()).write(value.tensor.string_val[0])


_OLD_SUMMARIES = {"simple_value": "scalars", "image": "images", "histo": "histograms", "audio": "audio"}


def _kinds(event: Any) -> Iterator[tuple[str, str]]:
    what = event.WhichOneof("what")
    if what == "tagged_run_metadata":
        yield "profile", event.tagged_run_metadata.tag
    elif what == "summary":
        for value in event.summary.value:
            plugin = value.metadata.plugin_data.plugin_name
            yield plugin or _OLD_SUMMARIES.get(value.WhichOneof("value"), "tensors"), value.tag
