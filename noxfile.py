"""What CI runs, on one machine: ``nox`` for the quick sessions, ``nox -l`` for all, ``nox -s NAME`` for one."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import nox

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent
CONSTRAINTS = ROOT / "tests" / "constraints.txt"
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
TENSORFLOWS = {
    "2.16": "keras==3.3.*",
    "2.17": "keras==3.4.*",
    "2.18": "keras==3.6.*",
    "2.19": "keras==3.9.*",
    "2.20": "keras==3.11.*",
    "2.21": "keras",
}
"""Versions of TensorFlow, each with the Keras of its time."""
TENSORBOARDS = {"2.16": ("3.10", ("numpy<2", "protobuf<5")), "2.21": ("3.11", ())}
"""The oldest and the newest TensorBoard that the tab is tested in, with a Python and the libraries of its time."""
WITHOUT_TENSORFLOW = [
    "tests/checking/contracts/test_golden.py",
    "tests/checking/contracts/test_independence.py",
    "tests/diagnosis/test_logs.py",
    "tests/graphs",
    "tests/render/test_snapshots.py",
    "tests/sources/test_event_log.py",
    "tests/sources/test_graph_def.py",
    "tests/sources/test_open_source.py",
    "tests/tensorboard/test_museum.py",
    "tests/test_demo.py",
]
WITH_MODELS = ["tests/sources/test_keras_model.py", "tests/test_keras_callback.py", "tests/test_reference.py"]

nox.options.sessions = ["lint", "docs", "wheel"]
nox.options.reuse_existing_virtualenvs = True


@nox.session
def lint(session: nox.Session) -> None:
    """Lint, format, types and import contracts."""
    session.install("-c", str(CONSTRAINTS), "-e", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports", "--no-cache")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, with a warning for an error."""
    session.install("-c", str(CONSTRAINTS), "-e", ".[docs]")
    site = Path(session.create_tmp()).resolve() / "site"
    session.run("mkdocs", "build", "--quiet", "--strict", "-d", str(site), env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests, with the pinned versions of everything; they need Graphviz, Chromium and Node.js."""
    session.install("-c", str(CONSTRAINTS), "-e", ".[dev]")
    session.run("pytest", "-n", "logical", "--dist", "loadfile", "--no-loadscope-reorder", *session.posargs)


@nox.session(python=PYTHONS)
def without_tensorflow(session: nox.Session) -> None:
    """The newest dependencies, without TensorFlow: what reads files."""
    session.install(".", "pytest", "hypothesis")
    session.run("pytest", "-p", "no:cacheprovider", *(session.posargs or WITHOUT_TENSORFLOW))


@nox.session(python="3.10")
def lowest(session: nox.Session) -> None:
    """The lowest versions of direct dependencies that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = [re.sub(r">=([\d.]+)", r"==\1", requirement) for requirement in project["dependencies"]]
    session.install(".", *pins, "pytest", "hypothesis")
    session.run("pytest", "-p", "no:cacheprovider", *(session.posargs or WITHOUT_TENSORFLOW))


@nox.session
@nox.parametrize("tensorflow", list(TENSORFLOWS))
def models(session: nox.Session, tensorflow: str) -> None:
    """Models that run, on a version of TensorFlow with the Keras and the tf_keras of its time."""
    stack = [f"tensorflow=={tensorflow}.*", f"tf_keras=={tensorflow}.*", TENSORFLOWS[tensorflow]]
    session.install(".", *stack, "pytest", "hypothesis")
    session.run("pytest", "-p", "no:cacheprovider", *(session.posargs or WITH_MODELS))


@nox.session(python="3.11")
@nox.parametrize("tensorboard", list(TENSORBOARDS))
def tab(session: nox.Session, tensorboard: str) -> None:
    """The tab in a version of TensorBoard, in Chromium; the tests themselves run with the pinned versions."""
    python, libraries = TENSORBOARDS[tensorboard]
    other = Path(session.create_tmp()).resolve() / f"tensorboard-{tensorboard}"
    session.run(f"python{python}", "-m", "venv", "--clear", str(other), external=True)
    # TensorBoard up to 2.18 imports pkg_resources, which newer releases of setuptools do not have.
    needs = [f"tensorboard=={tensorboard}.*", "setuptools<80", *libraries]
    interpreter = str(other / "bin" / "python")
    session.run(interpreter, "-m", "pip", "install", "--quiet", *needs, "-e", str(ROOT), external=True)
    session.install("-c", str(CONSTRAINTS), "-e", ".[dev]")
    tests = session.posargs or ["tests/browser/test_tensorboard_tab.py"]
    session.run("pytest", *tests, env={"GRAPHDIAG_TENSORBOARD_PYTHON": interpreter})


@nox.session
def wheel(session: nox.Session) -> None:
    """Build both distributions, check them, and use the wheel where no source is."""
    session.install("build", "check-wheel-contents", "hatchling", "hatch-fancy-pypi-readme", "twine")
    work = Path(session.create_tmp()).resolve()
    source, built = work / "source", work / "dist"
    for directory in (source, built):
        shutil.rmtree(directory, ignore_errors=True)
    session.run("git", "clone", "--quiet", str(ROOT), str(source), external=True)
    session.run("python", "-m", "build", "--no-isolation", "--outdir", str(built), str(source), silent=True)
    session.run("twine", "check", "--strict", *map(str, built.iterdir()))
    [file] = built.glob("*.whl")
    session.run("check-wheel-contents", "--config", str(source / "pyproject.toml"), str(file))
    shutil.rmtree(source)
    _use(session, work, str(file))


@nox.session(python=PYTHONS)
def smoke(session: nox.Session) -> None:
    """What a new user does first, without TensorFlow; runs on every system."""
    _use(session, Path(session.create_tmp()).resolve(), str(ROOT))


def _use(session: nox.Session, work: Path, package: str) -> None:
    session.install("--force-reinstall", "--no-deps", package)
    session.install(package)
    log = work / "pointcloud"
    for made in (log, work / "repaired"):
        shutil.rmtree(made, ignore_errors=True)
    (work / "graphdiag.toml").write_text(
        '[[models]]\nname = "point cloud"\nsource = "pointcloud"\nmodel = "pointcloud/model.json"\n'
        '[[contracts]]\nname = "feed-forward"\ntype = "acyclic"\n',
        encoding="utf-8",
    )
    model = ["--model", str(log / "model.json")]
    with session.chdir(work):
        session.run("graphdiag", "demo", silent=True)
        session.run("graphdiag", "demo", "-o", "pointcloud")
        session.run("graphdiag", "compare", "pointcloud", *model, "--quiet", "-o", "report.html", "-o", "report.json")
        session.run("graphdiag", "convert", "report.json", "--format", "github", silent=True)
        session.run("graphdiag", "repair", "pointcloud", *model, "-o", "repaired")
        session.run("graphdiag", "snapshot", "pointcloud", *model, "-o", "golden.json")
        session.run("graphdiag", "diff", "golden.json", "report.json")
        session.run("graphdiag", "check")
        session.run("graphdiag", "explain", "GD101", silent=True)


@nox.session
def api(session: nox.Session) -> None:
    """What the public API has lost since the last release."""
    session.install("-c", str(CONSTRAINTS), "griffe[pypi]")
    tags = session.run("git", "tag", "--list", "v*", "--sort=-version:refname", external=True, silent=True)
    if not tags or not tags.strip():
        session.skip("there is no release yet")
    session.run("griffe", "check", "graphdiag", "--against", tags.split()[0])
