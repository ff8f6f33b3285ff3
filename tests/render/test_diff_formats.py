"""A diff in every format, with names of every kind."""

from __future__ import annotations

import io
import json
import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import networkx as nx
import pytest

from graphdiag.errors import UsageError
from graphdiag.modeldiff.differ import diff
from graphdiag.picture_style import PictureStyle
from graphdiag.render.ci.markdown import LIMIT
from graphdiag.render.data.diff_graph import to_networkx
from graphdiag.render.pictures.diff import describe
from graphdiag.render.registry import Format, formats_of, render
from tests.modeldiff.models import snapshot

HOSTILE = '<script>alert(1)</script>|`"\n\x1b[31m\u202e::' + "x" * 300


def example():
    old = snapshot("in InputLayer", "a Dense < in", "gone Dropout < a", "b Dense(4) < gone, in", "out Dense(3) < b")
    new = snapshot("in InputLayer", "a Dense < in", "came Flatten(9) < in", "b Dense(5) < a", "out Dense(3) < b, came")
    rename = replace(new.layers["a"], id=HOSTILE)
    layers = {**{HOSTILE if id_ == "a" else id_: layer for id_, layer in new.layers.items()}, HOSTILE: rename}
    layers["b"] = replace(layers["b"], sources=(HOSTILE,))
    return replace(diff(old, replace(new, layers=layers)), titles=("old.json", "new|.json"))


def written(format_, found=None):
    return render(found or example(), format_, PictureStyle())


def test_a_large_difference_stays_below_the_limit_of_comments():
    names = [f"{'`@x|' * 70}{number}" for number in range(200)]
    old = snapshot("in InputLayer", *[f"{name} Dense < in" for name in names])
    new = snapshot("in InputLayer", *[f"{name} Conv1D < in" for name in names])
    found = diff(old, new)
    assert len(found.changes) == 200
    assert len(written(Format.MARKDOWN, found).encode()) < LIMIT
    assert len(written(Format.TEXT, found).splitlines()) < 150
    assert written(Format.JSON, found).count("layer-changed") == 200


def test_text_has_a_line_for_each_change():
    text = written(Format.TEXT)
    assert text.splitlines()[0].startswith("1 layer added, 1 layer removed, 1 layer renamed")
    assert "\x1b" not in text
    assert "edge in -> b removed" in text


def test_markdown_lets_no_name_out():
    text = written(Format.MARKDOWN)
    assert text.startswith("### graphdiag\n")
    outside = re.sub(r"(`+).*?\1", "", text)
    assert "script" not in outside
    assert "**layers**" in text


def test_the_page_is_whole_and_asks_for_nothing():
    class Page(HTMLParser):
        def __init__(self):
            super().__init__()
            self.tags, self.words = [], []

        def handle_starttag(self, tag, attributes):
            self.tags.append(tag)
            assert not {"src", "href", "onclick", "onload"} & {name for name, _ in attributes}, (tag, attributes)

        def handle_data(self, data):
            self.words.append(data)

    page = Page()
    page.feed(written(Format.HTML))
    assert "script" not in page.tags
    assert "svg" in page.tags
    assert {"h1", "table", "section"} <= set(page.tags)
    assert any("<script>alert(1)</script>" in words for words in page.words)
    assert "1 layer added, 1 layer removed, 1 layer renamed" in "".join(page.words)


def test_without_graphviz_the_page_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "")
    page = written(Format.HTML)
    assert "<svg" not in page
    assert "Graphviz" in page


def test_the_picture_has_both_graphs():
    picture = describe(example(), PictureStyle(show_shapes=True))
    marks = {box.key: box.mark.word for box in picture.all_boxes()}
    assert marks == {
        "new:in": "same",
        f"new:{HOSTILE}": "changed",
        "new:came": "came",
        "new:b": "changed",
        "new:out": "same",
        "old:gone": "went",
    }
    lines = {(line.source, line.target): line.mark.word for line in picture.lines}
    assert lines["old:gone", "new:b"] == "went"
    assert lines["new:in", "new:b"] == "went"
    assert lines[f"new:{HOSTILE}", "new:b"] == "came"
    assert lines["new:b", "new:out"] == "same"
    assert [entry.text for entry in picture.legend][:4] == [
        "2 layers: the same",
        "1 layer: came",
        "1 layer: went",
        "2 layers: changed",
    ]
    assert any("(None, 9)" in box.rows for box in picture.all_boxes())


