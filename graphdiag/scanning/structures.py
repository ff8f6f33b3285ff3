"""Which runs differ in structure from the run before, and in what."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from functools import lru_cache

from graphdiag.modeldiff.differ import diff
from graphdiag.modeldiff.snapshot import Snapshot
from graphdiag.modeldiff.snapshot_file import from_dict
from graphdiag.modeldiff.summary import headline
from graphdiag.results.scan_report import StructureChange
from graphdiag.scanning.table import RowTable

_REMEMBERED = 64


def changes(table: RowTable) -> Iterator[StructureChange]:
    """The runs whose structure is another than that of the run before in their series, in the order of time.

    Names that Keras makes up, as ``dense_3``, are no difference.
    """

    @lru_cache(maxsize=_REMEMBERED)
    def structure(key: str) -> Snapshot:
        return from_dict(json.loads(zlib.decompress(table.structure(key))))

    @lru_cache(maxsize=_REMEMBERED)
    def words(old: str, new: str) -> str:
        found = diff(structure(old), structure(new))
        return "" if found.equal else headline(found)

    for (before, old), (source, new, written) in table.neighbors():
        said = words(old, new)
        if said:
            yield StructureChange(source, before, written, said)
