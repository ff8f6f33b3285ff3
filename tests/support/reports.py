"""Reports for the tests of formats: on the logs, and on chains of layers with any names."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

from graphdiag import compare
from graphdiag.diagnosis.finding import Verdict
from graphdiag.graphs.op_graph import from_graph_def
from graphdiag.results.layer_edges import LayerEdge
from graphdiag.results.report import Report
from graphdiag.sources.opened import Origin
from graphdiag.tensorboard import draw
from tests.support.graph_text import FIXTURES, LOGS, REPORTS, graph_def
from tests.support.layers import layer_graph


@cache
def report_on(name: str, model: bool = True) -> Report:
    """The report on one of the logs, made once for all tests of a process.

    Args:
        name: The log; or what somebody reported, a log or a file of `REPORTS`; or a file that builds a model.
        model: Whether the model that lies beside it, if there is one, is compared with it.
    """
    place = next(place / name for place in (LOGS, REPORTS, FIXTURES / "models") if (place / name).exists())
    beside = place / "model.json"
    return compare(place, model=beside if model and beside.exists() else None)


def logs() -> list[str]:
    """Names of all logs."""
    return sorted(path.name for path in Path(LOGS).iterdir() if path.is_dir())


def report_of(names: list[str], verdicts: list[Verdict | None] | None = None) -> Report:
    """A report on a chain of layers of these names, each edge with a verdict; an edge to itself ends the chain."""
    pairs = [*pairwise(names), (names[-1], names[-1])]
    given = verdicts or [None] * len(pairs)
    return Report(
        origin=Origin(path="chain", kind="graph_def"),
        layer_graph=layer_graph(pairs),
        op_graph=from_graph_def(graph_def("x Neg")),
        findings=(),
        edges=tuple(
            LayerEdge(*pair, verdict in (None, Verdict.MISSING), 1, ("activation",), verdict)
            for pair, verdict in zip(pairs, given, strict=True)
        ),
        drawn_graph=draw([graph_def("x Neg")]),
    )
