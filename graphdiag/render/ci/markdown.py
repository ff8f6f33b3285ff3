"""Markdown for a comment on a pull request: the answer, a table, and the details folded.

GitHub takes comments of up to 65,536 characters. What would make it longer than `LIMIT` is left out, and the comment
says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from graphdiag.diagnosis.finding import Finding, Severity
from graphdiag.phrases import size_of_graph
from graphdiag.render.ci.markdown_text import block, code, folded, prose, size, table
from graphdiag.render.ci.suites import Problem, Suite, suite_of
from graphdiag.render.headline import WHO, headline

if TYPE_CHECKING:
    from graphdiag.picture_style import PictureStyle
    from graphdiag.results.report import Report

LIMIT = 60_000
"""Bytes, as UTF-8."""

_FOR_TABLES = 20_000
_EDGES_SHOWN = 20
_CULPRITS_SHOWN = 2
_MARKS = {Severity.ERROR: "❌ error", Severity.WARNING: "⚠️ warning", Severity.NOTE: "note"}


def to_markdown(report: Report, _: PictureStyle | None = None) -> str:
    """A report as a comment."""
    suite = suite_of(report)
    rows = [_finding_row(finding) for finding in report.findings]
    details = [
        _problem_details(
            problem, f"{finding.code} {finding.rule}", f": {finding.verdict.value}, made by {WHO[finding.blame]}"
        )
        for finding, problem in zip(report.findings, suite.problems, strict=True)
    ]
    return _comment(
        [prose(headline(report)), "\n".join(table(["", ""], _graphs(report)))],
        ["severity", "finding", "verdict", "made by", "layer edges", "cause"],
        rows,
        details,
        report.notes,
    )


def write(suites: Sequence[Suite], headline: str) -> str:
    """Checks and problems of some models as a comment.

    Args:
        suites: What was checked, one for each model.
        headline: A sentence or two that say what came out; plain text.
    """
    titles = {check.id: check.title for suite in suites for check in suite.checks}
    rows, details = [], []
    for suite in suites:
        if suite.failure:
            cells = [_MARKS[Severity.ERROR], code(suite.model, True), "", prose(suite.failure, True)]
            rows.append(cells)
        for problem in suite.problems:
            title = titles[problem.check]
            message = prose(problem.message, True)
            rows.append([_MARKS[problem.severity], code(suite.model, True), code(title, True), message])
            details.append(_problem_details(problem, f"{suite.model}: {title}"))
    kept = [
        f"{suite.model}: {check.title}"
        for suite in suites
        for check in suite.checks
        if not suite.failure and not suite.of(check)
    ]
    if kept:
        found_nothing = "1 check found nothing" if len(kept) == 1 else f"{len(kept):,} checks found nothing"
        details.append(folded("", found_nothing, [block(kept)]))
    notes = [f"{suite.model}: {note}" if len(suites) > 1 else note for suite in suites for note in suite.notes]
    return _comment([prose(headline)], ["severity", "model", "check", "problem"], rows, details, notes)


def _comment(
    start: Sequence[str],
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    details: Sequence[str],
    notes: Sequence[str],
) -> str:
    """As much as fits, the first things first."""
    left_out = []
    parts = ["### graphdiag", *start]
    if rows:
        shown = _fitting([" | ".join(row) for row in rows], min(_FOR_TABLES, _room(parts)))
        parts.append("\n".join(table(head, rows[:shown])))
        if shown < len(rows):
            left_out.append(f"{len(rows) - shown:,} rows of the table")
    for what, blocks in (("details", details), ("notes", [prose(f"Note: {note}") for note in notes])):
        shown = _fitting(blocks, _room(parts))
        parts += blocks[:shown]
        if shown < len(blocks):
            left_out.append(f"{len(blocks) - shown:,} {what}")
    if left_out:
        parts.append(f"Left out to stay below 60 kB: {' and '.join(left_out)}. `--format json` has all.")
    return "\n\n".join(parts) + "\n"


def _room(parts: Sequence[str]) -> int:
    """Bytes that are left; the sentence that says what was left out needs some, too."""
    return LIMIT - 500 - size("\n\n".join(parts))


def _fitting(blocks: Sequence[str], most: int) -> int:
    """How many of the first blocks fit into so many bytes."""
    for number, each in enumerate(blocks):
        most -= size(each) + 8
        if most < 0:
            return number
    return len(blocks)


def _graphs(report: Report) -> list[list[str]]:
    origin, layers, ops = report.origin, report.layer_graph, report.op_graph
    of_model = size_of_graph(len(layers.layers), "layer", len(layers.edges)) if layers else "none"
    of_tensorflow = "none" if ops is None else size_of_graph(len(ops), "op", len(ops.source))
    rows = [["source", code(origin.path, True)]]
    rows += [
        [name, code(value, True)]
        for name, value in (("run", origin.run), ("tag", origin.tag))
        if value not in ("", ".")
    ]
    if origin.stack:
        rows.append(["stack", prose(origin.stack, True)])
    return [*rows, ["your model", of_model], ["op graph", of_tensorflow]]


def _finding_row(finding: Finding) -> list[str]:
    culprits = [code(culprit, True) for culprit in finding.culprits[:_CULPRITS_SHOWN]]
    if len(finding.culprits) > len(culprits):
        culprits.append(f"{len(finding.culprits) - len(culprits):,} more")
    return [
        _MARKS[finding.severity],
        code(f"{finding.code} {finding.rule}", True),
        finding.verdict.value,
        WHO[finding.blame],
        f"{len(finding.edges):,}",
        ", ".join(culprits),
    ]


def _problem_details(problem: Problem, title: str, more: str = "") -> str:
    body = [prose(problem.message)]
    if problem.location and problem.location.line:
        body.append(code(f"{problem.location.path}:{problem.location.line}"))
    if problem.edges:
        body.append(block(_edge_lines(problem.edges)))
    if problem.details:
        body.append(block(problem.details))
    if problem.fix:
        body.append(f"**Fix:** {prose(problem.fix)}")
    if problem.fix_code:
        body.append(block(problem.fix_code, "python"))
    return folded(title, more, body)


def _edge_lines(edges: Sequence[tuple[str, str]]) -> list[str]:
    """The layer edges, a line for each source."""
    lines = [
        f"{source} -> {', '.join(target for _, target in of_source)}"
        for source, of_source in groupby(edges[:_EDGES_SHOWN], key=lambda edge: edge[0])
    ]
    more = len(edges) - _EDGES_SHOWN
    return [*lines, f"and {more:,} more"] if more > 0 else lines
