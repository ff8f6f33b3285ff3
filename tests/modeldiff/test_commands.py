"""`graphdiag snapshot` and `graphdiag diff` as a user meets them."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from tests.support.graph_text import FIXTURES, LOGS
from tests.test_cli import assert_one_line

LOG = LOGS / "keras216_reference"
MODEL = LOG / "model.json"


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """The reference model without its Dropout, and with a hostile name, as Keras JSON."""
    text = MODEL.read_text()
    model = json.loads(text)
    layers = model["config"]["layers"]
    model["config"]["layers"] = [layer for layer in layers if layer["name"] != "dropout_0"]
    file = tmp_path_factory.mktemp("models") / "model.json"
    file.write_text(json.dumps(model).replace('"dropout_0"', '"dense_0"').replace("batchnorm_0_1", "<b>\\n\\u202e|"))
    return file


def test_a_snapshot_is_a_source_of_diff(graphdiag, tmp_path):
    golden = tmp_path / "golden.json"
    done = graphdiag("snapshot", LOG, "--model", MODEL, "-o", golden)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert graphdiag("snapshot", LOG, "--model", MODEL).stdout == golden.read_text()
    same = graphdiag("diff", golden, LOG, "--new-model", MODEL)
    assert (same.returncode, same.stderr) == (0, "")
    assert same.stdout.splitlines()[0] == "No difference."


def test_differences_make_the_exit_status_1(graphdiag, changed):
    done = graphdiag("diff", MODEL, changed)
    assert (done.returncode, done.stderr) == (1, "")
    first, *rest = done.stdout.splitlines()
    assert first == "1 layer removed, 1 layer renamed; everything else is the same."
    assert "  dropout_0 (Dropout) removed between dense_0 and dense_1" in rest
    assert "  batchnorm_0_1 renamed <b>\\n\\u202e| (BatchNormalization)" in rest


def test_json_has_all_of_it(graphdiag, changed):
    found = json.loads(graphdiag("diff", MODEL, changed, "--format", "json").stdout)
    assert list(found) == ["schema", "equal", "old", "new", "changes", "takes", "weights", "names", "automatic_renames",
                           "not_compared", "notes"]  # fmt: skip
    assert found["schema"] == "graphdiag.diff/2"
    assert found["old"].pop("snapshot") == json.loads(graphdiag("snapshot", MODEL).stdout)
    assert found["old"] == {
        "source": str(MODEL), "model": "model_1", "graphdiag": found["new"]["graphdiag"], "stack": "Keras 2.1.6",
        "layers": 28, "edges": 27, "parameters": 1_004_085, "ops": None,
    }  # fmt: skip
    assert [change["kind"] for change in found["changes"]] == ["layer-renamed", "layers-removed"]
    assert found["changes"][1]["edges_added"] == [["dense_0", "dense_1", 0]]
    assert found["names"] == {"batchnorm_0_1": "<b>\n\u202e|"}


def test_several_formats_in_one_run(graphdiag, changed, tmp_path):
    files = {name: tmp_path / f"diff.{name}" for name in ("sarif", "junit", "github", "text", "json")}
    options = [part for name, file in files.items() for part in ("--format", name, "-o", file)]
    assert graphdiag("diff", MODEL, changed, *options).returncode == 1
    results = json.loads(files["sarif"].read_text())["runs"][0]["results"]
    assert {result["ruleId"] for result in results} == {"diff-layers"}
    assert len(results) == 2
    suite = ElementTree.parse(files["junit"]).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("6", "1")
    assert len(files["github"].read_text().splitlines()) == 2
    assert files["text"].read_text().startswith("1 layer removed, ")
    assert len(json.loads(files["json"].read_text())["changes"]) == 2


def test_a_saved_report_is_a_source_of_diff(graphdiag, tmp_path):
    report = tmp_path / "report.json"
    assert graphdiag("compare", LOG, "--model", MODEL, "--format", "json", "-o", report).returncode == 0
    assert graphdiag("diff", report, LOG, "--new-model", MODEL).returncode == 0


def test_what_was_not_compared_is_said_and_strict_makes_it_an_error(graphdiag):
    done = graphdiag("diff", MODEL, MODEL)
    assert done.returncode == 0
    assert done.stdout.startswith("No difference in what could be compared; the notes say what was not.\n")
    assert "note  Neither OLD nor NEW has an op graph, so ops were not compared." in done.stdout.splitlines()
    strict = graphdiag("diff", MODEL, MODEL, "--strict")
    assert (strict.returncode, strict.stdout) == (2, done.stdout)
    assert strict.stderr == (
        "graphdiag: --strict: not everything could be compared: Neither OLD nor NEW has an op graph, so ops were not "
        "compared.\n"
    )


def test_an_earlier_snapshot_is_read_with_notes_on_what_it_lacks(graphdiag, tmp_path):
    report = graphdiag("snapshot", LOG, "--model", MODEL).stdout
    document = json.loads(report)
    for key in ("stack", "tensors", "gives"):
        document.pop(key)
    for layer in document["layers"]:
        layer.pop("settings")
        layer.pop("takes", None)
    old = tmp_path / "golden.json"
    old.write_text(json.dumps({**document, "schema": "graphdiag.snapshot/1", "findings": []}))
    done = graphdiag("diff", old, LOG, "--new-model", MODEL)
    text = " ".join(done.stdout.split())
    assert "OLD does not record which tensors layers take" in text
    assert "OLD does not record any settings, so settings were not compared." in text


def test_ops_that_follow_are_told_on_demand(graphdiag):
    file = FIXTURES / "models" / "reference_keras3.py"
    new = ("--new-arg", "dropout_rates=(0.5, 0.3)")
    assert "--ops shows them" not in graphdiag("diff", file, file, *new).stdout
    assert graphdiag("diff", file, file, *new, "--ops").returncode == 1


def test_python_files_with_arguments(graphdiag):
    file = FIXTURES / "models" / "builder_arguments.py"
    done = graphdiag("diff", file, file, "--old-arg", "units=2", "--new-arg", "units=3", "--graph", "inference")
    assert done.returncode == 1
    assert "  dense: units 2 -> 3, output shape (None, 2) -> (None, 3), parameters 10 -> 15" in done.stdout.splitlines()


SCRIPT = """
import argparse

