"""``layers``: an order that edges follow forward only."""

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
class Layers(Contract):
    """Activations flow forward only through an order of sets, as stem, blocks and head; they may skip a set.

    What flows back through layers that are in none of the sets counts as well.

    Options:
        layers: Two sets of layers or more, the first one first.
        graph: ``op``, ``layer`` or ``drawn``; ``op`` by default where there is an op graph.
    """

    type: ClassVar[str] = "layers"
    layers: tuple[LayerSet, ...] = option(list_of(layer_set, at_least=2))
    graph: str = option(read_graph, default="")

    def check(self, report: Report) -> Iterator[Violation]:
        """One violation for each layer from which a path leads to an earlier set without meeting a third."""
        graph = contract_graph(report, self.graph)
        sets = [chosen.among(graph.nodes) for chosen in self.layers]
        disjoint((chosen.key, layers) for chosen, layers in zip(self.layers, sets, strict=True))
        for number, earlier in enumerate(sets):
            for later_number in range(number + 1, len(sets)):
                others = {layer for at, ids in enumerate(sets) if at not in (number, later_number) for layer in ids}
                for path in graph.paths(sets[later_number], earlier, avoid=others):
                    yield Violation(
                        f"{path[0].source} ({self.layers[later_number].key}) leads back to "
                        f"{path[-1].target} ({self.layers[number].key})",
                        path,
                    )
