"""Ask graphdiag about model files: live, and through logs.

As a program it takes a directory and the files, and prints one answer a line; TF 1 graph mode cannot be left, so files
of that stack are asked about in a process of their own.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

if TYPE_CHECKING:
    from tests.models.oracle import Observed

from graphdiag import GraphdiagError, compare
from graphdiag.sources.open_source import open_source
from graphdiag.sources.registry import SourceOptions
from tests.models.truth import Answer, answer_of, stack_of, truth_of

GRAPHS = ("training", "inference", "train-step")
_OBSERVED, _ANSWER = "OBSERVED", "ANSWER"
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
    name, start = str(Path(path).resolve()), time.perf_counter()
    try:
        with _in_a_directory() as directory, _empty(stack_of(path)):
            return _answer(name, graph, via, directory, start)
    except GraphdiagError as error:
        failure = str(error)
    except Exception as error:  # a model that cannot be logged is an answer, too
        failure = f"{type(error).__name__}: {error}"
    return Answer(name, graph, via, failure=failure, seconds=time.perf_counter() - start)


@contextlib.contextmanager
def _in_a_directory() -> Iterator[Path]:
    """Models that write files write them in a directory that is removed."""
    kept = Path.cwd()
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        try:
            yield Path(directory)
        finally:
            os.chdir(kept)


@contextlib.contextmanager
def _empty(stack: str) -> Iterator[None]:
    """Nothing of models that were built before; in TF 1 graph mode all ops go to one graph."""
    import tensorflow as tf

    if stack == "keras3":
        import keras

        keras.utils.clear_session(free_memory=False)  # to free it takes half a second each time
    else:
        import tf_keras

        tf_keras.backend.clear_session()
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
        opened = open_source(path, SourceOptions(graph=graph))
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
    """Print what runs show of each file, and one answer for each graph that it has, live and through a log."""
    from tests.models.oracle import observe

    for path in arguments:
        with _in_a_directory():
            print(_OBSERVED, pickle.dumps((path, observe(path))).hex(), flush=True)
        for graph, via in ways_of(path):
            print(_ANSWER, pickle.dumps(ask(path, graph, via)).hex(), flush=True)


def in_another_process(paths: Sequence[str | Path]) -> tuple[dict[str, Observed], list[Answer]]:
    """As `main`, in an interpreter of its own, in TF 1 graph mode if the files are of that.

    Args:
        paths: Model files of one stack.

    Returns:
        What runs show, by file, and what graphdiag says.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.models.answers", *map(str, paths)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split(" ", 1) for line in done.stdout.splitlines()]
    observed = dict(pickle.loads(bytes.fromhex(text)) for word, text in lines if word == _OBSERVED)
    return observed, [pickle.loads(bytes.fromhex(text)) for word, text in lines if word == _ANSWER]


if __name__ == "__main__":
    if stack_of(sys.argv[1]) == "tf1":
        import tensorflow as tf

        tf.compat.v1.disable_v2_behavior()
    main(sys.argv[1:])
