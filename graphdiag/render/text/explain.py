"""The rules' documentation for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from graphdiag.diagnosis.rule import Rule


def one(rule: Rule) -> RenderableType:
    """Everything about one rule: what it finds, why it matters, an example, the fix."""
    first, _, rest = rule.documentation.partition("\n")
    kind = f"verdict {rule.verdict.value}, severity {rule.severity.value}, blame {rule.blame.value}"
    page = [Text(), Text(rule.url, style="dim")] if rule.url else []
    return Group(Text(first, style="bold"), Text(kind, style="dim"), *_sections(rest), *page)


def _sections(text: str) -> Iterator[RenderableType]:
    """Headings, and under them paragraphs that fit the width of the screen."""
    for block in text.strip().split("\n\n"):
        lines = block.splitlines()
        yield Text()
        if not lines[0].startswith(" "):
            yield Text(lines.pop(0), style="bold")
        if lines:
            yield Padding(Text(" ".join(line.strip() for line in lines)), (0, 0, 0, 4))


def every(rules: Sequence[Rule]) -> RenderableType:
    """All rules, a line each."""
    table = Table.grid(padding=(0, 2))
    for rule in sorted(rules, key=lambda rule: rule.code):
        summary = rule.documentation.partition("\n")[0].partition(": ")[2]
        table.add_row(Text(rule.code, style="bold"), Text(rule.name), Text(rule.verdict.value), Text(summary))
    return table
