"""``golden``: the graph is as a stored snapshot says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from graphdiag.checking.contracts.contract import Contract, option
from graphdiag.checking.contracts.options import flag, path
from graphdiag.errors import ConfigError
from graphdiag.modeldiff.changes import LayerRenamed, ModelRenamed, NestedRenamed
from graphdiag.modeldiff.differ import diff
from graphdiag.modeldiff.snapshot import Snapshot, read
from graphdiag.modeldiff.take_snapshot import take
from graphdiag.results.check_report import Violation
from graphdiag.results.report import Report

_RENAMES = (LayerRenamed, ModelRenamed, NestedRenamed)


@dataclass(frozen=True, kw_only=True)
class Golden(Contract):
    """Nothing has changed since ``graphdiag snapshot`` wrote a file: no layer, edge, shape, op or finding.

    Names that Keras makes up, as ``dense_4``, may change.

    Options:
        snapshot: The file.
        renames: Whether layers may have other names otherwise as well; ``false`` by default.
    """

    type: ClassVar[str] = "golden"
    snapshot: Path = option(path)
    renames: bool = option(flag, default=False)

    def check(self, report: Report) -> Iterator[Violation]:
        """One violation for each change."""
        before, now = read(self.snapshot), take(report)
        if before.by_scope != now.by_scope:
            raise ConfigError(f"snapshot: only one of {self.snapshot} and the source has a layer graph.")
        for what, recorded in (("op graph", _has_ops), ("output shapes", _has_shapes), ("parameters", _has_parameters)):
            if recorded(before) and not recorded(now):
                yield Violation(f"{self.snapshot} records the {what}, and the source does not")
        for change in diff(before, now).changes:
            if not (self.renames and isinstance(change, _RENAMES)):
                yield Violation(change.line(), layers=tuple(change.about))


def _has_ops(snapshot: Snapshot) -> bool:
    return snapshot.ops is not None


def _has_shapes(snapshot: Snapshot) -> bool:
    return any(layer.output_shape for layer in snapshot.layers.values())


def _has_parameters(snapshot: Snapshot) -> bool:
    return any(layer.parameters is not None for layer in snapshot.layers.values())
