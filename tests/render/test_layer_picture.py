"""The layer graph with the diff drawn on it: what is in the picture, and that nothing breaks it."""

from __future__ import annotations

import os
import re
import stat
import struct
import sys
import zlib
from dataclasses import replace
from xml.etree import ElementTree

import pydot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdiag.diagnosis.finding import Verdict
from graphdiag.errors import ProgramError
from graphdiag.picture_style import STANDARD, Direction, PictureStyle
from graphdiag.render.pictures import graphviz
from graphdiag.render.pictures.layers import ARTIFACT, HIDDEN, MISSING, MODEL, describe
from graphdiag.results.document import to_json
from tests.conftest import ROOT
from tests.support.graph_text import LOGS
from tests.support.hostile import HOSTILE
from tests.support.layers import layer_graph
from tests.support.reports import report_of, report_on

SVG = "{http://www.w3.org/2000/svg}"


def svg_of(name, look=STANDARD):
    return ElementTree.fromstring(report_on(name).render("svg", look))


def groups(svg, *classes):
    """The groups that have all these classes, without the legend's."""
    found = [group for group in svg.iter(f"{SVG}g") if {*classes} <= {*group.get("class", "").split()}]
    return [group for group in found if "legend" not in group.get("class")]


def texts(element):
    return ["".join(text.itertext()) for text in element.iter(f"{SVG}text")]


def strokes(group):
    """Of the line itself: its arrowhead is drawn by polygons and polylines."""
    return [(line.get("stroke"), line.get("stroke-dasharray")) for line in group.iter(f"{SVG}path")]


