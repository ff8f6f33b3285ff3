"""What every format says of a scan, in sentences."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from graphdiag.phrases import counted
from graphdiag.results.scan_report import RuleSummary, ScanReport, StructureChange

_PRODUCER = re.compile(r"GraphDef producer \d+ \(as of ([^)]*)\)")


def answer(report: ScanReport) -> str:
    """``1,004 runs compared: 812 have artifacts, 3 have hidden dependencies. 2 could not be read.``."""
    parts = [
        f"{number:,} {'has' if number == 1 else 'have'} {what}"
        for verdict, what in (
            ("artifact", "artifacts"),
            ("hidden", "hidden dependencies"),
            ("missing", "missing edges"),
        )
        if (number := report.rows.count(verdict))
    ]
    said = f"{counted(report.compared, 'run')} compared"
    if report.compared:
        said += f": {', '.join(parts)}" if parts else ": none has an artifact, a hidden dependency or a missing edge"
    unreadable = report.unreadable
    return f"{said}." + (f" {unreadable:,} could not be read." if unreadable else "")


def of_rule(report: ScanReport, rule: RuleSummary) -> str:
    """``GD101 shared-learning-phase (artifact): in 812 of 1,004 runs, since 2026-03-02``."""
    since = f", since {date(rule.since)}" if rule.since is not None else ""
    return f"{rule.code} {rule.rule} ({rule.verdict}): in {rule.runs:,} of {counted(report.compared, 'run')}{since}"


def culprits(rule: RuleSummary, most: int = 5) -> str:
    """``keras_learning_phase (812)``, the most frequent first; ``always`` where there is but one."""
    if not rule.culprits:
        return ""
    if rule.culprits_in_all == 1:
        return f"always {rule.culprits[0].name}"
    listed = rule.culprits[:most]
    shown = ", ".join(f"{culprit.name} ({culprit.runs:,})" for culprit in listed)
    more = rule.culprits_in_all - len(listed)
    return shown + (f" and {more:,} more" if more else "")


def of_change(change: StructureChange) -> str:
    """``2026-03-02 logs/b, after a: 1 layer inserted; everything else is the same.``."""
    when = f"{date(change.written)} " if change.written is not None else ""
    around = f"{change.source.rpartition('/')[0]}/"
    return f"{when}{change.source}, after {change.before.removeprefix(around)}: {change.words}"


def rest(report: ScanReport) -> str:
    """What was found beside the rows, and how long all of it took."""
    return " ".join([*passed_over(report), f"{report.seconds:,.1f} s."])


def passed_over(report: ScanReport) -> list[str]:
    """What was found beside the rows: ``12 logs and files hold neither a graph nor a model.``."""
    parts = []
    if report.passed_over:
        number = report.passed_over
        what = counted(number, "log or file", "logs and files")
        parts.append(f"{what} {'holds' if number == 1 else 'hold'} neither a graph nor a model.")
    if report.reused:
        parts.append(f"{report.reused:,} had not changed since the scan before.")
    return parts


def short_stack(stack: str) -> str:
    """``Keras 3.15.1, TF 2.21`` for ``Keras 3.15.1, GraphDef producer 2474 (as of TensorFlow 2.21)``."""
    return _PRODUCER.sub(r"\1", stack).replace("TensorFlow", "TF")


def date(seconds: float | None) -> str:
    """A day in UTC, as ``2026-03-02``; empty if it is not known."""
    try:
        return "" if seconds is None else datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d")
    except (OverflowError, OSError, ValueError):
        # A file may bear any time.
        return ""
