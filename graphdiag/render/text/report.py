"""The report for people at a terminal: the answer first, then each finding, on one screen.

Names come from users, so they are put in as `rich.text.Text`, never as markup, and what is not printable in them is
written as an escape.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from graphdiag.diagnosis.finding import Evidence, Finding, Severity, Verdict
from graphdiag.output import plain
from graphdiag.phrases import CARRIED, counted, size_of_graph
from graphdiag.picture_style import PictureStyle
from graphdiag.render.headline import WHO, headline
from graphdiag.results.report import Report
from graphdiag.sources.stack import PYTORCH
from graphdiag.unprintable import escape_unprintable

_LAYERS_SHOWN = 8
_OPS_SHOWN = 2
_CODE_INDENT = 6
ALIKE_SHOWN = 3
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}

Edge = tuple[str, str]


def render(report: Report) -> RenderableType:
    """The report as something rich can print.

    Args:
        report: The report.

    Returns:
        The answer, the graphs, the findings and the notes, in this order.
    """
    parts: list[RenderableType] = [_text(headline(report), "bold"), Text(), _graphs(report)]
    # Code to copy is long, and would push the other findings off the first screen.
    findings = sorted(report.findings, key=lambda finding: bool(finding.fix_code))
    for _, alike in groupby(findings, key=lambda finding: finding.code):
        parts += [Text(), *_findings(report, list(alike))]
    if report.notes:
        parts.append(Text())
    parts += [_labeled("note", _text(note)) for note in report.notes]
    return Group(*parts)


def to_text(report: Report, _: PictureStyle | None = None) -> str:
    """The report as plain text, 100 characters wide."""
    return plain(render(report))


def _text(words: str, style: str = "") -> Text:
    return Text(escape_unprintable(words), style=style, overflow="fold")


def _graphs(report: Report) -> Table:
    table = Table.grid(padding=(0, 2))
    origin, layers, ops = report.origin, report.layer_graph, report.op_graph
    run = f", run {origin.run}" if origin.run not in ("", ".") else ""
    table.add_row(Text("source"), _text(origin.path + run + (f", tag {origin.tag}" if origin.tag else "")))
    if origin.stack:
        table.add_row(Text("stack"), _text(origin.stack))
    scopes = report.ownership is None or report.ownership.by_scope
    of_model = "none: name scopes are taken for layers" if scopes else "subclassed: its edges are not on record"
    if origin.stack == PYTORCH:
        of_model = "none"
    if layers:
        of_model = size_of_graph(len(layers.layers), "layer", len(layers.edges))
    table.add_row(Text("your model"), Text(of_model))
    of_tensorflow = "none"
    if ops is not None:
        library = f", {counted(len(ops.functions), 'library function')}" if ops.functions else ""
        of_tensorflow = size_of_graph(len(ops), "op", len(ops.source)) + library
    table.add_row(Text("op graph"), Text(of_tensorflow))
    return table


def _findings(report: Report, alike: Sequence[Finding]) -> Iterator[RenderableType]:
    """Findings of one code: the title once, and what to do once where it is the same for all."""
    first = alike[0]
    title = _text(f"{first.code} {first.rule}", _STYLES[first.severity])
    title.append(f": {first.verdict.value}, made by {WHO[first.blame]}", style="default")
    yield title
    shown = alike[:ALIKE_SHOWN]
    fixes = list(dict.fromkeys((finding.fix, tuple(finding.fix_code)) for finding in shown))
    body: list[RenderableType] = []
    for finding in shown:
        body.append(_text(finding.message))
        line = report.line_of(finding)
        if line is not None:
            body.append(_labeled("at", _text(f"{line[0]}:{line[1]}")))
        if finding.verdict in (Verdict.ARTIFACT, Verdict.HIDDEN):
            body += _proof(report, finding)
        if finding.proof is not None:
            body.append(_text(finding.proof.line, "green" if finding.proof.verified else ""))
        if len(fixes) > 1:
            body += _fix(finding.fix, finding.fix_code)
    if len(alike) > len(shown):
        body.append(Text(f"{len(alike) - len(shown):,} more findings are of this kind (--format json has all).", "dim"))
    if len(fixes) == 1:
        body += _fix(*fixes[0])
    yield Padding(Group(*body), (0, 0, 0, 2))


def _fix(words: str, code: Sequence[str]) -> Iterator[RenderableType]:
    """What to do, and below it the code to copy, whose lines are not broken."""
    yield _labeled("fix", _text(words))
    if code:
        lines = Text("\n".join(map(escape_unprintable, code)), no_wrap=True, overflow="ignore")
        yield Padding(lines, (1, 0, 0, _CODE_INDENT))


def _labeled(label: str, content: RenderableType) -> Table:
    table = Table.grid(padding=(0, 2))
    # Versions of rich count the padding into a column's width, or not; so the text has the width.
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_row(Text(f"{label:<4}", style="dim"), content)
    return table


# --- the proof: from op to op ----------------------------------------------------------------------------------------


def _proof(report: Report, finding: Finding) -> Iterator[RenderableType]:
    """A tree for each op that gives the tensor: the layers that take it, and by which of their ops."""
    by_edge = _by_layer_edge(report, finding)
    order = {target: number for number, (_, target) in enumerate(finding.edges)}
    left = _LAYERS_SHOWN
    for (source, source_type), targets in by_edge.items():
        if left <= 0:
            break
        root = _text(source)
        root.append(f" ({escape_unprintable(source_type)}) gives {_gives(finding, targets)} to", style="dim")
        tree = Tree(root, guide_style="dim")
        shown = sorted(targets, key=lambda target: order.get(target, len(order)))[:left]
        for target in shown:
            tree.add(_taken_by(target, targets[target]))
        left -= len(shown)
        yield tree
    more = sum(map(len, by_edge.values())) - _LAYERS_SHOWN
    if more > 0:
        yield Text(f"and {more:,} more (--format json has all)", style="dim")


def _by_layer_edge(report: Report, finding: Finding) -> Mapping[tuple[str, str], Mapping[str, Sequence[Evidence]]]:
    """The evidence by the op that gives the tensor, and by the layer that takes it."""
    found: dict[tuple[str, str], dict[str, list[Evidence]]] = defaultdict(lambda: defaultdict(list))
    for item in finding.evidence:
        found[item.source, item.source_type][report.owner(item.target) or item.target].append(item)
    return found


def _gives(finding: Finding, targets: Mapping[str, Sequence[Evidence]]) -> str:
    if all(item.control for items in targets.values() for item in items):
        return "a signal to wait for, and no tensor,"
    carries = [word for word in finding.carries if word != "constant"] or ["constant"]
    return " and ".join(CARRIED.get(word, word) for word in carries)


def _taken_by(layer: str, items: Sequence[Evidence]) -> Text:
    """The layer, and a few of the ops by which it takes the tensor, of as many kinds as possible."""
    kinds: dict[tuple[str, str], Evidence] = {}
    for item in items:
        kinds.setdefault((item.target, item.target_type), item)
    line = _text(layer)
    for number, item in enumerate(list(kinds.values())[:_OPS_SHOWN]):
        line.append(": " if not number else ", ")
        way = list(item.through[:_OPS_SHOWN])
        if len(item.through) > len(way):
            way.append(f"{len(item.through) - len(way)} more")
        line.append_text(_text("".join(f"{name} -> " for name in way), "dim"))
        line.append_text(_text(item.target.removeprefix(f"{layer}/")))
        line.append(f" ({escape_unprintable(item.target_type)})", style="dim")
    if len(kinds) > _OPS_SHOWN:
        line.append(f" and {len(kinds) - _OPS_SHOWN} more", style="dim")
    return line
