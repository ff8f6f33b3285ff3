"""`graphdiag.compare`: from a source to a report, and every way in which the two sides may not fit."""

from __future__ import annotations

import json
import shutil

import networkx as nx
import pytest

import graphdiag
from graphdiag import GraphdiagError, compare
from graphdiag.errors import ModelError, SourceError, UsageError
from tests.support.graph_text import LOGS, graph_def

REFERENCE = LOGS / "keras216_reference"
MODEL = REFERENCE / "model.json"


@pytest.fixture
def small(tmp_path):
    """A GraphDef file and the Keras model that it was made of: x -> a -> b."""
    graph = tmp_path / "graph.pb"
    graph.write_bytes(graph_def("x Feed\na/MatMul MatMul x\nb/MatMul MatMul a/MatMul").SerializeToString())
    return graph, keras_model(tmp_path / "model.json", "a", "b")


def keras_model(path, *names):
    layers = [{"class_name": "InputLayer", "name": "x", "config": {"name": "x"}, "inbound_nodes": []}]
    before = "x"
    for name in names:
        node = [[[before, 0, 0, {}]]]
        kind = "Dropout" if name.startswith("drop") else "Dense"
        layers.append({"class_name": kind, "name": name, "config": {"name": name}, "inbound_nodes": node})
        before = name
    config = {"name": "m", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [[before, 0, 0]]}
    path.write_text(json.dumps({"class_name": "Model", "keras_version": "2.1.6", "config": config}))
    return path


def test_the_report_holds_the_graphs(small):
    graph, model = small
    report = compare(graph, model=model)
    assert report.origin.path == str(graph)
    assert report.findings == ()
    layers, ops = report.layer_graph.to_networkx(), report.op_graph.to_networkx()
    assert isinstance(layers, nx.DiGraph)
    assert set(layers.edges) == {("x", "a"), ("a", "b")}
    assert isinstance(ops, nx.MultiDiGraph)
    assert set(ops.nodes) == {"x", "a/MatMul", "b/MatMul"}
    assert ops.nodes["a/MatMul"]["op"] == "MatMul"


def test_paths_may_be_text(small):
    graph, model = small
    assert compare(str(graph), model=str(model)).to_dict() == compare(graph, model=model).to_dict()


def test_a_given_model_goes_before_that_of_the_source(small):
    report = compare(LOGS / "k3_reference_training", model=LOGS / "k3_reference_training" / "model.json")
    assert len(report.layer_graph.edges) == 27


def test_a_source_without_a_layer_graph_says_how_to_give_one(small):
    report = compare(small[0])
    assert report.layer_graph is None
    assert any("--model" in note for note in report.notes)


def test_a_source_without_an_op_graph_is_no_error():
    report = compare(LOGS / "k3_reference_callback")
    assert report.op_graph is None
    assert len(report.layer_graph.layers) == 28
    assert [finding.code for finding in report.findings] == ["GD204"]


def test_a_model_file_alone_has_nothing_to_find():
    report = compare(MODEL)
    assert (report.op_graph, report.findings) == (None, ())


def test_layers_without_ops_are_noted(small, tmp_path):
    report = compare(small[0], model=keras_model(tmp_path / "other.json", "a", "dropout", "b"))
    assert report.findings == ()
    assert any("1 layer has no op of its own in this graph (dropout)" in note for note in report.notes)


# --- what does not fit -----------------------------------------------------------------------------------------------


def test_a_model_of_another_log_says_what_is_missing_on_which_side(small, tmp_path):
    graph, _ = small
    other = keras_model(tmp_path / "other.json", "a", "other_dense")
    with pytest.raises(ModelError) as error:
        compare(graph, model=other)
    message = str(error.value)
    assert "\n" not in message
    assert "other_dense" in message.partition("scopes of the op graph")[0]
    assert "b" in message.partition("scopes of the op graph that are no layers: ")[2]


def test_a_model_without_a_layer_graph_is_no_model(small):
    with pytest.raises(ModelError, match="holds no layer graph"):
        compare(small[0], model=small[0])


def test_a_model_that_is_not_there(small):
    with pytest.raises(SourceError, match=r"absent\.json"):
        compare(small[0], model="absent.json")


@pytest.mark.parametrize(("option", "value"), [("run", "r"), ("tag", "t"), ("entry", "e"), ("arguments", {"a": "1"})])
def test_options_that_do_not_apply_to_the_source(small, option, value):
    with pytest.raises(UsageError) as error:
        compare(small[0], **{option: value})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("option", "value"), [("run", "r"), ("tag", "t"), ("entry", "e"), ("arguments", {"a": "1"})])
def test_options_that_do_not_apply_to_a_model_that_is_handed_over(option, value):
    with pytest.raises(UsageError, match=option):
        compare(object(), **{option: value})


def test_what_is_no_model(small):
    with pytest.raises(GraphdiagError):
        compare(object())


def test_choices_are_listed(tmp_path):
    for run in ("first", "second"):
        shutil.copytree(REFERENCE, tmp_path / run)
    with pytest.raises(UsageError) as error:
        compare(tmp_path)
    assert "first" in str(error.value)
    assert "second" in str(error.value)
    with pytest.raises(UsageError, match="second"):
        compare(tmp_path, run="third")
    assert compare(tmp_path, run="first").summary.artifact == 8


def test_tags_are_listed():
    with pytest.raises(UsageError, match="reference"):
        compare(LOGS / "k3_reference_training", tag="absent")


def test_the_public_names():
    assert set(graphdiag.__all__) <= set(dir(graphdiag))
    assert graphdiag.compare is compare
