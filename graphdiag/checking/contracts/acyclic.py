"""``acyclic``: there is no loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from graphdiag.checking.contracts.contract import Contract, option
from graphdiag.checking.contracts.contract_graph import contract_graph, read_graph
from graphdiag.checking.contracts.options import flag
from graphdiag.results.check_report import Violation
from graphdiag.results.report import Report


@dataclass(frozen=True, kw_only=True)
class Acyclic(Contract):
    """No layer feeds itself, directly or through others.

    On ``drawn`` the arrows on screen are meant: TensorBoard draws loops where the model has none.

    Options:
        graph: ``op``, ``layer`` or ``drawn``; ``op`` by default where there is an op graph.
        next_call: Whether a loop counts that closes in the next call of the model, as where a layer stores its result
            for one before it. Not by default: that is how state works. Needs the graph ``op``.
    """

    type: ClassVar[str] = "acyclic"
    graph: str = option(read_graph, default="")
    next_call: bool = option(flag, default=False)

    def check(self, report: Report) -> Iterator[Violation]:
        """One violation for each set of layers that are in loops together, with the shortest loop of its first."""
        import networkx as nx

        graph = contract_graph(report, self.graph)
        edges = nx.DiGraph([*graph.direct, *(graph.later if self.next_call else ())])
        order = {node: place for place, node in enumerate(graph.nodes)}
        components = (sorted(component, key=order.__getitem__) for component in nx.strongly_connected_components(edges))
        for first, *others in sorted(components, key=lambda component: order[component[0]]):
            if not others and not edges.has_edge(first, first):
                continue
            before = min(
                (
                    nx.shortest_path(edges, successor, first)
                    for successor in edges.successors(first)
                    if successor in {first, *others}
                ),
                key=len,
            )
            loop = [first, *before]
            chain = tuple(graph.step(source, target) for source, target in pairwise(loop))
            yield Violation(f"{first} feeds itself", chain)
