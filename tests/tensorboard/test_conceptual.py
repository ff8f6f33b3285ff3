from __future__ import annotations

import copy
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def

from graphdiag.errors import SourceError
from graphdiag.tensorboard import draw_conceptual
from graphdiag.tensorboard.conceptual import ConceptualGraphError, conceptual_graph
from tests.support.graph_text import LOGS

MODELS = sorted(LOGS.glob("*/model.json"))


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, logger="tensorboard")


def outcome(make: Any, model: Any) -> Any:
    """The nodes and inputs that come out, or the words of the failure."""
    try:
        return [(node.name, list(node.input)) for node in make(model).node]
    except Exception as error:  # TensorBoard's own code raises whatever Python does
        return " ".join(str(error).split())


def same_outcome(model: Any) -> bool:
    return bool(outcome(conceptual_graph, model) == outcome(keras_model_to_graph_def, model))


def tensor(name: Any, index: Any = 0) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"shape": [None, 1], "keras_history": [name, 0, index]}}


def layer(name: Any, *inputs: Any, **more: Any) -> dict[str, Any]:
    """A layer as Keras 3 writes it in a functional model."""
    return {
        "class_name": "Dense",
        "config": {"name": name, "dtype": "float32"},
        "inbound_nodes": [{"args": list(inputs), "kwargs": {}}] if inputs else [],
        **more,
    }


def functional(name: Any, layers: list[Any], inputs: Any, outputs: Any, **more: Any) -> dict[str, Any]:
    config = {"name": name, "layers": layers, "input_layers": inputs, "output_layers": outputs}
    return {"class_name": "Functional", "config": config, **more}


def sequential(name: str, *layers: Any, **more: Any) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": name, "layers": list(layers)}, **more}


def plain(name: str) -> dict[str, Any]:
    return {"class_name": "Dense", "config": {"name": name}}


ENCODER = functional("enc", [layer("enc_in"), layer("d", tensor("enc_in"))], ["enc_in", 0, 0], ["d", 0, 0])
CASES: dict[str, Any] = {
    "functional": functional(
        "m", [layer("i"), layer("a", tensor("i")), layer("b", [tensor("i"), tensor("a")])], ["i", 0, 0], ["b", 0, 0]
    ),
    "keras 2": functional(
        "m", [layer("i"), layer("a", inbound_nodes=[[["i", 0, 0, {}]]])], [["i", 0, 0]], [["a", 0, 0]]
    ),
    "sequential": sequential("s", plain("a"), plain("b"), plain("c")),
    "sequential of Keras 2.1": {"class_name": "Sequential", "config": [plain("a")]},
    "nested": functional(
        "m",
        [layer("i"), ENCODER | {"inbound_nodes": [{"args": [tensor("i")]}]}, layer("o", tensor("enc"))],
        ["i", 0, 0],
        ["o", 0, 0],
    ),
    "nested of two inputs": functional(
        "m",
        [
            layer("i"),
            functional(
                "enc",
                [layer("p"), layer("q"), layer("r", [tensor("p"), tensor("q")])],
                [["p", 0, 0], ["q", 0, 0]],
                [["r", 0, 0], ["p", 0, 0]],
                inbound_nodes=[{"args": [[tensor("i"), tensor("i")]]}],
            ),
            layer("o", tensor("enc", 1)),
            layer("far", tensor("enc", 7)),
        ],
        ["i", 0, 0],
        ["o", 0, 0],
    ),
    "sequential in functional": functional(
        "m",
        [
            layer("i"),
            sequential("s", plain("a"), plain("b"), inbound_nodes=[{"args": [tensor("i")]}]),
            layer("o", tensor("s")),
        ],
        ["i", 0, 0],
        ["o", 0, 0],
    ),
    "functional in sequential": sequential("s", plain("a"), functional("f", [layer("i")], ["i"], ["i"]), plain("b")),
    "its input of three parts": sequential("s", plain("a"), functional("f", [layer("i")], ["i", 0, 0], ["i", 0, 0])),
    "three models deep": sequential(
        "s", sequential("t", sequential("u", plain("a"), plain("b")), plain("c")), plain("d")
    ),
    "a number": functional("m", [layer("i"), layer("a", tensor("i"), 2.0)], ["i", 0, 0], ["a", 0, 0]),
    "no layers": functional("m", [], [], []),
    "no name": sequential("s", {"class_name": "Dense", "config": {}}),
    "a class outside ASCII": sequential("s", {"class_name": "Dénse", "config": {"name": "a"}}),
    "no config": {"class_name": "Model"},
    "a policy without config": sequential("s", {"config": {"name": "a", "dtype": {"config": None}}}),
    "a policy": sequential("s", {"config": {"name": "a", "dtype": {"config": {"name": "mixed_bfloat16"}}}}),
    "keyword arguments": functional(
        "m",
        [layer("i"), layer("a", inbound_nodes=[{"args": [], "kwargs": {"x": tensor("i")}}])],
        ["i", 0, 0],
        ["a", 0, 0],
    ),
}


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.parent.name)
def test_models_of_all_stacks_as_tensorboard_reads_them(path: Path) -> None:
    assert same_outcome(json.loads(path.read_text()))


