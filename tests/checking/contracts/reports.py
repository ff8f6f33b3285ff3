"""Small reports, and contracts held against them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tensorboard.compat.proto.types_pb2 import DT_FLOAT

from graphdiag.checking.contracts.contract import judge
from graphdiag.checking.contracts.options import Place
from graphdiag.checking.contracts.registry import make_contract
from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.op_graph import from_graph_def
from graphdiag.results.check_report import ContractOutcome, Violation
from graphdiag.results.report import Report
from graphdiag.sources.opened import Origin
from tests.support.graph_text import graph_def


def report_of(ops: str | None = None, layers: LayerGraph | None = None) -> Report:
    """A report on an op graph in the text of `tests.support.graph_text`, or on a layer graph alone."""
    message = graph_def(ops or "")
    for node in message.node:
        if node.op == "ReadVariableOp":
            node.attr["dtype"].type = DT_FLOAT
    graph = from_graph_def(message)
    context = analyze(graph, layers)
    return Report.of(Origin("log", "event_log"), context.layers, graph if ops else None, diagnose(context), (), context)


def judged(report: Report, type: str, **options: Any) -> ContractOutcome:  # noqa: A002 - as it stands in a configuration
    """What becomes of a contract."""
    contract = make_contract({"name": "it", "type": type, **options}, Place("c.toml", directory=Path()))
    return judge(contract, report, "m")


def paths(outcome: ContractOutcome) -> list[list[str]]:
    """The nodes along the chains that break a contract."""
    return [nodes(violation) for violation in outcome.violations]


def nodes(violation: Violation) -> list[str]:
    """The nodes along a chain."""
    return [violation.chain[0].source, *(link.target for link in violation.chain)]


def messages(outcome: ContractOutcome) -> list[str]:
    """What breaks a contract."""
    return [violation.message for violation in outcome.violations]
