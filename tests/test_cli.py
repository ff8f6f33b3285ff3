"""The command line as a user meets it: real processes, exit status, and one clear line for every bad input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from graphdiag.results.schemas import schema
from tests.conftest import ROOT
from tests.support.graph_text import FIXTURES, LOGS

REFERENCE = LOGS / "keras216_reference"
MODEL = REFERENCE / "model.json"


def event_file(name):
    return next((LOGS / name).glob("*tfevents*"))


def assert_one_line(done, *words):
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("graphdiag: ")
    for word in words:
        assert word in line


def test_the_answer_comes_first(graphdiag):
    done = graphdiag("compare", REFERENCE, "--model", MODEL)
    assert done.returncode == 0
    assert done.stderr == ""
    answer = " ".join(done.stdout.split("\n\n")[0].split())
    assert answer.startswith("8 drawn layer edges are not in your model.")
    assert "batchnorm_0_0/keras_learning_phase" in answer
    assert "Keras made it, not your code and not TensorBoard" in answer


def test_json_is_the_documented_schema(graphdiag):
    done = graphdiag("compare", REFERENCE, "--model", MODEL, "--format", "json")
    report = json.loads(done.stdout)
    assert list(report) == [
        *("schema", "graphdiag", "source", "graphs", "findings", "summary", "notes", "rules"),
        *("layer_graph", "locations", "edges", "op_graph", "drawn_graph"),
    ]
    Draft202012Validator(json.loads(schema("report"))).validate(report)
    assert report["schema"] == "graphdiag.report/2"
    assert list(report["source"]) == ["path", "kind", "run", "tag", "stack"]
    assert report["graphs"] == {"layers": {"nodes": 28, "edges": 27}, "ops": {"nodes": 1285, "edges": 1651}}
    assert report["summary"] == {"artifact": 8, "hidden": 0, "missing": 0}
    finding = next(finding for finding in report["findings"] if finding["code"] == "GD101")
    assert (finding["rule"], finding["verdict"], finding["blame"]) == ("shared-learning-phase", "artifact", "keras")
    assert ["batchnorm_0_0", "dropout_0"] in finding["edges"]
    assert {evidence["from"] for evidence in finding["evidence"]} == {"batchnorm_0_0/keras_learning_phase"}


def test_the_same_input_gives_the_same_bytes(graphdiag):
    runs = {graphdiag("compare", REFERENCE, "--model", MODEL, "--format", "json").stdout for _ in range(2)}
    assert len(runs) == 1


def test_a_pipe_gets_no_color_and_no_trailing_blanks(graphdiag):
    done = graphdiag("compare", REFERENCE, "--model", MODEL)
    assert "\x1b" not in done.stdout
    assert all(line == line.rstrip() and len(line) <= 100 for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("log", "verdict", "status"),
    [
        ("keras216_reference", "artifact", 1),
        ("keras216_reference", "hidden", 0),
        ("keras216_reference", "any", 1),
        ("keras216_hidden_tensor", "hidden", 1),
        ("k3_reference_training", "any", 0),
        ("tf22_graph_reference", "missing", 1),
    ],
)
def test_fail_on(graphdiag, log, verdict, status):
    done = graphdiag("compare", LOGS / log, "--model", LOGS / log / "model.json", "--fail-on", verdict)
    assert done.returncode == status


def test_output_is_written_whole(graphdiag, tmp_path):
    target = tmp_path / "report.json"
    done = graphdiag("compare", REFERENCE, "--format", "json", "-o", target)
    assert done.returncode == 0
    assert done.stdout == ""
    assert json.loads(target.read_text())["schema"] == "graphdiag.report/2"
    assert list(tmp_path.iterdir()) == [target]


def test_output_replaces_a_file_only_when_it_is_whole(graphdiag, tmp_path):
    target = tmp_path / "report.txt"
    target.write_text("old")
    mode = target.stat().st_mode
    assert graphdiag("compare", tmp_path / "absent", "-o", target).returncode == 2
    assert target.read_text() == "old"
    assert graphdiag("compare", REFERENCE, "-o", target).returncode == 0
    assert "GD101" in target.read_text()
    assert target.stat().st_mode == mode


def test_output_to_a_device(graphdiag):
    assert graphdiag("compare", REFERENCE, "-o", os.devnull).returncode == 0
    assert not Path(os.devnull).is_file()


def test_output_to_a_directory(graphdiag, tmp_path):
    assert_one_line(graphdiag("compare", REFERENCE, "-o", tmp_path), str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    command = [sys.executable, "-m", "graphdiag", "compare", str(REFERENCE), "--format", "json", "--fail-on", "any"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_disk_that_is_full_behind_standard_output(format_):
    command = [sys.executable, "-m", "graphdiag", "compare", str(MODEL), "--format", format_]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == (
        "graphdiag: standard output: cannot be written: No space left on device; give a file with -o.\n"
    )
    assert done.returncode == 2


@pytest.mark.parametrize("format_", ["html", "dot", "graphml"])
def test_a_document_on_standard_output_is_the_file_that_o_writes(tmp_path, format_):
    model = json.loads((FIXTURES / "files" / "k3_sequential.json").read_text(encoding="utf-8"))
    model["config"]["layers"][1]["config"]["name"] = "d\xe9\u2713"
    (tmp_path / "model.json").write_text(json.dumps(model), encoding="utf-8")
    command = [sys.executable, "-m", "graphdiag", "compare", "model.json", "--format", format_]
    latin = dict(os.environ, PYTHONIOENCODING="latin-1", PYTHONPATH=str(ROOT))
    done = subprocess.run(
        [*command, "-o", "file", "--format", format_, "-o", "-"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        env=latin,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == (tmp_path / "file").read_bytes()


@pytest.mark.parametrize("arguments", [[], ["--format", "json"]])
def test_names_that_no_encoding_knows(tmp_path, arguments):
    model = json.loads(MODEL.read_text())
    text = json.dumps(model).replace("dropout_0", "drop\\ud800\\u2028\\u00e9")
    (tmp_path / "model.json").write_text(text)
    for encoding in ("ascii", "utf-8"):
        done = subprocess.run(
            [sys.executable, "-m", "graphdiag", "compare", str(tmp_path / "model.json"), *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")


def test_output_that_cannot_be_written(graphdiag, tmp_path):
    done = graphdiag("compare", REFERENCE, "-o", tmp_path / "absent" / "report.txt")
    assert_one_line(done, "absent")


def test_no_such_file(graphdiag):
    assert_one_line(graphdiag("compare", "absent"), "absent")


@pytest.mark.parametrize("command", ["compare", "draw", "scan"])
def test_an_empty_path_is_not_the_working_directory(graphdiag, command):
    assert_one_line(graphdiag(command, ""), "The path is empty")


def test_empty_directory(graphdiag, tmp_path):
    assert_one_line(graphdiag("compare", tmp_path), str(tmp_path))


def test_log_whose_graph_is_cut_off_leaves_nothing_behind(graphdiag, tmp_path):
    log = tmp_path / "events.out.tfevents.1.host"
    whole = event_file("keras216_reference").read_bytes()
    log.write_bytes(whole[: len(whole) // 8])
    target = tmp_path / "report.txt"
    assert_one_line(graphdiag("compare", log, "-o", target), "truncated")
    assert not target.exists()


def test_wrong_checksum(graphdiag, tmp_path):
    data = bytearray(event_file("keras216_reference").read_bytes())
    data[len(data) // 2] ^= 1
    log = tmp_path / "events.out.tfevents.1.host"
    log.write_bytes(data)
    assert_one_line(graphdiag("compare", log), "checksum")


def test_no_protobuf(graphdiag, tmp_path):
    file = tmp_path / "graph.pb"
    file.write_bytes(b"\xff" * 100)
    assert_one_line(graphdiag("compare", file), "graph.pb")


@pytest.mark.parametrize("script", ["raising.py", "no_model.py", "two_models.py", "unbuilt_keras3.py"])
def test_scripts_without_a_usable_model(graphdiag, script):
    done = graphdiag("compare", FIXTURES / "models" / script)
    assert (done.returncode, done.stdout) == (2, "")
    # TensorFlow may say on the same stream that there is no GPU.
    assert sum(line.startswith("graphdiag: ") for line in done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_model_of_another_log_says_what_is_missing_on_both_sides(graphdiag):
    done = graphdiag("compare", REFERENCE, "--model", LOGS / "keras216_vgg_bn" / "model.json")
    assert_one_line(done, "b0_conv0", "conv1d_0_0", "does not fit")


@pytest.mark.parametrize(
    ("source", "verdict", "told"),
    [
        (REFERENCE, "hidden", "has no layer graph to hold the op graph against"),
        (MODEL, "artifact", "has no op graph"),
    ],
)
def test_a_verdict_without_a_graph_to_tell_it_by_is_no_pass(graphdiag, source, verdict, told):
    done = graphdiag("compare", source, "--fail-on", verdict)
    assert done.returncode == 2
    assert done.stdout
    assert done.stderr == f"graphdiag: --fail-on {verdict}: not checked: {source} {told}.\n"


def test_an_artifact_is_found_without_a_layer_graph(graphdiag):
    assert graphdiag("compare", REFERENCE, "--fail-on", "artifact").returncode == 1


def test_runs_to_choose_from_are_listed(graphdiag, tmp_path):
    for run in ("one", "two"):
        shutil.copytree(REFERENCE, tmp_path / run)
    done = graphdiag("compare", tmp_path)
    first, *rows = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert first == (
        f"graphdiag: {tmp_path} holds several op graphs; choose one with --run RUN: a name, its beginning, a pattern "
        "as 'exp*', or latest."
    )
    assert [row.split()[0] for row in rows] == ["RUN", "one", "two"]
    assert all(row.endswith("op graph") for row in rows[1:])
    assert graphdiag("compare", tmp_path, "--run", "one").returncode == 0


def test_options_that_do_not_apply(graphdiag):
    assert_one_line(graphdiag("compare", MODEL, "--run", "x"), "--run")


def test_debug_shows_the_traceback(graphdiag):
    done = graphdiag("compare", "absent", "--debug")
    assert done.returncode != 0
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["compare"], "SOURCE"),
        (["compare", "x", "--no-such-option"], "--no-such-option"),
        (["compare", "x", "--fail-on", "nonsense"], "nonsense"),
        (["compare", "x", "--format", "yaml"], "yaml"),
        (["compare", "x", "--graph", "upside-down"], "upside-down"),
        (["compare", "x", "--model"], "--model"),
        (["no-such-command"], "no-such-command"),
        (["compare", FIXTURES / "models" / "reference_keras3.py", "--arg", "clouds"], "--arg clouds"),
        (["compare", FIXTURES / "models" / "reference_keras3.py", "--input-shape", "wide"], "--input-shape wide"),
    ],
)
def test_usage_errors_are_one_line_as_well(graphdiag, arguments, word):
    assert_one_line(graphdiag(*arguments), word)


@pytest.mark.parametrize(
    ("arguments", "start", "end"),
    [
        (
            ["compare", "x", "--format", "nonsense"],
            "Invalid value for '--format' / '--output-format': 'nonsense' is not ",
            ". See --help.",
        ),
        (["draw", "x", "--depth", "0"], "Invalid value for '--depth': ", " 1. See --help."),
        (["compare", "x", "y"], "Got unexpected extra argument", "(y). See --help."),
        (["compare", "x", "--absent"], "No such option '--absent'. ", "'--select'?) See --help."),
        (["compar"], "No such command 'compar'. ", "'compare'? See --help."),
        (["compare", "x", "--fail-on", "a\nb"], "Invalid value for '--fail-on': ", ". See --help."),
        (["a\nb"], "No such command 'a", "b'. See --help."),
    ],
)
def test_usage_errors_are_whole_sentences(graphdiag, arguments, start, end):
    done = graphdiag(*arguments)
    assert_one_line(done)
    assert done.stderr.startswith(f"graphdiag: {start}")
    assert done.stderr.endswith(f"{end}\n")
    assert "Value error" not in done.stderr


def test_help_has_a_short_form(graphdiag):
    for command in ([], ["compare"], ["check"]):
        short, whole = graphdiag(*command, "-h"), graphdiag(*command, "--help")
        assert (short.returncode, short.stderr, short.stdout) == (0, "", whole.stdout)


def test_without_arguments_there_is_help(graphdiag):
    done = graphdiag()
    assert done.returncode == 2
    assert "compare" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_help_and_version_are_no_errors(graphdiag):
    assert "--model" in graphdiag("compare", "--help").stdout
    done = graphdiag("--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "graphdiag")


@pytest.fixture(scope="module")
def live_references(graphdiag):
    """The reports on the reference model in a Python file, on each of its stacks."""
    reports = {}
    for stack in ("keras3", "tf_keras", "scoped"):
        done = graphdiag("compare", FIXTURES / "models" / f"reference_{stack}.py", "--format", "json")
        assert done.returncode == 0, done.stderr
        reports[stack] = json.loads(done.stdout)
    return reports


def test_reference_model_on_three_stacks(live_references):
    findings = live_references
    for report in findings.values():
        assert report["graphs"]["layers"] == {"nodes": 28, "edges": 27}
    expected = json.loads((REFERENCE / "expected_learning_phase.json").read_text())["culprit"]
    assert findings["keras3"]["summary"] == {"artifact": 0, "hidden": 0, "missing": 0}
    assert findings["tf_keras"]["summary"] == {"artifact": 0, "hidden": 0, "missing": 0}
    assert findings["scoped"]["summary"] == {"artifact": 8, "hidden": 0, "missing": 0}
    found = {f["culprits"][0]: sorted(f["edges"]) for f in findings["scoped"]["findings"] if f["code"] == "GD101"}
    assert found == {op: sorted(edges) for op, edges in expected.items()}


def test_what_the_callback_of_a_live_model_will_show(live_references):
    shown = {
        stack: {finding["code"]: finding for finding in report["findings"]} for stack, report in live_references.items()
    }
    assert "0 of 27" in shown["tf_keras"]["GD201"]["message"]
    assert "GD201" not in shown["keras3"]
    # What the callback lacks is no matter of the model: a clean one has no finding, and a note at the end.
    assert shown["keras3"] == {}
    assert "callback writes no op graph" in live_references["keras3"]["notes"][-1]
    # That of tf_keras writes one where fit shows its progress.
    assert not [note for note in live_references["tf_keras"]["notes"] if "callback" in note]


def test_reference_command_writes_a_log(graphdiag, tmp_path):
    done = graphdiag("reference", "--stack", "tf1", "--logdir", tmp_path / "log")
    assert done.returncode == 0, done.stderr
    assert "oneDNN" not in done.stderr
    report = json.loads(graphdiag("compare", tmp_path / "log", "--format", "json").stdout)
    [finding] = [finding for finding in report["findings"] if finding["code"] == "GD101"]
    assert len(finding["edges"]) == 8


def test_reference_command_looks_at_the_directory_before_it_loads_tensorflow(graphdiag, tmp_path):
    file = tmp_path / "file"
    file.touch()
    done = graphdiag("reference", "--logdir", file)
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr == f"graphdiag: {file} cannot be made: {file} is not a directory; give another directory.\n"
    below = graphdiag("reference", "--logdir", file / "run" / "a")
    assert (
        below.stderr == f"graphdiag: {file}/run/a cannot be made: {file} is not a directory; give another directory.\n"
    )


def test_select_and_ignore(graphdiag):
    log = LOGS / "keras216_hidden_bool"
    arguments = ("compare", log, "--model", log / "model.json", "--format", "json")

    def codes(*options):
        return {finding["code"] for finding in json.loads(graphdiag(*arguments, *options).stdout)["findings"]}

    assert codes("--select", "GD3") == {"GD301"}
    assert codes("--ignore", "GD111,GD301") == {"GD101"}
    assert codes("--select", "GD1", "--ignore", "GD10,GD112", "--select", "GD101") == {"GD101", "GD111"}
    assert_one_line(graphdiag(*arguments, "--select", "GD999"), "GD999", "nearest")


def test_explain_prints_the_documentation_of_a_rule(graphdiag):
    done = graphdiag("explain", "GD101")
    assert done.stdout.startswith("GD101 shared-learning-phase")
    for heading in ("What it finds", "Why it matters", "Proof", "Fix", "tensorboard#1514"):
        assert heading in done.stdout
    assert "GD303" in graphdiag("explain").stdout
    assert_one_line(graphdiag("explain", "GD1O1"), "GD101")


def test_draw_says_what_was_pulled_out_and_why(graphdiag):
    done = graphdiag("draw", REFERENCE)
    assert "main graph: 27 nodes" in done.stdout
    [extracted] = [line for line in done.stdout.splitlines() if "batchnorm_0_0 " in line and "out-degree" in line]
    assert "out-degree 9 > 4" in extracted
    assert "kernel" not in done.stdout
    assert "kernel" in graphdiag("draw", REFERENCE, "--expand", "dense_0").stdout
    assert "kernel" in graphdiag("draw", REFERENCE, "--depth", "2").stdout
    assert_one_line(graphdiag("draw", REFERENCE, "--expand", "dense_9"), "dense_9", "dense_0")


def test_draw_as_json_is_what_tensorboard_held(graphdiag):
    drawn = json.loads(graphdiag("draw", REFERENCE, "--format", "json").stdout)
    assert drawn == json.loads((REFERENCE / "tensorboard_drawn.json").read_text())


def test_draw_as_dot_is_read_by_graphviz(graphdiag, tmp_path):
    target = tmp_path / "drawn.dot"
    assert graphdiag("draw", REFERENCE, "--format", "dot", "-o", target).returncode == 0
    svg = subprocess.run(["dot", "-Tsvg", target], capture_output=True, text=True, check=True).stdout
    assert "batchnorm_0_0" in svg


def test_draw_as_a_page(graphdiag, tmp_path):
    target = tmp_path / "drawn.html"
    done = graphdiag("draw", REFERENCE, "-o", target)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    page = target.read_text(encoding="utf-8")
    assert "<h1>TensorBoard draws 27 nodes and 25 arrows in the main graph.</h1>" in page
    assert "<li>out-degree 9 &gt; 4: batchnorm_0_0</li>" in page
    assert ">conv1d_0_0</text>" in page
    for of_another_page in ("<script", "src=", "href=", "@import", "url("):
        assert of_another_page not in page


@pytest.mark.parametrize("form", ["dot", "svg", "html"])
def test_a_box_is_opened_in_every_picture(graphdiag, form):
    assert "kernel" not in graphdiag("draw", REFERENCE, "--format", form).stdout
    assert "kernel" in graphdiag("draw", REFERENCE, "--format", form, "--expand", "dense_0").stdout


def test_draw_the_conceptual_graph(graphdiag):
    drawn = json.loads(graphdiag("draw", LOGS / "k3_reference_callback", "--conceptual", "--format", "json").stdout)
    assert ["conv1d_0_0", "batchnorm_0_0"] in [
        [source.rpartition("/")[2], target.rpartition("/")[2]]
        for edges in drawn["edges"].values()
        for source, target, *_ in edges
    ]


def test_draw_nothing(graphdiag):
    assert_one_line(graphdiag("draw", LOGS / "k3_reference_callback"), "no op graph")
    assert_one_line(graphdiag("draw", REFERENCE, "--conceptual"), "no Keras model")


# --- several formats in one run --------------------------------------------------------------------------------------

WITH_MODEL = (REFERENCE, "--model", MODEL)


def test_each_format_goes_to_its_file(graphdiag, tmp_path):
    saved, text = tmp_path / "report.json", tmp_path / "report.txt"
    done = graphdiag("compare", *WITH_MODEL, "--format", "json", "-o", saved, "--format", "text", "-o", text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads(saved.read_text())["summary"] == {"artifact": 8, "hidden": 0, "missing": 0}
    assert text.read_text().startswith("8 drawn layer edges are not in your model.")


def test_a_dash_is_standard_output(graphdiag, tmp_path):
    saved = tmp_path / "report.json"
    done = graphdiag("compare", *WITH_MODEL, "--format", "json", "-o", saved, "--format", "text", "-o", "-")
    assert done.stdout.startswith("8 drawn layer edges are not in your model.")
    assert saved.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "json", "--format", "text", "-o", "a"], "2 --format and 1 -o"),
        (["--format", "json", "-o", "a", "-o", "b"], "1 --format and 2 -o"),
        (["--format", "json", "-o", "a", "--format", "text", "-o", "a"], "-o a: stands twice"),
        (["--format", "json", "-o", "a", "--format", "text", "-o", "./b/../a"], "-o a: stands twice"),
        (["--format", "json", "-o", "a", "--format", "text", "-o", "none/b"], "none/b: cannot be written"),
    ],
)
def test_formats_and_files_that_do_not_pair(graphdiag, tmp_path, options, message):
    done = graphdiag("compare", LOGS / "keras216_reference", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_closed_standard_output_takes_nothing(tmp_path):
    command = f"exec {sys.executable} -m graphdiag explain GD101 >&-"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_saved_report_is_converted_without_the_model(graphdiag, tmp_path):
    saved = tmp_path / "report.json"
    graphdiag("compare", *WITH_MODEL, "--format", "json", "-o", saved)
    assert graphdiag("convert", saved).stdout == graphdiag("compare", *WITH_MODEL).stdout
    assert graphdiag("convert", saved, "--format", "json").stdout == saved.read_text()
    done = graphdiag("convert", tmp_path / "none.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such file" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("compare", "nosuch://bucket/logs"),
        ("compare", REFERENCE, "--model", "nosuch://bucket/logs"),
        ("compare", "nosuch://bucket/logs", "--load"),
        ("check", "nosuch://bucket/logs"),
        ("draw", "nosuch://bucket/logs"),
        ("repair", "nosuch://bucket/logs", "--dry-run"),
        ("snapshot", "nosuch://bucket/logs"),
        ("diff", MODEL, "nosuch://bucket/logs"),
        ("diff", MODEL, MODEL, "--new-model", "nosuch://bucket/logs"),
    ],
)
def test_an_address_keeps_its_slashes(graphdiag, tmp_path, command):
    done = graphdiag(*command, cwd=tmp_path)
    assert done.returncode == 2
    assert "nosuch://bucket/logs: addresses with nosuch:// are not read" in done.stderr + done.stdout


def test_an_address_in_a_configuration(graphdiag, tmp_path):
    (tmp_path / "graphdiag.toml").write_text('[[models]]\nname = "far"\nsource = "nosuch://bucket/logs"\n')
    assert "nosuch://bucket/logs: addresses with nosuch:// are not read" in graphdiag("check", cwd=tmp_path).stdout
    for source in ("far", "nosuch://bucket/logs"):
        said = graphdiag("check", source, cwd=tmp_path)
        assert (said.returncode, "far" in said.stdout) == (2, True)
