"""Benchmarks: ``make bench`` prints each figure beside what it is measured against. No test depends on them."""

from __future__ import annotations

import math
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import tensorboard_bench, worst_cases

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT / "fixtures" / "logs" / "keras216_reference"
MODEL = ROOT / "fixtures" / "models" / "reference_keras3.py"

_TRACED = """
import runpy, tensorflow as tf
found = runpy.run_path({path!r})
model = found["model"] if "model" in found else found["build_model"]()
inputs = [tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in model.inputs]
tf.function(lambda *arguments: model(list(arguments), training=True)).get_concrete_function(*inputs)
"""

_CALLBACK = """
import sys, tempfile, time
import numpy as np
import {package} as package
from graphdiag.keras import GraphCallback
from graphdiag.reference import build_reference

package.utils.set_random_seed(0)
model = build_reference({stack!r}) if {model!r} == "reference" else package.applications.ResNet50(weights=None)
model.compile("sgd", "mse")
shapes = [tuple(size or 32 for size in tensor.shape[1:]) for tensor in model.inputs]
points = [np.ones([2, *shape], "float32") for shape in shapes]
targets = [np.ones([2, *(size or 32 for size in tensor.shape[1:])], "float32") for tensor in model.outputs]
data = (points if len(points) > 1 else points[0], targets if len(targets) > 1 else targets[0])

def step():
    start = time.perf_counter()
    model.train_on_batch(*data)
    return time.perf_counter() - start

first = step()
tracing = first - min(step() for _ in range(3))
with tempfile.TemporaryDirectory() as directory:
    callback = GraphCallback(directory)
    callback.set_model(model)
    start = time.perf_counter()
    callback.on_train_begin()
    print(time.perf_counter() - start, tracing)
"""


def main() -> None:
    """Run all benchmarks."""
    _starts()
    _commands()
    _callback()
    _diff()
    _jobs()
    _growth()
    _repair()
    print("worst cases: processor time and peak memory of one command")
    worst_cases.main()
    tensorboard_bench.main()


