"""The html page's data and text; what it does in a browser is in `tests/browser/test_report_page.py`."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from graphdiag.picture_style import Direction, PictureStyle
from graphdiag.render.html.data import page_data
from graphdiag.render.html.edge_styles import STATUSES
from graphdiag.results.document import from_dict
from graphdiag.results.report import Report
from tests.conftest import ROOT
from tests.render.page_reader import models_of, read
from tests.support.page_reports import HOSTILE, large_report, with_names
from tests.support.reports import report_on

NAMES = [
    "keras216_reference",
    "keras216_hidden_two_hops",
    "keras216_siamese",
    "k3_reference_callback",
    "tf110_mnist_171",
    "tf22_graph_reference",
    "tfk_in_function",
    "tf22_tb3118",
]


def page_of(report: Report) -> str:
    page = report.render("html")
    assert isinstance(page, str)
    return page


def model_of(report: Report) -> dict[str, Any]:
    """The data as the page's script reads it: out of the page."""
    [model] = models_of(page_of(report))
    return model


# --- the page --------------------------------------------------------------------------------------------------------


def named(name: str) -> Report:
    """The report on a log, or on a model with hostile names."""
    return with_names(report_on("keras216_reference"), HOSTILE) if name == "hostile" else report_on(name)


@pytest.mark.parametrize("name", [*NAMES, "hostile"])
def test_the_page_is_html(name: str) -> None:
    page = page_of(named(name))
    reader = read(page)
    assert page.startswith("<!DOCTYPE html>")
    assert [tag for tag, _ in reader.tags].count("h1") == 1
    assert {tag for tag, _ in reader.tags} <= {
        *("html", "head", "meta", "title", "style", "body", "a", "header", "h1", "h2", "h3", "dl", "div", "dt", "dd"),
        *("ul", "li", "svg", "path", "circle", "text", "b", "span", "aside", "form", "label", "input", "section"),
        *("button", "p", "details", "summary", "code", "kbd", "footer", "main", "noscript", "script", "nav", "pre"),
    }
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    # What HTML allows in no text: control characters.
    assert not [character for character in page if ord(character) < 32 and character != "\n"]


def test_the_page_asks_for_nothing() -> None:
    reader = read(page_of(report_on("keras216_reference")))
    [policy] = [attributes["content"] for tag, attributes in reader.tags if attributes.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    for tag, attributes in reader.tags:
        assert not {"src", "srcset", "action", "data"} & set(attributes), tag
        assert (attributes.get("href") or "#").startswith("#")


def test_findings_can_be_read_without_the_script() -> None:
    report = report_on("keras216_reference")
    texts = [text for tag, found in read(page_of(report)).texts.items() if tag != "script" for text in found]
    for finding in report.findings:
        assert finding.message in texts
        assert f" {finding.fix}" in texts
        assert finding.code in texts


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("keras216_reference", "artifact, made by Keras · 8 edges"),
        ("tf22_graph_reference", "missing, made by TensorBoard · 27 edges, of TensorBoard's conceptual graph"),
        ("k3_raw_ops_conceptual", "missing, made by TensorBoard · 5 edges, of TensorBoard's conceptual graph"),
    ],
)
def test_edges_that_the_legend_does_not_count_say_whose_they_are(name: str, said: str) -> None:
    assert said in read(page_of(report_on(name))).texts["span"]


def test_many_findings_of_a_code_are_folded() -> None:
    document = report_on("keras216_reference").to_dict()
    document["findings"] = [{**document["findings"][0], "message": f"number {place}"} for place in range(9)]
    page = page_of(from_dict(document))
    assert "5 more of GD101" in page
    assert all(f"number {place}" in page for place in range(9))


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_report_gives_the_same_page(name: str) -> None:
    """All but the repaired graph, which is made from the source."""
    pages = {"live": page_of(report_on(name)), "saved": page_of(from_dict(report_on(name).to_dict()))}
    models = {}
    for which, page in pages.items():
        [models[which]] = models_of(page)
        repaired = json.dumps(models[which].pop("repaired"), separators=(",", ":"))
        pages[which] = page.replace(
            repaired.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"), ""
        )
    assert models["saved"] == models["live"]
    assert pages["saved"] == pages["live"]