def size_of_png(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert data[12:16] == b"IHDR"
    assert data[-8:-4] == b"IEND"
    return struct.unpack(">II", data[16:24])


def test_the_reference_model():
    svg = svg_of("keras216_reference")
    assert len(groups(svg, "node", "layer")) == 28
    assert len(groups(svg, "edge", "model")) == 27
    artifacts = groups(svg, "edge", "artifact")
    assert len(artifacts) == 8
    assert {stroke for line in artifacts for stroke in strokes(line)} == {(ARTIFACT.color, "5,2")}
    assert {dash for line in groups(svg, "edge", "model") for _, dash in strokes(line)} == {None}
    written = texts(svg)
    assert written[0].startswith("8 drawn layer edges are not in your model.")
    assert {"27 in your model: Keras", "8 artifact (GD101): drawn,", "and proved that no"} <= {*written}
    titles = [line.findtext(f"{SVG}title") for line in artifacts]
    assert "batchnorm_0_0 -> dropout_0: artifact; carries flag; 3 op edges; GD101" in titles


def test_artifacts_move_no_layer():
    """A layer stands where it stands without them."""
    [graph] = pydot.graph_from_dot_data(report_on("keras216_reference").render("dot"))
    lines = [line for line in graph.get_edges() if line.get("class") == '"artifact"']
    assert len(lines) == 8
    assert {line.get("constraint") for line in lines} == {"false"}


def test_statuses_can_be_told_apart_without_color():
    marks = [MODEL, ARTIFACT, HIDDEN, MISSING]
    for aspect in ("color", "stroke", "arrowhead", "word"):
        assert len({getattr(mark, aspect) for mark in marks}) == len(marks)


@pytest.mark.parametrize("mark", [MODEL, ARTIFACT, HIDDEN, MISSING])
def test_contrast(mark):
    """At least 4.5 to white, which WCAG 2.1 asks of text."""
    parts = [int(mark.color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    assert 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05) >= 4.5


def test_hidden_edges_are_thick():
    svg = svg_of("keras216_hidden_tensor")
    [line] = groups(svg, "edge", "hidden")
    assert strokes(line) == [(HIDDEN.color, None)]
    widths = {group: float(next(group.iter(f"{SVG}path")).get("stroke-width")) for group in groups(svg, "edge")}
    assert all(widths[line] > 2 * width for group, width in widths.items() if group is not line)
    assert len(groups(svg, "edge", "artifact")) == 1
    assert "1 hidden (GD301):" in texts(svg)


def test_missing_edges_are_dotted():
    svg = svg_of("tf22_graph_reference")
    missing = groups(svg, "edge", "missing")
    assert len(missing) == 27
    assert {stroke for line in missing for stroke in strokes(line)} == {(MISSING.color, "1,5")}
    assert not groups(svg, "edge", "model")


def test_shapes_and_classes():
    box = next(box for box in groups(svg_of("keras216_reference"), "layer") if "pt_cloud_0" in texts(box))
    assert texts(box) == ["pt_cloud_0", "InputLayer"]
    shown = svg_of("keras216_reference", PictureStyle(show_shapes=True))
    box = next(box for box in groups(shown, "layer") if "pt_cloud_0" in texts(box))
    assert texts(box) == ["pt_cloud_0", "InputLayer", "(None, None, 39)"]


def test_rankdir():
    def size(rankdir):
        svg = svg_of("keras216_vgg_bn", PictureStyle(Direction(rankdir)))
        return float(svg.get("width").removesuffix("pt")), float(svg.get("height").removesuffix("pt"))

    for rankdir in ("TB", "BT"):
        width, height = size(rankdir)
        assert height > 2 * width
    for rankdir in ("LR", "RL"):
        width, height = size(rankdir)
        assert width > 2 * height


def test_nested_models_are_clusters():
    picture = describe(report_on("keras216_sequential_in_sequential"), STANDARD)
    [cluster] = picture.clusters
    [nested] = report_on("keras216_sequential_in_sequential").layer_graph.nested.values()
    assert cluster.title.startswith(f"{nested.name}: Sequential")
    inside = {box.key for box in cluster.boxes}
    assert inside == {id_ for id_ in (box.key for box in picture.all_boxes()) if id_.startswith(f"{nested.id}/")}
    assert inside
    svg = svg_of("keras216_sequential_in_sequential")
    [frame] = groups(svg, "cluster", "nested")
    assert texts(frame) == [cluster.title]


def test_shared_layers_and_models_say_how_often_they_are_called():
    titles = [cluster.title for cluster in describe(report_on("keras216_nested_name_collides"), STANDARD).clusters]
    assert titles == ["enc: Model, 2 calls", "enc_1: Model, 2 calls"]
    boxes = {box.key: box.rows for box in describe(report_on("keras216_names_collide_explicit"), STANDARD).boxes}
    assert boxes["dense"] == ("dense", "Dense, 3 calls")


def test_owners_that_are_no_layers():
    boxes = {box.key: box for box in describe(report_on("keras216_untracked_layer"), STANDARD).boxes}
    assert boxes["wrap/secret"].rows == ("wrap/secret", "no layer of the model")
    [cluster] = describe(report_on("tf22_tb3118"), STANDARD).clusters
    assert cluster.boxes[-1].rows == ("sequential", "ops of the nested model itself")


def test_without_a_layer_graph_boxes_are_scopes():
    picture = describe(report_on("tf110_series_scoped"), STANDARD)
    assert {"hidden_0", "hidden_6"} <= {box.key for box in picture.boxes}
    # A box that holds a variable and nothing else is no layer.
    assert "w0" not in {box.key for box in picture.boxes}
    assert {line.mark.word for line in picture.lines} == {"scopes"}
    assert all(line.leads for line in picture.lines)


def test_many_artifacts_end_in_tags():
    names = [f"layer_{number}" for number in range(60)]
    report = report_of(names, [None] * 59 + [Verdict.ARTIFACT])
    edge = report.edges[-1]
    extra = [edge.__class__("layer_0", name, False, 1, ("flag",), Verdict.ARTIFACT) for name in names[2:]]
    report.__dict__["edges"] = (*report.edges, *extra)
    svg = ElementTree.fromstring(report.render("svg"))
    assert len(groups(svg, "edge", "artifact")) == 59
    assert texts(svg).count("from layer_0") == 58
    assert "to 58 others" in texts(svg)


def test_svg_is_inert():
    text = report_of(HOSTILE).render("svg")
    svg = ElementTree.fromstring(text)
    assert {element.tag.removeprefix(SVG) for element in svg.iter()} <= {
        *("svg", "g", "title", "polygon", "polyline", "path", "text"),
    }
    assert not [name for element in svg.iter() for name in element.attrib if "href" in name or name.startswith("on")]
    assert "<!DOCTYPE" not in text


def test_hostile_names_are_shown_as_they_are():
    svg = ElementTree.fromstring(report_of(HOSTILE).render("svg"))
    boxes = groups(svg, "layer")
    shown = dict(zip(HOSTILE, (texts(box)[0] for box in boxes), strict=True))
    for name in (
        "<script>alert(1)</script>",
        "\"quoted\" 'twice'",
        "a|b{c}<d>",
        "scope::name",
        "&lt;&amp;",
        "back\\slash\\N\\l",
    ):
        assert shown[name] == name
    assert shown["line\nfeed\r\ttab"] == "line\\nfeed\\r\\ttab"
    assert shown["bell\x07\x00\x1b[31m"] == "bell\\x07\\x00\\x1b[31m"
    assert shown["n" * 300] == "n" * 20 + "…" + "n" * 19
    titles = dict(zip(HOSTILE, (box.findtext(f"{SVG}title") for box in boxes), strict=True))
    assert titles["n" * 300] == "n" * 300 + ": Dense"
    assert titles["back\\slash\\N\\l"] == "back\\slash\\N\\l: Dense"
    assert size_of_png(report_of(HOSTILE).render("png")) > (100, 100)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.text(st.characters(), max_size=12) | st.sampled_from(HOSTILE), min_size=1, max_size=5, unique=True),
    st.sampled_from(Direction),
)
def test_any_names(names, rankdir):
    report = report_of(names, [Verdict.HIDDEN] * len(names))
    svg = ElementTree.fromstring(report.render("svg", PictureStyle(rankdir)))
    boxes = groups(svg, "layer")
    assert len(boxes) == len(names)
    assert len(groups(svg, "edge", "hidden")) == len(names)
    for name, box in zip(names, boxes, strict=True):
        if name.isprintable():
            assert box.findtext(f"{SVG}title") == f"{name}: Dense"


