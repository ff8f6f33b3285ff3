"""A report on a model as large as InceptionResNetV2: 780 layers and 880 edges, and what may be wrong with one."""

from __future__ import annotations

from functools import lru_cache

from graphdiag.diagnosis.context import analyze
from graphdiag.diagnosis.diagnose import diagnose
from graphdiag.graphs.op_graph import from_graph_def
from graphdiag.results.report import Report
from graphdiag.sources.opened import Origin
from tests.support.graph_text import graph_def
from tests.support.layers import layer_graph

BLOCKS = 101
SCALED = 69
FIRST = "norm_0_0"


@lru_cache
def large_report() -> Report:
    """Residual blocks under one learning phase; the last layer closes over the first block."""
    ops, edges, classes = ["images Feed"], [], {}

    def layer(name: str, class_name: str, op: str, *inputs: str) -> str:
        taken = [f"{source}/out" if source != "images" else source for source in inputs]
        edges.extend((source, name) for source in inputs)
        classes[name] = class_name
        ops.append(f"{name}/out {op} {' '.join(taken)}")
        return name

    def normalized(name: str, source: str) -> str:
        if name == FIRST:
            ops.append(f"{FIRST}/keras_learning_phase Flag")
        ops.append(f"{name}/cond/Switch Switch {source}/out {FIRST}/keras_learning_phase")
        ops.append(f"{name}/out Merge {name}/cond/Switch {name}/cond/Switch:1")
        edges.append((source, name))
        classes[name] = "BatchNormalization"
        return name

    last = layer("stem", "Conv2D", "Conv2D", "images")
    for block in range(BLOCKS):
        start = last
        for part in range(2):
            conv = layer(f"conv_{block}_{part}", "Conv2D", "Conv2D", last)
            last = layer(f"relu_{block}_{part}", "Activation", "Relu", normalized(f"norm_{block}_{part}", conv))
        last = layer(f"add_{block}", "Add", "AddV2", start, last)
        if block < SCALED:
            last = layer(f"scale_{block}", "Lambda", "Mul", last)
    pooled = layer("pool", "GlobalAveragePooling2D", "Mean", last)
    layer("scores", "Dense", "MatMul", pooled)
    ops.append("scores/gated Mul scores/out relu_0_0/out")
    layers = layer_graph(edges, inputs=["images"], classes={"images": "InputLayer", **classes}, name="large")
    graph = from_graph_def(graph_def("\n".join(ops)))
    context = analyze(graph, layers)
    return Report.of(Origin("logs/large", "event_log"), layers, graph, diagnose(context), (), context)
