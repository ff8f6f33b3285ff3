"""The layer-level diff: every edge between two layers, whether Keras, the op graph or both have it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphdiag.diagnosis.context import carried
from graphdiag.diagnosis.crossings import OpEdge
from graphdiag.diagnosis.finding import Finding, Verdict
from graphdiag.graphs.layer_graph import LayerGraph

DIFFERENCES = (Verdict.HIDDEN, Verdict.ARTIFACT, Verdict.MISSING)
"""The verdicts by which a layer graph and an op graph differ, the most severe first."""


@dataclass(frozen=True)
class LayerEdge:
    """One edge between two layers.

    Attributes:
        source: Id of the layer that gives the tensor; without a layer graph, its name scope.
        target: Id of the layer that takes it.
        in_model: Whether the layer graph has the edge.
        op_edges: Number of op edges that cross from the one to the other; 0 when the op graph has no such edge.
        carries: What flows over them, sorted; empty for none.
        verdict: How the two graphs differ here: hidden, artifact or missing; ``None`` where they agree.
        codes: Codes of the findings that say so, sorted.
    """

    source: str
    target: str
    in_model: bool
    op_edges: int
    carries: tuple[str, ...] = ()
    verdict: Verdict | None = None
    codes: tuple[str, ...] = ()


def layer_edges(
    layers: LayerGraph | None,
    crossings: Mapping[tuple[str, str], Sequence[OpEdge]],
    findings: Sequence[Finding],
) -> tuple[LayerEdge, ...]:
    """Hold the layer graph's edges against the crossings.

    Args:
        layers: The layer graph, if there is one.
        crossings: The op edges between each two owners.
        findings: What the rules found.

    Returns:
        First the edges of the layer graph, in its order, then those that only the op graph has, in the order of its
        crossings, and at last those that nothing but a finding names.
    """
    in_model = dict.fromkeys(layers.edges) if layers else {}
    verdicts = _verdicts(findings)
    edges = []
    for pair in dict.fromkeys([*in_model, *crossings, *verdicts]):
        crossing = crossings.get(pair, ())
        verdict, codes = verdicts.get(pair, (None, ()))
        edges.append(LayerEdge(*pair, pair in in_model, len(crossing), carried(crossing), verdict, codes))
    return tuple(edges)


def _verdicts(findings: Sequence[Finding]) -> Mapping[tuple[str, str], tuple[Verdict, tuple[str, ...]]]:
    """For each edge that differs, the most severe verdict and the codes of all that say it differs."""
    said: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.counted and finding.verdict in DIFFERENCES:
            for edge in finding.edges:
                said[edge].append(finding)
    return {
        edge: (
            min((finding.verdict for finding in found), key=DIFFERENCES.index),
            tuple(sorted({finding.code for finding in found})),
        )
        for edge, found in said.items()
    }
