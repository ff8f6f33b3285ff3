"""The report's words as HTML: what the page says without its script, and what a notebook shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from graphdiag.diagnosis.finding import Evidence, Finding
from graphdiag.phrases import size_of_graph
from graphdiag.render.headline import WHO
from graphdiag.render.html.edge_styles import ASIDE, NUMBERS, STATUSES, Drawn
from graphdiag.results.edge_status import ARTIFACT, HIDDEN, MISSING, MODEL, OP_GRAPH, SCOPES, status_of
from graphdiag.results.report import Report
from graphdiag.unprintable import escape_unprintable

_EVIDENCE_SHOWN = 40
_ALIKE_SHOWN = 4
_UNCOUNTED = {
    "GD201": "of TensorBoard's conceptual graph",
    "GD202": "of TensorBoard's conceptual graph",
    "GD206": "of the drawn graph",
}
"""Whose edges they are that are not differences between the layer graph and the op graph, by code."""


def text(words: str) -> str:
    """Words as HTML that shows exactly these words."""
    return escape(escape_unprintable(words))


def facts(report: Report) -> list[tuple[str, str]]:
    """What was compared, each with its label: source, stack, sizes."""
    origin, layers, ops = report.origin, report.layer_graph, report.op_graph
    run = f", run {origin.run}" if origin.run not in ("", ".") else ""
    found = [("Source", origin.path + run + (f", tag {origin.tag}" if origin.tag else ""))]
    if origin.stack:
        found.append(("Stack", origin.stack))
    of_model = "none: name scopes are taken for layers"
    if layers:
        of_model = size_of_graph(len(layers.layers), "layer", len(layers.edges))
    found.append(("Your model", of_model))
    found.append(("Op graph", "none" if ops is None else size_of_graph(len(ops), "op", len(ops.source))))
    return found


def chips(report: Report) -> str:
    """The legend, with the number of edges of each status. The script shows the stub where its picture has one."""
    recorded = report.layer_graph is not None
    counts = Counter(status_of(edge, recorded=recorded) for edge in report.edges)
    always = [ARTIFACT, HIDDEN, MISSING, *([MODEL] if recorded else [])]
    rows = [
        _chip(STATUSES[NUMBERS[status.id]], counts[status] + (counts[MISSING] if status is MODEL else 0))
        for status in (*always, OP_GRAPH, SCOPES)
        if status in always or counts[status]
    ]
    return "".join([*rows, _chip(STATUSES[NUMBERS[ASIDE.id]], None)])


def _chip(status: Drawn, number: int | None) -> str:
    count = "" if number is None else f"<b>{number:,}</b> "
    quiet = " none" if number == 0 else ""
    return (
        f'<li class="chip tone-{status.tone}{quiet}" data-status="{status.id}" title="{escape(status.about)}"'
        f"{' hidden' if number is None else ''}>{_sample(status)}{count}<span>{escape(status.label)}</span></li>"
    )


def _sample(status: Drawn) -> str:
    """A piece of the line as the pictures draw it."""
    dash = f' stroke-dasharray="{status.dash}"' if status.dash else ""
    inner = '<path class="inner" d="M2 8H34" stroke-width="1.8"/>' if status.double else ""
    letter = f'<circle cx="18" cy="8" r="7"/><text x="18" y="11.5">{status.letter}</text>' if status.letter else ""
    return (
        f'<svg class="sample" width="46" height="16" viewBox="0 0 46 16" aria-hidden="true">'
        f'<path class="line" d="M2 8H34" stroke-width="{status.width}"{dash}/>'
        f"{inner}{_head(status.arrow)}{letter}</svg>"
    )


def _head(arrow: str) -> str:
    if arrow == "cross":
        return '<path class="line" d="M35 4L43 12M43 4L35 12" stroke-width="2"/>'
    if arrow == "double":
        return '<path class="head" d="M30 3L38 8L30 13ZM37 3L45 8L37 13Z"/>'
    return f'<path class="head {arrow}" d="M34 3.5L44 8L34 12.5Z"/>'


def findings(report: Report, model: int | None = None) -> str:
    """The findings as list items: title, cause and proof, fix, evidence folded.

    Args:
        report: The report.
        model: Number of the model in its page, whose script makes each title a button; ``None`` outside of a page.
    """
    numbered = list(enumerate(report.findings))
    items: list[str] = []
    for _, group in groupby(numbered, key=lambda item: item[1].code):
        alike = list(group)
        items += [_finding(number, finding, model) for number, finding in alike[:_ALIKE_SHOWN]]
        more = alike[_ALIKE_SHOWN:]
        if more:
            folded = "".join(_finding(number, finding, model) for number, finding in more)
            items.append(
                f'<li class="more"><details><summary>{len(more):,} more of {text(alike[0][1].code)}</summary>'
                f'<ul class="findings">{folded}</ul></details></li>'
            )
    return "".join(items)


def _finding(number: int, finding: Finding, model: int | None) -> str:
    edges = len(finding.edges)
    counted = f" · {edges:,} edge{'' if edges == 1 else 's'}{_not_counted(finding)}" if edges else ""
    title = (
        f'<span class="code">{text(finding.code)}</span> <span class="rule">{text(finding.rule)}</span> '
        f'<span class="kind">{finding.verdict.value}, made by {WHO[finding.blame]}{counted}</span>'
    )
    if model is not None:
        title = pick(model, number, title)
    proof = f'<p class="proof">{text(finding.proof.line)}</p>' if finding.proof else ""
    return (
        f'<li class="finding {finding.severity.value}"><h3>{title}</h3><p>{text(finding.message)}</p>{proof}'
        f'<p class="fix"><b>Fix</b> {text(finding.fix)}</p>{_code(finding.fix_code)}{_evidence(finding.evidence)}</li>'
    )


def _code(lines: Sequence[str]) -> str:
    """Code to copy."""
    return f"<pre><code>{chr(10).join(map(text, lines))}</code></pre>" if lines else ""


def _not_counted(finding: Finding) -> str:
    """Why the legend does not count the edges, for those that it does not."""
    return "" if finding.counted else f", {_UNCOUNTED.get(finding.code, 'not counted')}"


def pick(model: int, number: int, title: str) -> str:
    """A button that selects a finding of a model, or another of its marks, in the pictures."""
    return (
        f'<button type="button" class="pick" aria-pressed="false" data-model="{model}" data-finding="{number}">'
        f"{title}</button>"
    )


def _evidence(evidence: Sequence[Evidence]) -> str:
    if not evidence:
        return ""
    rows = "".join(f"<li>{_step(item)}</li>" for item in evidence[:_EVIDENCE_SHOWN])
    more = len(evidence) - _EVIDENCE_SHOWN
    rest = f"<p>and {more:,} more; <code>--format json</code> has all.</p>" if more > 0 else ""
    number = f"{len(evidence):,} op edge{'' if len(evidence) == 1 else 's'}"
    return f'<details><summary>Evidence: {number}</summary><ul class="evidence">{rows}</ul>{rest}</details>'


def _step(item: Evidence) -> str:
    what = "control dependency" if item.control else f"output {item.output}"
    way = "".join(f" → <code>{text(op)}</code>" for op in item.through)
    return (
        f"<code>{text(item.source)}</code> ({text(item.source_type)}, {what}){way} → "
        f"<code>{text(item.target)}</code> ({text(item.target_type)})"
    )


def notes(report: Report) -> Iterator[str]:
    """The notes, as HTML each."""
    return map(text, report.notes)