def _starts() -> None:
    """CPU milliseconds of short processes, each beside what it is held against."""
    python = [sys.executable]
    graphdiag = [str(Path(sys.executable).with_name("graphdiag"))]
    nothing, networkx = "python -c pass", "parse the log's graph, build a networkx.DiGraph"
    commands = {
        nothing: [*python, "-c", "pass"],
        "python -c 'import graphdiag'": [*python, "-c", "import graphdiag"],
        "graphdiag --version": [*graphdiag, "--version"],
        "graphdiag --help": [*graphdiag, "--help"],
        networkx: [*python, str(ROOT / "tests" / "support" / "plain_networkx.py"), str(next(LOG.glob("*tfevents*")))],
        "graphdiag compare of that log": [*graphdiag, "compare", str(LOG)],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    with TemporaryDirectory() as compiled:
        # As where graphdiag is installed: all modules are compiled. The first round does that, and does not count.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for number in range(12):
            for name, command in commands.items():
                used = _cpu_seconds(command, environment)
                if number:
                    seconds[name].append(used)
    median = {name: statistics.median(used) for name, used in seconds.items()}
    for name, used in median.items():
        print(f"{name}: {used * 1e3:.0f} ms of CPU, {used / median[nothing]:.1f} times {nothing}")
    beyond = (median["python -c 'import graphdiag'"] - median[nothing]) * 1e3
    print(f"import graphdiag: {beyond:.0f} ms beyond {nothing} (target at most 50)")
    ratio = median["graphdiag compare of that log"] / median[networkx]
    print(f"graphdiag compare / {networkx}: {ratio:.2f} (target at most 1.5)")


def _cpu_seconds(command: list[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _commands() -> None:
    imports = [sys.executable, "-c", "import networkx, rich.console, tensorboard.compat.proto.graph_pb2"]
    compare = [sys.executable, "-m", "graphdiag", "compare", str(LOG), "--model", str(LOG / "model.json")]
    _ratio("compare a log / import its libraries", compare, imports, times=7, target=3.0)
    traced = [sys.executable, "-c", _TRACED.format(path=str(MODEL))]
    _ratio(
        "compare a model file / build and trace it",
        [sys.executable, "-m", "graphdiag", "compare", str(MODEL)],
        traced,
        times=3,
        target=1.1,
    )


def _callback() -> None:
    """Seconds in which `GraphCallback` writes a model, beside those that Keras needs to trace the first train step."""
    for package, stack in (("keras", "keras3"), ("tf_keras", "tf_keras")):
        for model in ("reference", "ResNet50"):
            script = _CALLBACK.format(package=package, stack=stack, model=model)
            done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True, text=True)
            ours, theirs = map(float, done.stdout.split()[-2:])
            ratio = f"{ours:.2f} s / {theirs:.2f} s = {ours / theirs:.2f}"
            print(f"GraphCallback / trace the first step, {model}, {package}: {ratio}")


def _jobs() -> None:
    """Ten models in Python files, one after the other and two at a time."""
    with TemporaryDirectory() as directory:
        config = Path(directory, "graphdiag.toml")
        models = [f'[[models]]\nname = "{number}"\nsource = "{MODEL}"\n' for number in range(10)]
        config.write_text("".join(models), encoding="utf-8")
        check = [sys.executable, "-m", "graphdiag", "check", "--config", str(config), "--jobs"]
        _ratio("check ten models with --jobs 2 / --jobs 1", [*check, "2"], [*check, "1"], times=1, target=0.7)


def _ratio(what: str, ours: list[str], theirs: list[str], times: int, target: float) -> None:
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(times):
        # One after the other, so that a busy moment hits both.
        for name, command in (("theirs", theirs), ("ours", ours)):
            start = time.perf_counter()
            subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
            seconds[name].append(time.perf_counter() - start)
    mine, base = statistics.median(seconds["ours"]), statistics.median(seconds["theirs"])
    print(f"{what}: {mine:.2f} s / {base:.2f} s = {mine / base:.2f} (target at most {target})")


def _repair() -> None:
    """Seconds of CPU that a repair takes, beside those of the comparison of the same graph."""
    from graphdiag import compare, repair
    from graphdiag.sources.event_log import open_event_log

    [tower] = open_event_log(LOG).graph_defs
    with TemporaryDirectory() as directory:
        path = Path(directory) / "graph.pb"
        path.write_bytes(_towers(tower, round(100_000 / len(tower.node))))
        seconds = {}
        for work in (compare, repair):
            start = time.process_time()
            work(path, model=LOG / "model.json")
            seconds[work] = time.process_time() - start
    ratio = seconds[repair] / seconds[compare]
    print(f"repair of 100,000 ops: {seconds[repair]:.1f} s of CPU, {ratio:.2f} times compare (target at most 3)")


_SAVED = """
import sys, keras
for name in sys.argv[2:]:
    model = getattr(keras.applications, name)(weights=None)
    open(f"{sys.argv[1]}/{name}.json", "w").write(model.to_json())
"""


def _diff() -> None:
    """CPU seconds in which neighbors of ``keras.applications`` are compared from saved files."""
    pairs = (("ResNet50", "ResNet101"), ("DenseNet121", "DenseNet169"), ("InceptionV3", "InceptionResNetV2"))
    with TemporaryDirectory() as directory:
        names = [name for pair in pairs for name in pair]
        subprocess.run([sys.executable, "-c", _SAVED, directory, *names], check=True, capture_output=True)
        for pair in pairs:
            files = [f"{directory}/{name}.json" for name in pair]
            # The exit status is 1: they differ.
            command = ["bash", "-c", '"$0" -m graphdiag diff "$@" || test $? = 1', sys.executable, *files]
            used = min(_cpu_seconds(command, dict(os.environ)) for _ in range(3))
            print(f"graphdiag diff {' '.join(pair)}: {used:.2f} s of CPU (target at most 1)")


def _growth() -> None:
    """Seconds for the reference graph repeated under ``tower_k/`` scopes, and the exponent of their growth."""
    from graphdiag.diagnosis.context import analyze
    from graphdiag.diagnosis.diagnose import diagnose
    from graphdiag.graphs.op_graph import merge
    from graphdiag.sources.event_log import open_event_log
    from graphdiag.tensorboard import draw
    from tests.support.plain_networkx import plain_graph

    [tower] = open_event_log(LOG).graph_defs
    stages: dict[str, list[tuple[int, float]]] = {}

    def measure(stage: str, ops: int, work: Callable[[], object]) -> object:
        start = time.perf_counter()
        result = work()
        stages.setdefault(stage, []).append((ops, time.perf_counter() - start))
        return result

    for ops in (1_000, 10_000, 100_000, 1_000_000):
        data = _towers(tower, max(1, round(ops / len(tower.node))))
        graph_def = type(tower)()
        measure("parse the protobuf", ops, lambda d=data, g=graph_def: g.ParseFromString(d))
        measure("networkx.DiGraph", ops, lambda g=graph_def: plain_graph(g))
        measure("draw", ops, lambda g=graph_def: draw([g]))
        columns = measure("columns", ops, lambda g=graph_def: merge([g]))
        context = measure("own, flow, cross", ops, lambda c=columns: analyze(c, None))
        measure("rules", ops, lambda c=context: diagnose(c))
    for stage, seconds in stages.items():
        # The first size is all overhead; the slope through the others is how the work grows.
        exponent = statistics.linear_regression(
            [math.log(ops) for ops, _ in seconds[1:]], [math.log(second) for _, second in seconds[1:]]
        ).slope
        figures = "  ".join(f"{ops:,}: {second:.3f} s" for ops, second in seconds)
        print(f"{stage}: {figures}  exponent {exponent:.2f}")
    plain, parsed = dict(stages["networkx.DiGraph"])[100_000], dict(stages["parse the protobuf"])[100_000]
    drawn = dict(stages["draw"])[100_000]
    print(f"file to drawn graph / file to networkx.DiGraph, 100,000 ops: {(parsed + drawn) / (parsed + plain):.2f}")


def _towers(tower, count: int) -> bytes:
    repeated = type(tower)()
    repeated.versions.CopyFrom(tower.versions)
    for number in range(count):
        prefix = f"tower_{number}/"
        for node in tower.node:
            copy = repeated.node.add()
            copy.CopyFrom(node)
            copy.name = prefix + node.name
            copy.input[:] = [f"^{prefix}{text[1:]}" if text.startswith("^") else prefix + text for text in node.input]
    return repeated.SerializeToString()


if __name__ == "__main__":
    main()
