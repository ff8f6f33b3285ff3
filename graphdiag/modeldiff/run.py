"""From any source to a snapshot, and from two of them to what changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from graphdiag.comparison import compare
from graphdiag.errors import UsageError
from graphdiag.modeldiff import differ
from graphdiag.modeldiff.snapshot import Snapshot
from graphdiag.modeldiff.snapshot_file import begins_as, is_snapshot, read
from graphdiag.modeldiff.take_snapshot import take
from graphdiag.results.document import read as read_report


def is_saved(source: Any) -> bool:
    """Whether a source is a file with a snapshot or a saved report, which is only read."""
    return isinstance(source, (str, Path)) and (is_snapshot(source) or begins_as(source, "graphdiag.report"))


def snapshot(source: Any, **options: Any) -> Snapshot:
    """Take a snapshot of any source, or read one.

    Args:
        source: Any source of `compare`, a Keras model, or a file with a snapshot or a saved report.
        **options: As for `compare`; a saved file takes none.

    Returns:
        The snapshot.

    Raises:
        GraphdiagError: The source cannot be read, or an option does not apply.
    """
    if not is_saved(source):
        return take(compare(source, **options))
    given = [name for name, value in options.items() if value]
    if given:
        raise UsageError(f"{', '.join(given)}: does not apply to {source}, which is a saved file; leave it out.")
    return read(source) if is_snapshot(source) else take(read_report(Path(source)))


def diff(old: Any, new: Any) -> differ.Diff:
    """Say what changed between two models.

    Args:
        old: The model before: anything that `snapshot` takes, or a snapshot.
        new: The model after.

    Returns:
        The changes.

    Raises:
        GraphdiagError: A source cannot be read, or one has layers and the other only name scopes.
    """
    before, after = (side if isinstance(side, Snapshot) else snapshot(side) for side in (old, new))
    return replace(differ.diff(before, after), titles=(_title(old, "OLD"), _title(new, "NEW")))


def _title(source: Any, otherwise: str) -> str:
    return str(source) if isinstance(source, (str, Path)) else otherwise
