"""Run the rules over a context."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pkgutil import iter_modules

from graphdiag.diagnosis import rules as package
from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.crossings import OpEdge
from graphdiag.diagnosis.finding import Finding
from graphdiag.diagnosis.rule import Rule, in_claim_order


def _own_rules() -> Iterator[Rule]:
    """The rule of each module in `graphdiag.diagnosis.rules`."""
    for module in iter_modules(package.__path__, f"{package.__name__}."):
        yield import_module(module.name).RULE


RULES: tuple[Rule, ...] = in_claim_order(_own_rules())
"""The rules of graphdiag, in the order in which they may claim crossings."""


def diagnose(context: DiagnosisContext, rules: Sequence[Rule] = RULES) -> tuple[Finding, ...]:
    """Give every unexplained crossing its finding.

    Args:
        context: The diagnosis context.
        rules: The rules, in the order in which they may claim crossings.

    Returns:
        The findings: the most severe first, then by code, then in the order of the op graph.
    """
    open_edges: list[tuple[Pair, OpEdge]] = [
        (pair, edge) for pair, edges in context.unexplained.items() for edge in edges
    ]
    findings: list[Finding] = []
    for rule in rules:
        claimed: set[int] = set()
        for found in rule.find(context, open_edges):
            findings.append(found.finding)
            claimed.update(id(edge) for _, edge in found.claims)
        if claimed:
            open_edges = [(pair, edge) for pair, edge in open_edges if id(edge) not in claimed]
    return by_severity(findings)


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings, the most severe first, then by code, then as they came."""
    severities = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(findings, key=lambda finding: (severities[finding.severity.value], finding.code)))