import keras

parser = argparse.ArgumentParser()
parser.add_argument("--width", type=int, required=True)
width = parser.parse_args().width
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(width, name="hidden")])
model.compile("sgd", "mse")
"""


def test_each_script_gets_its_command_line(graphdiag, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    done = graphdiag("diff", script, script, "--", "--width", "32", "--", "--width", "64")
    assert done.returncode == 1
    assert "  hidden: units 32 -> 64, output shape (None, 32) -> (None, 64), parameters" in done.stdout
    assert graphdiag("diff", script, script, "--", "--width", "32").returncode == 0
    # The second one is for NEW alone, whatever the first one says.
    assert_one_line(graphdiag("diff", script, script, "--", "--width", "32", "--"), "--width", "required")


def test_a_saved_model_is_loaded_for_its_side(graphdiag):
    model = FIXTURES / "files" / "k3_siamese.keras"
    loaded = graphdiag("diff", model, model, "--old-load", "--old-unsafe")
    assert (loaded.returncode, loaded.stderr) == (0, "")
    assert "OLD has no op graph" not in loaded.stdout
    assert "NEW has no op graph" in loaded.stdout
    assert_one_line(graphdiag("diff", model, model, "--old-unsafe", "--new-load"), "--unsafe")


def test_a_script_is_run_to_its_end_for_its_side(graphdiag, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT + "print('at the end')\nmodel.save('model.keras')\nprint('beyond it')\n")
    half = graphdiag("diff", MODEL, script, "--", "--width", "32", cwd=tmp_path)
    assert ("beyond it" in half.stderr, (tmp_path / "model.keras").exists()) == (False, False)
    whole = graphdiag("diff", MODEL, script, "--new-run-to-end", "--", "--width", "32", cwd=tmp_path)
    assert ("beyond it" in whole.stderr, (tmp_path / "model.keras").exists()) == (True, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["diff", MODEL, MODEL, "--new-load"], ["--load applies to a Keras file only"]),
        (["diff", "absent", MODEL], ["absent"]),
        (["diff", MODEL], ["NEW"]),
        (["diff", LOG, MODEL], ["--old-model"]),
        (["diff", MODEL, LOG], ["--new-model"]),
        (["diff", MODEL, MODEL, "--graph", "inference"], ["--graph", "Python"]),
        (["diff", MODEL, MODEL, "--old-run", "x"], ["--run"]),
        (["diff", MODEL, MODEL, "--format", "json", "--format", "text"], ["-o"]),
        (["snapshot", "absent"], ["absent"]),
        (["snapshot", LOG, "--model", "absent"], ["absent"]),
    ],
)
def test_what_cannot_be_done_ends_in_one_line(graphdiag, arguments, words):
    assert_one_line(graphdiag(*arguments), *words)


def test_damaged_and_newer_snapshots(graphdiag, tmp_path):
    golden = tmp_path / "golden.json"
    graphdiag("snapshot", MODEL, "-o", golden)
    whole = golden.read_text()
    golden.write_text(whole[: len(whole) // 2])
    assert_one_line(graphdiag("diff", golden, MODEL), str(golden), "complete JSON")
    golden.write_text(whole.replace("snapshot/2", "snapshot/3"))
    assert_one_line(graphdiag("diff", MODEL, golden), str(golden), "upgrade")
    golden.write_text(whole)
    assert_one_line(
        graphdiag("diff", golden, MODEL, "--old-model", MODEL, "--old-arg", "a=b"), "--old-model and --old-arg"
    )
