"""How much is printed, in which format, and with which exit status."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.graph_text import LOGS

REFERENCE = LOGS / "keras216_reference"
WITH_MODEL = (REFERENCE, "--model", REFERENCE / "model.json")
ANSWER = "8 drawn layer edges are not in your model."


# --- the format follows the file's name ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("report.html", "<!DOCTYPE html>"),
        ("report.HTM", "<!DOCTYPE html>"),
        ("report.json", '{"schema": "graphdiag.report/'),
        ("report.md", f"### graphdiag\n\n{ANSWER}"),
        ("report.sarif", '{\n "$schema"'),
        ("report.dot", "digraph"),
        ("report.graphml", "<?xml"),
        ("report.txt", ANSWER),
        ("report", ANSWER),
        ("report.unknown", ANSWER),
    ],
)
def test_the_suffix_of_the_file_is_its_format(graphdiag, tmp_path, name, begins):
    assert graphdiag("compare", *WITH_MODEL, "-o", tmp_path / name).returncode == 0
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)


def test_several_files_have_the_formats_of_their_suffixes(graphdiag, tmp_path):
    done = graphdiag("compare", *WITH_MODEL, "-o", tmp_path / "a.json", "-o", "-", "-o", tmp_path / "b.html")
    assert done.stdout.startswith(ANSWER)
    assert json.loads((tmp_path / "a.json").read_text())["schema"].startswith("graphdiag.report/")
    assert (tmp_path / "b.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ("compare", ["--format", "json", "-o", "x.html"], "--format json and -o x.html contradict each other"),
        ("compare", ["--format", "html", "-o", "x.svg"], "or name the file x.html."),
        ("explain", ["-o", "x.html"], "-o x.html: html is not a format of this command; choose from text, json, mark"),
        ("draw", ["-o", "x.pdf"], "-o x.pdf: pdf is not a format of this command"),
    ],
)
def test_a_file_and_a_format_that_contradict_each_other(graphdiag, tmp_path, command, options, message):
    source = [] if command == "explain" else [REFERENCE]
    done = graphdiag(command, *source, *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x.sarif", "x.json"])
def test_sarif_may_be_called_json(graphdiag, tmp_path, name):
    assert graphdiag("compare", *WITH_MODEL, "--format", "sarif", "-o", tmp_path / name).returncode == 0
    assert "sarif" in json.loads((tmp_path / name).read_text())["$schema"]


def test_values_may_be_written_in_any_case(graphdiag):
    done = graphdiag("compare", *WITH_MODEL, "--output-format", "JSON", "--select", "gd101", "--fail-on", "Hidden")
    assert done.returncode == 0
    assert [finding["code"] for finding in json.loads(done.stdout)["findings"]] == ["GD101"]


# --- less than everything --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["-q", "--quiet"])
def test_the_answer_alone(graphdiag, option):
    said = graphdiag("compare", *WITH_MODEL, option).stdout
    assert said.startswith(ANSWER)
    assert "GD101" not in said
    assert said.count("\n") <= 4


def test_how_many_findings_each_rule_has(graphdiag):
    lines = graphdiag("compare", *WITH_MODEL, "--statistics").stdout.splitlines()
    assert [line.split() for line in lines] == [
        ["1", "GD101", "shared-learning-phase", "artifact"],
        ["1", "GD110", "extracted-node", "misplaced"],
    ]
    none = graphdiag("compare", *WITH_MODEL, "--statistics", "--select", "GD301").stdout
    assert none == graphdiag("compare", *WITH_MODEL, "-q", "--select", "GD301").stdout


def write_config(place: Path, log: Path) -> None:
    (place / "graphdiag.toml").write_text(f"""
[[models]]
name = "point cloud"
source = "{log}"
model = "{log / "model.json"}"

[[contracts]]
name = "apart"
type = "forbidden"
from = ["aux_in"]
to = ["prediction"]

