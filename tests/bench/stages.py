"""The stages of a comparison, one by one, and how each grows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tests.bench.inputs import towers
from tests.bench.measuring import directory, exponent

Result = TypeVar("Result")


class _Stages:
    """Processor seconds of each stage, by number of ops."""

    def __init__(self) -> None:
        self.figures: dict[str, list[tuple[int, float]]] = {}

    def measure(self, stage: str, ops: int, work: Callable[[], Result]) -> Result:
        start = time.process_time()
        result = work()
        self.figures.setdefault(stage, []).append((ops, time.process_time() - start))
        return result


def run(quick: bool) -> None:
    """Print seconds for the reference graph repeated under ``tower_k/`` scopes, and the exponent of their growth."""
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    from graphdiag.diagnosis.context import analyze
    from graphdiag.diagnosis.diagnose import diagnose
    from graphdiag.diagnosis.tensorboard_view import TensorBoardView
    from graphdiag.graphs.op_graph import merge
    from graphdiag.sources.open_source import open_source
    from graphdiag.tensorboard import draw
    from tests.support.plain_networkx import plain_graph

    stages = _Stages()
    for count in (1, 8, 78) if quick else (1, 8, 78, 778):
        ops = count * 1285
        with directory() as place:
            file = place / "graph.pb"
            file.write_bytes(towers(count))
            graph_def = stages.measure("parse the protobuf", ops, lambda f=file: GraphDef.FromString(f.read_bytes()))
            stages.measure("networkx.DiGraph", ops, lambda g=graph_def: plain_graph(g))
            del graph_def
            opened = stages.measure("open", ops, lambda f=file: open_source(f))
        columns = stages.measure("columns", ops, lambda o=opened: merge(o.graph_defs))
        drawn = stages.measure("draw", ops, lambda o=opened: draw(o.graph_defs))
        view = TensorBoardView(drawn)
        context = stages.measure("own, flow, cross", ops, lambda c=columns, v=view: analyze(c, None, view=v))
        stages.measure("rules", ops, lambda c=context: diagnose(c))
    for stage, figures in stages.figures.items():
        seconds = "  ".join(f"{ops:,}: {second:.3f} s" for ops, second in figures)
        # The first size is all overhead; the slope through the others is how the work grows.
        print(f"{stage}: {seconds}  exponent {exponent(figures[1:]):.2f}")
