"""The check report: which contracts hold on which models, ready for any format.

What stands here is plain data: it comes out of the processes in which models are checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, ClassVar

from graphdiag.diagnosis.finding import Finding
from graphdiag.results.document import restored
from graphdiag.results.renderable import Renderable
from graphdiag.results.report import Report
from graphdiag.version import __version__

SCHEMA = "graphdiag.check/2"
UNREAD = "the model could not be read"
"""Why a contract was not checked on a model that could not be compared."""


class ContractStatus(str, Enum):
    """Whether a contract holds."""

    KEPT = "kept"
    BROKEN = "broken"
    UNCHECKED = "unchecked"
    """It could not be checked: a layer that it names is not there, say."""


@dataclass(frozen=True)
class Link:
    """One step of a chain.

    Attributes:
        source: Where it starts: a layer, or a node of the drawn graph.
        target: Where it ends.
        known: Whether Keras has this edge; a drawn edge, or one between name scopes, counts as known.
        ops: ``(name, type)`` of the ops that show it: the last one of the source, those of no layer on the way, the
            first one of the target. Empty where the layer graph or the drawn graph shows it.
    """

    source: str
    target: str
    known: bool = True
    ops: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Violation:
    """One way in which a contract is broken.

    Attributes:
        message: What is wrong, as a clause: ``conv1d_0_3 reaches conv1d_1_0``.
        chain: The shortest path that breaks the contract, where it is a path that does.
        finding: The finding, where it is one that breaks the contract.
        new: The edges of the finding, or its culprits, that are new, where the baseline accepts the others.
        layers: Ids of the layers that it is about, besides those of the path and of the finding.
    """

    message: str
    chain: tuple[Link, ...] = ()
    finding: Finding | None = None
    new: tuple[tuple[str, ...], ...] = ()
    layers: tuple[str, ...] = ()

    @property
    def new_lines(self) -> Sequence[str]:
        """What is new, a line each: ``a -> b`` for an edge."""
        return [" -> ".join(thing) for thing in self.new]


@dataclass(frozen=True)
class ContractOutcome:
    """What became of one contract on one model.

    Attributes:
        contract: Name of the contract.
        type: Its kind, as ``independence``.
        model: Name of the model.
        status: Whether it holds.
        violations: Why not.
        reason: Why it could not be checked, in one line; empty if it was. Of a contract that is kept: why there was
            nothing to check, which the configuration allows.
        line: The line of the configuration on which the contract is named; 0 if that is not known.
    """

    contract: str
    type: str
    model: str
    status: ContractStatus
    violations: tuple[Violation, ...] = ()
    reason: str = ""
    line: int = 0


@dataclass(frozen=True)
class CheckedModel:
    """One model that was to be checked.

    Attributes:
        name: As configured; the path, for a source that is not.
        source: Path of the source.
        data: What the comparison found, in the schema ``graphdiag.report/2``; ``None`` when the model could not be
            compared.
        error: Why it could not be compared, in one line.
        ignored: Findings that the configuration keeps from being reported: their code, how many there are, and what
            keeps them, as ``ignore = ["GD1"]``.
    """

    name: str
    source: str
    data: Mapping[str, Any] | None = field(default=None, repr=False)
    error: str = ""
    ignored: tuple[tuple[str, int, str], ...] = ()

    @cached_property
    def report(self) -> Report | None:
        """The report, as every format takes it; ``None`` when the model could not be compared."""
        return None if self.data is None else restored(self.data)


@dataclass(frozen=True)
class Accepted:
    """An entry of the baseline: a finding that is known and accepted.

    Attributes:
        model: Name of the model.
        code: Code of the rule.
        edges: The layer edges of the finding, sorted.
        culprits: Its culprits, sorted, where it has no edges; empty otherwise.
        reason: Why it is accepted, in the team's words.
    """

    model: str
    code: str
    edges: tuple[tuple[str, str], ...] = ()
    culprits: tuple[str, ...] = ()
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The entry as it stands in the file."""
        return {
            "model": self.model,
            "code": self.code,
            **({"edges": [list(edge) for edge in self.edges]} if self.edges else {}),
            **({"culprits": list(self.culprits)} if self.culprits else {}),
            "reason": self.reason,
        }


