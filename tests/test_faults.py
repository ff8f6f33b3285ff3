"""Inputs that once hung, crashed or took all memory: each ends in an answer or in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.sources.event_files import LOGS, put_special

FAULTS = ROOT / "fixtures" / "faults"


def run(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A command under limits: a minute of processor time and, but for what it starts, 4 GiB of memory."""
    limited = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32)); "
        "resource.setrlimit(resource.RLIMIT_CPU, (60, 60)); sys.argv[0] = 'graphdiag'; "
        "runpy.run_module('graphdiag', run_name='__main__')"
    )
    environment = dict(os.environ, COLUMNS="100", NO_COLOR="1", PYTHONPATH=str(ROOT), OPENBLAS_NUM_THREADS="1")
    return subprocess.run(
        [sys.executable, "-c", limited, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=300,
    )


def assert_one_line(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert words in done.stderr
    assert len(done.stderr) < 2000


def test_every_fault_is_listed() -> None:
    listed = (FAULTS / "README.md").read_text(encoding="utf-8")
    assert [file.name for file in FAULTS.iterdir() if f"`{file.name}`" not in listed] == ["README.md"]


@pytest.mark.parametrize(
    "name",
    ["hang_box_of_row", "hang_identity_loop", "indexerror_of_output", "slot_huge", "slot_digits", "embedded_in_itself"],
)
def test_a_graph_is_compared_saved_and_converted(tmp_path: Path, name: str) -> None:
    saved = tmp_path / "report.json"
    done = run("compare", FAULTS / f"{name}.pbtxt", "--format", "json", "-o", saved)
    assert done.returncode == 0, done.stderr
    for format_ in ("text", "html", "graphml-drawn", "graphml-ops"):
        again = run("convert", saved, "--format", format_, "-o", tmp_path / "out")
        assert again.returncode == 0, again.stderr
    assert run("diff", saved, saved).returncode == 0


def test_the_cycle_of_parents_is_drawn_as_tensorboard_shows_it() -> None:
    drawn = run("draw", FAULTS / "hang_box_of_row.pbtxt", "--expand", "zz", "--expand", "zz/last", "--depth", "9")
    assert drawn.returncode == 0, drawn.stderr
    assert drawn.stdout.splitlines() == [
        "graph  2 ops",
        "├── main graph: 1 node, 0 arrows",
        "│   └── zz  Const",
        "│       └── last  Identity",
        "└── auxiliary nodes: 1",
        "    └── waits  NoOp: op type NoOp",
    ]


def test_an_output_that_no_op_has_is_no_edge(tmp_path: Path) -> None:
    saved = tmp_path / "report.json"
    assert run("compare", FAULTS / "slot_huge.pbtxt", "--format", "json", "-o", saved).returncode == 0
    ops = json.loads(saved.read_text(encoding="utf-8"))["op_graph"]
    assert ops["source"] == []
    assert ops["dangling"] == [[1, "a:2147483648"]]


@pytest.mark.parametrize(
    ("name", "words"), [("lzma_damaged.keras", "Corrupt input data"), ("name_not_utf8.keras", "'utf-8' codec")]
)
def test_a_damaged_archive_is_one_line(name: str, words: str) -> None:
    assert_one_line(run("compare", FAULTS / name), words)


_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 12345\n"
_OF_R = {"nbformat": 4, "nbformat_minor": 4, "metadata": {"kernelspec": {"name": "ir", "language": "R"}}, "cells": []}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("model.keras", _POINTER, "is a Git LFS pointer, and not the file itself; run 'git lfs pull' first."),
        ("graph.pb", _POINTER, "is a Git LFS pointer"),
        ("weights.h5", _POINTER, "is a Git LFS pointer"),
        ("net.py", "x = '\0'\n", "is not valid Python: source code string cannot contain null bytes."),
        ("net.ipynb", json.dumps(_OF_R), "is a notebook in R; give one in Python."),
        ("model.json", '{"class_name": "Functional", "config": {"layers": {}}}', "the JSON is damaged."),
    ],
)
def test_a_file_that_is_something_else_is_called_what_it_is(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    (tmp_path / name).write_text(content)
    assert_one_line(run("compare", tmp_path / name), words)


def test_nested_models_cost_what_the_file_says() -> None:
    done = run("compare", FAULTS / "nested_identity_22_levels.json")
    assert done.returncode == 0, done.stderr
    assert "2 layers, 1 edge" in done.stdout


def test_a_graph_that_grows_is_stopped_and_the_report_says_so(graphdiag) -> None:
    done = graphdiag("compare", "--verify", FAULTS / "verify_whilegrow.pbtxt")
    assert done.returncode == 0, done.stderr
    assert "proved statically only: it took more than 2 GiB of memory to run" in done.stdout


@pytest.mark.parametrize("special", ["fifo", "socket", "device"])
def test_only_regular_files_are_read(tmp_path: Path, special: str) -> None:
    place = tmp_path / "special"
    put_special(place, special)
    saved_model = tmp_path / "saved"
    saved_model.mkdir()
    put_special(saved_model / "saved_model.pb", special)
    words = "not a regular file"
    assert_one_line(run("convert", place), words)
    assert_one_line(run("check", "--config", place), words)
    assert_one_line(run("compare", saved_model), words)
    assert_one_line(run("compare", place), "is neither a file nor a directory")
    assert_one_line(run("compare", LOGS / "keras216_reference", "--model", place), "is neither a file nor a directory")
    (tmp_path / "graphdiag.toml").write_text('baseline = "special"\n[[models]]\nname = "m"\nsource = "x.pb"\n')
    assert_one_line(run("check", cwd=tmp_path), words)


def test_sizes_are_bounded_before_anything_is_read(tmp_path: Path) -> None:
    for name in ("model.json", "graph.pb", "report.json", "graphdiag.toml"):
        with (tmp_path / name).open("wb") as sparse:
            sparse.write(b"{")
            sparse.truncate(3 * 2**30)
    assert_one_line(run("compare", tmp_path / "model.json"), "it is larger than 64 MiB")
    assert_one_line(run("compare", tmp_path / "graph.pb"), "it is larger than 2,048 MiB")
    assert_one_line(run("convert", tmp_path / "report.json"), "it is larger than 1,024 MiB")
    assert_one_line(run("check", "--config", tmp_path / "graphdiag.toml"), "it is larger than 16 MiB")


@pytest.mark.parametrize("content", ["a = " + "[" * 100_000, '{"a":' * 100_000], ids=["toml", "json"])
def test_deep_nesting_in_any_saved_file_is_one_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / "deep.toml"
    file.write_text(content)
    assert_one_line(run("check", "--config", file), "deep.toml: is not TOML")
    (tmp_path / "graphdiag.toml").write_text('baseline = "deep.toml"\n[[models]]\nname = "m"\nsource = "x.pb"\n')
    assert_one_line(run("check", cwd=tmp_path), "deep.toml: is no")
    assert_one_line(run("convert", file), "is not JSON")


def test_no_complaint_is_longer_than_a_terminal_can_show(tmp_path: Path) -> None:
    saved = tmp_path / "snapshot.json"
    saved.write_text(json.dumps({"schema": "graphdiag.snapshot/" + "1" * 5000}))
    done = run("diff", saved, saved)
    assert_one_line(done, "this is a snapshot of schema graphdiag.snapshot/111")
    assert_one_line(run("compare", "x" * 3000), "cannot be read")


LITTLE_MEMORY = """
import contextlib, resource, sys
from pathlib import Path
from graphdiag.cli import main
small, large, room = sys.argv[1:]
sys.argv = ["graphdiag", "compare", small]
with contextlib.suppress(SystemExit):
    main()
size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + int(room) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (size, size))
sys.argv[2] = large
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much memory a process has")
@pytest.mark.parametrize("room", [1, 10, 40])
def test_too_little_memory_is_one_line(tmp_path: Path, room: int) -> None:
    from tests.sources.event_files import graph

    small, large = tmp_path / "small.pb", tmp_path / "large.pb"
    small.write_bytes(graph("a/x").SerializeToString())
    large.write_bytes(graph(*(f"scope_{number}/x" for number in range(100_000))).SerializeToString())
    done = subprocess.run(
        [sys.executable, "-c", LITTLE_MEMORY, str(small), str(large), str(room)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ, PYTHONPATH=str(ROOT), OPENBLAS_NUM_THREADS="1"),
        timeout=300,
    )
    assert_one_line(done, "this takes more memory than there is")


def test_scopes_without_end_are_one_line(tmp_path: Path) -> None:
    from tests.sources.event_files import graph

    file = tmp_path / "graph.pb"
    file.write_bytes(graph("s/" * 50_000 + "x").SerializeToString())
    assert_one_line(run("compare", file), "lies in 50,000 name scopes, and at most 200 can be read")
    file.write_bytes(graph("s/" * 200 + "x").SerializeToString())
    for argv in (
        ["compare", file],
        ["draw", file, "--depth", "999"],
        ["draw", file, "--depth", "999", "--format", "dot"],
    ):
        done = run(*argv)
        assert done.returncode == 0, done.stderr[-500:]


def test_a_picture_that_nobody_could_read_is_one_line(tmp_path: Path) -> None:
    from tests.bench.shapes import dense

    for format_ in ("svg", "dot"):
        assert_one_line(run(*dense(300, tmp_path, "--format", format_)), "take --format html")
