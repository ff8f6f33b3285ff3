"""``forbidden``: no path leads from these layers to those."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from graphdiag.checking.contracts.contract import Contract, option
from graphdiag.checking.contracts.contract_graph import contract_graph, read_graph
from graphdiag.checking.contracts.patterns import LayerSet, disjoint, layer_set
from graphdiag.results.check_report import Violation
from graphdiag.results.report import Report


@dataclass(frozen=True, kw_only=True)
class Forbidden(Contract):
    """No path of activations leads from these layers to those, unless it goes through a layer that may be crossed.

    Options:
        from: Where no path may start.
        to: Where no path may end.
        through: Layers through which a path may lead all the same; none by default.
        graph: ``op``, ``layer`` or ``drawn``; ``op`` by default where there is an op graph.
    """

    type: ClassVar[str] = "forbidden"
    sources: LayerSet = option(layer_set, key="from")
    targets: LayerSet = option(layer_set, key="to")
    through: LayerSet | None = option(layer_set, default=None)
    graph: str = option(read_graph, default="")

    def check(self, report: Report) -> Iterator[Violation]:
        """One violation for each layer from which a path leads there without meeting another of them."""
        graph = contract_graph(report, self.graph)
        sets = [chosen for chosen in (self.sources, self.targets, self.through) if chosen]
        layers = [chosen.among(graph.nodes) for chosen in sets]
        disjoint((chosen.key, ids) for chosen, ids in zip(sets, layers, strict=True))
        sources, targets, *through = layers
        for path in graph.paths(sources, targets, avoid=through[0] if through else ()):
            yield Violation(f"{path[0].source} reaches {path[-1].target}", path)
