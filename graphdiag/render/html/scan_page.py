"""A scan as one self-contained page: the causes, what changed when, and a table to filter and sort."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from graphdiag.picture_style import PictureStyle
from graphdiag.render.html.page import fill, json_text, static
from graphdiag.render.html.text import text
from graphdiag.render.scan_words import answer, culprits, date, of_change, of_rule, rest, short_stack
from graphdiag.results.scan_report import ScanReport
from graphdiag.results.scan_rows import ScanRow
from graphdiag.source_names import scheme_of
from graphdiag.unprintable import escape_unprintable
from graphdiag.version import __version__

_ROWS = 20_000
"""Of the page; a browser takes a second to read as many."""
_ROWS_WITHOUT_SCRIPT = 100
_CHANGES = 200
_COLUMNS: Sequence[tuple[str, str, bool]] = (
    ("run", "run", False),
    ("stack", "stack", False),
    ("date", "begun", False),
    ("layers", "layers", True),
    ("ops", "ops", True),
    ("artifact", "artifact", True),
    ("hidden", "hidden", True),
    ("missing", "missing", True),
    ("seconds", "seconds", True),
    ("words", "first words", False),
)
"""Key, title, and whether it holds numbers."""


def to_html(report: ScanReport, _: PictureStyle | None = None, *, beside: Path | None = None) -> str:
    """The scan as a page.

    Args:
        report: The report.
        beside: The file that the page is written to; links to the pages of runs are relative to it.

    Returns:
        HTML that makes no network requests. It holds the first rows, as many as a browser can take, and says how
        many it leaves out.
    """
    pages = _pages(report.pages, beside)
    rows = [_row(report, row, pages) for row in islice(report.rows.chosen(report.view.sort, report.view.only), _ROWS)]
    columns = [{"key": key, "title": title, "number": number} for key, title, number in _COLUMNS]
    all_rows = report.rows.count(report.view.only)
    return fill(
        static("scan.html"),
        {
            "title": text(f"graphdiag scan: {', '.join(report.places)}"),
            "style": static("scan.css"),
            "headline": text(answer(report)),
            "rest": text(rest(report)),
            "summary": _summary(report),
            "columns": "".join(
                f'<th scope="col"{_class(number)}><button type="button">{title}</button></th>'
                for _, title, number in _COLUMNS
            ),
            "rows": "\n".join(map(_line, rows[:_ROWS_WITHOUT_SCRIPT])),
            "more": f"{all_rows - _ROWS_WITHOUT_SCRIPT:,} more rows" if all_rows > _ROWS_WITHOUT_SCRIPT else "",
            "version": __version__,
            "data": json_text({"columns": columns, "rows": rows, "all": all_rows}),
            "script": _IMPORTS.sub("", static("scan.mjs")),
        },
    )


_IMPORTS = re.compile(r"^export (?=\w+ \w)", re.MULTILINE)


def _class(number: bool) -> str:
    return ' class="number"' if number else ""


def _pages(pages: str, beside: Path | None) -> str:
    """Where links to pages begin; empty if there are none."""
    if not pages:
        return ""
    if scheme_of(pages):
        return f"{pages.rstrip('/')}/"
    around = os.path.dirname(os.path.abspath(beside)) if beside is not None else os.getcwd()
    try:
        place = os.path.relpath(pages, around)
    except ValueError:  # another drive
        return f"{Path(pages).as_uri()}/"
    return f"{quote(Path(place).as_posix())}/"


def _row(report: ScanReport, row: ScanRow, pages: str) -> Mapping[str, Any]:
    name = row.source if len(report.places) > 1 or row.run == "." else row.run
    shown = {
        "run": name + (f" [{row.tag}]" if row.tag else ""),
        "source": row.source,
        "stack": short_stack(row.stack),
        "model": row.model,
        "date": date(row.written),
        "codes": " ".join(rule.code for rule in row.rules),
        "headline": row.headline,
        "error": row.error,
    }
    counts = {key: getattr(row, key) for key in ("layers", "ops", "artifact", "hidden", "missing", "seconds")}
    if row.error:
        counts["seconds"] = None
    page = f"{pages}{row.page}" if pages and row.page else ""
    return {**{key: escape_unprintable(words) for key, words in shown.items()}, **counts, "page": page}


def _line(row: Mapping[str, Any]) -> str:
    return f"<tr>{''.join(f'<td{_class(number)}>{_cell(row, key)}</td>' for key, _, number in _COLUMNS)}</tr>"


def _cell(row: Mapping[str, Any], key: str) -> str:
    if key == "words":
        return text(row["error"] or row["headline"])
    if key == "run" and row["page"]:
        return f'<a href="{text(row["page"])}">{text(row["run"])}</a>'
    value = row[key]
    return "–" if value is None else text(value if isinstance(value, str) else f"{value:,}")


def _summary(report: ScanReport) -> str:
    sections = []
    if report.rules:
        sections.append(f"<section><h2>Rules</h2><ul>{''.join(_rules(report))}</ul></section>")
    if report.changes:
        shown = "".join(f"<li>{text(of_change(change))}</li>" for change in report.changes[:_CHANGES])
        more = report.changes_in_all - _CHANGES
        shown += f"<li>and {more:,} more</li>" if more > 0 else ""
        sections.append(f"<section><h2>Structure differs from the run before</h2><ul>{shown}</ul></section>")
    return f'<div class="summary">{"".join(sections)}</div>' if sections else ""


def _rules(report: ScanReport) -> Iterator[str]:
    for rule in report.rules:
        said = culprits(rule)
        small = f"<small>{text(said)}</small>" if said else ""
        words = of_rule(report, rule).removeprefix(f"{rule.code} ")
        yield (
            f'<li class="{rule.severity}"><button type="button" class="rule" data-code="{text(rule.code)}">'
            f"{text(rule.code)}</button> {text(words)}{small}</li>"
        )
