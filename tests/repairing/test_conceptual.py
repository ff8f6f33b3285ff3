"""The JSON of a model that TensorBoard reads whole: TensorBoard's own converter finds exactly Keras's edges in it."""

from __future__ import annotations

import json
import logging
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def

from graphdiag.graphs.layer_graph import LayerGraph, NestedModel
from graphdiag.repairing.blocks import layer_boxes
from graphdiag.repairing.conceptual import check_conceptual, conceptual_event, conceptual_json
from graphdiag.sources.keras_json import layer_graph_from_json
from graphdiag.tensorboard import draw_conceptual
from tests.repairing.layer_graphs import MODELS, random_graph, real_model
from tests.sources.event_files import split_records
from tests.support.graph_text import FIXTURES, LOGS
from tests.support.layers import layer_graph

KERAS_JSON = sorted(
    path for path in FIXTURES.rglob("*.json") if path.stat().st_size and '"class_name"' in path.read_text()[:2000]
)
LOGICAL = sorted(path.parent for path in LOGS.glob("*/logical_edges.json") if (path.parent / "model.json").exists())


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, logger="tensorboard")


def from_file(path: Path) -> LayerGraph:
    return layer_graph_from_json(json.loads(path.read_text(encoding="utf-8")))


def tensorboard_edges(text: str) -> set[tuple[str, str]]:
    """What TensorBoard's own converter makes of a model's JSON."""
    nodes = keras_model_to_graph_def(json.loads(text)).node
    return {(source, node.name) for node in nodes for source in node.input}


def wanted_edges(graph: LayerGraph) -> set[tuple[str, str]]:
    boxes = layer_boxes(graph)
    return {("/".join(boxes[source]), "/".join(boxes[target])) for source, target in graph.edges}


def written(graph: LayerGraph) -> str:
    return conceptual_json(graph, layer_boxes(graph))


def notes(graph: LayerGraph) -> list[str]:
    boxes = layer_boxes(graph)
    return list(check_conceptual(graph, boxes, conceptual_json(graph, boxes)).notes())


def assert_all_drawn(graph: LayerGraph) -> None:
    boxes = layer_boxes(graph)
    check = check_conceptual(graph, boxes, conceptual_json(graph, boxes))
    assert check.added == ()
    assert [edge for edge in check.undrawn if edge[0] != edge[1]] == []
    assert sorted([*check.drawn, *check.undrawn]) == sorted(graph.edges)


# --- Keras's own models -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", KERAS_JSON, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_all_edges_of_a_keras_model_are_drawn(path: Path) -> None:
    graph = from_file(path)
    assert tensorboard_edges(written(graph)) == wanted_edges(graph)
    assert_all_drawn(graph)


@pytest.mark.parametrize("name", MODELS)
def test_all_edges_of_a_large_model_are_drawn_in_its_blocks(name: str) -> None:
    graph = real_model(name)
    assert tensorboard_edges(written(graph)) == wanted_edges(graph)
    assert_all_drawn(graph)


def test_the_reference_model_under_tf_keras_has_27_edges_and_had_none() -> None:
    path = LOGS / "tfk_reference_training" / "model.json"
    keras_json = json.loads(path.read_text())
    assert tensorboard_edges(path.read_text()) == set()
    assert draw_conceptual(keras_json).edges("model") == []
    recorded = {(source, target) for source, target, *_ in json.loads((path.parent / "logical_edges.json").read_text())}
    assert len(recorded) == 27
    assert tensorboard_edges(written(from_file(path))) == recorded


