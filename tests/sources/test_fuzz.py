"""Whatever the bytes, opening a file ends in a result or in a `GraphdiagError`, and never in another exception."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdiag.errors import GraphdiagError
from graphdiag.graphs.op_graph import merge
from graphdiag.sources.keras_json import layer_graph_from_json
from graphdiag.sources.open_source import open_source
from graphdiag.sources.opened import Opened
from tests.sources.event_files import FILES, graph, keras, record, run_graph, trace

MIXED = (FILES / "tfk_mixed.json").read_text()
SMALL_LOG = b"".join(
    record(event.SerializeToString()) for event in (run_graph(graph()), trace("step", graph("c")), keras(MIXED))
)
SEEDS = {
    "events.out.tfevents.1.host": SMALL_LOG,
    "graph.pb": (FILES / "tf110_relu.pb").read_bytes(),
    "graph.pbtxt": (FILES / "tf110_relu.pbtxt").read_bytes(),
    "saved_model.pb": (FILES / "tfk_subclassed" / "saved_model.pb").read_bytes(),
    "model.json": MIXED.encode(),
    "model.keras": (FILES / "k3_siamese.keras").read_bytes(),
}


def outcome(name: str, content: bytes) -> Opened | str:
    """What a file of this content opens as, or the message that refuses it."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, name)
        file.write_bytes(content)
        try:
            return open_source(file)
        except GraphdiagError as error:
            return str(error)


def check(name: str, content: bytes) -> None:
    found = outcome(name, content)
    if isinstance(found, str):
        assert found
        assert "\n" not in found
    else:
        assert found.has_op_graph or found.layer_graph is not None
        merge(found.graph_defs)


@pytest.mark.parametrize("name", SEEDS)
def test_the_seeds_themselves_open(name: str) -> None:
    assert isinstance(outcome(name, SEEDS[name]), Opened)


@pytest.mark.parametrize("name", SEEDS)
@given(content=st.binary(max_size=200))
@settings(deadline=None)
def test_random_bytes(name: str, content: bytes) -> None:
    check(name, content)


@pytest.mark.parametrize("name", SEEDS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_truncated_files(name: str, data: st.DataObject) -> None:
    content = SEEDS[name]
    check(name, content[: data.draw(st.integers(0, len(content) - 1))])


@pytest.mark.parametrize("name", SEEDS)
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_flipped_bits(name: str, data: st.DataObject) -> None:
    content = bytearray(SEEDS[name])
    for position in data.draw(st.lists(st.integers(0, len(content) * 8 - 1), min_size=1, max_size=4)):
        content[position // 8] ^= 1 << position % 8
    check(name, bytes(content))


@given(content=st.binary(max_size=300))
@settings(deadline=None)
def test_records_of_random_bytes_behind_good_checksums(content: bytes) -> None:
    check("events.out.tfevents.1.host", record(content))


@given(graph_def=st.binary(max_size=100), text=st.binary(max_size=100))
@settings(deadline=None)
def test_random_graphs_and_models_in_good_events(graph_def: bytes, text: bytes) -> None:
    event = run_graph(graph())
    event.graph_def = graph_def
    check("events.out.tfevents.1.host", record(event.SerializeToString()) + record(keras(text).SerializeToString()))


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON value that another value can be put into."""
    found: list[tuple[Any, Any]] = []
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found.append((value, key))
        found.extend(places(value[key]))
    return found


VALUES = st.sampled_from(
    ["null", "0", "1", "-1", "99", "true", '""', '"x"', '"two"', "[]", "{}", "[[]]", '["two", 1, 0]', '["x", 0, 0, {}]']
).map(json.loads)


@pytest.mark.parametrize("name", ["k3_mixed", "tfk_mixed", "keras216_mixed", "keras216_sequential", "k3_sequential"])
@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_keras_json_with_values_exchanged(name: str, data: st.DataObject) -> None:
    model = json.loads((FILES / f"{name}.json").read_text())
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(places(model)))
        holder[key] = data.draw(VALUES)
    try:
        found = layer_graph_from_json(model)
    except GraphdiagError:
        return
    assert all(source in found.layers and target in found.layers for source, target in found.edges)
    assert {*found.inputs, *found.outputs} <= found.layers.keys()
