"""A run without a layer graph is held against the only model file in its directory, as in TensorBoard's tab."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from graphdiag.results.scan_rows import ScanRow
from graphdiag.scanning.scan import scan
from tests.support.graph_text import FIXTURES, LOGS
from tests.tensorboard_plugin.served import Served

REFERENCE = LOGS / "keras216_reference"
MODEL = REFERENCE / "model.json"
OTHER = LOGS / "keras216_nested_name_collides" / "model.json"
WITH_MODEL = LOGS / "k3_reference_callback"
RUNS = {
    "fits": [MODEL],
    "does_not_fit": [OTHER],
    "two": [MODEL, OTHER],
    "capitals": [MODEL],
    "with_weights": [MODEL, FIXTURES / "files" / "k3_only.weights.h5"],
    "with_notes": [MODEL],
    "damaged": [],
    "none": [],
}
TAKEN = "The layer graph is that of {}, the model beside the log."


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("logs")
    for name, models in RUNS.items():
        _run(directory / name, REFERENCE)
        for number, model in enumerate(models):
            shutil.copyfile(model, directory / name / f"{number}_{model.name}")
    (directory / "capitals" / "0_model.json").rename(directory / "capitals" / "MODEL.JSON")
    (directory / "with_notes" / "package.json").write_text('{"name": "no model"}')
    (directory / "damaged" / "net.keras").write_text("no archive")
    _run(directory / "own", WITH_MODEL)
    shutil.copyfile(OTHER, directory / "own" / "model.json")
    # A model belongs to the runs of its own directory, and not to those below.
    shutil.copyfile(MODEL, directory / "model.json")
    return directory


@pytest.fixture(scope="module")
def rows(logs: Path) -> dict[str, ScanRow]:
    return {row.run: row for row in scan(logs, jobs=2).rows if row.kind == "event_log"}


def _run(directory: Path, log: Path) -> None:
    directory.mkdir()
    for file in log.rglob("*tfevents*"):
        shutil.copyfile(file, directory / file.name)


def test_what_is_taken_and_what_is_said_of_it(rows: dict[str, ScanRow]) -> None:
    layers = {name: row.layers for name, row in rows.items() if name != "own"}
    assert {name for name, count in layers.items() if count == 28} == {"fits", "capitals", "with_weights", "with_notes"}
    assert {name for name, count in layers.items() if count is None} == {"does_not_fit", "two", "damaged", "none"}
    assert rows["fits"].artifact == 8
    assert rows["fits"].structure
    assert rows["fits"].notes[0] == TAKEN.format("0_model.json")
    assert (
        rows["does_not_fit"]
        .notes[0]
        .startswith("The model beside the log was not taken: 0_model.json does not fit the op graph: ")
    )
    assert rows["damaged"].notes[0].startswith("The model beside the log was not taken: ")
    assert rows["two"].notes == rows["none"].notes
    assert rows["own"].layers
    assert not any("beside the log" in note for note in rows["own"].notes)


def test_the_tab_gives_the_same_answers(logs: Path, rows: dict[str, ScanRow]) -> None:
    runs = Served(logs).runs()
    assert set(runs) == set(rows)
    for name, run in runs.items():
        row, answer = rows[name], run["answer"]
        assert (row.layers, row.ops, row.headline) == (answer["layers"], answer["ops"], answer["headline"])
        counts = {verdict: getattr(row, verdict) or 0 for verdict in ("artifact", "hidden", "missing")}
        assert counts == answer["counts"]


def test_a_model_that_changes_is_another_result(tmp_path: Path) -> None:
    runs, store = tmp_path / "runs", tmp_path / "store"
    runs.mkdir()
    _run(runs / "run", REFERENCE)

    def layers() -> int | None:
        [row] = [row for row in scan(runs, jobs=1, store=store).rows if row.kind == "event_log"]
        return row.layers

    assert layers() is None
    shutil.copyfile(MODEL, runs / "run" / "model.json")
    assert layers() == 28
    shutil.copyfile(OTHER, runs / "run" / "model.json")
    assert layers() is None
    assert scan(runs, jobs=1, store=store).reused == 2


def test_a_model_that_may_not_be_read_has_a_row_that_says_so(tmp_path: Path) -> None:
    _run(tmp_path / "run", REFERENCE)
    os.symlink("/proc/self/mem", tmp_path / "run" / "net.keras")
    rows = {row.run: row for row in scan(tmp_path, jobs=1).rows}
    assert rows["run"].error == ""
    assert rows["run"].artifact == 8
    assert "cannot be read" in rows["run/net.keras"].error
