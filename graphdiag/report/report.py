"""The report: what a comparison found, ready for any format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphdiag.diagnosis.case import Case
from graphdiag.diagnosis.finding import Evidence, Finding, Verdict
from graphdiag.graphs.drawn_graph import DrawnGraph
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.op_graph import OpGraph
from graphdiag.sources.opened import Origin
from graphdiag.version import __version__

SCHEMA = "graphdiag.report/1"

_COUNTED = (Verdict.HIDDEN, Verdict.ARTEFACT, Verdict.MISSING)


@dataclass(frozen=True)
class Summary:
    """Layer edges by verdict, each counted once; one that is both hidden and an artefact counts as hidden.

    They are differences between the layer graph and the op graph. What the conceptual graph lacks is not counted.
    """

    artefact: int
    hidden: int
    missing: int

    def met(self, verdict: str) -> bool:
        """Whether there is any edge of this verdict; ``any`` asks for all three."""
        if verdict == "any":
            return bool(self.artefact or self.hidden or self.missing)
        return bool({"artefact": self.artefact, "hidden": self.hidden, "missing": self.missing}[verdict])


@dataclass(frozen=True)
class Report:
    """What a comparison found.

    Attributes:
        origin: Where the graphs came from.
        layer_graph: The layer graph, or ``None`` when neither the source nor ``--model`` had one.
        op_graph: The op graph, or ``None`` when the source has none.
        findings: The most severe first.
        notes: Sentences for the user about what was chosen, passed over, or could not be told.
        case: Who owns what and what flows where; ``None`` without an op graph.
    """

    origin: Origin
    layer_graph: LayerGraph | None
    op_graph: OpGraph | None
    findings: Sequence[Finding]
    notes: Sequence[str] = ()
    case: Case | None = None

    @property
    def drawn_graph(self) -> DrawnGraph | None:
        """What TensorBoard draws of the op graph; ``None`` when it draws nothing."""
        return self.case.picture.drawn if self.case and self.case.picture else None

    @cached_property
    def summary(self) -> Summary:
        """Layer edges by verdict."""
        counts = {}
        seen: set[tuple[str, str]] = set()
        for verdict in _COUNTED:
            edges = {
                edge
                for finding in self.findings
                if finding.verdict is verdict and finding.counted
                for edge in finding.edges
            } - seen
            counts[verdict] = len(edges)
            seen |= edges
        return Summary(counts[Verdict.ARTEFACT], counts[Verdict.HIDDEN], counts[Verdict.MISSING])

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data, in the schema ``graphdiag.report/1`` (see the README)."""
        layers, ops = self.layer_graph, self.op_graph
        return {
            "schema": SCHEMA,
            "graphdiag": __version__,
            "source": {
                "path": self.origin.path,
                "kind": self.origin.kind,
                "run": self.origin.run,
                "tag": self.origin.tag,
                "stack": self.origin.stack,
            },
            "graphs": {
                "layers": None if layers is None else {"nodes": len(layers.layers), "edges": len(layers.edges)},
                "ops": None if ops is None else {"nodes": len(ops), "edges": len(ops.source)},
            },
            "findings": [_finding(finding) for finding in self.findings],
            "summary": {
                "artefact": self.summary.artefact,
                "hidden": self.summary.hidden,
                "missing": self.summary.missing,
            },
            "notes": list(self.notes),
        }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "rule": finding.rule,
        "verdict": finding.verdict.value,
        "blame": finding.blame.value,
        "severity": finding.severity.value,
        "culprits": list(finding.culprits),
        "carries": list(finding.carries),
        "edges": [list(edge) for edge in finding.edges],
        "evidence": [_evidence(evidence) for evidence in finding.evidence],
        "message": finding.message,
        "cure": finding.cure,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    found: dict[str, Any] = {
        "from": evidence.source,
        "from_type": evidence.source_type,
        "to": evidence.target,
        "to_type": evidence.target_type,
        "output": evidence.output,
        "control": evidence.control,
    }
    if evidence.through:
        found["through"] = list(evidence.through)
    return found