@dataclass(frozen=True)
class ContractSummary:
    """One contract over all its models: its name, its kind, and its outcomes."""

    name: str
    type: str
    outcomes: tuple[ContractOutcome, ...]

    @property
    def status(self) -> ContractStatus:
        """Broken if it is broken on any model; unchecked if it could not be checked on any; kept otherwise."""
        statuses = {outcome.status for outcome in self.outcomes}
        for status in (ContractStatus.BROKEN, ContractStatus.UNCHECKED):
            if status in statuses:
                return status
        return ContractStatus.KEPT if statuses else ContractStatus.UNCHECKED


@dataclass(frozen=True, repr=False)
class CheckReport(Renderable):
    """What a check found.

    Attributes:
        config: Path of the configuration; empty when there was none.
        models: The models, in the order of the configuration.
        outcomes: Of each contract on each of its models, contract by contract.
        accepted: Entries of the baseline that cover a finding of today.
        removed: Entries of the baseline, or the parts of them, that no finding of today needs.
        baseline: Path of the baseline; empty when none is configured.
        baseline_absent: Whether that file does not exist yet.
    """

    result_type: ClassVar[str] = "check"

    config: str
    models: tuple[CheckedModel, ...]
    outcomes: tuple[ContractOutcome, ...]
    accepted: tuple[Accepted, ...] = ()
    removed: tuple[Accepted, ...] = ()
    baseline: str = ""
    baseline_absent: bool = False

    def __repr__(self) -> str:
        counts = ", ".join(f"{status.value}={self.count(status)}" for status in ContractStatus)
        return f"CheckReport({self.config!r}, models={len(self.models)}, {counts})"

    @cached_property
    def contracts(self) -> Sequence[ContractSummary]:
        """The contracts, each with its outcomes."""
        grouped: dict[tuple[str, str], list[ContractOutcome]] = {}
        for outcome in self.outcomes:
            grouped.setdefault((outcome.contract, outcome.type), []).append(outcome)
        return [ContractSummary(name, type_, tuple(group)) for (name, type_), group in grouped.items()]

    def count(self, status: ContractStatus) -> int:
        """The number of contracts of a status."""
        return sum(contract.status is status for contract in self.contracts)

    @property
    def complete(self) -> bool:
        """Whether every model and every contract could be checked."""
        return not any(model.error for model in self.models) and all(
            outcome.status is not ContractStatus.UNCHECKED for outcome in self.outcomes
        )

    @property
    def exit_status(self) -> int:
        """0 when all contracts are kept, 1 when one is broken, 2 when something could not be checked."""
        if not self.complete:
            return 2
        return 1 if self.count(ContractStatus.BROKEN) else 0

    def to_dict(self) -> dict[str, Any]:
        """The check as JSON-ready data, in the schema ``graphdiag.check/2`` (see the README)."""
        findings = {model.name: model.report.findings for model in self.models if model.report}
        return {
            "schema": SCHEMA,
            "graphdiag": __version__,
            "config": self.config,
            "summary": {status.value: self.count(status) for status in ContractStatus},
            "models": [
                {
                    "name": model.name,
                    "source": model.source,
                    "error": model.error,
                    "ignored": [{"code": code, "findings": number, "by": by} for code, number, by in model.ignored],
                    "report": model.data,
                }
                for model in self.models
            ],
            "contracts": [
                {
                    "name": contract.name,
                    "type": contract.type,
                    "status": contract.status.value,
                    "models": [_outcome(outcome, findings.get(outcome.model, ())) for outcome in contract.outcomes],
                }
                for contract in self.contracts
            ],
            "baseline": {
                "path": self.baseline,
                "accepted": [entry.to_dict() for entry in self.accepted],
                "gone": [entry.to_dict() for entry in self.removed],
                "absent": self.baseline_absent,
            },
        }


def _outcome(outcome: ContractOutcome, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "model": outcome.model,
        "status": outcome.status.value,
        "violations": [_violation(violation, findings) for violation in outcome.violations],
        "reason": outcome.reason,
        **({"line": outcome.line} if outcome.line else {}),
    }


def _violation(violation: Violation, findings: Sequence[Finding]) -> dict[str, Any]:
    found: dict[str, Any] = {"message": violation.message}
    if violation.chain:
        found["chain"] = [
            {
                "from": link.source,
                "to": link.target,
                "known": link.known,
                "ops": [{"name": name, "type": type_} for name, type_ in link.ops],
            }
            for link in violation.chain
        ]
    if violation.finding:
        found["code"] = violation.finding.code
        if violation.finding in findings:
            found["finding"] = findings.index(violation.finding)
    if violation.new:
        found["new"] = [list(thing) for thing in violation.new]
    if violation.layers:
        found["layers"] = list(violation.layers)
    return found
