"""Reports for the tests of the page: hostile names, and a model of 880 layer edges."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.diagnosis.tensorboard_view import TensorBoardView
from graphdiag.graphs.layer_graph import LayerGraph
from graphdiag.graphs.op_graph import merge
from graphdiag.results.document import from_dict
from graphdiag.results.report import Report
from graphdiag.sources.opened import Origin
from graphdiag.tensorboard import draw
from tests.support.graph_text import graph_def
from tests.support.layers import layer_graph

HOSTILE = {
    "batchnorm_0_0": "</script><script>window.hacked = 1</script>",
    "batchnorm_0_1": '<img src=x onerror="window.hacked = 2">',
    "keras_learning_phase": "javascript:window.hacked=3",
    "conv1d_0_0": "\"double\" 'single' & \\ {|} a::b",
    "conv1d_0_1": "new\nline\ttab\x00null\x1b[31mred",
    "conv1d_0_2": "<svg onload=window.hacked=4>",
    "dense_0": "{{style}} ${window.hacked = 5} `tick`",
    "dense_1": "Größe 层 🧠 שלום",
    "dropout_0": "\u202eright to left\u2028line",
    "global_max_0": "x" * 300,
    "global_max_1": "--><!--",
    "aux_in": "__proto__",
    "aux_dense_0": "constructor",
    "fixtures": "<b onmouseover=alert(1)>",
}


def with_names(report: Report, names: Mapping[str, str]) -> Report:
    """A report with other names in every place where they stand."""

    def renamed(value: Any) -> Any:
        if isinstance(value, str):
            for old, new in names.items():
                value = value.replace(old, new)
            return value
        if isinstance(value, dict):
            return {key: renamed(inner) for key, inner in value.items()}
        return [renamed(inner) for inner in value] if isinstance(value, list) else value

    return from_dict(renamed(report.to_dict()))


@cache
def large_report(blocks: int = 63) -> Report:
    """Blocks of three branches, of 12 layers and 14 edges each, one after the other, that share a learning phase.

    63 blocks have 757 layers and 882 edges.
    """
    edges, ops = [], ["input Feed"]
    last = "input"
    for block in range(blocks):
        joined = f"block_{block}/join"
        for branch, length in (("a", 1), ("b", 3), ("c", 7)):
            before = last
            for step in range(length):
                name = f"block_{block}/{branch}_{step}"
                edges.append((before, name))
                flag = " block_0/a_0/keras_learning_phase" if branch == "a" and block else ""
                if not block and branch == "a":
                    ops.append("block_0/a_0/keras_learning_phase Flag")
                ops.append(f"{name}/out Neg {before if before == 'input' else before + '/out'}")
                if flag:
                    ops.append(f"{name}/cond Switch {name}/out{flag}")
                before = name
            edges.append((before, joined))
        ops.append(f"{joined}/out AddN " + " ".join(f"block_{block}/{end}/out" for end in ("a_0", "b_2", "c_6")))
        last = joined
    return report_of(layer_graph(edges, inputs=["input"]), "\n".join(ops))


def report_of(layers: LayerGraph, text: str) -> Report:
    """The report on a layer graph and an op graph of a few lines, as `graph_def` reads them."""
    graph = graph_def(text)
    ops = merge([graph])
    context = analyze(ops, layers, None, TensorBoardView(drawn=draw([graph])))
    return Report.of(Origin("model", "graph_def"), layers, ops, diagnose(context), (), context)
