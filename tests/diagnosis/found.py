"""What the rules find in a log, or in a graph of a few lines."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

from graphdiag import compare
from graphdiag.diagnosis.context import DiagnosisContext, analyze
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.diagnosis.finding import Finding
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.op_graph import from_graph_def
from tests.support.graph_text import FIXTURES, graph_def
from tests.support.reports import report_on


@cache
def on_live_model(name: str) -> dict[str, Any]:
    """The report on a model of the fixtures, as `Report.to_dict` gives it."""
    if name.endswith("_tf1"):
        return _tf1_reports()[name]
    return compare(FIXTURES / "models" / f"{name}.py").to_dict()


@cache
def _tf1_reports() -> dict[str, dict[str, Any]]:
    """The reports on all models in TF 1 graph mode that close over layers, or hold them.

    They are made by an interpreter of its own: the mode cannot be left.
    """
    paths = [str(path) for kind in ("closure", "wrapped") for path in (FIXTURES / "models").glob(f"{kind}*_tf1.py")]
    code = (
        "import json, pathlib, sys\n"
        "from graphdiag import compare\n"
        "print(json.dumps({pathlib.Path(path).stem: compare(path).to_dict() for path in sys.argv[1:]}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True, cwd=FIXTURES.parent
    )
    reports: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return reports


def in_log(code: str, log: str) -> list[Finding]:
    return [finding for finding in report_on(log).findings if finding.code == code]


def context_of(text: str, layers: LayerGraph | None, owners: dict[str, str] | None = None) -> DiagnosisContext:
    return analyze(from_graph_def(graph_def(text)), layers, owners)


def in_graph(code: str, text: str, layers: LayerGraph | None, owners: dict[str, str] | None = None) -> list[Finding]:
    return [finding for finding in diagnose(context_of(text, layers, owners)) if finding.code == code]
