"""What was found before, kept by content: what has not changed is not compared again.

There are two kinds of record. ``results/`` has what was found in certain bytes, by this version of graphdiag, under
certain options; wherever these bytes lie, the result is the same. ``seen/`` says which bytes a source had when its
files had certain sizes and times, or tags of a bucket, so that they need not even be read. Both may be deleted at any
time. A record is written whole or not at all, and one that cannot be read counts as absent.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import Any

from graphdiag.errors import GraphdiagError, UsageError
from graphdiag.scanning.places import read_whole, write_whole
from graphdiag.version import __version__

RESULTS, SEEN = "results", "seen"


class StoreError(GraphdiagError):
    """A record or a page cannot be written: its place is full, or may not be written to."""


def key_of(*what: Any) -> str:
    """The key of JSON-ready data, under this version of graphdiag."""
    return hashlib.sha256(json.dumps([__version__, *what], sort_keys=True).encode()).hexdigest()


class Store:
    """A place for records.

    Args:
        address: A directory, which is made when it is first written to, or wherever fsspec writes.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """A record; ``None`` if there is none, or it is damaged: what it says is then found anew."""
        data = read_whole(self._address, _name(kind, key))
        try:
            record = None if data is None else json.loads(gzip.decompress(data))
        except (OSError, EOFError, ValueError):
            return None
        return record if isinstance(record, dict) else None

    def put(self, kind: str, key: str, record: dict[str, Any]) -> None:
        """Write a record.

        Raises:
            StoreError: It cannot be written.
        """
        data = gzip.compress(json.dumps(record, separators=(",", ":")).encode(), 6, mtime=0)
        try:
            write_whole(self._address, _name(kind, key), data)
        except UsageError as error:
            raise StoreError(f"--store {error}") from error


def _name(kind: str, key: str) -> str:
    # No directory gets too long for systems that search them one by one.
    return f"{kind}/{key[:3]}/{key}.json.gz"
