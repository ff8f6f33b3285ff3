"""``graphdiag convert``: saved diffs, checks and snapshots in every format of theirs, without the models."""

from __future__ import annotations

import json
import os

import pytest

from graphdiag.render.registry import formats_of
from tests.conftest import ROOT
from tests.support.graph_text import LOGS
from tests.test_cli import assert_one_line

LOG = LOGS / "keras216_hidden_tensor"
OTHER = LOGS / "keras216_hidden_bool"
CONFIG = f"""
baseline = "accepted.json"

[[models]]
name = "gated"
source = "{os.path.relpath(LOG, ROOT)}"
model = "{os.path.relpath(LOG / "model.json", ROOT)}"

[[models]]
name = "absent"
source = "absent.pb"

[[contracts]]
name = "the gate is apart"
type = "independence"
sets = ["gate", "gated"]

[[contracts]]
name = "nothing found"
type = "no-findings"
severity = "warning"

[[contracts]]
name = "misspelt"
type = "independence"
sets = ["gat", "gated"]
"""


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """For each kind of result the command that makes it; its files lie in a directory of their own."""
    work = tmp_path_factory.mktemp("convert")
    config = work / "graphdiag.toml"
    config.write_text(CONFIG.replace('"fixtures', f'"{ROOT}/fixtures'))
    edges = {"model": "gated", "code": "GD101", "edges": [["gone", "gated"]], "reason": "as published"}
    (work / "accepted.json").write_text(json.dumps({"schema": "graphdiag.baseline/1", "accepted": [edges]}))
    return {
        "diff": ("diff", LOG, OTHER, "--old-model", LOG / "model.json", "--new-model", OTHER / "model.json"),
        "check": ("check", "--config", config),
    }


@pytest.mark.parametrize("kind", ["diff", "check"])
def test_every_format_is_as_the_command_itself_writes_it(graphdiag, commands, tmp_path, kind):
    formats = [format_.value for format_ in formats_of(kind)]
    direct, saved = tmp_path / "direct", tmp_path / "saved"
    for directory in (direct, saved):
        directory.mkdir()
    pairs = [part for name in formats for part in ("--format", name, "-o", direct / name)]
    graphdiag(*commands[kind], *pairs)
    pairs = [part for name in formats for part in ("--format", name, "-o", saved / name)]
    done = graphdiag("convert", direct / "json", *pairs)
    assert (done.returncode, done.stderr) == (0, "")
    # Graphviz writes the time into a PDF.
    for name in [name for name in formats if name != "pdf"]:
        assert (saved / name).read_bytes() == (direct / name).read_bytes(), name


def test_a_snapshot_is_shown_drawn_and_written_as_a_graph(graphdiag, tmp_path):
    golden = tmp_path / "golden.json"
    graphdiag("snapshot", LOG, "--model", LOG / "model.json", "-o", golden)
    text = graphdiag("convert", golden).stdout
    snapshot = json.loads(golden.read_text())
    sizes = f"{len(snapshot['layers'])} layers, 8 edges, {snapshot['ops']['total']} ops"
    assert text.splitlines()[0] == f"{snapshot['model']}: {sizes}"
    assert next(line.split()[:2] for line in text.splitlines() if line.startswith("gated")) == ["gated", "Lambda"]
    assert graphdiag("convert", golden, "--format", "json").stdout == golden.read_text()
    graph = json.loads(graphdiag("convert", golden, "--format", "node-link").stdout)
    assert {node["id"] for node in graph["nodes"]} == {layer["id"] for layer in snapshot["layers"]}
    edges = {(source, layer["id"]) for layer in snapshot["layers"] for source in layer.get("from", ())}
    assert {(edge["source"], edge["target"]) for edge in graph["edges"]} == edges
    assert "<svg" in graphdiag("convert", golden, "--format", "svg").stdout
    assert "<graphml" in graphdiag("convert", golden, "--format", "graphml").stdout


def test_a_format_that_the_kind_does_not_have(graphdiag, tmp_path):
    golden = tmp_path / "golden.json"
    graphdiag("snapshot", LOG, "--model", LOG / "model.json", "-o", golden)
    done = graphdiag("convert", golden, "--format", "sarif")
    assert_one_line(
        done,
        "--format sarif: not a format of a snapshot; choose from text, json, svg, png, pdf, dot, graphml, node-link.",
    )


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"schema": "graphdiag.check/2"}, "not a check report in the schema graphdiag.check/2: $: "),
        ({"schema": "graphdiag.diff/2"}, "not a diff in the schema graphdiag.diff/2: $: "),
        ({"schema": "graphdiag.snapshot/2"}, "the snapshot is damaged"),
        ({"schema": "graphdiag.check/2", "models": 3}, "$.models"),
    ],
)
def test_a_damaged_document_ends_in_one_line(graphdiag, tmp_path, document, said):
    file = tmp_path / "saved.json"
    file.write_text(json.dumps(document))
    assert_one_line(graphdiag("convert", file), said)


def test_a_diff_without_its_snapshots_says_so(graphdiag, commands, tmp_path):
    document = json.loads(graphdiag(*commands["diff"], "--format", "json").stdout)
    for side in ("old", "new"):
        del document[side]["snapshot"]
    file = tmp_path / "diff.json"
    file.write_text(json.dumps(document))
    assert_one_line(graphdiag("convert", file), "it does not hold the two snapshots")
