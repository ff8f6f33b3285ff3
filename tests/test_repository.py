"""What is said in several files about where the project lives, and which version it is."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import yaml

import graphdiag
from graphdiag.diagnosis.diagnose import RULES
from graphdiag.version import DOCUMENTATION, REPOSITORY, __version__
from tests.conftest import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PLACES = [
    re.compile(r"github\.com/([\w.-]+/graphdiag)\b"),
    re.compile(r"githubusercontent\.com/([\w.-]+/graphdiag)\b"),
    re.compile(r"uses: ([\w.-]+/graphdiag)@"),
    re.compile(r"repo_name: (\S+)"),
]


def texts() -> dict[str, str]:
    """The files of the repository that people and tools read, but for fixtures."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [
        name
        for name in listed.splitlines()
        if not name.startswith(("fixtures/", "tests/")) and Path(name).suffix in (".md", ".toml", ".yml", ".cff", ".py")
    ]
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in names}


def test_every_file_names_the_same_repository():
    owner_and_name = REPOSITORY.removeprefix("https://github.com/")
    found = {(name, place) for name, text in texts().items() for pattern in PLACES for place in pattern.findall(text)}
    assert {name for name, _ in found} >= {"pyproject.toml", "docs/ci.md", "CITATION.cff", "mkdocs.yml"}
    assert {place for _, place in found} == {owner_and_name}


def test_every_file_names_the_same_site():
    sites = {site for text in texts().values() for site in re.findall(r"https://[\w.-]+\.github\.io/[\w.-]+/", text)}
    assert sites == {DOCUMENTATION}
    assert PROJECT["urls"]["Documentation"] == DOCUMENTATION


def test_every_file_names_the_same_version():
    assert graphdiag.__version__ == __version__
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == __version__
    tags = {tag for text in texts().values() for tag in re.findall(r"(?:graphdiag@|rev: )v(\d+\.\d+\.\d+)", text)}
    assert tags == {__version__}
    assert re.search(rf"^## {re.escape(__version__)} \(", texts()["CHANGELOG.md"], re.MULTILINE)


def test_the_pythons_that_are_promised_are_tested():
    promised = [each.rpartition(" ")[2] for each in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", each)]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python"] == promised
    assert PROJECT["requires-python"] == f">={promised[0]}"


def test_own_rules_have_a_page_and_no_others():
    assert {rule.url for rule in RULES} == {f"{DOCUMENTATION}rules/{rule.code}/" for rule in RULES}
    assert replace(RULES[0], module="acme_graphs.wide_layer").url == ""


def test_the_readme_is_one_page():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200
