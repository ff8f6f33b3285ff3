"""Soundness: whatever changes with the inputs of a model is said to carry activations.

Random graphs are run by TensorFlow, from the same start, with other inputs of the same shapes and with other values in
the variables. Each tensor that then differs, or is alive in the one run and not in the other, must carry activations
(or, with other variables, activations or parameters): into an op that takes its values, and into one that takes its
shape where that differs. And where it goes to another owner, directly or through unowned ops, activations must arrive
over some crossing.
"""

from __future__ import annotations

import os
from collections import defaultdict
from random import Random
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphdiag.diagnosis.crossings import find_crossings
from graphdiag.diagnosis.dataflow.flow import Carries, Flow, trace
from graphdiag.diagnosis.ownership import UNOWNED, Ownership
from graphdiag.graphs.op_graph import OpGraph
from tests.diagnosis.random_graphs import FAILS, Made, Runner, make_graph
from tests.diagnosis.traced import op_graph

GRAPHS = 50
"""Graphs of each kind in one run of the tests."""
INSIDE = 4
"""Tensors inside TF 1 conditionals that are looked at in each graph; each is run on its own."""

NEEDED = {"inputs": Carries.ACTIVATION, "variables": Carries.ACTIVATION | Carries.PARAMETER}


class Claims:
    """What graphdiag says about a random graph whose ops belong to random owners.

    Every tensor also goes to two ops of an owner that has nothing else: one takes its values, one its shape.
    """

    def __init__(self, made: Made, rng: Random) -> None:
        graph_def = made.graph_def
        tensors = [*made.values, *made.inside]
        for number, name in enumerate(tensors):
            for op_type in ("Identity", "Shape"):
                graph_def.node.add(name=f"sink/{op_type}/{number}", op=op_type).input.append(name)
        self.ops: OpGraph = op_graph(graph_def)
        inputs = {self.ops.index[name] for name in made.inputs}
        self.flow: Flow = trace(self.ops, inputs)
        self.ownership = self._own(rng)
        self.crossings = find_crossings(self.ops, self.ownership, self.flow)
        self.arrives: dict[str, Carries] = defaultdict(lambda: Carries.CONSTANT)
        for (_, target), edges in self.crossings.edges.items():
            for edge in edges if target == "sink" else ():
                self.arrives[self.ops.names[edge.target]] |= edge.carries
        self.number = {name: number for number, name in enumerate(tensors)}

    def _own(self, rng: Random) -> Ownership:
        owners = ["a", "b", "c", "sink"]
        choices = [0, 1, 2, UNOWNED, UNOWNED]
        of_op = [
            3 if name.startswith("sink/") else 0 if op_type.startswith("Placeholder") else rng.choice(choices)
            for name, op_type in zip(self.ops.names, self.ops.types, strict=True)
        ]
        return Ownership(owners, np.array(of_op, dtype=np.int32), {}, frozenset(), True)

    def of(self, tensor: str, op_type: str, changed: str) -> list[Carries]:
        """What a tensor is said to carry, by the flow and, where the inputs changed, by the crossings."""
        name, _, slot = tensor.partition(":")
        carries = [self.flow.over(self.ops.index[name], int(slot), op_type)]
        if changed == "inputs":
            carries.append(self.arrives[f"sink/{op_type}/{self.number[tensor]}"])
        return carries


def same(left: Any, right: Any) -> bool:
    """Bit for bit, or dead both times."""
    if isinstance(left, str) or isinstance(right, str):
        return isinstance(left, str) and isinstance(right, str) and left == right
    return same_shape(left, right) and np.asarray(left).tobytes() == np.asarray(right).tobytes()


def same_shape(left: Any, right: Any) -> bool:
    return np.shape(left) == np.shape(right)


def check(rng: Random, tf1: bool) -> int:
    """Make a graph, run it, and hold the claims against what happened.

    Args:
        rng: Where the graph comes from.
        tf1: Whether its control flow is that of TF 1.

    Returns:
        How many tensors were seen to change.
    """
    made = make_graph(rng, tf1)
    runner = Runner(made)
    first = runner.run(made.values, inputs=0, variables=0)
    if isinstance(first, str):
        return 0
    runs = {
        "again": runner.run(made.values, inputs=0, variables=0),
        "inputs": runner.run(made.values, inputs=1, variables=0),
        "variables": runner.run(made.values, inputs=0, variables=1),
    }
    observed = {
        changed: list(zip(made.values, first, values, runs["again"], strict=True))
        for changed, values in runs.items()
        if changed != "again" and not isinstance(values, str) and not isinstance(runs["again"], str)
    }
    for name in rng.sample(list(made.inside), min(INSIDE, len(made.inside))):
        alone = [runner.run([name], inputs, 0) for inputs in (0, 0, 1)]
        if FAILS not in [value for value in alone if isinstance(value, str)] and "inputs" in observed:
            before, again, after = (value if isinstance(value, str) else value[0] for value in alone)
            observed["inputs"].append((name, before, after, again))
    claims = Claims(made, rng)
    changes = 0
    for changed, tensors in observed.items():
        needed = NEEDED[changed]
        for name, before, after, again in tensors:
            if same(before, after) or not same(before, again):
                continue
            changes += 1
            for carries in claims.of(name, "Identity", changed):
                assert carries & needed, f"{name} changes with the {changed} and carries {carries!r}"
            if isinstance(before, str) or isinstance(after, str) or not same_shape(before, after):
                for carries in claims.of(name, "Shape", changed):
                    assert carries & needed, f"the shape of {name} changes with the {changed} and carries {carries!r}"
    return changes


@pytest.mark.parametrize("tf1", [True, False], ids=["tf1", "tf2"])
def test_what_changes_with_the_inputs_carries_activations(tf1: bool) -> None:
    changes = 0

    @settings(
        max_examples=GRAPHS, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.randoms(use_true_random=False))
    def on_random_graphs(rng: Random) -> None:
        nonlocal changes
        changes += check(rng, tf1)

    on_random_graphs()
    # The graphs are no good if nothing in them changes.
    assert changes > 5 * GRAPHS