def test_the_repaired_graph_is_in_the_page_where_it_can_be_made() -> None:
    report = report_on("keras216_reference")
    repaired = model_of(report)["repaired"]
    layers = model_of(report)["layers"]
    boxes = [repaired["labels"][row] for row in repaired["of_layer"]]
    assert boxes == layers["names"]
    # An op of a layer is drawn within the layer's box.
    owners = model_of(report)["ops"]["owners"]
    within = [(owner, _around(repaired, row)) for owner, row in zip(owners, repaired["of_op"], strict=True) if row >= 0]
    owned = [(owner, around) for owner, around in within if owner >= 0]
    assert len(owned) > 700
    moved = [owner for owner, around in owned if repaired["of_layer"][owner] not in around]
    # All but the learning phase and what is made of it, which was in the first box.
    assert {layers["names"][owner] for owner in moved} <= {"batchnorm_0_0"}
    assert len(moved) < 5
    assert "SOURCE" in model_of(from_dict(report.to_dict()))["repaired"]["why"]
    assert "no layer graph" in model_of(report_on("tf110_mnist_171"))["repaired"]["why"]
    assert model_of(report_on("k3_reference_callback"))["repaired"] is None


def _around(drawn: dict[str, Any], row: int) -> set[int]:
    """A row and all boxes around it."""
    found = set()
    while row >= 0:
        found.add(row)
        row = drawn["parents"][row]
    return found


def test_the_look() -> None:
    data = page_data([report_on("keras216_reference")], PictureStyle(Direction.LR, show_shapes=True))
    assert (data["rankdir"], data["shapes"]) == ("LR", True)


# --- the data --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_layers_and_edges(name: str) -> None:
    report, model = report_on(name), model_of(report_on(name))
    layers = model["layers"]
    edges = layers["edges"]
    other = "op_graph" if report.layer_graph else "scopes"
    assert [
        (layers["names"][source], layers["names"][target], STATUSES[status].id, bool(in_model), op_edges, carried)
        for source, target, status, in_model, op_edges, carried in zip(
            edges["source"],
            edges["target"],
            edges["status"],
            edges["in_model"],
            edges["op_edges"],
            (edges["carried"][number] for number in edges["carries"]),
            strict=True,
        )
    ] == [
        (
            edge.source,
            edge.target,
            edge.verdict.value if edge.verdict else "model" if edge.in_model else other,
            edge.in_model,
            edge.op_edges,
            ", ".join(edge.carries),
        )
        for edge in report.edges
    ]
    if report.layer_graph is not None:
        inside = {
            layers["names"][row]: layers["names"][parent] for row, parent in enumerate(layers["parents"]) if parent >= 0
        }
        nodes = {**report.layer_graph.layers, **report.layer_graph.nested}
        assert inside == {id_: "/".join(node.path) for id_, node in nodes.items() if node.path}


@pytest.mark.parametrize("name", NAMES)
def test_boxes_and_arrows(name: str) -> None:
    drawn, found = report_on(name).drawn_graph, model_of(report_on(name))["drawn"]
    assert (found is None) == (drawn is None)
    if drawn is None:
        return
    names = full_names(found)
    assert names[1:] == list(drawn.names)[1 : len(drawn)]
    edges = found["edges"]
    arrows = {
        (names[source], names[target]): (regular, control, bool(left))
        for source, target, regular, control, left in zip(
            edges["source"], edges["target"], edges["regular"], edges["control"], edges["left"], strict=True
        )
    }
    shown_at_root = set(drawn.root.core_edges)
    for parent in drawn.names[: len(drawn)]:
        for edge in drawn.edges(parent):
            left = parent != "__root__" or (edge.source, edge.target) in shown_at_root
            if edge.source in drawn and edge.target in drawn:
                assert arrows.pop((edge.source, edge.target)) == (edge.regular, edge.control, left)
    assert arrows == {}


def full_names(drawn: dict[str, Any]) -> list[str]:
    """As the page's script puts them together."""
    whole = set(drawn["whole"])
    names: dict[int, str] = {}

    def name(row: int) -> str:
        around = drawn["parents"][row]
        while around >= 0 and drawn["types"][around] == 2:
            around = drawn["parents"][around]
        if row in whole or around < 0 or around == drawn["root"]:
            return str(drawn["labels"][row])
        if around not in names:
            names[around] = name(around)
        return f"{names[around]}/{drawn['labels'][row]}"

    return [name(row) for row in range(len(drawn["labels"]))]


