"""A fresh environment: graphdiag's wheel without TensorFlow, and another package's wheel beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT / "fixtures" / "logs" / "keras216_reference"
LARGEST_MB = 250

WITHOUT_TENSORFLOW = [
    "tests/graphs",
    "tests/diagnosis/test_logs.py",
    "tests/checking/contracts/test_independence.py",
    "tests/checking/contracts/test_golden.py",
    "tests/sources/test_event_log.py",
    "tests/sources/test_graph_def.py",
    "tests/sources/test_open_source.py",
    "tests/render/test_snapshots.py",
    "tests/tensorboard/test_museum.py",
]


def run(*command: object, status: int = 0, cwd: Path = ROOT, path: str = "") -> subprocess.CompletedProcess[str]:
    # The tests' own environment must not leak in: neither its packages, nor the checkout.
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={
            **environment,
            **({"PYTHONPATH": path} if path else {}),
            "COLUMNS": "200",
            "NO_COLOR": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        },
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and a directory of packages beside it that its programs see."""

    directory: Path
    beside: str = ""

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    @property
    def work(self) -> Path:
        return self.directory.parent

    def graphdiag(self, *arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
        program = self.directory / "bin" / "graphdiag"
        return run(program, *arguments, status=status, cwd=self.work, path=self.beside)

    def install(self, *what: object) -> None:
        run(self.python, "-m", "pip", "install", "-q", "-c", ROOT / "tests" / "constraints.txt", *what)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("wheels")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", directory]
    run(*build, ROOT, ROOT / "fixtures" / "third_party")
    return {file.name.partition("-")[0]: file for file in directory.glob("*.whl")}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, wheels: dict[str, Path]) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("fresh") / "environment")
    run(sys.executable, "-m", "venv", environment.directory)
    environment.install(wheels["graphdiag"])
    return environment


def size_mb(directory: Path) -> float:
    files = (file for file in directory.rglob("*") if file.is_file() and not file.is_symlink())
    return sum(file.stat().st_size for file in files) / 1e6


def test_it_is_small_and_compares_a_log(fresh: Environment) -> None:
    answer = fresh.graphdiag("compare", LOG, "--model", LOG / "model.json").stdout
    assert answer.startswith("8 drawn layer edges are not in your model. All 8 are artifacts of one op")
    size = size_mb(fresh.directory)
    print(f"graphdiag without TensorFlow: {size:.0f} MB")
    assert size <= LARGEST_MB


def test_the_demo_needs_no_checkout(fresh: Environment) -> None:
    assert fresh.graphdiag("demo").stdout.startswith("8 drawn layer edges are not in your model.")
    fresh.graphdiag("demo", "-o", "pointcloud")
    repaired = fresh.graphdiag("repair", "pointcloud", "--model", "pointcloud/model.json", "-o", "repaired").stdout
    assert "Proved to be the same graph under other names: 1,285 ops." in repaired


@pytest.mark.parametrize("package", ["tensorflow", "keras", "tf_keras"])
def test_tensorflow_is_not_there(fresh: Environment, package: str) -> None:
    assert "ModuleNotFoundError" in run(fresh.python, "-c", f"import {package}", status=1).stderr


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["compare", ROOT / "fixtures/models/sequential_keras3.py"], "needs keras in line"),
        (["compare", LOG, "--verify"], "--verify needs TensorFlow"),
        (["reference", "--logdir", "log"], "the reference model needs TensorFlow"),
        (["reference", "--logdir", "log", "--stack", "tf1"], "the reference model needs TensorFlow"),
    ],
)
def test_what_runs_a_model_says_what_to_install(fresh: Environment, arguments: list[object], what: str) -> None:
    told = fresh.graphdiag(*arguments, status=2).stderr
    assert what in told
    assert told.endswith('which is not installed: pip install "graphdiag[tensorflow]"\n')
    assert told.count("\n") == 1
    assert not (fresh.work / "log").exists()


def test_a_tf_keras_file_says_which_extra(fresh: Environment) -> None:
    file = ROOT / "fixtures/models/sequential_tf_keras.py"
    assert fresh.graphdiag("compare", file, status=2).stderr.endswith('pip install "graphdiag[keras2]"\n')


def test_a_rule_a_contract_and_a_source_of_another_package(
    fresh: Environment, wheels: dict[str, Path], tmp_path: Path
) -> None:
    # The other tests are of an environment without it.
    fresh.install("--no-deps", "--target", tmp_path, wheels["acme_graphs"])
    fresh = replace(fresh, beside=str(tmp_path))
    (fresh.work / "edges").write_text("chain\nx a\nx b\na c\n")
    (fresh.work / "broken.chain").write_text("chain\nx\n")
    (fresh.work / "graphdiag.toml").write_text(
        '[[models]]\nname = "net"\nsource = "edges"\n'
        '[[contracts]]\nname = "not wide"\ntype = "narrow"\nlimit = 1\n'
        '[[contracts]]\nname = "not so wide"\ntype = "narrow"\nlimit = 2\n'
    )
    report = json.loads(fresh.graphdiag("compare", "edges", "--format", "json").stdout)
    assert report["source"]["kind"] == "acme.chain"
    assert [(found["code"], found["edges"]) for found in report["findings"]] == [("ACME001", [["x", "a"], ["x", "b"]])]
    assert "ACME's hardware keeps one copy" in fresh.graphdiag("explain", "ACME001").stdout
    checked = fresh.graphdiag("check", status=1).stdout
    assert "BROKEN  not wide (narrow)" in checked
    assert "kept    not so wide (narrow)" in checked
    assert "x feeds 2 layers" in checked
    # A report that says so is read again.
    (fresh.work / "report.json").write_text(json.dumps(report))
    assert "ACME001" in fresh.graphdiag("convert", "report.json", "--format", "text").stdout
    assert "broken.chain: line 2 must name two layers." in fresh.graphdiag("compare", "broken.chain", status=2).stderr
    told = fresh.graphdiag("compare", "edges", "--run", "train", status=2).stderr
    only = "--run applies to a TensorBoard log and a running TensorBoard only"
    assert told == f"graphdiag: {only}, and edges is a chain of ACME's.\n"


def test_what_needs_no_tensorflow_is_tested_without_it(fresh: Environment) -> None:
    fresh.install("pytest", "hypothesis")
    run(fresh.python, "-m", "pytest", "-x", "-p", "no:cacheprovider", *WITHOUT_TENSORFLOW)
