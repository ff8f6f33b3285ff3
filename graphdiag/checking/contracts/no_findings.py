"""``no-findings``: graphdiag finds nothing that matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from graphdiag.checking.contracts.contract import Contract, option
from graphdiag.checking.contracts.options import MissingGraphError, choice
from graphdiag.diagnosis.finding import Severity
from graphdiag.results.check_report import Violation
from graphdiag.results.report import Report

_LEVELS = [severity.value for severity in Severity]  # the most severe first


@dataclass(frozen=True, kw_only=True)
class NoFindings(Contract):
    """There is no finding at or above a severity, but for those that the baseline accepts.

    Options:
        severity: ``error`` (the default), ``warning`` or ``note``.
    """

    type: ClassVar[str] = "no-findings"
    severity: str = option(choice(*_LEVELS), default=Severity.ERROR.value)

    def check(self, report: Report) -> Iterator[Violation]:
        """One violation for each finding.

        Raises:
            MissingGraphError: There is none, and the source lacks a graph without which none can be found.
        """
        broken = False
        for finding in report.findings:
            if _LEVELS.index(finding.severity.value) <= _LEVELS.index(self.severity):
                broken = True
                yield Violation(f"{finding.code} {finding.rule}: {finding.message}", finding=finding)
        lacking = report.lacking("hidden")
        if lacking and not broken:
            raise MissingGraphError(f"not checked: {lacking}.")
