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
from collections.abc import Callable, Iterator
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


@contextlib.contextmanager
def watched(place: Path, *arguments: str) -> Iterator[Callable[[], str]]:
    """A command that watches, in a directory; gives what it has said, on both streams."""
    said = place.parent / f"{place.name}.said"
    command = [sys.executable, "-m", "graphdiag", *arguments]
    with said.open("w") as stream:
        environment = {**os.environ, "COLUMNS": "200"}
        process = subprocess.Popen(command, cwd=place, stdout=stream, stderr=stream, env=environment)
        try:
            yield said.read_text
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130


@pytest.mark.parametrize(
    "output", ["-o log/report.html", "-olog/report.html", "--output log/report.html", "--output=log/report.html"]
)
def test_a_file_that_the_command_writes_is_not_watched(tmp_path, output):
    shutil.copytree(REFERENCE, tmp_path / "log")
    with watched(tmp_path, "compare", "log", "--watch", *output.split()) as said:
        wait_for((tmp_path / "log" / "report.html").exists)
        first = (tmp_path / "log" / "report.html").stat().st_mtime_ns
        # Several looks at the files.
        time.sleep(4)
        assert said() == ""
        assert (tmp_path / "log" / "report.html").stat().st_mtime_ns == first


def test_the_command_line_of_a_script_may_say_watch(tmp_path):
    (tmp_path / "model.py").write_text("import sys\nraise SystemExit(str(sys.argv[1:]))\n")
    with watched(tmp_path, "compare", "model.py", "--watch", "--", "--watch", "-o", "x") as said:
        wait_for(lambda: "model.py" in said())
        assert "['--watch', '-o', 'x']" in said()


def test_models_of_a_configuration_elsewhere_are_watched(tmp_path):
    place = tmp_path / "elsewhere"
    shutil.copytree(REFERENCE, place / "log")
    write_config(place, Path("log"))
    with watched(tmp_path, "check", "--watch", "--config", "elsewhere/graphdiag.toml") as said:
        wait_for(lambda: "1 contract kept, 1 broken" in said())
        (place / "log" / "model.json").touch()
        wait_for(lambda: "--- model.json changed, " in said())


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("model.py", "parts/blocks.py"),
        ("model.ipynb", "parts/blocks.py"),
        ("model.ipynb", "model.ipynb"),
        ("nets/inner/model.py", "nets/parts/blocks.py"),
        ("nets.inner.model:build", "nets/inner/model.py"),
    ],
)
def test_a_model_file_and_what_it_may_import_are_watched(tmp_path, source, changed):
    (tmp_path / "model.py").touch()
    (tmp_path / "model.ipynb").touch()
    for place in (tmp_path / "parts", tmp_path / "nets", tmp_path / "nets" / "parts", tmp_path / "nets" / "inner"):
        place.mkdir()
        (place / "__init__.py").touch()
        (place / "blocks.py").touch()
    (tmp_path / "nets" / "inner" / "model.py").write_text("from ..parts import blocks\n")
    (tmp_path / "nets" / "weights.h5").touch()
    with watched(tmp_path, "compare", source, "--watch") as said:
        wait_for(lambda: "graphdiag: " in said())
        (tmp_path / "nets" / "weights.h5").write_bytes(b"more")
        time.sleep(2)
        assert "changed" not in said()
        (tmp_path / changed).write_text("# more\n")
        wait_for(lambda: f"--- {Path(changed).name} changed, " in said())


def test_an_address_is_not_watched(graphdiag):
    done = graphdiag("compare", "http://localhost:6006/", "--watch")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("graphdiag: --watch: http://localhost:6006/ is an address, ")


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