def test_a_name_of_a_hundred_thousand_characters():
    svg = ElementTree.fromstring(report_of(["long" * 25_000, "short"]).render("svg"))
    assert len(groups(svg, "layer")) == 2


def test_png():
    data = report_on("keras216_reference").render("png")
    width, height = size_of_png(data)
    assert 1000 < width < 4000
    assert 1000 < height < 4000
    pixels = b"".join(
        data[at + 8 : at + 8 + length] for at, length, kind in chunks_of_png(data) if kind == b"IDAT" and length
    )
    # cairo leaves out the alpha channel of a picture that is opaque up to its borders, which depends on the fonts.
    channels = {2: 3, 6: 4}[data[25]]
    assert len(zlib.decompress(pixels)) == height * (1 + channels * width)


def chunks_of_png(data):
    at = 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        yield at, length, kind
        at += 12 + length


def test_a_png_of_a_very_large_graph_is_scaled_down():
    width, height = size_of_png(report_of([f"layer_{number}" for number in range(900)]).render("png"))
    assert 20_000 < height <= 32_000
    assert width * height <= 80_000_000


def test_pdf():
    def page(report):
        data = report.render("pdf")
        assert data.startswith(b"%PDF-")
        assert data.rstrip().endswith(b"%%EOF")
        objects = [data, *inflated(data)]
        [box] = {found[1] for part in objects for found in re.finditer(rb"/MediaBox\s*\[([^]]*)\]", part)}
        return [float(number) for number in box.split()][2:]

    assert 400 < page(report_on("keras216_reference"))[0] < 2000
    # The largest page that the format allows has 14,400 points.
    assert 14_000 < page(report_of([f"layer_{number}" for number in range(900)]))[1] <= 14_400


def inflated(data):
    for found in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL):
        try:
            yield zlib.decompress(found[1])
        except zlib.error:
            continue


def test_loose_boxes_stand_in_rows():
    chain = report_of(["x", "a"], [None, None])
    loose = [f"loose_{number}" for number in range(40)]
    report = replace(chain, layer_graph=layer_graph([("x", "a")], apart=loose), edges=chain.edges[:1])
    picture = describe(report, STANDARD)
    joined = {end for line in picture.lines for end in (line.source, line.target)}
    assert {box.key for box in picture.boxes} - joined == set(loose)
    places = {}
    for box in groups(ElementTree.fromstring(report.render("svg")), "layer"):
        places[texts(box)[0]] = float(next(box.iter(f"{SVG}text")).get("y"))
    assert len({place for name, place in places.items() if name not in joined}) > 1


