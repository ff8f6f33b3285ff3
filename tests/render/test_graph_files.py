"""GraphML and node-link JSON: networkx reads back what was written."""

from __future__ import annotations

import io
import json

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto.graph_pb2 import GraphDef

from graphdiag.diagnosis.finding import Verdict
from graphdiag.errors import UsageError
from graphdiag.graphs.op_graph import from_graph_def
from graphdiag.render.data.graph_files import drawn_level, op_level, to_node_link
from graphdiag.render.data.graphml import to_graphml
from graphdiag.results.document import from_dict
from graphdiag.results.report import Report
from graphdiag.sources.opened import Origin
from graphdiag.tensorboard import draw
from graphdiag.unprintable import escape_unprintable
from tests.support.drawn import RECORDED, recorded
from tests.support.graph_text import graph_def
from tests.support.hostile import HOSTILE
from tests.support.reports import logs, report_of, report_on

LEVELS = {"": Report.to_networkx, "-ops": op_level, "-drawn": drawn_level}


def for_graphml(graph: nx.DiGraph) -> nx.DiGraph:
    """The graph that GraphML can hold: what cannot be seen is escaped, and there is no ``None``."""
    safe = graph.__class__(**seen_attributes(graph.graph))
    safe.add_nodes_from((seen(node), seen_attributes(data)) for node, data in graph.nodes(data=True))
    for *ends, data in graph.edges(data=True):
        safe.add_edge(*map(seen, ends), **seen_attributes(data))
    return safe


def seen_attributes(data):
    return {key: seen(value) if isinstance(value, str) else value for key, value in data.items() if value is not None}


def seen(text):
    return escape_unprintable(text.replace("\\", "\\\\"))


def as_networkx_writes_it(graph: nx.DiGraph) -> str:
    file = io.BytesIO()
    # Not `write_graphml`: it writes other bytes where lxml is installed.
    nx.write_graphml_xml(graph, file)
    return file.getvalue().decode("utf-8") + "\n"


def from_graphml(text: str, multigraph: bool = False) -> nx.DiGraph:
    """As the README says it is read."""
    graph = nx.read_graphml(io.BytesIO(text.encode("utf-8")), force_multigraph=multigraph)
    assert graph.graph.pop("node_default") == graph.graph.pop("edge_default") == {}
    return graph


def from_node_link(text: str) -> nx.DiGraph:
    return nx.node_link_graph(json.loads(text), edges="edges")


def check_both(graph: nx.DiGraph) -> None:
    check(graph, to_node_link(graph), to_graphml(graph))


def check(graph: nx.DiGraph, node_link: str, graphml: str) -> None:
    back = from_node_link(node_link)
    assert type(back) is type(graph)
    assert nx.utils.graphs_equal(back, graph)
    assert graphml == as_networkx_writes_it(for_graphml(graph))
    back = from_graphml(graphml, graph.is_multigraph())
    assert type(back) is type(graph)
    assert nx.utils.graphs_equal(back, for_graphml(graph))
    assert len(back) == len(graph)


@pytest.mark.parametrize("name", logs())
def test_every_log_there_and_back(name):
    report = report_on(name)
    has = {"": True, "-ops": report.op_graph is not None, "-drawn": report.drawn_graph is not None}
    for ending, level in LEVELS.items():
        if not has[ending]:
            with pytest.raises(UsageError, match="cannot be written"):
                report.render(f"graphml{ending}")
            continue
        check(level(report), report.render(f"node-link{ending}"), report.render(f"graphml{ending}"))


def test_a_saved_report_gives_the_same_files():
    report = report_on("keras216_hidden_tensor")
    saved = from_dict(json.loads(json.dumps(report.to_dict())))
    for ending in LEVELS:
        for format_ in (f"graphml{ending}", f"node-link{ending}"):
            assert saved.render(format_) == report.render(format_)


def test_the_layer_level_of_the_reference_model():
    graph = report_on("keras216_reference").to_networkx()
    assert len(graph) == 28
    assert {kind for _, kind in graph.nodes(data="kind")} == {"layer"}
    assert graph.nodes["pt_cloud_0"] == {
        "name": "pt_cloud_0",
        "class_name": "InputLayer",
        "path": "",
        "calls": 1,
        "is_input": True,
        "output_shape": "(None, None, 39)",
        "parameters": 0,
        "kind": "layer",
    }
    in_model = [ends for *ends, inside in graph.edges(data="in_model") if inside]
    artifacts = {target: data for _, target, data in graph.edges(data=True) if data["verdict"] == "artifact"}
    assert (len(in_model), len(artifacts)) == (27, 8)
    assert artifacts["dropout_0"] == {
        "in_model": False,
        "op_edges": 3,
        "carries": "flag",
        "verdict": "artifact",
        "codes": "GD101",
    }


