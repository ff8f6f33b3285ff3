"""The check report of a saved document: what ``graphdiag check --format json`` wrote, back again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphdiag.errors import SourceError
from graphdiag.results.check_report import (
    SCHEMA,
    Accepted,
    CheckedModel,
    CheckReport,
    ContractOutcome,
    ContractStatus,
    Link,
    Violation,
)
from graphdiag.results.migration import current
from graphdiag.results.validation import schema_error, validation_error

if TYPE_CHECKING:
    from graphdiag.diagnosis.finding import Finding


def from_dict(document: Any, name: str = "the check report") -> CheckReport:
    """The check report that `CheckReport.to_dict` made the data of.

    Args:
        document: Data in the schema ``graphdiag.check/2``.
        name: What an error calls it: its file, say.

    Returns:
        The report. A violation that was saved without the position of its finding has none.

    Raises:
        SourceError: The data is of another schema, or damaged: what is wrong, and where.
    """
    document = current(document)
    wrong = schema_error(document, "check")
    if wrong is None:
        wrong = next(filter(None, map(_wrong_with_model, document["models"])), None)
    if wrong is not None:
        raise SourceError(f"{name}: not a check report in the schema {SCHEMA}: {wrong}. Write it anew.")
    models = tuple(map(_model, document["models"]))
    findings = {model.name: model.report.findings for model in models if model.report}
    baseline = document["baseline"]
    return CheckReport(
        config=document["config"],
        models=models,
        outcomes=tuple(
            _outcome(contract, outcome, findings.get(outcome["model"], ()))
            for contract in document["contracts"]
            for outcome in contract["models"]
        ),
        accepted=tuple(map(_accepted, baseline["accepted"])),
        removed=tuple(map(_accepted, baseline["gone"])),
        baseline=baseline["path"],
        baseline_absent=baseline.get("absent", False),
    )


def _wrong_with_model(data: Mapping[str, Any]) -> str | None:
    wrong = None if data["report"] is None else validation_error(data["report"])
    return None if wrong is None else f"the report on {data['name']!r}: {wrong}"


def _model(data: Mapping[str, Any]) -> CheckedModel:
    return CheckedModel(data["name"], data["source"], data["report"], data["error"], _ignored(data))


def _ignored(data: Mapping[str, Any]) -> tuple[tuple[str, int, str], ...]:
    return tuple((entry["code"], entry["findings"], entry["by"]) for entry in data.get("ignored", ()))


def _outcome(contract: Mapping[str, Any], data: Mapping[str, Any], findings: Sequence[Finding]) -> ContractOutcome:
    return ContractOutcome(
        contract=contract["name"],
        type=contract["type"],
        model=data["model"],
        status=ContractStatus(data["status"]),
        violations=tuple(_violation(violation, findings) for violation in data["violations"]),
        reason=data["reason"],
        line=data.get("line", 0),
    )


def _violation(data: Mapping[str, Any], findings: Sequence[Finding]) -> Violation:
    position = data.get("finding", len(findings))
    return Violation(
        message=data["message"],
        chain=tuple(map(_link, data.get("chain", ()))),
        finding=findings[position] if position < len(findings) else None,
        new=tuple(map(tuple, data.get("new", ()))),
        layers=tuple(data.get("layers", ())),
    )


def _link(data: Mapping[str, Any]) -> Link:
    ops = tuple((op["name"], op["type"]) for op in data["ops"])
    return Link(data["from"], data["to"], data["known"], ops)


def _accepted(data: Mapping[str, Any]) -> Accepted:
    edges = tuple((source, target) for source, target in data.get("edges", ()))
    return Accepted(data["model"], data["code"], edges, tuple(data.get("culprits", ())), data["reason"])
