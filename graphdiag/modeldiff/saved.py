"""The diff of a saved document: what ``graphdiag diff --format json`` wrote, back again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graphdiag.errors import SourceError
from graphdiag.modeldiff.differ import SCHEMA, Diff, diff
from graphdiag.modeldiff.snapshot_file import from_dict as to_snapshot
from graphdiag.results.validation import schema_error


def from_dict(document: Any, name: str = "the diff") -> Diff:
    """The diff that `Diff.to_dict` made the data of: its two snapshots are compared again.

    Args:
        document: Data in the schema ``graphdiag.diff/2``.
        name: What an error calls it: its file, say.

    Raises:
        SourceError: The data is of another schema, is damaged, or has no snapshots, as diffs had none at first.
    """
    wrong = schema_error(document, "diff")
    if wrong is None and not all("snapshot" in document[side] for side in ("old", "new")):
        wrong = "it does not hold the two snapshots"
    if wrong is not None:
        raise SourceError(f"{name}: not a diff in the schema {SCHEMA}: {wrong}. Write it anew.")
    sides = document["old"], document["new"]
    try:
        old, new = (to_snapshot(side["snapshot"]) for side in sides)
    except SourceError as error:
        raise SourceError(f"{name}: {error}") from error
    return replace(diff(old, new), titles=(sides[0]["source"], sides[1]["source"]))