def test_nested_models_are_frames():
    lines = ("in InputLayer", "enc/a Dense < in", "out Dense(3) < enc/a")
    old = snapshot(*lines, nested=["enc"])
    new = snapshot(
        *[line.replace("enc", "tower") for line in lines[:2]],
        "head/b Dense(7) < tower/a",
        "out Dense(3) < head/b",
        nested=["tower", "head"],
    )
    picture = describe(diff(old, new), PictureStyle())
    assert [(cluster.title, cluster.mark.word) for cluster in picture.clusters] == [
        ("tower: Functional", "same"),
        ("head: Functional", "came"),
    ]
    back = describe(diff(new, old), PictureStyle())
    assert {(cluster.title, cluster.mark.word) for cluster in back.clusters} == {
        ("enc: Functional", "same"),
        ("head", "went"),
    }


def test_swapped_inputs_stand_at_their_layer():
    layers = ("a InputLayer", "b InputLayer", "join Concatenate < a, b")
    found = diff(snapshot(*layers), snapshot(*layers[:2], "join Concatenate < b, a"))
    marked = {box.key: (box.rows, box.mark.word) for box in describe(found, PictureStyle()).boxes}
    assert marked["new:join"] == (("join", "inputs swapped", "Concatenate"), "changed")
    assert marked["new:a"][1] == "same"
    assert to_networkx(found).nodes["new:join"]["change"] == "changed"


@pytest.mark.parametrize("format_", [Format.SVG, Format.DOT, Format.PNG, Format.PDF])
def test_graphviz_takes_the_picture(format_):
    content = written(format_)
    if format_ is Format.DOT:
        content = subprocess.run(["dot", "-Tsvg"], input=content.encode(), capture_output=True, check=True).stdout
    if format_ in (Format.SVG, Format.DOT):
        assert "gone" in "".join(ElementTree.fromstring(content).itertext())
    else:
        assert content.startswith(b"%PDF" if format_ is Format.PDF else b"\x89PNG")


def test_results_name_layers_and_edges():
    sarif = json.loads(written(Format.SARIF))
    results = {result["ruleId"]: result for result in sarif["runs"][0]["results"]}
    assert set(results) == {"diff-layers", "diff-edges", "diff-settings"}
    prints = [json.dumps(result["partialFingerprints"]) for result in sarif["runs"][0]["results"]]
    assert len(prints) == len(set(prints))
    cases = {context.get("name"): context for context in ElementTree.fromstring(written(Format.JUNIT)).iter("testcase")}
    assert cases["diff-ops"].find("failure") is None
    assert cases["diff-edges"].find("failure").get("message").startswith("edge in -> b removed")
    assert written(Format.GITHUB).count("::error ") == len(example().changes)


def test_equal_graphs_in_every_format():
    same = snapshot("in InputLayer", "a Dense < in")
    for format_ in formats_of("diff"):
        content = written(format_, diff(same, same))
        assert content or format_ is Format.GITHUB
        if format_ in (Format.TEXT, Format.MARKDOWN, Format.HTML):
            assert "No difference." in content


@pytest.mark.parametrize("format_", [Format.GRAPHML_OPS, Format.NODE_LINK_DRAWN])
def test_files_of_one_graph_hold_no_diff(format_):
    with pytest.raises(UsageError, match=rf"--format {format_.value}: .*markdown"):
        written(format_)


def test_both_graphs_in_one_file():
    old = snapshot("in InputLayer", "a Dense < in", "b ReLU < a", "out Add < b, in")
    new = snapshot("in InputLayer", "a Dense < in", "c Softmax < a", "out Add < c")
    found = diff(old, new)
    graph = nx.node_link_graph(json.loads(written(Format.NODE_LINK, found)), edges="edges")
    assert nx.utils.graphs_equal(graph, to_networkx(found))
    back = nx.read_graphml(io.BytesIO(written(Format.GRAPHML, found).encode()))
    assert (
        set(back.edges(data="change"))
        == set(graph.edges(data="change"))
        == {
            ("new:in", "new:a", "same"),
            ("new:a", "new:c", "came"),
            ("new:c", "new:out", "came"),
            ("new:a", "old:b", "went"),
            ("old:b", "new:out", "went"),
            ("new:in", "new:out", "went"),
        }
    )
    assert dict(graph.nodes(data="change")) == {
        **dict.fromkeys(["new:in", "new:a", "new:out"], "same"),
        "new:c": "came",
        "old:b": "went",
    }
