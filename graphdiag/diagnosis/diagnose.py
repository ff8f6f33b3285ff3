"""Run the rules over a context."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pkgutil import iter_modules

from graphdiag.diagnosis import rules as package
from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.crossings import OpEdge
from graphdiag.diagnosis.finding import Finding
from graphdiag.diagnosis.rule import Found, Rule, in_claim_order
from graphdiag.garbage import no_garbage_collection


def _own_rules() -> Iterator[Rule]:
    """The rule of each module in `graphdiag.diagnosis.rules`."""
    for module in iter_modules(package.__path__, f"{package.__name__}."):
        yield import_module(module.name).RULE


RULES: tuple[Rule, ...] = in_claim_order(_own_rules())
"""The rules of graphdiag, in the order in which they may claim crossings."""


@no_garbage_collection()
def diagnose(context: DiagnosisContext, rules: Sequence[Rule] = RULES) -> tuple[Finding, ...]:
    """Give every unexplained crossing its finding.

    Args:
        context: The diagnosis context.
        rules: The rules, in the order in which they may claim crossings.

    Returns:
        The findings: the most severe first, then what changes the user's picture most, then by code, then in the order
        of the op graph.
    """
    open_edges: list[tuple[Pair, OpEdge]] = [
        (pair, edge) for pair, edges in context.unexplained.items() for edge in edges
    ]
    all_found: list[Found] = []
    for rule in rules:
        claimed: set[int] = set()
        for found in rule.find(context, open_edges):
            all_found.append(found)
            claimed.update(id(edge) for _, edge in found.claims)
        if claimed:
            open_edges = [(pair, edge) for pair, edge in open_edges if id(edge) not in claimed]
    all_found.sort(key=lambda found: (found.rank, found.finding.code))
    return by_severity(found.finding for found in all_found)


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings, the most severe first, and otherwise as they came."""
    severities = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(findings, key=lambda finding: severities[finding.severity.value]))
