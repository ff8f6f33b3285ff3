"""The report for people at a terminal: the answer first, then each finding.

Names come from users, so they are put in as `rich.text.Text`, never as markup.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from graphdiag.diagnosis.finding import Evidence, Finding, Severity, Verdict
from graphdiag.report.answer import answer
from graphdiag.report.report import Report

_EDGES_SHOWN = 12
_EVIDENCE_SHOWN = 4
_IN_A_LINE = 3
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}


def render(report: Report) -> RenderableType:
    """The report as something rich can print.

    Args:
        report: The report.

    Returns:
        The answer, the graphs, the findings and the notes, in this order.
    """
    parts: list[RenderableType] = [Text(answer(report), style="bold"), Text(), _graphs(report)]
    for finding in report.findings:
        parts += [Text(), *_finding(finding)]
    for note in report.notes:
        parts += [Text(), _labelled("note", Text(note))]
    return Group(*parts)


def _graphs(report: Report) -> Table:
    table = Table.grid(padding=(0, 2))
    origin = report.origin
    source = origin.path + (f", run {origin.run}" if origin.run else "") + (f", tag {origin.tag}" if origin.tag else "")
    table.add_row(Text("source"), Text(source))
    if origin.stack:
        table.add_row(Text("stack"), Text(origin.stack))
    if report.layer_graph:
        layers = report.layer_graph
        table.add_row(Text("layer graph"), Text(f"{len(layers.layers):,} layers, {len(layers.edges):,} edges"))
    else:
        table.add_row(Text("layer graph"), Text("none: name scopes are taken for layers"))
    if report.op_graph:
        ops = report.op_graph
        library = f", {len(ops.functions):,} library functions" if ops.functions else ""
        table.add_row(Text("op graph"), Text(f"{len(ops):,} ops, {len(ops.source):,} edges{library}"))
    else:
        table.add_row(Text("op graph"), Text("none"))
    return table


def _finding(finding: Finding) -> Iterator[RenderableType]:
    title = Text()
    title.append(f"{finding.code} {finding.rule}", style=_STYLES[finding.severity])
    title.append(f"   {finding.verdict.value}, {finding.severity.value}")
    yield title
    body: list[RenderableType] = [_labelled("cause", Text(finding.message))]
    if finding.evidence:
        body.append(_labelled("proof", _evidence(finding.evidence)))
    if finding.edges and finding.verdict in (Verdict.ARTEFACT, Verdict.HIDDEN):
        body.append(_labelled("edges", _edges(finding.edges)))
    elif finding.edges:
        body.append(_labelled("edges", _in_a_line(finding.edges)))
    if finding.carries:
        body.append(_labelled("carries", Text(", ".join(finding.carries))))
    body.append(_labelled("blame", Text(finding.blame.value)))
    body.append(_labelled("cure", Text(finding.cure)))
    yield Padding(Group(*body), (0, 0, 0, 2))


def _labelled(label: str, content: RenderableType) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(width=7)
    table.add_column(ratio=1)
    table.add_row(Text(label, style="dim"), content)
    return table


def _edges(edges: Sequence[tuple[str, str]]) -> RenderableType:
    """The layer edges as a tree, by source."""
    by_source: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        by_source[source].append(target)
    left = _EDGES_SHOWN
    trees: list[RenderableType] = []
    shown = 0
    for source, targets in by_source.items():
        if left <= 0:
            break
        tree = Tree(Text(source))
        for target in targets[:left]:
            tree.add(Text(target))
        shown += min(left, len(targets))
        left -= len(targets)
        trees.append(tree)
    if shown < len(edges):
        trees.append(Text(f"and {len(edges) - shown:,} more (all of them: --format json)", style="dim"))
    return Group(*trees)


def _in_a_line(edges: Sequence[tuple[str, str]]) -> Text:
    """The first few edges; which ones they all are matters less than that there are any."""
    listed = ", ".join(f"{source} -> {target}" for source, target in edges[:_IN_A_LINE])
    more = len(edges) - _IN_A_LINE
    return Text(listed if more <= 0 else f"{listed} and {more:,} more")


def _evidence(evidence: Sequence[Evidence]) -> RenderableType:
    lines: list[RenderableType] = []
    shown = _spread(evidence)
    for item in shown:
        line = Text(no_wrap=False, overflow="fold")
        line.append(f"{'^' if item.control else ''}{item.source}")
        line.append(f" ({item.source_type})", style="dim")
        for name in item.through[:2]:
            line.append(f" -> {name}", style="dim")
        if len(item.through) > 2:
            line.append(f" -> {len(item.through) - 2} more", style="dim")
        line.append(f" -> {item.target}")
        line.append(f" ({item.target_type})", style="dim")
        lines.append(line)
    if len(evidence) > len(shown):
        lines.append(Text(f"and {len(evidence) - len(shown):,} more op edges", style="dim"))
    return Group(*lines)


def _spread(evidence: Sequence[Evidence]) -> Sequence[Evidence]:
    """A few pieces of evidence, of as many kinds as possible."""
    kinds: dict[tuple[str, str, str], Evidence] = {}
    for item in evidence:
        kinds.setdefault((item.source, item.target.rpartition("/")[2], item.target_type), item)
    return list(kinds.values())[:_EVIDENCE_SHOWN]
