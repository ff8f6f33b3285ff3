"""Shapes that are worst for some stage: seconds of processor time, peak memory, and how both grow.

``python -m tests.bench.shapes NAME...`` measures some. Each is one command in a process of its
own, which either answers or ends in one line that says what to do instead.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tensorboard.compat.proto.graph_pb2 import GraphDef

from tests.bench.measuring import GRAPHDIAG, Cost, directory, exponent, measure
from tests.sources.event_files import graph, run_graph, write_log

CPU_TARGET_S = 60
MEMORY_TARGET_MB = 4096
GROWTH_TARGET = 1.05
"""The exponent between the last two sizes."""


@dataclass(frozen=True)
class Shape:
    """A shape, in several sizes.

    Attributes:
        name: What it is.
        sizes: From small to the size that is to be within the targets.
        make: Writes an input of a size into a directory, and gives the command's arguments.
    """

    name: str
    sizes: tuple[int, ...]
    make: Callable[[int, Path], list[str]]


def _write(directory: Path, graph_def: GraphDef) -> str:
    file = directory / "graph.pb"
    file.write_bytes(graph_def.SerializeToString())
    return str(file)


def _chain(length: int, directory: Path) -> list[str]:
    """Ops one after the other, ten in each scope."""
    graph_def = GraphDef()
    before = "x"
    graph_def.node.add(name=before, op="Placeholder")
    for number in range(length):
        name = f"block_{number // 10}/neg_{number % 10}"
        graph_def.node.add(name=name, op="Neg", input=[before])
        before = name
    return ["compare", _write(directory, graph_def)]


def _unrolled(steps: int, directory: Path) -> list[str]:
    """An RNN without a loop: each step reads one kernel, its input and the state of the step before."""
    graph_def = GraphDef()
    graph_def.node.add(name="x", op="Placeholder")
    graph_def.node.add(name="rnn/kernel", op="VarHandleOp").attr["dtype"].type = 1
    graph_def.node.add(name="rnn/zeros", op="Const").attr["dtype"].type = 1
    state = "rnn/zeros"
    for step in range(steps // 6):
        at = f"rnn/cell_{step}"
        graph_def.node.add(name=f"{at}/step", op="Const").attr["dtype"].type = 3
        graph_def.node.add(name=f"{at}/GatherV2", op="GatherV2", input=["x", f"{at}/step", f"{at}/step"])
        graph_def.node.add(name=f"{at}/MatMul/ReadVariableOp", op="ReadVariableOp", input=["rnn/kernel"])
        graph_def.node.add(name=f"{at}/MatMul", op="MatMul", input=[state, f"{at}/MatMul/ReadVariableOp"])
        graph_def.node.add(name=f"{at}/add", op="AddV2", input=[f"{at}/GatherV2", f"{at}/MatMul"])
        graph_def.node.add(name=f"{at}/Tanh", op="Tanh", input=[f"{at}/add"])
        state = f"{at}/Tanh"
    return ["compare", _write(directory, graph_def)]


def _functions(number: int, directory: Path) -> list[str]:
    """Functions of ten ops, each called once by the graph."""
    graph_def = GraphDef()
    before = "x"
    graph_def.node.add(name=before, op="Placeholder")
    for position in range(number):
        function = graph_def.library.function.add()
        function.signature.name = f"f_{position}"
        function.signature.input_arg.add(name="a", type=1)
        function.signature.output_arg.add(name="r", type=1)
        inner = "a"
        for op in range(10):
            function.node_def.add(name=f"neg_{op}", op="Neg", input=[inner]).attr["T"].type = 1
            inner = f"neg_{op}:y:0"
        function.ret["r"] = inner
        call = graph_def.node.add(name=f"layer_{position}/PartitionedCall", op="PartitionedCall", input=[before])
        call.attr["f"].func.name = f"f_{position}"
        before = call.name
    return ["compare", _write(directory, graph_def)]


def _shared_flag(ops: int, directory: Path) -> list[str]:
    """A first layer that makes the learning phase, which all the others read, ten ops each; with the layer graph."""
    graph_def = GraphDef()
    layers = [_layer("layer_0", "InputLayer", [])]
    graph_def.node.add(name="layer_0", op="Placeholder")
    phase = graph_def.node.add(name="layer_1/keras_learning_phase", op="Placeholder")
    phase.attr["dtype"].type = 10
    phase.attr["shape"].shape.SetInParent()
    graph_def.versions.producer = 26
    before = "layer_0"
    for number in range(1, ops // 10 + 1):
        layers.append(_layer(f"layer_{number}", "Dropout", [[[f"layer_{number - 1}", 0, 0, {}]]]))
        graph_def.node.add(name=f"layer_{number}/cond", op="Identity", input=["layer_1/keras_learning_phase"])
        graph_def.node.add(name=f"layer_{number}/switch", op="Switch", input=[before, f"layer_{number}/cond"])
        last = f"layer_{number}/switch:1"
        for op in range(7):
            graph_def.node.add(name=f"layer_{number}/mul_{op}", op="Mul", input=[last, last])
            last = f"layer_{number}/mul_{op}"
        before = f"layer_{number}/merge"
        graph_def.node.add(name=before, op="Merge", input=[f"layer_{number}/switch", last])
    model = _model(directory, layers, [["layer_0", 0, 0]], [[f"layer_{ops // 10}", 0, 0]])
    return ["compare", _write(directory, graph_def), "--model", model]


def _star(leaves: int, directory: Path) -> list[str]:
    """A hub that every other op reads, each in a scope of its own."""
    graph_def = GraphDef()
    graph_def.node.add(name="hub/x", op="Placeholder")
    for leaf in range(leaves):
        graph_def.node.add(name=f"leaf_{leaf}/neg", op="Neg", input=["hub/x"])
    return ["compare", _write(directory, graph_def)]


def _many_inputs(inputs: int, directory: Path) -> list[str]:
    graph_def = GraphDef()
    for number in range(inputs):
        graph_def.node.add(name=f"part_{number}/x", op="Placeholder")
    graph_def.node.add(name="sum/all", op="AddN", input=[f"part_{number}/x" for number in range(inputs)])
    return ["compare", _write(directory, graph_def)]


def _control_hub(ops: int, directory: Path) -> list[str]:
    """An op that waits for all others, as a training step does."""
    graph_def = GraphDef()
    for number in range(ops):
        graph_def.node.add(name=f"part_{number}/x", op="Neg", input=[f"part_{max(number - 1, 0)}/x"])
    graph_def.node.add(name="all", op="NoOp", input=[f"^part_{number}/x" for number in range(ops)])
    return ["compare", _write(directory, graph_def)]


def _deep_scopes(depth: int, directory: Path) -> list[str]:
    graph_def = GraphDef()
    graph_def.node.add(name="x", op="Placeholder")
    graph_def.node.add(name="s/" * depth + "neg", op="Neg", input=["x"])
    return ["compare", _write(directory, graph_def)]


def _staircase(depth: int, directory: Path) -> list[str]:
    """An op at every level of deep scopes."""
    graph_def = GraphDef()
    scope, before = "", ""
    for _ in range(depth):
        scope += "s/"
        graph_def.node.add(name=f"{scope}neg", op="Neg", input=[before] if before else [])
        before = f"{scope}neg"
    return ["compare", _write(directory, graph_def)]


def _series(number: int, directory: Path) -> list[str]:
    """Look-alike ops that alternate, in one scope: two series that point at each other."""
    graph_def = GraphDef()
    before = "x"
    graph_def.node.add(name="x", op="Placeholder")
    for step in range(number // 2):
        graph_def.node.add(name=f"s/MatMul_{step}", op="MatMul", input=[before])
        graph_def.node.add(name=f"s/Relu_{step}", op="Relu", input=[f"s/MatMul_{step}"])
        before = f"s/Relu_{step}"
    return ["compare", _write(directory, graph_def)]


def _series_in_scopes(number: int, directory: Path) -> list[str]:
    """Six look-alike pairs in each of many scopes."""
    graph_def = GraphDef()
    before = "x"
    graph_def.node.add(name="x", op="Placeholder")
    for scope in range(number // 12):
        for step in range(6):
            graph_def.node.add(name=f"s{scope}/MatMul_{step}", op="MatMul", input=[before])
            graph_def.node.add(name=f"s{scope}/Relu_{step}", op="Relu", input=[f"s{scope}/MatMul_{step}"])
            before = f"s{scope}/Relu_{step}"
    return ["compare", _write(directory, graph_def)]


def _variables(number: int, directory: Path) -> list[str]:
    """Variables that are all read in one place, and written in another."""
    graph_def = GraphDef()
    for variable in range(number // 3):
        graph_def.node.add(name=f"v{variable}/w", op="VariableV2").attr["dtype"].type = 1
        graph_def.node.add(name=f"v{variable}/w/read", op="Identity", input=[f"v{variable}/w"])
        graph_def.node.add(
            name=f"train/assign_{variable}", op="Assign", input=[f"v{variable}/w", f"v{variable}/w/read"]
        )
    return ["compare", _write(directory, graph_def)]


def _deep_directories(depth: int, directory: Path) -> list[str]:
    content = write_log(directory / "seed", [run_graph(graph("x"))]).read_bytes()
    log = directory / "log"
    log.mkdir()
    here = os.getcwd()
    os.chdir(log)
    for _ in range(depth):
        os.mkdir("d")
        os.chdir("d")
    Path("events.out.tfevents.1.host").write_bytes(content)
    os.chdir(here)
    return ["compare", str(log)]


def dense(width: int, directory: Path, *options: str) -> list[str]:
    """Two rows of layers, each of the second taking the outputs of all of the first."""
    names = [f"in_{number}" for number in range(width)]
    layers = [_layer(name, "InputLayer", []) for name in names]
    call = [[name, 0, 0, {}] for name in names]
    layers += [_layer(f"add_{number}", "Add", [call]) for number in range(width)]
    outputs = [[f"add_{number}", 0, 0] for number in range(width)]
    model = _model(directory, layers, [[name, 0, 0] for name in names], outputs)
    return ["compare", model, *options, "-o", str(directory / "written")]


def _residual(length: int, directory: Path, *options: str) -> list[str]:
    """Blocks of a layer and an addition that goes around it."""
    layers = [_layer("layer_0", "InputLayer", [])]
    for number in range(1, length):
        before = [[f"layer_{number - 1}", 0, 0, {}]]
        if number % 3 == 0:
            before.append([f"layer_{number - 3}", 0, 0, {}])
        layers.append(_layer(f"layer_{number}", "Add" if number % 3 == 0 else "Dense", [before]))
    model = _model(directory, layers, [["layer_0", 0, 0]], [[f"layer_{length - 1}", 0, 0]])
    return ["compare", model, *options, "-o", str(directory / "written")]


def _skipping(length: int, directory: Path, *options: str) -> list[str]:
    """A chain whose first layer all the others read too, so that lines go past nearly all of it."""
    layers = [_layer("layer_0", "InputLayer", [])]
    for number in range(1, length):
        before = dict.fromkeys(["layer_0", f"layer_{number - 1}"])
        layers.append(_layer(f"layer_{number}", "Add", [[[name, 0, 0, {}] for name in before]]))
    model = _model(directory, layers, [["layer_0", 0, 0]], [[f"layer_{length - 1}", 0, 0]])
    return ["compare", model, *options, "-o", str(directory / "written")]


def _silent(length: int, directory: Path, every: int) -> list[str]:
    """A chain of layers that perhaps hand on what they take; but for its ends, one in so many of them has an op."""
    layers = [_layer("layer_0", "InputLayer", [])]
    layers += [_layer(f"layer_{number}", "Mine", [[[f"layer_{number - 1}", 0, 0, {}]]]) for number in range(1, length)]
    model = _model(directory, layers, [["layer_0", 0, 0]], [[f"layer_{length - 1}", 0, 0]])
    graph_def = GraphDef()
    before = "layer_0"
    graph_def.node.add(name=before, op="Placeholder")
    for number in (*range(every, length - 1, every), length - 1):
        graph_def.node.add(name=f"layer_{number}/neg", op="Neg", input=[before])
        before = f"layer_{number}/neg"
    return ["compare", _write(directory, graph_def), "--model", model]


def _nested(levels: int, directory: Path) -> list[str]:
    """A model that calls another twice, and so on; the innermost has one layer."""
    inner = {"name": "m0", "layers": [_layer("i", "InputLayer", []), _layer("d", "Dense", [[["i", 0, 0, {}]]])]}
    inner |= {"input_layers": [["i", 0, 0]], "output_layers": [["d", 0, 0]]}
    for level in range(levels):
        name = inner["name"]
        model = {"class_name": "Model", "config": inner, "name": name}
        model["inbound_nodes"] = [[["i", 0, 0, {}]], [[name, 1, 0, {}]]]
        inner = {"name": f"m{level + 1}", "layers": [_layer("i", "InputLayer", []), model]}
        inner |= {"input_layers": [["i", 0, 0]], "output_layers": [[name, 2, 0]]}
    file = directory / "model.json"
    file.write_text(json.dumps({"class_name": "Model", "config": inner, "keras_version": "2.1.6"}))
    return ["compare", str(file)]


def _layer(name: str, class_name: str, calls: list[object]) -> dict[str, object]:
    return {"class_name": class_name, "config": {"name": name}, "name": name, "inbound_nodes": calls}


def _counted(steps: int, directory: Path) -> list[str]:
    """One variable that each step of an unrolled loop reads and writes."""
    graph_def = GraphDef()
    graph_def.node.add(name="total", op="VariableV2").attr["dtype"].type = 1
    graph_def.node.add(name="x", op="Placeholder")
    before = "x"
    for step in range(steps // 3):
        graph_def.node.add(name=f"step_{step}/read", op="Identity", input=["total"])
        graph_def.node.add(name=f"step_{step}/add", op="Add", input=[f"step_{step}/read", before])
        graph_def.node.add(name=f"step_{step}/assign", op="Assign", input=["total", f"step_{step}/add"])
        before = f"step_{step}/add"
    return ["compare", _write(directory, graph_def)]


def _model(directory: Path, layers: list[dict[str, object]], inputs: object, outputs: object) -> str:
    config = {"name": "m", "layers": layers, "input_layers": inputs, "output_layers": outputs}
    file = directory / "model.json"
    file.write_text(json.dumps({"class_name": "Model", "config": config, "keras_version": "2.1.6"}))
    return str(file)


SHAPES = [
    Shape("a chain", (10_000, 100_000), _chain),
    Shape("a star of leaves", (10_000, 100_000), _star),
    Shape("an op of many inputs", (10_000, 100_000), _many_inputs),
    Shape("an op that waits for all", (10_000, 100_000), _control_hub),
    Shape("an unrolled RNN", (10_000, 100_000), _unrolled),
    Shape("functions of ten ops", (500, 5_000), _functions),
    Shape("a flag that all layers read (GD101)", (2_500, 25_000), _shared_flag),
    Shape("scopes deep", (200, 50_000), _deep_scopes),
    Shape("an op at each of deep scopes", (200, 5_000), _staircase),
    Shape("series in one scope", (10_000, 100_000), _series),
    Shape("series in many scopes", (10_000, 100_000), _series_in_scopes),
    Shape("variables", (10_000, 100_000), _variables),
    Shape("a variable that each step reads and writes", (10_000, 100_000), _counted),
    Shape("directories deep", (150, 1_500), _deep_directories),
    Shape("layers without ops", (1_000, 10_000), lambda size, at: _silent(size, at, size)),
    Shape("every other layer without ops", (1_000, 10_000), lambda size, at: _silent(size, at, 2)),
    Shape("layers by layers", (100, 1_000), dense),
    Shape("layers by layers as SVG", (30, 1_000), lambda size, at: dense(size, at, "--format", "svg")),
    Shape("layers by layers as a page", (100, 1_000), lambda size, at: dense(size, at, "--format", "html")),
    Shape("layers as DOT", (500, 5_000), lambda size, at: _residual(size, at, "--format", "dot")),
    Shape("layers as SVG", (500, 5_000), lambda size, at: _residual(size, at, "--format", "svg")),
    Shape("layers as a page", (500, 5_000), lambda size, at: _residual(size, at, "--format", "html")),
    Shape("a layer that all read as SVG", (100, 5_000), lambda size, at: _skipping(size, at, "--format", "svg")),
    Shape("a layer that all read as a page", (500, 5_000), lambda size, at: _skipping(size, at, "--format", "html")),
    Shape("models in models", (15, 150), _nested),
]


def run(quick: bool, names: Sequence[str] = ()) -> None:
    """Measure the shapes, or those of some names, and print a line for each."""
    for shape in SHAPES:
        if not names or shape.name in names:
            print("  ".join(_figures(shape, shape.sizes[:1] if quick else shape.sizes)), flush=True)


def _figures(shape: Shape, sizes: Sequence[int]) -> Iterator[str]:
    costs: list[tuple[int, Cost]] = []
    yield f"{shape.name}:"
    for size in sizes:
        with directory() as place:
            cost = measure([*GRAPHDIAG, *shape.make(size, place)])
        costs.append((size, cost))
        ending = f", exit status {cost.status}: {cost.said[:150]}" if cost.status else ""
        yield f"{size:,}: {cost.seconds:.1f} s, {cost.megabytes:,.0f} MB{ending};"
    _, last = costs[-1]
    if len(costs) > 1:
        growth = exponent([(size, cost.seconds) for size, cost in costs[-2:]])
        yield f"growth {growth:.2f} (target at most {GROWTH_TARGET});"
    met = last.seconds <= CPU_TARGET_S and last.megabytes <= MEMORY_TARGET_MB
    yield f"{'within' if met else 'BEYOND'} {CPU_TARGET_S} s and {MEMORY_TARGET_MB:,} MB"


if __name__ == "__main__":
    run(quick=False, names=sys.argv[1:])
