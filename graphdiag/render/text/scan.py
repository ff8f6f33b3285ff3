"""A scan for people at a terminal: the answer, the causes, what changed when, and the table."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from graphdiag.output import plain
from graphdiag.phrases import counted
from graphdiag.picture_style import PictureStyle
from graphdiag.render.scan_words import answer, culprits, of_change, of_rule, rest, short_stack
from graphdiag.results.scan_report import ScanReport
from graphdiag.results.scan_rows import ScanRow
from graphdiag.unprintable import escape_unprintable

_RULES_SHOWN = 12
_CULPRITS_SHOWN = 3
_CHANGES_SHOWN = 5
_UNREADABLE_SHOWN = 10
_ROWS_SHOWN = 20
_NAME_BESIDE = 25
"""Characters of a name that fit beside its numbers in 80 columns; a longer one has a line of its own."""
_COLUMNS = {"layers": 6, "ops": 9, "artifact": 8, "hidden": 6, "missing": 7, "seconds": 7}
_TONES = {"artifact": "yellow", "hidden": "bold red", "missing": "cyan"}
_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def render(report: ScanReport) -> RenderableType:
    """The scan as something rich can print.

    Args:
        report: The report.

    Returns:
        The answer, the rules, what changed, the rows, what could not be read, and what was passed over.
    """
    parts: list[RenderableType] = [_text(answer(report), "bold")]
    if report.rules:
        parts += [Text(), *_rules(report)]
    if report.changes:
        parts += [Text(), *_changes(report)]
    parts += _table(report)
    if report.unreadable and report.view.only in ("", "unreadable"):
        parts += [Text(), *_unreadable(report)]
    parts += [Text(), Text(rest(report), "dim")]
    return Group(*parts)


def to_text(report: ScanReport, _: PictureStyle | None = None) -> str:
    """The scan as plain text, 100 characters wide."""
    return plain(render(report))


def _rules(report: ScanReport) -> Iterator[RenderableType]:
    for rule in report.rules[:_RULES_SHOWN]:
        line = _text(of_rule(report, rule))
        said = culprits(rule, _CULPRITS_SHOWN)
        if said:
            line.append_text(_text(f"; {said}", "dim"))
        line.stylize(_STYLES[rule.severity], 0, len(rule.code))
        yield line
    more = len(report.rules) - _RULES_SHOWN
    if more > 0:
        yield Text(f"and {more:,} more rules (--format html, markdown and sarif have all)", "dim")


def _changes(report: ScanReport) -> Iterator[RenderableType]:
    yield _text("Structure differs from the run before:", "bold")
    yield from (Padding(_text(of_change(change)), (0, 0, 0, 2)) for change in report.changes[:_CHANGES_SHOWN])
    more = report.changes_in_all - _CHANGES_SHOWN
    if more > 0:
        yield Padding(Text(f"and {more:,} more", "dim"), (0, 0, 0, 2))


def _table(report: ScanReport) -> Iterator[RenderableType]:
    """The rows that were read, two lines each."""
    view = report.view
    most = _ROWS_SHOWN if view.most is None else view.most
    if view.only == "unreadable":
        return
    rows = (row for row in report.rows.chosen(view.sort, view.only) if not row.error)
    shown = list(islice(rows, most))
    if not shown:
        return
    several = len(report.places) > 1
    names = [_name(row, several) for row in shown]
    width = max([len("run"), *(len(name) for name in names if len(name) <= _NAME_BESIDE)])
    yield Text()
    yield Text(f"{'run':<{width}}" + "".join(f"  {title:>{size}}" for title, size in _COLUMNS.items()), "dim")
    for name, row in zip(names, shown, strict=True):
        beside = len(name) <= _NAME_BESIDE
        if not beside:
            yield Text(name, overflow="fold")
        yield _counts(f"{name if beside else '':<{width}}", row)
        about = " · ".join(filter(None, (short_stack(row.stack), row.headline)))
        yield Text(f"  {escape_unprintable(about)}", "dim", no_wrap=True, overflow="ellipsis")
    left_out = report.rows.count(view.only) - len(shown) - (0 if view.only else report.unreadable)
    if left_out > 0:
        rows_left = counted(left_out, "more row")
        yield Text(f"and {rows_left} (--top shows more; --format jsonl, csv and parquet have all)", "dim")


def _name(row: ScanRow, several: bool) -> str:
    name = row.source if several or row.run == "." else row.run
    return escape_unprintable(name + (f" [{row.tag}]" if row.tag else ""))


def _counts(name: str, row: ScanRow) -> Text:
    line = Text(name, no_wrap=True, overflow="ellipsis")
    for column, size in _COLUMNS.items():
        number = getattr(row, column)
        shown = "-" if number is None else f"{number:.2f}" if column == "seconds" else f"{number:,}"
        line.append(f"  {shown:>{size}}", _TONES.get(column, "") if number else "")
    return line


def _unreadable(report: ScanReport) -> Iterator[RenderableType]:
    yield _text("Could not be read:", "bold")
    for row in report.rows.chosen((), "unreadable", _UNREADABLE_SHOWN):
        yield Padding(_text(row.error), (0, 0, 0, 2))
    more = report.unreadable - _UNREADABLE_SHOWN
    if more > 0:
        yield Padding(Text(f"and {more:,} more", "dim"), (0, 0, 0, 2))


def _text(words: str, style: str = "") -> Text:
    return Text(escape_unprintable(words), style=style, overflow="fold")