[[contracts]]
name = "no cycles"
type = "acyclic"
""")


def test_a_check_says_which_contracts_do_not_hold(graphdiag, tmp_path):
    write_config(tmp_path, REFERENCE)
    done = graphdiag("check", "-q", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "1 contract kept, 1 broken.\nbroken: apart\n")
    assert graphdiag("check", "--statistics", cwd=tmp_path).stdout.split()[:2] == ["1", "GD101"]
    assert graphdiag("check", "-q", "--exit-zero", cwd=tmp_path).returncode == 0


def test_a_diff_says_one_sentence(graphdiag):
    models = [LOGS / name / "model.json" for name in ("keras216_reference", "keras216_vgg_bn")]
    done = graphdiag("diff", *models, "-q")
    assert done.returncode == 1
    assert done.stdout.strip()
    assert len(done.stdout) < len(graphdiag("diff", *models).stdout) / 2
    assert graphdiag("diff", *models, "--exit-zero").returncode == 0


def test_exit_zero_leaves_errors(graphdiag):
    assert graphdiag("compare", *WITH_MODEL, "--fail-on", "any").returncode == 1
    assert graphdiag("compare", *WITH_MODEL, "--fail-on", "any", "--exit-zero").returncode == 0
    assert graphdiag("compare", "none", "--exit-zero").returncode == 2


# --- explain ---------------------------------------------------------------------------------------------------------


def test_rules_as_data(graphdiag):
    rules = json.loads(graphdiag("explain", "--format", "json").stdout)
    codes = [rule["code"] for rule in rules]
    assert codes == sorted(codes)
    assert {"GD101", "GD301", "GD403"} <= {*codes}
    [one] = json.loads(graphdiag("explain", "shared-learning-phase", "--format", "json").stdout)
    assert (one["code"], one["verdict"], one["blame"]) == ("GD101", "artifact", "keras")
    assert "What it finds" in one["documentation"]


def test_a_rule_as_markdown(graphdiag, tmp_path):
    assert graphdiag("explain", "GD101", "-o", tmp_path / "rule.md").returncode == 0
    page = (tmp_path / "rule.md").read_text(encoding="utf-8")
    assert page.startswith("# GD101 shared-learning-phase: ")
    assert [line for line in page.splitlines() if line.startswith("## ")][:2] == [
        "## What it finds",
        "## Why it matters",
    ]
    # Markdown would take indented lines for code.
    assert not [line for line in page.splitlines() if line.startswith("    ")]


# --- watching --------------------------------------------------------------------------------------------------------


COMPARED = ("compare", "log", "--model", "log/model.json", "-q", "--watch")


@pytest.mark.parametrize(
    ("arguments", "first", "second"),
    [
        (COMPARED, ANSWER, "9 drawn layer edges"),
        (("check", "--watch"), "28 layers, 27 edges", "30 layers, 29 edges"),
    ],
)
def test_a_log_that_changes_is_read_again(tmp_path, arguments, first, second):
    log = tmp_path / "log"
    shutil.copytree(REFERENCE, log)
    write_config(tmp_path, log)
    said = tmp_path.parent / f"{tmp_path.name}.said"
    command = [sys.executable, "-m", "graphdiag", *arguments]
    with said.open("w") as stream:
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=stream, stderr=stream, env={**os.environ, "COLUMNS": "200"}
        )
        try:
            wait_for(lambda: first in said.read_text())
            for file in log.glob("events*"):
                file.unlink()
            for name in ("events*", "model.json"):
                [file] = (LOGS / "keras216_vgg_bn").glob(name)
                shutil.copy(file, log)
            wait_for(lambda: " changed, " in said.read_text() and second in said.read_text())
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130


def wait_for(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_file_that_the_command_writes_is_not_watched(tmp_path):
    from graphdiag.cli.watching import _state

    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "events").touch()
    (tmp_path / "log" / "report.html").touch()
    arguments = [str(tmp_path / "log"), "-o", str(tmp_path / "log" / "report.html")]
    assert [file.name for file in _state(arguments, ())] == ["events"]


def test_a_model_file_and_what_it_may_import_are_watched(tmp_path):
    from graphdiag.cli.watching import _files

    (tmp_path / "model.py").touch()
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "blocks.py").touch()
    (tmp_path / "weights.h5").touch()
    assert {file.name for file in _files(Path(tmp_path, "model.py"))} == {"model.py", "blocks.py"}
    assert list(_files(tmp_path / "absent")) == []


# --- help ------------------------------------------------------------------------------------------------------------

COMMANDS = ("compare", "check", "convert", "snapshot", "diff", "draw", "repair", "explain")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_each_option_once_and_examples_that_are_read(graphdiag, command):
    said = graphdiag(command, "--help").stdout
    before, _, examples = said.partition("Examples:\n")
    named = re.findall(r"^  (?:-\w, )?(--[\w-]+)", before, re.MULTILINE)
    assert sorted(named) == sorted(set(named))
    assert {"--debug", "--no-color", "--help"} <= set(named)
    lines = [line.split() for line in examples.strip().splitlines()]
    assert lines
    for program, name, *arguments in lines:
        assert (program, name) == ("graphdiag", command)
        # The options are known and the file is not there.
        done = graphdiag(command, *arguments, cwd=Path("/"))
        assert "See --help" not in done.stderr


# --- color -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "colored"), [([], True), (["--no-color"], False)])
def test_colors_are_left_out_on_demand(options, colored):
    terminal, its_end = pty.openpty()
    command = [sys.executable, "-m", "graphdiag", "compare", *map(str, WITH_MODEL), *options]
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    environment |= {"TERM": "xterm-256color", "COLUMNS": "200"}
    process = subprocess.Popen(command, stdout=its_end, stderr=subprocess.DEVNULL, env=environment)
    os.close(its_end)
    said = b""
    with contextlib.suppress(OSError):  # Linux ends a terminal that nobody writes to any more with an error.
        while part := os.read(terminal, 4096):
            said += part
    os.close(terminal)
    assert process.wait(60) == 0
    assert b"GD101" in said
    assert (re.search(rb"\x1b\[3\dm", said) is not None) == colored
