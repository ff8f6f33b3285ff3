"""``reachable``: every layer reaches an output, every input is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from graphdiag.checking.contracts.contract import Contract, option
from graphdiag.checking.contracts.contract_graph import LAYER, OP, contract_graph
from graphdiag.checking.contracts.options import choice
from graphdiag.errors import ConfigError
from graphdiag.keras_facts import LOSS_ENDS
from graphdiag.results.check_report import Violation
from graphdiag.results.report import Report


@dataclass(frozen=True, kw_only=True)
class Reachable(Contract):
    """From every layer activations flow to an output or a loss of the model, and every input is used.

    Options:
        graph: ``op`` or ``layer``; ``op`` by default where there is an op graph.
    """

    type: ClassVar[str] = "reachable"
    graph: str = option(choice(LAYER, OP), default="")

    def check(self, report: Report) -> Iterator[Violation]:
        """One violation for each layer that leads to no output."""
        layers = report.layer_graph
        if layers is None or not layers.outputs:
            raise ConfigError("the source does not say which layers give the model's outputs.")
        for_losses = (id_ for id_, layer in layers.layers.items() if layer.class_name in LOSS_ENDS)
        alive = contract_graph(report, self.graph).reaching([*layers.outputs, *for_losses])
        for id_, layer in layers.layers.items():
            if id_ not in alive:
                message = f"the input {id_} is not used" if layer.is_input else f"{id_} reaches no output"
                yield Violation(message, layers=(id_,))