@pytest.mark.parametrize("name", NAMES)
def test_ops_and_crossings(name: str) -> None:
    report, model = report_on(name), model_of(report_on(name))
    graph, ops = report.op_graph, model["ops"]
    assert (graph is None) == (ops is None)
    if graph is None:
        return
    boxes = full_names(model["drawn"]) if model["drawn"] else []
    names = [label or boxes[row] for label, row in zip(ops["names"], ops["drawn"], strict=True)]
    assert names == list(graph.names)
    assert [ops["type_names"][number] for number in ops["types"]] == list(graph.types)
    layers = model["layers"]["names"] if model["layers"] else []
    if report.layer_graph is not None:
        owners = [layers[owner] if owner >= 0 else None for owner in ops["owners"]]
        assert owners == [report.owner(op) for op in graph.names]
    differing = {(edge.source, edge.target) for edge in report.edges if edge.verdict and edge.op_edges}
    crossed = {
        (layers[model["layers"]["edges"]["source"][row]], layers[model["layers"]["edges"]["target"][row]])
        for row in model["crossings"]["edge"]
    }
    assert differing <= crossed


def test_what_a_finding_marks() -> None:
    report, model = report_on("keras216_reference"), model_of(report_on("keras216_reference"))
    finding = model["findings"][0]
    edges, names = model["layers"]["edges"], model["layers"]["names"]
    marked = [(names[edges["source"][row]], names[edges["target"][row]]) for row in finding["edges"]]
    assert marked == list(report.findings[0].edges)
    assert len(marked) == 8
    boxes = full_names(model["drawn"])
    assert [boxes[row] for row in finding["boxes"]] == ["batchnorm_0_0/keras_learning_phase"]


def test_the_page_grows_with_the_graph() -> None:
    report = large_report()
    assert report.layer_graph is not None
    assert len(report.layer_graph.edges) > 880
    model = model_of(report)
    assert len(json.dumps(model)) < 250 * len(report.layer_graph.edges)


# --- in notebooks ----------------------------------------------------------------------------------------------------


IMAGE = re.compile('<img alt="The layer graph" src="data:image/svg[+]xml;base64,([^"]*)">')


@pytest.mark.parametrize("name", ["keras216_reference", "hostile"])
def test_a_notebook_shows_the_layer_graph(name: str) -> None:
    report = named(name)
    [coded] = IMAGE.findall(report._repr_html_())
    assert base64.b64decode(coded).decode() == report.render("svg")


def test_a_notebook_shows_no_picture_that_cannot_be_read() -> None:
    assert not IMAGE.search(large_report()._repr_html_())


def test_a_notebook_shows_the_words_without_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    fragment = report_on("keras216_reference")._repr_html_()
    assert not IMAGE.search(fragment)
    assert "GD101" in fragment


@pytest.mark.parametrize("name", [*NAMES, "hostile"])
def test_a_notebook_shows_the_words(name: str) -> None:
    report = named(name)
    fragment = report._repr_html_()
    reader = read(fragment)
    assert {tag for tag, _ in reader.tags} <= {
        *("div", "style", "p", "ul", "li", "h3", "span", "b", "details", "summary", "code", "img", "pre")
    }
    assert len(IMAGE.sub("", fragment)) < 60_000
    for finding in report.findings[:2]:
        assert finding.code in reader.texts["span"]


def test_show_opens_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    report = report_on("keras216_reference")
    path = report.show()
    try:
        assert opened == [path.as_uri()]
        assert path.read_text(encoding="utf-8") == page_of(report)
    finally:
        path.unlink()


# --- the package -----------------------------------------------------------------------------------------------------


def test_graphviz_comes_with_its_licenses() -> None:
    folder = Path(ROOT, "graphdiag", "render", "html", "static", "viz")
    notice = (folder / "README.md").read_text(encoding="utf-8")
    code = (folder / "viz-global.js").read_bytes()
    assert hashlib.sha256(code).hexdigest() in notice
    assert b"Viz.js 3.31.0" in code[:200]
    assert {file.name for file in folder.iterdir()} >= {"LICENSE", "LICENSE.graphviz", "LICENSE.expat"}


def test_the_modules_become_one_script() -> None:
    [script] = [text for text in read(page_of(report_on("keras216_reference"))).texts["script"] if "use strict" in text]
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
    declared = re.findall(r"^(?:const|let|class|function|async function) (\w+)", script, re.MULTILINE)
    assert {"fold", "Model", "byId", "Layouter", "Picture", "Details", "App"} <= set(declared)
    assert len(declared) == len(set(declared))


def test_layers_say_where_they_are_made() -> None:
    report = replace(report_on("keras216_reference"), locations={"dense_0": ("model.py", 12)})
    layers = model_of(report)["layers"]
    assert layers["lines"] == {str(layers["names"].index("dense_0")): "model.py, line 12"}
