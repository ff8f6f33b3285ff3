"""A TensorBoard log: a directory, or one event file."""

from __future__ import annotations

from pathlib import Path

from graphdiag.sources.event_runs import holds_event_files, is_event_file
from graphdiag.sources.opened import Opened
from graphdiag.sources.records import starts_with_record
from graphdiag.sources.registry import Match, SourceKind, SourceOptions


def _detect(path: Path, start: bytes) -> Match | None:
    if starts_with_record(start) if start else holds_event_files(path):
        return Match.CONTENT
    return Match.NAME if start and is_event_file(path.name) else None


def _open(path: Path, options: SourceOptions) -> Opened:
    from graphdiag.sources.event_log import open_event_log

    return open_event_log(path, run=options.run, tag=options.tag)


KIND = SourceKind(
    name="event_log",
    title="a TensorBoard log",
    open=_open,
    detect=_detect,
    options=frozenset({"run", "tag"}),
    holds="TensorBoard event files",
    instead="an event file",
)