def test_nodes_that_are_no_layers():
    kinds = dict(report_on("keras216_untracked_layer").to_networkx().nodes(data="kind"))
    assert kinds["wrap/secret"] == "scope"
    assert dict(report_on("tf22_tb3118").to_networkx().nodes(data="kind"))["sequential"] == "nested"
    scopes = report_on("tf110_series_scoped").to_networkx()
    assert {kind for _, kind in scopes.nodes(data="kind")} == {"scope"}
    assert scopes.has_edge("hidden_0", "hidden_1")
    assert set(report_on("tf110_shared_scope_9545").to_networkx()) == {
        "inner/conv",
        "inner/conv_1",
        "inner/conv_2",
    }


def test_owners_and_roles_of_ops():
    report = report_on("keras216_reference_fit")
    graph = op_level(report)
    assert (len(graph), graph.number_of_edges()) == (len(report.op_graph), len(report.op_graph.source))
    assert graph.nodes["batchnorm_0_0/keras_learning_phase"]["owner"] == "batchnorm_0_0"
    roles = nx.get_node_attributes(graph, "role")
    assert roles["batchnorm_0_0/keras_learning_phase"] == ""
    assert {role for name, role in roles.items() if name.startswith("training/Adam/gradients/")} == {"training"}
    assert {graph.nodes[name]["owner"] for name, role in roles.items() if role} == {""}


def test_the_drawn_graph_holds_all_levels():
    report = report_on("keras216_reference")
    drawn = report.drawn_graph
    graph = drawn_level(report)
    assert set(graph) == set(drawn.names)
    assert graph.number_of_edges() == len(drawn.metaedges)
    for parent in ("__root__", "batchnorm_0_0"):
        one = drawn.to_networkx(parent)
        assert {name for name, within in graph.nodes(data="parent") if within == parent} == set(one)
        inside = {(u, v): data for u, v, data in graph.edges(data=True) if data["level"] == parent}
        assert {
            ends: {**data, "level": parent} for *ends_, data in one.edges(data=True) for ends in [tuple(ends_)]
        } == (inside)
        for name, data in one.nodes(data=True):
            assert data.items() <= graph.nodes[name].items()


@pytest.mark.parametrize("name", sorted(path.stem for path in RECORDED.glob("*.pbtxt")))
def test_no_metaedge_is_lost(name):
    """With functions in functions, and names that TensorBoard has no node for."""
    drawn = draw([recorded(name)[0]])
    report = Report(Origin("x", "graph_def"), None, None, (), drawn_graph=drawn)
    graph = drawn_level(report)
    assert graph.number_of_edges() == len(drawn.metaedges)
    assert {name for name, ghost in graph.nodes(data="ghost") if ghost} == drawn.ghosts
    check_both(graph)


def test_hostile_layer_names():
    graph = report_of(HOSTILE).to_networkx()
    assert list(graph) == HOSTILE
    check_both(graph)


def test_graphml_escapes_what_other_formats_escape():
    graph = nx.DiGraph(title="a\rb")
    graph.add_node("bell\x07", none=None, empty="", text="\ud800")
    graph.add_node("bell\\x07", number=2**40, half=0.5, yes=True)
    graph.add_edge("bell\x07", "bell\\x07", text="\ufffe \t\n")
    safe = from_graphml(to_graphml(graph))
    assert safe.graph == {"title": "a\\rb"}
    assert dict(safe.nodes(data=True)) == {
        "bell\\x07": {"empty": "", "text": "\\ud800"},
        "bell\\\\x07": {"number": 2**40, "half": 0.5, "yes": True},
    }
    assert list(safe.edges(data=True)) == [("bell\\x07", "bell\\\\x07", {"text": "\\ufffe \\t\\n"})]


def test_names_in_graphml_can_be_seen():
    names = [
        "del\x7f",
        "next\x85line",
        "turned\u202eround",
        "zero\u200bwidth",
        "line\u2028end",
        "private\ue000",
        "a\tb",
    ]
    text = report_of(names).render("graphml")
    assert text.replace("\n", "").isprintable()
    for name in names:
        assert name.encode("unicode_escape").decode() in text


ANY = st.text(st.characters(), max_size=8) | st.sampled_from(HOSTILE)


@settings(deadline=None, max_examples=60)
@given(st.lists(ANY, min_size=1, max_size=6, unique=True), st.data())
def test_any_names(names, data):
    verdicts = data.draw(
        st.lists(st.sampled_from([None, *Verdict][:4]), min_size=len(names), max_size=len(names)), label="verdicts"
    )
    check_both(Report.to_networkx(report_of(names, verdicts)))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), min_size=1, unique=True))
def test_any_op_names(names):
    graph = GraphDef()
    for name, before in zip(names, [[], *([name] for name in names)], strict=False):
        graph.node.add(name=name, op="Neg", input=before * 2)
    ops = from_graph_def(graph)
    check_both(op_level(Report(Origin("x", "graph_def"), None, ops, ())))


def test_parallel_edges_keep_their_keys():
    ops = from_graph_def(graph_def("x Neg\ny AddV2 x x ^x"))
    graph = op_level(Report(Origin("x", "graph_def"), None, ops, ()))
    back = from_graphml(to_graphml(graph), multigraph=True)
    assert [(key, data["output"]) for _, _, key, data in back.edges(keys=True, data=True)] == [(0, 0), (1, 0), (2, -1)]
