"""The check report for people at a terminal: the verdict first, then each contract, then why the broken ones are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from graphdiag.output import plain
from graphdiag.phrases import counted, size_of_graph
from graphdiag.picture_style import PictureStyle
from graphdiag.results.check_report import (
    UNREAD,
    Accepted,
    CheckedModel,
    CheckReport,
    ContractOutcome,
    ContractStatus,
    ContractSummary,
    Link,
    Violation,
)
from graphdiag.unprintable import escape_unprintable

VIOLATIONS_SHOWN = 5
_LINKS_SHOWN = 12
_EDGES_SHOWN = 3
_MARKS = {
    ContractStatus.KEPT: Text("kept", "green"),
    ContractStatus.BROKEN: Text("BROKEN", "bold red"),
    ContractStatus.UNCHECKED: Text("not checked", "bold yellow"),
}


def render(report: CheckReport) -> RenderableType:
    """The check report as something rich can print.

    Args:
        report: The report.

    Returns:
        The verdict, the models, the contracts, why they are broken, and what the baseline says; in this order.
    """
    parts: list[RenderableType] = [_text(verdict(report), "bold"), Text(), _models(report.models)]
    parts += [Text(), _contracts(report.contracts)]
    ignored = [line for model in report.models for line in ignored_lines(model)]
    if ignored:
        parts += [Text(), Text("ignored", style="bold"), Padding(Group(*map(_text, ignored)), (0, 0, 0, 2))]
    for contract in report.contracts:
        why = list(_why(contract))
        if why:
            parts += [Text(), _text(contract.name, "bold"), Padding(Group(*why), (0, 0, 0, 2))]
    if report.accepted or report.removed or report.baseline_absent:
        parts += [Text(), *_baseline(report)]
    return Group(*parts)


def to_text(report: CheckReport, _: PictureStyle | None = None) -> str:
    """The check report as plain text, 100 characters wide."""
    return plain(render(report))


def explain(outcome: ContractOutcome) -> str:
    """Why one contract does not hold on one model, as plain text."""
    return plain(Group(*_why(ContractSummary(outcome.contract, outcome.type, (outcome,)))))


def verdict(report: CheckReport) -> str:
    """The first line: ``2 contracts kept, 1 broken.``."""
    kept, broken, unchecked = (report.count(status) for status in ContractStatus)
    parts = [f"{kept:,} contract{'' if kept == 1 else 's'} kept", f"{broken:,} broken" if broken else ""]
    parts.append(f"{unchecked:,} could not be checked" if unchecked else "")
    said = ", ".join(part for part in parts if part) + "."
    unread = [model.name for model in report.models if model.error]
    if unread:
        said += f" {len(unread):,} of {len(report.models):,} models could not be read: {', '.join(unread)}."
    return said


def _models(models: Sequence[CheckedModel]) -> Table:
    table = Table.grid(padding=(0, 2))
    for model in models:
        table.add_row(_text(model.name), _text(about(model), "yellow" if model.error else ""))
    return table


def about(model: CheckedModel) -> str:
    """What a model is made of, or why it could not be read: ``models/a.py: 28 layers, 27 edges, 1,285 ops``."""
    if model.data is None:
        return model.error
    graphs = model.data["graphs"]
    layers, ops = graphs["layers"], graphs["ops"]
    known = [size_of_graph(layers["nodes"], "layer", layers["edges"]) if layers else "no layer graph"]
    known.append(counted(ops["nodes"], "op") if ops else "no op graph")
    where = f"{model.source}: " if model.source != model.name else ""
    return where + ", ".join(known)


def ignored_lines(model: CheckedModel) -> Sequence[str]:
    """What the configuration keeps from being reported: ``gated: GD101, 1 finding, by ignore = ["GD1"]``."""
    return [f"{model.name}: {code}, {counted(number, 'finding')}, by {by}" for code, number, by in model.ignored]


def _contracts(contracts: Sequence[ContractSummary]) -> Table:
    table = Table.grid(padding=(0, 2))
    for contract in contracts:
        name = _text(contract.name)
        name.append(f" ({contract.type})", "dim")
        if contract.status is ContractStatus.KEPT and any(outcome.reason for outcome in contract.outcomes):
            name.append("; a graph that it needs is missing, which is allowed", "dim")
        table.add_row(_MARKS[contract.status], name)
    return table


def _why(contract: ContractSummary) -> Iterator[RenderableType]:
    """Why a contract is not kept; why a model could not be read stands with the models."""
    several = len(contract.outcomes) > 1
    for outcome in contract.outcomes:
        on = f"{outcome.model}: " if several else ""
        if outcome.status is ContractStatus.UNCHECKED and outcome.reason != UNREAD:
            yield _text(on + outcome.reason)
        for violation in outcome.violations[:VIOLATIONS_SHOWN]:
            yield _text(on + violation.message)
            yield Padding(Group(*_proof(violation)), (0, 0, 0, 2))
        more = len(outcome.violations) - VIOLATIONS_SHOWN
        if more > 0:
            yield _text(f"{on}and {more:,} more (--format json has all)", "dim")


def _proof(violation: Violation) -> Iterator[RenderableType]:
    if violation.chain:
        yield from _chain(violation.chain)
    if violation.finding:
        edges = violation.finding.edges
        lines = list(violation.new_lines) or [f"{source} -> {target}" for source, target in edges]
        if violation.new:
            yield _text("new, the rest is in the baseline:")
        yield from map(_text, lines[:_EDGES_SHOWN])
        if len(lines) > _EDGES_SHOWN:
            yield Text(f"and {len(lines) - _EDGES_SHOWN:,} more{' edges' if edges else ''}", "dim")
        yield _text(f"fix: {violation.finding.fix}")


def _chain(chain: Sequence[Link]) -> Iterator[RenderableType]:
    """The nodes of a path, one a line; where Keras has no such edge, the ops that show it."""
    yield _text(chain[0].source)
    left_out = max(0, len(chain) - _LINKS_SHOWN)
    for number, link in enumerate(chain):
        if left_out and number == _LINKS_SHOWN // 2:
            yield Text(f"-> {left_out:,} more", "dim")
        if left_out and _LINKS_SHOWN // 2 <= number < _LINKS_SHOWN // 2 + left_out:
            continue
        yield _text(f"-> {link.target}")
        if not link.known:
            shown = ": " + " -> ".join(f"{name} ({type_})" for name, type_ in link.ops) if link.ops else ""
            yield Padding(_text(f"Keras has no such edge{shown}", "dim"), (0, 0, 0, 3))


def _baseline(report: CheckReport) -> Iterator[RenderableType]:
    if report.baseline_absent:
        yield _text(f"{report.baseline} does not exist yet; --update-baseline writes it.")
    if report.accepted:
        count = len(report.accepted)
        yield _text(f"{report.baseline} accepts {count:,} finding{'' if count == 1 else 's'}.")
    if report.removed:
        yield _text(
            f"{report.baseline} accepts what is there no longer; 'graphdiag check --update-baseline' takes it out:"
        )
        yield Padding(Group(*(_text(_entry(entry)) for entry in report.removed)), (0, 0, 0, 2))


def _entry(entry: Accepted) -> str:
    things = [f"{source} -> {target}" for source, target in entry.edges] or list(entry.culprits)
    shown = ", ".join(things[:_EDGES_SHOWN])
    more = f" and {len(things) - _EDGES_SHOWN:,} more" if len(things) > _EDGES_SHOWN else ""
    return f"{entry.model}: {entry.code}" + (f" {shown}{more}" if shown else "")


def _text(words: str, style: str = "") -> Text:
    return Text(escape_unprintable(words), style=style, overflow="fold")
