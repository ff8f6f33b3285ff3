"""Less than the whole report: the answer alone, or how many findings each rule has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from graphdiag.modeldiff.differ import Diff
from graphdiag.modeldiff.summary import headline as headline_of_diff
from graphdiag.render.headline import headline
from graphdiag.render.text.check import verdict
from graphdiag.results.check_report import CheckReport, ContractStatus
from graphdiag.results.report import Report
from graphdiag.unprintable import escape_unprintable

if TYPE_CHECKING:
    from graphdiag.results.renderable import Renderable


def answer(result: Renderable) -> RenderableType:
    """The first words of a result; of a check, also the names of contracts that do not hold.

    Args:
        result: A report, a check report or a diff.

    Returns:
        What rich can print.
    """
    return Group(*(Text(escape_unprintable(line), overflow="fold") for line in _lines(result)))


def _lines(result: Renderable) -> Iterator[str]:
    if isinstance(result, Report):
        yield headline(result)
    elif isinstance(result, Diff):
        yield headline_of_diff(result)
    elif isinstance(result, CheckReport):
        yield verdict(result)
        for contract in result.contracts:
            if contract.status is not ContractStatus.KEPT:
                status = "broken" if contract.status is ContractStatus.BROKEN else "not checked"
                yield f"{status}: {contract.name}"


def statistics(result: Renderable) -> RenderableType:
    """How many findings each rule has, the most first.

    Args:
        result: A report or a check report.

    Returns:
        What rich can print: a line for each rule, or the answer where there is no finding.
    """
    counts = Counter(_found(result))
    if not counts:
        return answer(result)
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    for (code, rule, kind), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(f"{number:,}", Text(code, "bold"), Text(escape_unprintable(rule)), kind)
    return table


def _found(result: Renderable) -> Iterable[tuple[str, str, str]]:
    """Code, name and verdict of each finding."""
    if isinstance(result, Report):
        return [(finding.code, finding.rule, finding.verdict.value) for finding in result.findings]
    if isinstance(result, CheckReport):
        data = [model.data for model in result.models if model.data is not None]
        return [(found["code"], found["rule"], found["verdict"]) for each in data for found in each["findings"]]
    return []