@pytest.mark.parametrize("path", KERAS_JSON, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_graphdiag_reads_the_same_layer_graph_from_it(path: Path) -> None:
    graph = from_file(path)
    name = {id_: "/".join(box) for id_, box in layer_boxes(graph).items()}
    again = layer_graph_from_json(json.loads(written(graph)))
    assert again.model_name == graph.model_name
    assert again.keras_version == graph.keras_version
    assert set(again.edges) == {(name[source], name[target]) for source, target in graph.edges}
    assert {layer.id: (layer.class_name, layer.calls) for layer in again.layers.values()} == {
        name[layer.id]: (layer.class_name, graph.uses(layer.id)) for layer in graph.layers.values()
    }
    assert again.inputs == tuple(name[layer] for layer in graph.inputs)
    assert again.outputs == tuple(name[layer] for layer in graph.outputs)


# --- What TensorBoard reads wrongly of Keras's own JSON ---------------------------------------------------------------


def test_a_model_called_twice_gets_both_inputs() -> None:
    graph = layer_graph(
        [("left", "net/dense"), ("right", "net/dense"), ("net/dense", "net/out"), ("net/out", "sum")],
        nested=["net"],
        calls={"net": 2},
        inputs=["left", "right"],
        outputs=["sum"],
    )
    text = written(graph)
    picture = draw_conceptual(json.loads(text))
    assert {(edge.source, edge.target) for edge in picture.edges()} == {
        ("left", "net"),
        ("right", "net"),
        ("net", "sum"),
    }
    assert {(edge.source, edge.target) for edge in picture.edges("net")} == {("net/dense", "net/out")}


def test_tensors_that_keras_passes_by_name_are_drawn() -> None:
    path = LOGS / "k3_masked_attention_training" / "model.json"
    assert_all_drawn(from_file(path))
    arguments = {edge.argument.partition("[")[0] for edge in from_file(path).tensors}
    assert "mask" in arguments


def test_a_class_that_is_not_ascii_does_not_make_tensorboard_fail() -> None:
    graph = layer_graph([("a", "b")], classes={"b": "Größe"})
    [_, node] = keras_model_to_graph_def(json.loads(written(graph))).node
    assert node.attr["keras_class"].s == b"Gr\\xf6\\xdfe"


@pytest.mark.parametrize("name", ["^a", "a:1", "constructor", "/", "__root__", "a b"])
def test_a_name_that_means_something_else_to_tensorboard_is_changed(name: str) -> None:
    graph = layer_graph([("x", name), (name, "y")])
    assert_all_drawn(graph)
    assert len(draw_conceptual(json.loads(written(graph))).edges()) == 2


def test_without_tensors_on_record_the_edges_are_drawn() -> None:
    graph = replace(from_file(LOGS / "k3_siamese_training" / "model.json"), tensors=(), output_tensors=())
    assert tensorboard_edges(written(graph)) == wanted_edges(graph)


# --- What is told -----------------------------------------------------------------------------------------------------


def test_a_layer_that_reads_its_own_result_is_told() -> None:
    graph = from_file(FIXTURES / "files" / "k3_mixed.json")
    assert notes(graph) == ["TensorBoard draws no arrow from a box to itself: two/mix reads its own result."]


def test_a_model_without_layers_is_told() -> None:
    graph = layer_graph([("a", "b")])
    graph = replace(graph, nested={"same": NestedModel("same", "same", "Functional")})
    assert notes(graph) == ["The nested model same has no layer in it, and so no box."]


def test_a_box_that_tensorboard_pulls_out_is_told() -> None:
    names = [f"dense_{number}" for number in range(20)]
    graph = layer_graph([*(("x", name) for name in names), *((name, "sum") for name in names)])
    told = notes(graph)
    assert told == [
        "TensorBoard puts sum beside the picture (in-degree 20 > 4).",
        "TensorBoard puts x beside the picture (out-degree 20 > 4).",
    ]


def test_a_picture_of_another_model_is_found_out() -> None:
    graph = layer_graph([("a", "b"), ("b", "c")])
    other = layer_graph([("a", "b"), ("a", "c")])
    check = check_conceptual(graph, layer_boxes(graph), written(other))
    assert (check.drawn, check.undrawn, check.added) == ((("a", "b"),), (("b", "c"),), (("a", "c"),))


# --- The event --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("log", ["k3_reference_callback", "tfk_reference_callback"])
def test_the_event_is_the_one_that_keras_writes(log: str) -> None:
    [path] = (LOGS / log).glob("*tfevents*")
    events = [Event.FromString(data) for data in split_records(path.read_bytes())]
    [theirs] = [event for event in events if any(value.tag == "keras" for value in event.summary.value)]
    text = theirs.summary.value[0].tensor.string_val[0].decode()
    assert conceptual_event(text, theirs.wall_time) == theirs


# --- Any model --------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_all_edges_of_any_model_are_drawn(seed: int) -> None:
    graph = random_graph(random.Random(seed))
    assert tensorboard_edges(written(graph)) == wanted_edges(graph)
    assert_all_drawn(graph)
