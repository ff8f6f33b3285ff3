"""``independence``: no activation flows from one set of layers to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from graphdiag.checking.contracts.contract import Contract, option
from graphdiag.checking.contracts.contract_graph import contract_graph, read_graph
from graphdiag.checking.contracts.options import list_of
from graphdiag.checking.contracts.patterns import LayerSet, disjoint, layer_set
from graphdiag.results.check_report import Violation
from graphdiag.results.report import Report


@dataclass(frozen=True, kw_only=True)
class Independence(Contract):
    """No activation flows from one set of layers to another, in either direction, not even through other layers.

    The sets may feed a common layer, as two towers that are concatenated do.

    Options:
        sets: Two sets of layers or more.
        graph: ``op``, ``layer`` or ``drawn``; ``op`` by default where there is an op graph, so that a dependency that
            Keras does not know of breaks the contract too.
    """

    type: ClassVar[str] = "independence"
    sets: tuple[LayerSet, ...] = option(list_of(layer_set, at_least=2))
    graph: str = option(read_graph, default="")

    def check(self, report: Report) -> Iterator[Violation]:
        """One violation for each layer from which a path leads into another set without meeting a third."""
        graph = contract_graph(report, self.graph)
        sets = [chosen.among(graph.nodes) for chosen in self.sets]
        disjoint((chosen.key, layers) for chosen, layers in zip(self.sets, sets, strict=True))
        for sources in sets:
            for targets in sets:
                if sources is targets:
                    continue
                others = {layer for layers in sets if layers not in (sources, targets) for layer in layers}
                for path in graph.paths(sources, targets, avoid=others):
                    yield Violation(f"{path[0].source} reaches {path[-1].target}", path)
