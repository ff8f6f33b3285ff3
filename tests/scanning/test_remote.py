"""Sources in an object store: a scan by address, and every command on one."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import graphdiag
from graphdiag.errors import SourceError
from graphdiag.scanning.scan import scan
from graphdiag.sources import remote
from tests.support.command_line import environment, run
from tests.support.graph_text import FIXTURES, LOGS
from tests.support.object_store import s3_server, upload
from tests.support.scan_runs import make_runs

RUNS = 4


@pytest.fixture(scope="module")
def store() -> Iterator[Mapping[str, str]]:
    with s3_server() as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        upload(FIXTURES / "files", "s3://models/files")
        upload(LOGS / "keras216_reference", "s3://models/logs/keras216_reference")
        upload(LOGS / "k3_reference_train", "s3://models/logs/k3_reference_train")
        yield variables


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("runs")
    make_runs(directory, RUNS)
    return directory


def test_a_bucket_gives_the_rows_of_the_same_files_on_disk(store: Mapping[str, str], runs: Path) -> None:
    upload(runs, "s3://runs/all")
    here, there = scan(runs, jobs=1), scan("s3://runs/all", jobs=2)
    moved = [row.to_dict() | {"source": row.source.replace(str(runs), "s3://runs/all")} for row in here.rows]
    assert [row.to_dict() for row in there.rows] == moved
    pattern = scan("s3://runs/*/keras*", jobs=1)
    assert {row.source for row in pattern.rows} == {row["source"] for row in moved if "/keras" in str(row["source"])}


def test_a_run_in_a_bucket_is_held_against_the_model_beside_it(store: Mapping[str, str]) -> None:
    [there] = [row for row in scan("s3://models/logs/keras216_reference", jobs=1).rows if row.kind == "event_log"]
    assert (there.layers, there.artifact) == (28, 8)
    assert there.notes[0] == "The layer graph is that of model.json, the model beside the log."


def test_results_are_kept_in_a_bucket_and_unchanged_runs_are_not_read_again(
    store: Mapping[str, str], runs: Path
) -> None:
    upload(runs, "s3://again/runs")
    first = scan("s3://again/runs", jobs=2, store="s3://again/store", pages="s3://again/pages")
    again = scan("s3://again/runs", jobs=2, store="s3://again/store", pages="s3://again/pages")
    assert (first.reused, again.reused) == (0, RUNS)
    assert again.render("jsonl") == first.render("jsonl")
    system, _ = remote.file_system("s3://again")
    assert len(system.find("again/pages")) == RUNS
    for row in again.rows:
        assert system.cat_file(f"again/pages/{row.page}").startswith(b"<!DOCTYPE html>")
        assert f'href="s3://again/pages/{row.page}"' in str(again.render("html"))
    # What is not there any more cannot be read again: these rows are from the store.
    [changed] = [file for file in system.find("again/runs") if "run_00002" in file]
    system.pipe_file(changed, b"no event file")
    third = scan("s3://again/runs", jobs=2, store="s3://again/store")
    assert [row.run for row in third.rows if row.error] == ["keras216_shared_constant/run_00002"]


def test_every_command_opens_an_address(store: Mapping[str, str], tmp_path: Path) -> None:
    log, model = "s3://models/logs/keras216_reference", "s3://models/files/k3_siamese.keras"
    here = environment(**store)
    compared = run("compare", log, env=here)
    assert (compared.returncode, log in compared.stdout, "8 drawn edges" in compared.stdout) == (0, True, True)
    same = run("diff", model, FIXTURES / "files" / "k3_siamese.keras", env=here)
    assert same.stdout.startswith("No difference in what could be compared;")
    assert run("snapshot", model, env=here).stdout == run("snapshot", FIXTURES / "files" / "k3_siamese.keras").stdout
    (tmp_path / "graphdiag.toml").write_text(
        f'[[models]]\nname = "far"\nsource = "{log}"\nmodel = "{log}/model.json"\n'
    )
    checked = run("check", cwd=tmp_path, env=here)
    assert "1 contract kept" in checked.stdout, checked.stdout + checked.stderr
    repaired = run("repair", log, "--model", f"{log}/model.json", "--with-events", "-o", tmp_path / "out", env=here)
    assert repaired.returncode == 0, repaired.stderr
    assert graphdiag.compare(tmp_path / "out").summary.artifact == 0


def test_of_an_archive_only_the_structure_is_copied(store: Mapping[str, str], tmp_path: Path) -> None:
    heavy = tmp_path / "heavy.keras"
    with zipfile.ZipFile(FIXTURES / "files" / "k3_siamese.keras") as model, zipfile.ZipFile(heavy, "w") as archive:
        for name in model.namelist():
            archive.writestr(name, model.read(name))
        archive.writestr("assets/weights", bytes(32 * 2**20))
    upload(tmp_path, "s3://heavy/models")
    system, path = remote.file_system("s3://heavy/models/heavy.keras")
    remote.copy(system, [(path, "")], tmp_path / "copy.keras", "s3://heavy/models/heavy.keras")
    assert (tmp_path / "copy.keras").stat().st_size < 2**20
    assert graphdiag.compare("s3://heavy/models/heavy.keras").layer_graph == graphdiag.compare(heavy).layer_graph


def test_no_more_is_copied_than_a_source_may_have(store: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "LARGEST", 1000)
    with pytest.raises(SourceError, match=r"^s3://models/logs/keras216_reference is larger than"):
        graphdiag.compare("s3://models/logs/keras216_reference")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s3://models/nothing", "s3://models/nothing does not exist."),
        ("s3://no-such-bucket/a", "s3://no-such-bucket/a "),
        ("s3://models/files/k3_only.weights.h5", "holds no model, only weights"),
        ("s3://models/files/tf110_saved_model/variables", "s3://models/files/tf110_saved_model/variables "),
        ("s3://user:secret@models/nothing", "s3://models/nothing"),
        ("s3://models/code/model.py", "Python code is run from this machine's disks only"),
        ("gs://models/logs", "gs://models/logs cannot be read: "),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(store: Mapping[str, str], address: str, words: str) -> None:
    with pytest.raises(SourceError) as error:
        graphdiag.compare(address)
    assert words in str(error.value)
    assert "secret" not in str(error.value)
    assert "/tmp" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_store_that_goes_away_is_an_error_of_each_run(store: Mapping[str, str], runs: Path) -> None:
    upload(runs, "s3://gone/runs")
    system, _ = remote.file_system("s3://gone")

    def remove(_: object) -> None:
        if system.exists("gone/runs"):
            system.rm("gone/runs", recursive=True)

    report = scan("s3://gone/runs", jobs=1, progress=remove)
    lines = [json.loads(line) for line in report.render("jsonl").splitlines()]
    assert len(lines) == RUNS
    assert lines[0]["error"] == ""
    assert all(line["error"] in ("", f"{line['source']} does not exist.") for line in lines)
