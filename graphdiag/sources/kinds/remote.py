"""An address that fsspec reads: ``s3://bucket/logs``."""

from __future__ import annotations

from dataclasses import fields

from graphdiag.source_names import scheme_of
from graphdiag.sources.event_runs import is_event_file
from graphdiag.sources.opened import Opened
from graphdiag.sources.registry import REMOTE, Match, SourceKind, SourceOptions, own_kinds

SCHEMES = (
    *("abfs", "abfss", "az", "file", "ftp", "gcs", "gs", "hdfs", "hf", "http", "https", "memory", "s3", "s3a", "sftp"),
    "webhdfs",
)
"""Schemes of addresses that fsspec reads, some of them with one more package."""

_WEB = ("http", "https")


def _detect(address: str, _: bytes) -> Match | None:
    if scheme_of(address) not in _WEB:
        return Match.NAME
    # Another kind may be a server at this address; a file says by its name what it is.
    name = address.partition("?")[0].rpartition("/")[2].lower()
    suffixes = tuple(suffix for kind in own_kinds() for suffix in kind.suffixes)
    return Match.NAME if name.endswith(suffixes) or is_event_file(name) else None


def _open(address: str, options: SourceOptions) -> Opened:
    from graphdiag.sources.remote import open_remote

    return open_remote(address, options)


KIND = SourceKind(
    name=REMOTE,
    title="an address",
    open=_open,
    schemes=SCHEMES,
    detect=_detect,
    options=frozenset(field.name for field in fields(SourceOptions)),
)
