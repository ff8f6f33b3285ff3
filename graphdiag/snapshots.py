"""From any source to a snapshot, and from two of them to what changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from graphdiag.compare import compare
from graphdiag.diff import differ
from graphdiag.diff.differ import Diff
from graphdiag.diff.snapshot import Snapshot, is_snapshot, read
from graphdiag.errors import UsageError
from graphdiag.report.snapshot import take


def snapshot(source: Any, **options: Any) -> Snapshot:
    """Take a snapshot of any source, or read one.

    Args:
        source: Any source of `compare`, a Keras model, or a file with a snapshot.
        **options: As for `compare`; a snapshot takes none.

    Returns:
        The snapshot.

    Raises:
        GraphdiagError: The source cannot be read, or an option does not apply.
    """
    given = [name for name, value in options.items() if value]
    if isinstance(source, (str, Path)) and is_snapshot(source):
        if given:
            raise UsageError(f"{', '.join(given)}: does not apply to {source}, which is a snapshot; leave it out.")
        return read(source)
    return take(compare(source, **options))


def diff(old: Any, new: Any) -> Diff:
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
