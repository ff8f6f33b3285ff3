"""The drawn graph against TensorBoard's own page, in a browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from selenium.webdriver import Chrome
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.summary.writer.record_writer import RecordWriter

from graphdiag.reference import write_log
from graphdiag.sources.open_source import open_source
from graphdiag.tensorboard import draw, draw_conceptual
from graphdiag.tensorboard.merge import UndrawableGraphError
from tests.browser.generated_graphs import graphs
from tests.browser.tensorboard_page import PageError, chromium, read_page, tensorboard

pytestmark = pytest.mark.browser

LOGS = Path(__file__).parents[2] / "fixtures" / "logs"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium() as driver:
        yield driver


def first_difference(ours: object, page: object, where: str = "drawn") -> str:
    """Where two documents differ first, or nothing when they are equal."""
    if isinstance(ours, dict) and isinstance(page, dict):
        for key in sorted({*ours, *page}):
            if key not in ours or key not in page:
                return f"{where}[{key!r}]: only {'the page' if key in page else 'graphdiag'} has it"
            if ours[key] != page[key]:
                return first_difference(ours[key], page[key], f"{where}[{key!r}]")
    if isinstance(ours, list) and isinstance(page, list):
        for place, (left, right) in enumerate(zip(ours, page, strict=False)):
            if left != right:
                return first_difference(left, right, f"{where}[{place}]")
    return "" if ours == page else f"{where}: graphdiag has {ours!r}, the page {page!r}"


def write_reference(stack: str) -> Callable[[Path], object]:
    return lambda logdir: write_log(stack, logdir)


def write_functions(logdir: Path) -> None:
    """A trace whose library holds the branches of a conditional and the function that is called around it."""
    import tensorflow as tf

    weights = tf.Variable(tf.ones([4, 4]), name="weights")

    def inner(points: Any) -> Any:
        def positive() -> Any:
            return tf.nn.relu(tf.matmul(points, weights))

        return tf.cond(tf.reduce_sum(points) > 0.0, positive, lambda: points - 1.0)

    called = tf.function(inner)

    def outer(points: Any) -> Any:
        with tf.name_scope("block"):
            points = called(points)
        return called(points) + 1.0

    traced = tf.function(outer)
    writer = tf.summary.create_file_writer(str(logdir))
    tf.summary.trace_on(graph=True)
    traced(tf.ones([2, 4]))
    with writer.as_default():
        tf.summary.trace_export("functions", step=0)
    writer.close()


def write_series(logdir: Path) -> None:
    """Look-alike ops: seven connected in a chain, six side by side, four that are too few to be folded."""
    graph = GraphDef()
    graph.node.add(name="x", op="Placeholder")
    last = "x"
    for number in range(7):
        suffix = f"_{number}" if number else ""
        for op in ("MatMul", "Relu"):
            graph.node.add(name=op + suffix, op=op, input=[last])
            last = op + suffix
    for number in range(1, 7):
        graph.node.add(name=f"side/Exp_{number}", op="Exp", input=["x"])
    for number in range(1, 5):
        graph.node.add(name=f"side/Log_{number}", op="Log", input=[f"side/Exp_{number}"])
    write_graph(logdir, graph)


def write_graph(logdir: Path, graph: GraphDef) -> None:
    logdir.mkdir(parents=True)
    with (logdir / "events.out.tfevents.1.host").open("wb") as file:
        writer = RecordWriter(file)
        for event in (Event(file_version="brain.Event:2"), Event(graph_def=graph.SerializeToString())):
            writer.write(event.SerializeToString())


WRITERS: dict[str, Callable[[Path], object]] = {
    "reference_keras3": write_reference("keras3"),
    "reference_tf_keras": write_reference("tf_keras"),
    "reference_tf1": write_reference("tf1"),
    "functions": write_functions,
    "series": write_series,
}


KEPT = ("k3_reference_callback", "tfk_reference_callback", "tf22_reference")
GENERATED = 6


@settings(
    max_examples=GENERATED,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(graph=graphs())
def write_generated(directory: Path, graph: GraphDef) -> None:
    write_graph(directory / f"generated_{len(list(directory.glob('generated_*')))}", graph)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A directory with all runs that are looked at, and the address where one TensorBoard serves them."""
    directory = tmp_path_factory.mktemp("logs")
    for name, write in WRITERS.items():
        write(directory / name)
    for name in KEPT:
        shutil.copytree(LOGS / name, directory / name)
    write_generated(directory)
    with tensorboard(directory) as address:
        yield directory, address


@pytest.mark.parametrize("name", WRITERS)
def test_fresh_log_is_drawn_as_on_the_page(browser: Chrome, served: tuple[Path, str], name: str) -> None:
    directory, address = served
    page = read_page(browser, address, run=name)
    ours = draw(open_source(directory / name).graph_defs).to_dict()
    assert first_difference(ours, page) == ""


def test_page_shows_what_the_fresh_logs_are_for(browser: Chrome, served: tuple[Path, str]) -> None:
    _, address = served
    assert len(read_page(browser, address, run="functions")["root"]["library"]) == 3
    types = {name: node["type"] for name, node in read_page(browser, address, run="series")["nodes"].items()}
    assert {name for name, kind in types.items() if kind == "series"} == {
        "MatMul_[1-6]",
        "Relu_[1-6]",
        "side/Exp_[1-6]",
    }
    assert "batchnorm_0_0" in read_page(browser, address, run="reference_tf1")["root"]["out_extract"]


@pytest.mark.parametrize("name", KEPT)
def test_conceptual_graph_is_drawn_as_on_the_page(browser: Chrome, served: tuple[Path, str], name: str) -> None:
    _, address = served
    page = read_page(browser, address, run=name, conceptual=True)
    keras_json = open_source(LOGS / name).keras_json
    assert keras_json is not None
    assert first_difference(draw_conceptual(keras_json).to_dict(), page) == ""


@pytest.mark.parametrize("number", range(GENERATED))
def test_generated_graph_is_drawn_as_on_the_page(browser: Chrome, served: tuple[Path, str], number: int) -> None:
    directory, address = served
    run = f"generated_{number}"
    [graph] = open_source(directory / run).graph_defs
    try:
        ours = draw([graph]).to_dict()
    except UndrawableGraphError:
        with pytest.raises(PageError):
            read_page(browser, address, run=run)
        return
    assert first_difference(ours, read_page(browser, address, run=run)) == ""
