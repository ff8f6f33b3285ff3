"""What the rules find in a log, or in a graph of a few lines."""

from __future__ import annotations

from graphdiag import compare
from graphdiag.diagnosis.case import Case, open_case
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.diagnosis.finding import Finding
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.op_graph import from_graph_def
from graphdiag.report.report import Report
from tests.graph_text import LOGS, graph_def


def report_on(log: str) -> Report:
    """The report on a log, with the model that lies beside it."""
    model = LOGS / log / "model.json"
    return compare(LOGS / log, model=model if model.exists() else None)


def in_log(code: str, log: str) -> list[Finding]:
    return [finding for finding in report_on(log).findings if finding.code == code]


def case_of(text: str, layers: LayerGraph | None, owners: dict[str, str] | None = None) -> Case:
    return open_case(from_graph_def(graph_def(text)), layers, owners)


def in_graph(code: str, text: str, layers: LayerGraph | None, owners: dict[str, str] | None = None) -> list[Finding]:
    return [finding for finding in diagnose(case_of(text, layers, owners)) if finding.code == code]
