"""Run the rules over a case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graphdiag.diagnosis.context import DiagnosisContext, Pair
from graphdiag.diagnosis.crossings import OpEdge
from graphdiag.diagnosis.finding import Finding
from graphdiag.diagnosis.rule import Rule
from graphdiag.diagnosis.rules import (
    gd101_shared_learning_phase,
    gd102_shared_flag,
    gd103_shape_only,
    gd104_control_only,
    gd105_shared_constant,
    gd106_shared_random_state,
    gd107_reused_layer,
    gd108_misplaced_ops,
    gd109_series_loop,
    gd110_extracted_node,
    gd111_bookkeeping_edges,
    gd112_duplicated_layer,
    gd200_edge_not_drawn,
    gd201_conceptual_edges_lost,
    gd202_conceptual_graph_fails,
    gd203_empty_op_graph,
    gd204_no_op_graph,
    gd205_hidden_in_function,
    gd206_graphs_not_merged,
    gd301_hidden_dependency,
    gd302_untracked_layer,
    gd303_shared_parameters,
    gd401_stale_ops,
    gd402_dead_layer,
)

RULES: tuple[Rule, ...] = (
    # What is real is claimed first, so that no rule below can call it harmless.
    gd302_untracked_layer.RULE,
    gd301_hidden_dependency.RULE,
    gd303_shared_parameters.RULE,
    # From here on what is left is harmless, and the rules only say why it is there.
    gd101_shared_learning_phase.RULE,
    gd102_shared_flag.RULE,
    gd103_shape_only.RULE,
    gd104_control_only.RULE,
    gd105_shared_constant.RULE,
    gd106_shared_random_state.RULE,
    gd200_edge_not_drawn.RULE,
    gd201_conceptual_edges_lost.RULE,
    gd202_conceptual_graph_fails.RULE,
    gd203_empty_op_graph.RULE,
    gd204_no_op_graph.RULE,
    gd205_hidden_in_function.RULE,
    gd206_graphs_not_merged.RULE,
    gd107_reused_layer.RULE,
    gd108_misplaced_ops.RULE,
    gd109_series_loop.RULE,
    gd110_extracted_node.RULE,
    gd111_bookkeeping_edges.RULE,
    gd112_duplicated_layer.RULE,
    gd401_stale_ops.RULE,
    gd402_dead_layer.RULE,
)
"""The rules of graphdiag, in the order in which they may claim crossings."""


def diagnose(context: DiagnosisContext, rules: Sequence[Rule] = RULES) -> tuple[Finding, ...]:
    """Give every unexplained crossing its finding.

    Args:
        context: The case.
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
