"""``shared``: these uses share one layer's variables, these do not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from graphdiag.checking.contracts.contract import Contract, option
from graphdiag.checking.contracts.contract_graph import ids_of, nodes_of, uses_of
from graphdiag.checking.contracts.options import MissingGraphError, list_of
from graphdiag.checking.contracts.patterns import LayerSet, layer_set
from graphdiag.diagnosis.captured import is_weight, uses_of_variables
from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.dataflow.flow import Carries
from graphdiag.errors import ConfigError
from graphdiag.results.check_report import Violation
from graphdiag.results.report import Report


@dataclass(frozen=True, kw_only=True)
class Shared(Contract):
    """These layers are used more than once, these have variables in common, and these share with nobody.

    Options:
        shared: Layers each of which is called twice or more; every call of a nested model calls the layers in it.
        tied: Sets of layers: all layers of a set read the same variable. Needs an op graph.
        separate: Layers each of which is called once, and reads no variable that another layer reads; the latter is
            checked where there is an op graph.
    """

    type: ClassVar[str] = "shared"
    shared: LayerSet | None = option(layer_set, default=None)
    tied: tuple[LayerSet, ...] = option(list_of(layer_set), default=())
    separate: LayerSet | None = option(layer_set, default=None)

    def __post_init__(self) -> None:
        """Refuse a contract that demands nothing."""
        if not (self.shared or self.tied or self.separate):
            raise ConfigError(f"{self.where}: one of the keys 'shared', 'tied' and 'separate' is needed.")

    def check(self, report: Report) -> Iterator[Violation]:
        """One violation for each layer, or set of tied layers, that is not as it must be."""
        layers = report.layer_graph
        if layers is None:
            raise MissingGraphError("the source has no layer graph; give the model one with the key 'model'.")
        has_ops = report.context is not None and report.op_graph is not None and len(report.op_graph) > 0
        readers = _readers(report.context) if has_ops and report.context else {}
        nodes = nodes_of(layers)
        if self.shared:
            for id_ in self.shared.among(nodes):
                if uses_of(report, id_) < 2:
                    yield Violation(f"{id_} is used once", layers=(id_,))
        for tied in self.tied:
            if not has_ops:
                raise MissingGraphError(f"{tied.key}: the source has no op graph, which shows who reads a variable.")
            ids = tied.among(nodes)
            if len(ids) < 2:
                raise ConfigError(f"{tied.key}: only {ids[0]!r} is in it; there is nothing to share.")
            if not any(set(ids) <= owners for owners in readers.values()):
                yield Violation(f"{', '.join(ids)} read no variable that all of them read", layers=ids)
        if self.separate:
            for id_ in self.separate.among(nodes):
                yield from _sharing(report, readers, id_)


def _sharing(report: Report, readers: Mapping[str, frozenset[str]], id_: str) -> Iterator[Violation]:
    uses = uses_of(report, id_)
    if uses > 1:
        yield Violation(f"{id_} is used {uses} times", layers=(id_,))
    itself = set(ids_of(report, id_))
    for variable, owners in readers.items():
        if id_ in owners and owners - itself:
            others = sorted(owners - itself)
            yield Violation(f"{id_} shares the variable {variable} with {', '.join(others)}", layers=(id_, *others))


def _readers(context: DiagnosisContext) -> Mapping[str, frozenset[str]]:
    """The layers that read each variable which more than its own layer reads."""
    found: dict[int, set[str]] = defaultdict(set)
    for (source, target), edges in context.crossings.edges.items():
        for edge in edges:
            if edge.carries & (Carries.PARAMETER | Carries.HANDLE) and not edge.carries & Carries.ACTIVATION:
                found[edge.source] |= {source, target}
    for use in uses_of_variables(context):
        if is_weight(context, use.variable):
            found[use.variable] |= use.reads.keys()
    return {context.ops.names[row]: frozenset(owners) for row, owners in sorted(found.items())}
