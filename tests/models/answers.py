"""Ask graphdiag about model files: live, and through logs.

As a program it takes a directory and the files, and prints one answer a line; TF 1 graph mode cannot be left, so files
of that stack are asked about in a process of their own.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from graphdiag import GraphdiagError, compare
from graphdiag.sources.open_source import open_source
from tests.models.truth import Answer, answer_of, stack_of, truth_of

GRAPHS = ("training", "inference", "train-step")
ROOT = Path(__file__).resolve().parents[2]


def graphs_of(path: str | Path) -> tuple[str, ...]:
    """The graphs that a model file has: a train step only if it is compiled, and in TF 1 graph mode only one."""
    if stack_of(path) == "tf1":
        return ("training",)
    return GRAPHS if "compile(" in Path(path).read_text(encoding="utf-8") else GRAPHS[:2]


def ways_of(path: str | Path) -> list[tuple[str, str]]:
    """Each graph that a model file has, live, and through a log where that tells enough."""
    vias = ("live",) if truth_of(path).live_only else ("live", "log")
    return [(graph, via) for graph in graphs_of(path) for via in vias]


def ask(path: str | Path, graph: str = "training", via: str = "live") -> Answer:
    """What graphdiag says of a model file.

    Args:
        path: A Python file.
        graph: Which graph.
        via: ``live``, or ``log``: then a model is opened, its graph and its JSON are written down as logs hold them,
            and only these are read.

    Returns:
        The answer; its ``failure`` says why the model could not be read.
    """
    name, start = str(path), time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        kept = Path.cwd()
        os.chdir(directory)  # models that write files write them here
        try:
            with _empty(stack_of(path)):
                return _answer(name, graph, via, Path(directory), start)
        except Exception as error:  # a model that fails is an answer, too
            if not isinstance(error, GraphdiagError):
                error = f"{type(error).__name__}: {error}"
            return Answer(name, graph, via, failure=str(error), seconds=time.perf_counter() - start)
        finally:
            os.chdir(kept)


@contextlib.contextmanager
def _empty(stack: str) -> Iterator[None]:
    """Nothing of models that were built before; in TF 1 graph mode all ops go to one graph."""
    import tensorflow as tf

    if stack == "keras3":
        import keras
    else:
        import tf_keras as keras
    keras.backend.clear_session()
    with tf.Graph().as_default() if stack == "tf1" else contextlib.nullcontext():
        yield


def _answer(name: str, graph: str, via: str, directory: Path, start: float) -> Answer:
    if via == "log":
        log, model = _log(name, graph, directory)
        report = compare(log, model=model)
    else:
        report = compare(name, graph=None if stack_of(name) == "tf1" else graph)
    return answer_of(report, name, graph, via, time.perf_counter() - start)


def _log(path: str, graph: str, directory: Path) -> tuple[Path, Path]:
    """Write a log of a model file's graph as a user would, and the model's JSON.

    Returns:
        The log, and the file with the JSON.
    """
    import tensorflow as tf

    from tests.models.oracle import load, numbers_for

    if graph == "train-step":  # nobody but graphdiag knows targets that fit
        opened = open_source(path, graph=graph)
        (directory / "graph.pb").write_bytes(opened.graph_defs[0].SerializeToString())
        (directory / "model.json").write_text(json.dumps(opened.keras_json))
        return directory / "graph.pb", directory / "model.json"
    if stack_of(path) == "tf1":
        with tf.Graph().as_default() as built:
            model = load(path).model
            tf.compat.v1.summary.FileWriter(str(directory / "log"), built).close()
    else:
        model = load(path).model
        forward = tf.function(lambda inputs: model(inputs, training=graph == "training"))
        with tf.summary.create_file_writer(str(directory / "log")).as_default():
            tf.summary.trace_on(graph=True)
            model(numbers_for(model))  # what one run leaves in files is there for the next
            forward(numbers_for(model))
            tf.summary.trace_export("model", step=0)
    (directory / "model.json").write_text(model.to_json())
    return directory / "log", directory / "model.json"


def main(arguments: Sequence[str]) -> None:
    """Print one answer a line, as JSON: of each file, each graph that it has, live and through a log."""
    for path in arguments:
        for graph, via in ways_of(path):
            answer = vars(ask(path, graph, via)).copy()
            for verdict in ("hidden", "artifacts", "missing"):
                answer[verdict] = [[*pair, text] for pair, text in answer[verdict].items()]
            print("ANSWER", json.dumps(answer), flush=True)


def in_another_process(paths: Sequence[str | Path]) -> list[Answer]:
    """As `main`, in an interpreter of its own.

    Args:
        paths: Model files of one stack.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.models.answers", *map(str, paths)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [_parsed(line.removeprefix("ANSWER ")) for line in done.stdout.splitlines() if line.startswith("ANSWER ")]


def _parsed(line: str) -> Answer:
    fields = json.loads(line)
    for verdict in ("hidden", "artifacts", "missing"):
        fields[verdict] = {(source, target): text for source, target, text in fields[verdict]}
    return Answer(**fields)


if __name__ == "__main__":
    main(sys.argv[1:])
