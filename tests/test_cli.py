"""The command line as a user meets it: real processes, exit status, and one clear line for every bad input."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.graph_text import FIXTURES, LOGS

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
    assert "Keras" in answer


def test_json_is_the_documented_schema(graphdiag):
    done = graphdiag("compare", REFERENCE, "--model", MODEL, "--format", "json")
    report = json.loads(done.stdout)
    assert list(report) == ["schema", "graphdiag", "source", "graphs", "findings", "summary", "notes"]
    assert report["schema"] == "graphdiag.report/1"
    assert list(report["source"]) == ["path", "kind", "run", "tag", "stack"]
    assert report["graphs"] == {"layers": {"nodes": 28, "edges": 27}, "ops": {"nodes": 1285, "edges": 1651}}
    assert report["summary"] == {"artefact": 8, "hidden": 0, "missing": 0}
    finding = next(finding for finding in report["findings"] if finding["code"] == "GD101")
    assert (finding["rule"], finding["verdict"], finding["blame"]) == ("shared-learning-phase", "artefact", "keras")
    assert ["batchnorm_0_0", "dropout_0"] in finding["edges"]
    assert {evidence["from"] for evidence in finding["evidence"]} == {"batchnorm_0_0/keras_learning_phase"}


def test_the_same_input_gives_the_same_bytes(graphdiag):
    runs = {graphdiag("compare", REFERENCE, "--model", MODEL, "--format", "json").stdout for _ in range(2)}
    assert len(runs) == 1


def test_a_pipe_gets_no_colour_and_no_trailing_blanks(graphdiag):
    done = graphdiag("compare", REFERENCE, "--model", MODEL)
    assert "\x1b" not in done.stdout
    assert all(line == line.rstrip() and len(line) <= 100 for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("log", "verdict", "status"),
    [
        ("keras216_reference", "artefact", 1),
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
    assert json.loads(target.read_text())["schema"] == "graphdiag.report/1"
    assert list(tmp_path.iterdir()) == [target]


def test_output_that_cannot_be_written(graphdiag, tmp_path):
    done = graphdiag("compare", REFERENCE, "-o", tmp_path / "absent" / "report.txt")
    assert_one_line(done, "absent")


def test_no_such_file(graphdiag):
    assert_one_line(graphdiag("compare", "absent"), "absent")


def test_empty_directory(graphdiag, tmp_path):
    assert_one_line(graphdiag("compare", tmp_path), str(tmp_path))


def test_truncated_log_leaves_nothing_behind(graphdiag, tmp_path):
    log = tmp_path / "events.out.tfevents.1.host"
    log.write_bytes(event_file("keras216_reference").read_bytes()[:-1000])
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
    assert done.returncode == 2
    ours = [line for line in done.stderr.splitlines() if line.startswith("graphdiag: ")]
    assert len(ours) == 1
    assert "Traceback" not in done.stderr


def test_model_of_another_log_says_what_is_missing_on_both_sides(graphdiag):
    done = graphdiag("compare", REFERENCE, "--model", LOGS / "keras216_vgg_bn" / "model.json")
    assert_one_line(done, "b0_conv0", "conv1d_0_0", "does not fit")


def test_runs_to_choose_from_are_listed(graphdiag, tmp_path):
    for run in ("one", "two"):
        shutil.copytree(REFERENCE, tmp_path / run)
    assert_one_line(graphdiag("compare", tmp_path), "one", "two", "--run")
    assert graphdiag("compare", tmp_path, "--run", "one").returncode == 0


def test_options_that_do_not_apply(graphdiag):
    assert_one_line(graphdiag("compare", MODEL, "--run", "x"), "--run")


def test_debug_shows_the_traceback(graphdiag):
    done = graphdiag("compare", "absent", "--debug")
    assert done.returncode != 0
    assert "Traceback" in done.stderr


def test_unknown_option_is_a_usage_error(graphdiag):
    assert graphdiag("compare", REFERENCE, "--no-such-option").returncode == 2


def test_reference_model_on_three_stacks(graphdiag):
    findings = {}
    for stack in ("keras3", "tf_keras", "scoped"):
        done = graphdiag("compare", FIXTURES / "models" / f"reference_{stack}.py", "--format", "json")
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["graphs"]["layers"] == {"nodes": 28, "edges": 27}
        findings[stack] = report
    expected = json.loads((REFERENCE / "expected_learning_phase.json").read_text())["culprit"]
    assert findings["keras3"]["summary"] == {"artefact": 0, "hidden": 0, "missing": 0}
    assert findings["tf_keras"]["summary"] == {"artefact": 0, "hidden": 0, "missing": 0}
    assert findings["scoped"]["summary"] == {"artefact": 8, "hidden": 0, "missing": 0}
    found = {f["culprits"][0]: sorted(f["edges"]) for f in findings["scoped"]["findings"] if f["code"] == "GD101"}
    assert found == {op: sorted(edges) for op, edges in expected.items()}


def test_what_the_callback_of_a_live_model_will_show(graphdiag):
    shown = {}
    for stack in ("keras3", "tf_keras"):
        done = graphdiag("compare", FIXTURES / "models" / f"reference_{stack}.py", "--format", "json")
        shown[stack] = {finding["code"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert "0 of 27" in shown["tf_keras"]["GD201"]["message"]
    assert "GD201" not in shown["keras3"]
    assert "GD204" in shown["tf_keras"]
    assert "GD204" in shown["keras3"]


def test_reference_command_writes_a_log(graphdiag, tmp_path):
    done = graphdiag("reference", "--stack", "tf1", "--logdir", tmp_path / "log")
    assert done.returncode == 0, done.stderr
    report = json.loads(graphdiag("compare", tmp_path / "log", "--format", "json").stdout)
    [finding] = [finding for finding in report["findings"] if finding["code"] == "GD101"]
    assert len(finding["edges"]) == 8
