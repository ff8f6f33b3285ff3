"""The catalog of rules, and a page for each."""

from __future__ import annotations

from collections.abc import Iterator

from docs.generate.page import Page, cell
from graphdiag.diagnosis.diagnose import RULES
from graphdiag.diagnosis.rule import Rule
from graphdiag.render import rule_pages
from graphdiag.render.registry import Format

_KINDS = {"1": "Artifacts", "2": "Not drawn", "3": "Hidden dependencies", "4": "Leftovers"}


def pages() -> Iterator[Page]:
    """The catalog, then the rules by code."""
    rules = sorted(RULES, key=lambda rule: rule.code)
    yield Page("rules/index.md", "\n".join(_catalog(rules)), "Rules")
    for rule in rules:
        page = rule_pages.written([rule], Format.MARKDOWN, whole=True)
        assert isinstance(page, str)
        yield Page(f"rules/{rule.code}.md", page, f"{rule.code} {rule.name}")


def _catalog(rules: list[Rule]) -> Iterator[str]:
    yield "# Rules\n"
    yield "Each finding has the code of a rule. `graphdiag explain GD101` prints these pages in the terminal.\n"
    for digit, kind in _KINDS.items():
        yield f"## {kind}\n"
        yield "| code | name | verdict | what it finds |\n|---|---|---|---|"
        for rule in rules:
            if rule.code.startswith(f"GD{digit}"):
                summary = rule.documentation.partition("\n")[0].partition(": ")[2]
                yield f"| [{rule.code}]({rule.code}.md) | {rule.name} | `{rule.verdict.value}` | {cell(summary)} |"
        yield ""
