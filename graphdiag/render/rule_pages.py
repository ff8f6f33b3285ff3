"""The rules' documentation in each of its formats."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from graphdiag.diagnosis.rule import Rule
from graphdiag.render.registry import Format

if TYPE_CHECKING:
    from rich.console import RenderableType


def written(rules: Sequence[Rule], format_: Format, whole: bool) -> str | RenderableType:
    """Rules as text for a terminal, JSON or Markdown.

    Args:
        rules: The rules.
        format_: One of these three.
        whole: Whether the text holds all of the only rule, and not a line for each.

    Returns:
        Text, or what rich can print.
    """
    if format_ is Format.JSON:
        return json.dumps([_data(rule) for rule in _in_order(rules)], indent=1) + "\n"
    if format_ is Format.MARKDOWN:
        return "\n".join(_page(rule) for rule in _in_order(rules))
    from graphdiag.render.text.explain import every, one

    return one(rules[0]) if whole else every(rules)


def _in_order(rules: Sequence[Rule]) -> Sequence[Rule]:
    return sorted(rules, key=lambda rule: rule.code)


def _data(rule: Rule) -> dict[str, str]:
    return {
        "code": rule.code,
        "name": rule.name,
        "verdict": rule.verdict.value,
        "severity": rule.severity.value,
        "blame": rule.blame.value,
        "url": rule.url,
        "documentation": rule.documentation,
    }


def _page(rule: Rule) -> str:
    first, _, rest = rule.documentation.partition("\n")
    kind = f"Verdict {rule.verdict.value}, severity {rule.severity.value}, blame {rule.blame.value}."
    return "\n\n".join([f"# {first}", kind, *_sections(rest)]) + "\n"


def _sections(text: str) -> Iterator[str]:
    """A heading, and what stands under it: paragraphs as they are, without their indent."""
    for block in text.strip().split("\n\n"):
        lines = block.splitlines()
        if not lines[0].startswith(" "):
            yield f"## {lines.pop(0)}"
        if lines:
            yield "\n".join(line.strip() for line in lines)
