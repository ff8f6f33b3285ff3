"""``required``: these edges, or this path, must exist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

from graphdiag.checking.contracts.contract import Contract, option
from graphdiag.checking.contracts.contract_graph import LAYER, OP, ContractGraph, contract_graph, read_graph
from graphdiag.checking.contracts.options import Place, list_of
from graphdiag.checking.contracts.patterns import LayerSet, layer_set
from graphdiag.errors import ConfigError
from graphdiag.results.check_report import Violation
from graphdiag.results.report import Report

_SHOWN = 5


def _edge(value: Any, place: Place) -> tuple[LayerSet, LayerSet]:
    ends = list_of(layer_set, at_least=2)(value, place)
    if len(ends) > 2:
        raise place.error("must have two entries: from, to. A longer way is a 'path'.")
    return ends[0], ends[1]


@dataclass(frozen=True, kw_only=True)
class Required(Contract):
    """These edges, or this path, exist: a skip connection, say.

    Where an entry stands for several layers, one edge, or one path, between any two of them is enough.

    Options:
        edges: Pairs ``[from, to]``: each has an edge, with no layer between.
        path: Layers in order: each reaches the next, directly or through others.
        graph: ``layer``, ``op`` or ``drawn``; ``layer`` by default where there is a layer graph: what is required
            must be what Keras saves. On ``op`` an edge that only Keras has does not count.
    """

    type: ClassVar[str] = "required"
    edges: tuple[tuple[LayerSet, LayerSet], ...] = option(list_of(_edge), default=())
    path: tuple[LayerSet, ...] = option(list_of(layer_set, at_least=2), default=())
    graph: str = option(read_graph, default="")

    def __post_init__(self) -> None:
        """Refuse a contract that requires nothing."""
        if not self.edges and not self.path:
            raise ConfigError(f"{self.where}: one of the keys 'edges' and 'path' is needed.")

    def check(self, report: Report) -> Iterator[Violation]:
        """One violation for each edge, and for each step of the path, that is missing."""
        graph = contract_graph(report, self.graph or (LAYER if report.layer_graph else OP), sure=True)
        direct = set(graph.direct)
        for source, target in self.edges:
            sources, targets = source.among(graph.nodes), target.among(graph.nodes)
            if not any((left, right) in direct for left in sources for right in targets):
                yield Violation(f"there is no edge {source} -> {target}{_instead(graph, targets)}", layers=targets)
        for source, target in pairwise(self.path):
            sources, targets = source.among(graph.nodes), target.among(graph.nodes)
            if not next(graph.paths(sources, targets), None):
                yield Violation(f"{source} does not reach {target}{_instead(graph, targets)}", layers=targets)


def _instead(graph: ContractGraph, targets: Sequence[str]) -> str:
    """Where the end of a missing edge takes its input from."""
    if len(targets) != 1:
        return ""
    sources = [source for source, target in graph.direct if target == targets[0]]
    more = f" and {len(sources) - _SHOWN} more" if len(sources) > _SHOWN else ""
    return f"; {targets[0]} takes its input from {', '.join(sources[:_SHOWN]) or 'no layer'}{more}"