@pytest.mark.parametrize("name", CASES)
def test_made_models_as_tensorboard_reads_them(name: str) -> None:
    assert outcome(conceptual_graph, CASES[name]) == outcome(keras_model_to_graph_def, CASES[name])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_models_fail_as_in_tensorboard(data: st.DataObject) -> None:
    model = copy.deepcopy(CASES[data.draw(st.sampled_from(sorted(CASES)))])
    parts = list(containers(model))
    part = parts[data.draw(st.integers(0, len(parts) - 1))]
    keys = list(part) if isinstance(part, dict) else list(range(len(part)))
    key = keys[data.draw(st.integers(0, len(keys) - 1))]
    part[key] = data.draw(st.sampled_from([None, 0, 1.5, "i", "", [], {}, [["i", 0, 0]], {"config": {}}, True]))
    assert outcome(conceptual_graph, model) == outcome(keras_model_to_graph_def, model)


def containers(value: Any) -> Any:
    """Every list and dictionary in a document that is not empty."""
    if isinstance(value, (dict, list)) and value:
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


def test_the_edges_of_a_keras_3_model_are_shown_and_those_of_keras_2_are_not() -> None:
    assert [list(node.input) for node in conceptual_graph(CASES["functional"]).node] == [[], ["m/i"], ["m/i", "m/a"]]
    assert [list(node.input) for node in conceptual_graph(CASES["keras 2"]).node] == [[], []]


def test_what_is_drawn_has_no_op_types() -> None:
    drawn = draw_conceptual(CASES["nested"])
    assert drawn.node("m/enc/d").op is None
    assert [(edge.source, edge.target) for edge in drawn.edges("m")] == [("m/i", "m/enc"), ("m/enc", "m/o")]
    assert [drawn.names[row] for row in drawn.op_rows] == ["m/i", "m/enc/enc_in", "m/enc/d", "m/o"]


def test_layers_without_types_make_no_series() -> None:
    assert not any(
        "[" in name for name in draw_conceptual(sequential("s", *map(plain, ["d_1", "d_2", "d_3", "d_4", "d_5"]))).names
    )


def test_a_failure_has_the_servers_words() -> None:
    with pytest.raises(ConceptualGraphError) as caught:
        conceptual_graph(CASES["a number"])
    assert str(caught.value) == "'float' object has no attribute 'get'"


def test_the_user_is_told_what_to_do() -> None:
    with pytest.raises(SourceError) as caught:
        draw_conceptual(CASES["sequential of Keras 2.1"])
    message = str(caught.value)
    assert "'list' object has no attribute 'get'" in message
    assert "Graph visualization failed" in message
    assert "\n" not in message
