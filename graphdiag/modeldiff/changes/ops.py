"""Ops and findings that came or went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from graphdiag.modeldiff.changes.change import PLAIN, Change, Edge, Names
from graphdiag.modeldiff.snapshot import FindingRecord
from graphdiag.phrases import some


@dataclass(frozen=True)
class OpsChanged(Change):
    """Ops that were added or removed in a layer that is the same, or among those of no layer.

    Attributes:
        owner: Id of the layer or nested model; ``None`` for ops of no layer.
        role: Of the ops of no layer, as ``training``; empty for none.
        counts: Number before and after, by op type; only what changed.
    """

    kind: ClassVar[str] = "ops-changed"
    owner: str | None
    counts: Mapping[str, tuple[int, int]]
    role: str = ""

    @property
    def whose(self) -> str:
        """The layer, or what the ops are for."""
        return self.owner if self.owner is not None else f"no layer{f' ({self.role})' if self.role else ''}"

    def delta(self) -> str:
        """``1 Relu added, 2 Elu went``."""
        added = {op_type: new - old for op_type, (old, new) in self.counts.items() if new > old}
        removed = {op_type: old - new for op_type, (old, new) in self.counts.items() if new < old}
        parts = [
            f"{some([f'{count:,} {op_type}' for op_type, count in ops.items()], 6)} {word}"
            for ops, word in ((added, "came"), (removed, "went"))
            if ops
        ]
        return "; ".join(parts)

    @property
    def about(self) -> Sequence[str]:
        """The layer that owns the ops, or the nested model."""
        return [] if self.owner is None else [self.owner]

    def line(self, names: Names = PLAIN) -> str:
        """``conv1d_0: 1 Relu added``."""
        return f"{self.whose}: {self.delta()}"

    def to_dict(self) -> dict[str, Any]:
        """Number before and after, by op type."""
        counts = {op_type: list(pair) for op_type, pair in self.counts.items()}
        return {"kind": self.kind, "owner": self.owner, "role": self.role, "ops": counts}


@dataclass(frozen=True)
class FindingAdded(Change):
    """A finding that was not there before."""

    kind: ClassVar[str] = "finding-came"
    finding: FindingRecord

    @property
    def about_edges(self) -> Sequence[Edge]:
        """The edges that the finding explains."""
        return self.finding.edges

    def line(self, names: Names = PLAIN) -> str:
        """``GD301 (hidden) added: dense_1 -> dense_3``."""
        return _finding_line(self.finding, "came")

    def to_dict(self) -> dict[str, Any]:
        """The finding."""
        return {"kind": self.kind, "finding": self.finding.to_dict()}


@dataclass(frozen=True)
class FindingRemoved(Change):
    """A removed finding; in old names."""

    kind: ClassVar[str] = "finding-gone"
    finding: FindingRecord

    @property
    def about_edges(self) -> Sequence[Edge]:
        """The edges that the finding explained."""
        return self.finding.edges

    def line(self, names: Names = PLAIN) -> str:
        """``GD301 (hidden) went: dense_1 -> dense_3``."""
        return _finding_line(self.finding, "went")

    def to_dict(self) -> dict[str, Any]:
        """The finding."""
        return {"kind": self.kind, "finding": self.finding.to_dict()}


def _finding_line(finding: FindingRecord, what: str) -> str:
    about = some([f"{source} -> {target}" for source, target in finding.edges] or finding.culprits)
    return f"{finding.code} ({finding.verdict}) {what}{': ' if about else ''}{about}"
