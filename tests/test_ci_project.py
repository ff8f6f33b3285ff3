"""The example of a project that checks its graphs in CI, and what graphdiag offers to such projects."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.conftest import ROOT

PROJECT = ROOT / "fixtures" / "ci_project"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path):
    """A copy of the project, to write into."""
    return shutil.copytree(PROJECT, tmp_path / "project", ignore=shutil.ignore_patterns(".pytest_cache", "__pycache__"))


@pytest.fixture
def logs_only(project):
    """The project without the model that takes TensorFlow to open."""
    file = project / "pyproject.toml"
    head, _, rest = file.read_text(encoding="utf-8").partition('[[tool.graphdiag.models]]\nname = "classifier"')
    contract = rest.index("[[tool.graphdiag.contracts]]")
    text, skip = head + rest[contract:], '[[tool.graphdiag.contracts]]\nname = "the block has its skip connection"'
    before, _, after = text.partition(skip)
    file.write_text(before + after[after.index("[[tool.graphdiag.contracts]]") :], encoding="utf-8")
    return project


def shell(script, cwd, **environment):
    """Runs a script as CI does, with the graphdiag and the pytest of these tests."""
    commands = cwd.parent / "bin"
    commands.mkdir(exist_ok=True)
    for name, module in (("graphdiag", "graphdiag"), ("python", "")):
        command = commands / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {f"-m {module}" if module else ""} "$@"\n')
        command.chmod(0o755)
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=dict(
            os.environ,
            PATH=f"{commands}{os.pathsep}{os.environ['PATH']}",
            PYTHONPATH=str(ROOT),
            COLUMNS="100",
            NO_COLOR="1",
            **environment,
        ),
    )


def test_the_output_of_check(graphdiag):
    done = graphdiag("check", "--jobs", 2, cwd=PROJECT)
    assert done.returncode == 1
    assert done.stdout == (PROJECT / "check.txt").read_text(encoding="utf-8")


def test_its_own_tests_fail_where_the_contract_is_broken(project):
    done = shell("python -m pytest --color=no", project)
    assert done.returncode == 1
    assert "1 failed, 2 passed" in done.stdout
    assert "FAILED test_graph.py::test_probe_does_not_steer_the_body" in done.stdout
    assert "Keras has no such edge: probe_bn/cond/Merge (Merge) -> Sum (Sum)" in done.stdout


# --- what CI runs ----------------------------------------------------------------------------------------------------


def check_reports(directory: Path) -> None:
    sarif = json.loads(next(directory.glob("*.sarif")).read_text(encoding="utf-8"))
    [broken] = [result for run in sarif["runs"] for result in run["results"]]
    assert "probe_bn reaches switched" in broken["message"]["text"]
    junit = ElementTree.parse(next(directory.glob("*.junit.xml"))).getroot()
    assert (junit.get("tests"), junit.get("failures"), junit.get("errors")) == ("3", "1", "0")
    page = next(directory.glob("*.html")).read_text(encoding="utf-8")
    assert "<h1>2 contracts kept, 1 broken.</h1>" in page


def workflow():
    return yaml.safe_load((PROJECT / ".github" / "workflows" / "graph.yml").read_text(encoding="utf-8"))


def gitlab():
    return yaml.safe_load((PROJECT / ".gitlab-ci.yml").read_text(encoding="utf-8"))["graph"]


def the_check(lines):
    [line] = [line for line in lines if "graphdiag check" in line]
    return line


@pytest.mark.parametrize(
    "command",
    [
        the_check(step.get("run", "") for step in workflow()["jobs"]["graph"]["steps"]),
        the_check(gitlab()["script"]),
    ],
    ids=["GitHub", "GitLab"],
)
def test_the_commands_write_all_reports(command, logs_only):
    done = shell(command, logs_only)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("2 contracts kept, 1 broken.\n")
    check_reports(logs_only)


def test_gitlab_keeps_what_the_command_writes():
    job = gitlab()
    written = {word for word in the_check(job["script"]).split() if word.startswith("graphdiag.")}
    assert {*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]} == written
    assert job["artifacts"]["when"] == "always"


def snippet(holding):
    """The one block of YAML in the documentation of checks that holds some text."""
    [found] = [block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if holding in block]
    return found


def test_the_documented_gitlab_snippet_is_the_projects():
    assert snippet("junit:") == (PROJECT / ".gitlab-ci.yml").read_text(encoding="utf-8")


# --- the action ------------------------------------------------------------------------------------------------------


def step(name):
    [found] = [step for step in ACTION["runs"]["steps"] if step["name"] == name]
    return found


def filled(value, **inputs):
    """A value of the action with its inputs in it."""
    given = {name: each["default"] for name, each in ACTION["inputs"].items()} | inputs
    return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: given[found[1]], value)


def run_action(cwd, **inputs):
    check = step("Check the graphs")
    outputs, summary = cwd.parent / "outputs", cwd.parent / "summary.md"
    outputs.touch()
    environment = {name: filled(value, **inputs) for name, value in check["env"].items()}
    done = shell(check["run"], cwd, GITHUB_OUTPUT=str(outputs), GITHUB_STEP_SUMMARY=str(summary), **environment)
    told = dict(line.split("=") for line in outputs.read_text(encoding="utf-8").splitlines())
    return done, told, summary


def test_the_action_is_a_composite_one_whose_parts_fit_together():
    assert set(ACTION) == {"name", "description", "branding", "inputs", "outputs", "runs"}
    assert ACTION["runs"]["using"] == "composite"
    assert all(set(each) == {"description", "default"} for each in ACTION["inputs"].values())
    assert all(isinstance(each["default"], str) for each in ACTION["inputs"].values())
    assert all(("run" in each) == (each.get("shell") == "bash") for each in ACTION["runs"]["steps"])
    assert all(("run" in each) != ("uses" in each) for each in ACTION["runs"]["steps"])
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(ACTION["inputs"])
    assert set(re.findall(r"steps\.(\w+)\.", text)) == {each["id"] for each in ACTION["runs"]["steps"] if "id" in each}


def test_no_input_is_written_into_a_script():
    # It would run as a command there.
    assert not any("${{" in each["run"] for each in ACTION["runs"]["steps"] if "run" in each)


def test_the_action_writes_reports_annotations_and_a_summary(logs_only):
    done, told, summary = run_action(logs_only, jobs="1", output="the reports")
    assert done.returncode == 1, done.stderr
    assert told == {"status": "1", "written": "true"}
    assert done.stdout.startswith("2 contracts kept, 1 broken.\n")
    assert "\n::error file=models/gated,title=" in done.stdout
    assert summary.read_text(encoding="utf-8").startswith("### graphdiag\n\n2 contracts kept, 1 broken.\n")
    check_reports(logs_only / "the reports")
    kept = step("Keep the reports")["with"]["path"]
    assert filled(kept, directory="sub", output="the reports") == "sub/the reports"
    assert (
        logs_only / filled(step("Give SARIF to code scanning")["with"]["sarif_file"], output="the reports")
    ).is_file()


def test_the_action_fails_when_nothing_can_be_checked(project):
    (project / "pyproject.toml").write_text("[tool.graphdiag]\nmodel = []\n", encoding="utf-8")
    done, told, summary = run_action(project)
    assert (done.returncode, told) == (2, {"status": "2"})
    assert "there is no key 'model'" in done.stderr
    assert not summary.exists()


def test_the_documented_workflow_gives_the_action_inputs_that_it_has():
    job = yaml.safe_load(snippet("/graphdiag@"))["jobs"]["graph"]
    [use] = [each for each in job["steps"] if "/graphdiag@" in each.get("uses", "")]
    assert set(use["with"]) <= set(ACTION["inputs"])
