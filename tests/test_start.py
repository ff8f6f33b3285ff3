"""What a process of graphdiag loads: a short run pays for what it uses, and for nothing else."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys

import pytest

import graphdiag
from tests.conftest import ROOT
from tests.support.graph_text import LOGS

LOG = str(LOGS / "keras216_reference")

_MODULES_OF_A_RUN = """
import json, sys
from graphdiag.cli import main
sys.argv = ["graphdiag", *{arguments!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print()
print(json.dumps(sorted(sys.modules)))
"""

NOTHING_OF_THESE = {
    *("asyncio", "concurrent.futures", "http", "multiprocessing", "ssl", "urllib.request"),
    *("google.protobuf", "h5py", "jsonschema", "networkx", "numpy", "pydot", "tensorboard", "tensorflow"),
    *("rich.console", "rich.markdown", "rich.traceback", "pygments", "pydantic"),
    *("difflib", "email", "hashlib", "importlib.metadata"),
}
NOT_IN_A_SMALL_COMPARE = {
    *("asyncio", "concurrent.futures", "http", "multiprocessing", "ssl", "urllib.request"),
    *("h5py", "jsonschema", "networkx", "pydot", "tensorflow", "keras", "numpy.ma"),
    *("rich.live", "rich.markdown", "rich.progress", "rich.status", "rich.traceback", "pygments", "pydantic"),
    *("difflib", "hashlib", "xml"),
    *("graphdiag.sources.keras_json", "graphdiag.sources.keras_model"),
}


def modules_of(run_python, script):
    return set(json.loads(run_python(script).splitlines()[-1]))


def test_importing_graphdiag_loads_nothing_else(run_python):
    loaded = modules_of(run_python, "import graphdiag, json, sys; print(json.dumps(sorted(sys.modules)))")
    assert not loaded & (NOTHING_OF_THESE | {"click", "dataclasses"})
    assert {name for name in loaded if name.startswith("graphdiag")} <= {
        *("graphdiag", "graphdiag.search_path", "graphdiag.version")
    }


@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["compare", "--help"], ["check", "--help"], ["--show-completion", "fish"]]
)
def test_what_only_talks_about_graphdiag_loads_no_library_but_click(run_python, arguments):
    assert not modules_of(run_python, _MODULES_OF_A_RUN.format(arguments=arguments)) & NOTHING_OF_THESE


def test_a_small_compare_loads_what_it_uses(run_python):
    loaded = modules_of(run_python, _MODULES_OF_A_RUN.format(arguments=["compare", LOG]))
    assert not loaded & NOT_IN_A_SMALL_COMPARE


NAMES = sorted(module.name for module in pkgutil.walk_packages(graphdiag.__path__, "graphdiag."))


def test_every_module_is_what_import_as_gives(run_python):
    # `import a.b as m` reads attributes, and would give a function that shadows its module.
    lines = [f"import {name} as m; assert m is sys.modules[{name!r}], {name!r}" for name in importable()]
    run_python(
        "\n".join(["import sys", "import graphdiag; [getattr(graphdiag, n) for n in graphdiag.__all__]", *lines])
    )


def importable():
    """All modules but ``__main__``, which runs the command line when `python -m` asks for it."""
    return [name for name in NAMES if name != "graphdiag.__main__"]


def test_every_module_can_be_imported_by_itself():
    for name in importable():
        assert importlib.import_module(name).__name__ == name


# --- shells ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_each_shell(graphdiag, shell):
    done = graphdiag("--show-completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_GRAPHDIAG_COMPLETE={shell}_complete" in done.stdout


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["co"], {"compare", "convert"}),
        (["compare", "--sh"], {"--show-shapes"}),
        (["compare", "x", "--format", "s"], {"sarif", "svg"}),
        (["check", "--format", "s"], {"sarif"}),
        (["reference", "--stack", "t"], {"tf_keras", "tf1"}),
    ],
)
def test_bash_completes_commands_options_and_values(tmp_path, words, completed):
    (tmp_path / "graphdiag").write_text(f'#!/bin/sh\nexec {sys.executable} -m graphdiag "$@"\n')
    (tmp_path / "graphdiag").chmod(0o755)
    script = (
        'eval "$(graphdiag --show-completion bash)"; '
        f"COMP_WORDS=(graphdiag {' '.join(words)}); COMP_CWORD={len(words)}; "
        '_graphdiag_completion graphdiag; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == completed
