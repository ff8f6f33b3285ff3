"""The pre-commit hook, in a repository of its own with real commits."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

CONFIG = """
[[models]]
name = "net"
source = "net.json"

[[contracts]]
name = "the block has its skip connection"
type = "required"
edges = [["stem", "add"]]
"""


def keras_json(*edges):
    """Keras 2's JSON of a functional model with these edges; layers in the order in which they stand."""
    inputs = {}
    for source, target in edges:
        inputs.setdefault(source, [])
        inputs.setdefault(target, []).append(source)
    layers = [
        {
            "name": name,
            "class_name": "Add" if len(sources) > 1 else "ReLU" if sources else "InputLayer",
            "config": {"name": name, **({} if sources else {"batch_input_shape": [None, 8], "dtype": "float32"})},
            "inbound_nodes": [[[source, 0, 0, {}] for source in sources]] if sources else [],
        }
        for name, sources in inputs.items()
    ]
    ends = [name for name in inputs if name not in {source for source, _ in edges}]
    config = {
        "name": "net",
        "layers": layers,
        "input_layers": [[layers[0]["name"], 0, 0]],
        "output_layers": [[name, 0, 0] for name in ends],
    }
    return json.dumps({"class_name": "Model", "config": config, "keras_version": "2.2.4", "backend": "tensorflow"})


RESIDUAL = [("x", "stem"), ("stem", "block"), ("stem", "add"), ("block", "add"), ("add", "scores")]
PLAIN = [("x", "stem"), ("stem", "block"), ("block", "add"), ("add", "scores")]


class Repository:
    """A git repository, and commands in it as a developer runs them."""

    def __init__(self, path, home):
        self.path = path
        path.mkdir()
        commands = home / "bin"
        commands.mkdir()
        graphdiag = commands / "graphdiag"
        graphdiag.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m graphdiag "$@"\n')
        graphdiag.chmod(0o755)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(home),
            "PRE_COMMIT_HOME": str(home / "cache"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "COLUMNS": "100",
            "NO_COLOR": "1",
        }
        self.git("init", "--quiet")
        self.git("config", "user.name", "A Developer")
        self.git("config", "user.email", "developer@example.org")

    def run(self, *command):
        return subprocess.run(
            command, cwd=self.path, capture_output=True, text=True, check=False, env=self._environment
        )

    def git(self, *arguments):
        done = self.run("git", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, **files):
        for name, text in files.items():
            (self.path / name.replace("_", ".", 1)).write_text(text, encoding="utf-8")

    def commit(self):
        self.git("add", "--all")
        return self.run("git", "commit", "--message", "a change")


@pytest.fixture
def repository(tmp_path):
    """A repository with one model, into which the hook is installed."""
    home = tmp_path / "home"
    home.mkdir()
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    made = Repository(tmp_path / "repository", home)
    (hooks / ".pre-commit-hooks.yaml").write_text(
        (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "the hooks"]):
        made.git("-C", str(hooks), "-c", "user.name=D", "-c", "user.email=d@example.org", *arguments)
    revision = made.git("-C", str(hooks), "rev-parse", "HEAD")
    config = f"repos:\n  - repo: {hooks}\n    rev: {revision}\n    hooks:\n      - id: graphdiag-check\n"
    (made.path / ".pre-commit-config.yaml").write_text(config, encoding="utf-8")
    made.write(graphdiag_toml=CONFIG, net_json=keras_json(*RESIDUAL))
    done = made.run(sys.executable, "-m", "pre_commit", "install")
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def test_a_commit_that_breaks_a_contract_is_refused(repository):
    kept = repository.commit()
    assert kept.returncode == 0, kept.stdout + kept.stderr
    assert "graphdiag check" in kept.stderr
    before = repository.git("rev-parse", "HEAD")

    repository.write(net_json=keras_json(*PLAIN))
    broken = repository.commit()
    assert broken.returncode == 1
    assert "BROKEN  the block has its skip connection (required)" in broken.stderr
    assert "there is no edge stem -> add; add takes its input from block" in broken.stderr
    assert repository.git("rev-parse", "HEAD") == before

    repository.write(net_json=keras_json(*RESIDUAL, ("scores", "more")))
    assert repository.commit().returncode == 0
    assert repository.git("rev-parse", "HEAD") != before


def test_a_commit_of_other_files_does_not_wait_for_it(repository):
    assert repository.commit().returncode == 0
    repository.write(notes_md="nothing about models\n")
    done = repository.commit()
    assert done.returncode == 0
    assert "(no files to check)Skipped" in done.stderr


def test_the_projects_own_configuration_does_the_same():
    import yaml

    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    project = yaml.safe_load((ROOT / "fixtures/ci_project/.pre-commit-config.yaml").read_text(encoding="utf-8"))
    [[local]] = [repo["hooks"] for repo in project["repos"]]
    assert {key: hook[key] for key in local} == local
