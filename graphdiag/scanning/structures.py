"""Which runs differ in structure from the run before, and in what."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from functools import lru_cache

from graphdiag.modeldiff.differ import diff
from graphdiag.modeldiff.snapshot import Snapshot
from graphdiag.modeldiff.snapshot_file import from_dict
from graphdiag.modeldiff.summary import headline
from graphdiag.results.scan_report import StructureChange
from graphdiag.scanning.table import RowTable

_REMEMBERED = 64


def changes(table: RowTable, most: int) -> tuple[list[StructureChange], int]:
    """The runs whose structure is another than that of the run before in their series, in the order of time.

    Names that Keras makes up, as ``dense_3``, are not a difference.

    Args:
        table: The rows.
        most: How many are told. What changed in the others is not looked at, as that takes longest.

    Returns:
        The first of them, and how many there are at most: those that are not looked at may differ in names alone.
    """
    found: list[StructureChange] = []
    neighbors = table.neighbors()
    tell = _teller(table)
    for (before, old), (source, new, written) in neighbors:
        said = tell(old, new)
        if said:
            found.append(StructureChange(source, before, written, said))
        if len(found) == most:
            break
    return found, len(found) + sum(1 for _ in neighbors)


def _teller(table: RowTable) -> Callable[[str, str], str]:
    """Says in a sentence what changed from one structure to another; an empty one if nothing did."""

    @lru_cache(maxsize=_REMEMBERED)
    def structure(key: str) -> Snapshot:
        return from_dict(json.loads(zlib.decompress(table.structure(key))))

    @lru_cache(maxsize=_REMEMBERED)
    def words(old: str, new: str) -> str:
        found = diff(structure(old), structure(new))
        return "" if found.equal else headline(found)

    return words
