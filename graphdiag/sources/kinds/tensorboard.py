"""The address of a running TensorBoard: ``http://localhost:6006/``."""

from __future__ import annotations

from graphdiag.sources.opened import Opened
from graphdiag.sources.registry import Match, SourceKind, SourceOptions


def _detect(_: str, __: bytes) -> Match:
    # Whether it is one is seen when it is asked.
    return Match.GUESS


def _open(address: str, options: SourceOptions) -> Opened:
    from graphdiag.sources.running_tensorboard import open_tensorboard

    return open_tensorboard(address, run=options.run, tag=options.tag)


KIND = SourceKind(
    name="tensorboard",
    title="a running TensorBoard",
    open=_open,
    schemes=("http", "https"),
    detect=_detect,
    options=frozenset({"run", "tag"}),
)
