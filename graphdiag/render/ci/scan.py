"""A scan as Markdown, for a comment or a summary page, and as SARIF, for code scanners' pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice

from graphdiag.diagnosis.finding import Severity
from graphdiag.diagnosis.registry import all_rules
from graphdiag.picture_style import PictureStyle
from graphdiag.render.ci.markdown_text import code, prose, table
from graphdiag.render.ci.sarif import write
from graphdiag.render.ci.suites import Check, Location, Problem, Suite, check_of
from graphdiag.render.scan_words import answer, culprits, of_change, of_rule, passed_over
from graphdiag.results.scan_report import RuleSummary, ScanReport
from graphdiag.results.scan_rows import ScanRow

_HEAD = ("run", "stack", "layers", "ops", "artifact", "hidden", "missing", "first words")
_ROWS = 50
_CHANGES = 20
_RESULTS = 5_000
"""Results that GitHub's code scanning shows of one file (its documentation, SARIF support, limits)."""


def to_markdown(report: ScanReport, _: PictureStyle | None = None) -> str:
    """The scan as Markdown. It has no timings, so that the same runs give the same text."""
    lines = [f"**{prose(answer(report))}**", ""]
    lines += [f"- {prose(line)}" for line in map(partial(_rule, report), report.rules)]
    if report.changes:
        lines += ["", "Structure differs from the run before:", ""]
        lines += [f"- {prose(of_change(change))}" for change in report.changes[:_CHANGES]]
        more = report.changes_in_all - _CHANGES
        lines += [f"- and {more:,} more"] if more > 0 else []
    most = _ROWS if report.view.most is None else report.view.most
    rows = report.rows.chosen(report.view.sort, report.view.only, most)
    lines += ["", *table(_HEAD, [_cells(report, row) for row in rows])]
    left_out = report.rows.count(report.view.only) - most
    if left_out > 0:
        lines += ["", f"and {left_out:,} more rows"]
    said = passed_over(report)[:1] if report.passed_over else []
    return "\n".join([*lines, *(f"\n{prose(each)}" for each in said), ""])


def _rule(report: ScanReport, rule: RuleSummary) -> str:
    said = culprits(rule)
    return of_rule(report, rule) + (f": {said}" if said else "")


def _cells(report: ScanReport, row: ScanRow) -> Sequence[str]:
    counts = (row.layers, row.ops, row.artifact, row.hidden, row.missing)
    numbers = ["–" if number is None else f"{number:,}" for number in counts]
    words = row.error or row.headline
    return [code(_name(report, row), True), prose(row.stack, True), *numbers, prose(words, True)]


def _name(report: ScanReport, row: ScanRow) -> str:
    name = row.source if len(report.places) > 1 or row.run == "." else row.run
    return name + (f" [{row.tag}]" if row.tag else "")


def to_sarif(report: ScanReport, _: PictureStyle | None = None) -> str:
    """The scan as SARIF: a result for each rule that found something in a run, and a note of what was not read.

    It has as many results as GitHub shows of one file, of the rows that need attention first.
    """
    rows = [row for row in report.rows.chosen(report.view.sort, report.view.only, _RESULTS) if row.rules or row.error]
    checks = {rule.code: check_of(rule) for rule in all_rules()}
    for row in rows:
        for found in row.rules:
            checks.setdefault(found.code, Check(found.code, found.rule, severity=Severity(found.severity)))
    used = {found.code for row in rows for found in row.rules}
    shown = [check for code, check in sorted(checks.items()) if code in used]
    problems = ((row, tuple(_problems(row))) for row in rows)
    left = _RESULTS
    suites = [Suite("graphdiag scan", shown)]
    for row, found_in_row in problems:
        suites.append(
            Suite(
                model=row.source + (f" [{row.tag}]" if row.tag else ""),
                checks=shown,
                problems=tuple(islice(found_in_row, left)),
                failure=row.error,
                location=Location(row.source),
            )
        )
        left = max(0, left - len(found_in_row))
    return write(suites)


def _problems(row: ScanRow) -> Iterator[Problem]:
    for found in row.rules:
        yield Problem(
            check=found.code,
            severity=Severity(found.severity),
            message=found.message,
            ops=found.culprits,
            location=Location(row.source),
            properties={"verdict": found.verdict, "blame": found.blame, "findings": found.findings},
        )