def test_a_saved_report_gives_the_same_pictures(graphdiag, tmp_path):
    report = report_on("keras216_hidden_tensor")
    (tmp_path / "saved.json").write_text(to_json(report), encoding="utf-8")
    outputs = {format_: tmp_path / f"picture.{format_}" for format_ in ("svg", "png", "dot", "pdf")}
    options = [word for pair in outputs.items() for word in ("--format", pair[0], "-o", pair[1])]
    done = graphdiag("convert", tmp_path / "saved.json", "--rankdir", "LR", "--show-shapes", *options)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    look = PictureStyle(Direction.LR, show_shapes=True)
    assert outputs["svg"].read_text(encoding="utf-8") == report.render("svg", look)
    assert outputs["dot"].read_text(encoding="utf-8") == report.render("dot", look)
    assert outputs["png"].read_bytes() == report.render("png", look)
    assert outputs["pdf"].read_bytes().startswith(b"%PDF-")


REFERENCE = [LOGS / "keras216_reference", "--model", LOGS / "keras216_reference" / "model.json"]


@pytest.mark.parametrize("format_", ["svg", "png", "pdf"])
def test_without_graphviz(graphdiag, tmp_path, monkeypatch, format_):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    out = tmp_path / "out"
    done = graphdiag("compare", *REFERENCE, "--format", format_, "-o", out, "--format", "json", "-o", tmp_path / "json")
    assert done.returncode == 2
    assert done.stderr == (
        "graphdiag: Graphviz is not installed: its program dot draws svg, png and pdf. Install it (apt install "
        "graphviz, brew install graphviz), or take --format dot, which needs no program.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_dot_needs_no_graphviz(graphdiag, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = graphdiag("compare", *REFERENCE, "--format", "dot", "--rankdir", "LR")
    assert done.returncode == 0
    [graph] = pydot.graph_from_dot_data(done.stdout)
    assert graph.get("rankdir") == "LR"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("kill -SEGV $$", "it ended with status -11"),
        ("echo 'Warning: this' >&2; echo 'Error: lost b4 b5 edge' >&2; exit 1", "Error: lost b4 b5 edge"),
        ("exit 0", "it ended with status 0"),
    ],
)
def test_a_dot_that_fails(graphdiag, tmp_path, monkeypatch, script, why):
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "dot").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (programs / "dot").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    done = graphdiag("compare", *REFERENCE, "--format", "svg", "-o", tmp_path / "out.svg")
    assert done.returncode == 2
    assert done.stderr == (
        f"graphdiag: Graphviz's dot cannot draw the picture: {why}. Take --format dot to see what it was given.\n"
    )
    assert not (tmp_path / "out.svg").exists()


def test_a_dot_that_cannot_be_started(graphdiag, tmp_path, monkeypatch):
    (tmp_path / "dot").write_bytes(b"\x7fELF")
    (tmp_path / "dot").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    done = graphdiag("compare", *REFERENCE, "--format", "svg")
    assert done.returncode == 2
    assert done.stderr == f"graphdiag: {tmp_path / 'dot'} cannot be run: Exec format error.\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of another process")
def test_a_picture_that_takes_more_memory_than_it_may(monkeypatch):
    monkeypatch.setattr(graphviz, "_MEMORY", 256 * 2**20)
    # A layer that each later one reads.
    edges = "".join(f"b{number - 1} -> b{number}; b0 -> b{number};\n" for number in range(2, 2000))
    with pytest.raises(ProgramError, match=r"takes more than 256 MiB of memory: the graph .* Take --format html"):
        graphviz.to_svg(f"digraph {{ {edges} }}", "", {})


def test_pictures_of_the_documentation():
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for picture in re.findall(r"!\[[^]]+\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            if picture == "architecture.svg":
                # It is made when the site is built, from the import contracts.
                continue
            assert 0 < (page.parent / picture).stat().st_size < 300_000


def test_text_reports_do_not_import_pydot(run_python):
    script = """
        import sys
        from graphdiag import compare
        compare("fixtures/logs/keras216_constant_at_root").render("text")
        print("pydot" in sys.modules)
    """
    assert run_python("\n".join(line.strip() for line in script.splitlines())) == "False\n"
