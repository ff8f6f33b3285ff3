"""Models in Python files, and in training: TensorFlow is loaded."""

from __future__ import annotations

import subprocess
import sys

from tests.bench.measuring import GRAPHDIAG, PYTHON, ROOT, directory, in_turn

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

_INCEPTION = """
import keras

model = keras.applications.InceptionResNetV2(weights=None)
"""


def run(quick: bool) -> None:
    """Print what a comparison takes beside building and tracing the model, and several of them beside one."""
    with directory() as place:
        inception = place / "inception.py"
        inception.write_text(_INCEPTION, encoding="utf-8")
        for name, file, times in (("the reference model", MODEL, 3), ("InceptionResNetV2, live", inception, 1)):
            commands = {
                "compare": [*GRAPHDIAG, "compare", str(file)],
                "build and trace": [*PYTHON, "-c", _TRACED.format(path=str(file))],
            }
            costs = in_turn(commands, 1 if quick else times, warm=not quick)
            ours, theirs = costs["compare"].seconds, costs["build and trace"].seconds
            print(
                f"compare {name} / import, build and trace it: {ours:.2f} s / {theirs:.2f} s = {ours / theirs:.2f} "
                f"(target at most 1.1)"
            )
    if not quick:
        _several()
        _callbacks()


def _several() -> None:
    """Ten models in Python files: one after the other, two at a time, and beside one alone."""
    with directory() as place:
        commands = {}
        for count, jobs in ((1, 1), (10, 1), (10, 2)):
            config = place / f"{count}.toml"
            models = [f'[[models]]\nname = "{number}"\nsource = "{MODEL}"\n' for number in range(count)]
            config.write_text("".join(models), encoding="utf-8")
            name = f"check {count} with --jobs {jobs}"
            commands[name] = [*GRAPHDIAG, "check", "--config", str(config), "--jobs", str(jobs)]
        costs = in_turn(commands, 1)
    one = costs["check 1 with --jobs 1"].seconds
    for name, cost in costs.items():
        print(f"{name}: {cost.seconds:.1f} s of CPU, {cost.seconds / one:.1f} times that of one model")


def _callbacks() -> None:
    """Seconds in which `GraphCallback` writes a model, beside those that Keras needs to trace the first train step."""
    for package, stack in (("keras", "keras3"), ("tf_keras", "tf_keras")):
        for model in ("reference", "ResNet50"):
            script = _CALLBACK.format(package=package, stack=stack, model=model)
            done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True, text=True)
            ours, theirs = map(float, done.stdout.split()[-2:])
            ratio = f"{ours:.2f} s / {theirs:.2f} s = {ours / theirs:.2f}"
            print(f"GraphCallback / trace the first step, {model}, {package}: {ratio}")
