"""The scan: what it says, and that it says the same whoever compared the runs and whatever was lost on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import graphdiag
from graphdiag.errors import GraphdiagError, UsageError
from graphdiag.modeldiff.summary import headline
from graphdiag.results.scan_report import ScanReport, View
from graphdiag.scanning.scan import scan
from graphdiag.scanning.store import StoreError
from tests.conftest import ROOT
from tests.support.command_line import environment, run, start, wait_until
from tests.support.graph_text import FIXTURES, LOGS
from tests.support.scan_runs import make_runs
from tests.support.schemas import wrong

RUNS = 12


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("runs")
    make_runs(directory, RUNS)
    return directory


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds what `report` says; not to be changed."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def report(runs: Path, kept: Path) -> ScanReport:
    """What one process says of the runs."""
    return scan(runs, jobs=1, store=kept)


@pytest.fixture(scope="module")
def expected(report: ScanReport) -> bytes:
    """The same as lines of JSON."""
    return bytes(report.render("jsonl"))


# --- what it says ----------------------------------------------------------------------------------------------------


def test_each_run_has_a_row_with_what_compare_says(runs: Path, expected: bytes) -> None:
    rows = [json.loads(line) for line in expected.splitlines()]
    assert len(rows) == RUNS
    assert [row["run"] for row in rows] == sorted(row["run"] for row in rows)
    for row in rows:
        assert wrong(row, "scan") is None
        report = graphdiag.compare(row["source"])
        assert row["artifact"] == report.summary.artifact > 0
        assert (row["ops"], row["op_edges"]) == (len(report.op_graph), len(report.op_graph.source))
        assert [rule["code"] for rule in row["rules"]] == sorted({finding.code for finding in report.findings})
        assert row["stack"] == report.origin.stack


def test_rules_are_counted_over_all_runs_since_the_first(report: ScanReport) -> None:
    found = {rule.code: rule for rule in report.rules}
    assert (found["GD102"].runs, found["GD102"].culprits_in_all) == (RUNS // 4, 1)
    assert found["GD102"].culprits[0].name == "phase_train"
    of_log = [row for row in report.rows if "flag_in_layer" in row.source]
    assert found["GD102"].since == min(row.written for row in of_log)
    assert found["GD102"].first == min(of_log, key=lambda row: row.written).source
    said = str(report.render("text"))
    assert f"{RUNS} runs compared: {RUNS} have artifacts." in said
    assert f"GD102 shared-flag (artifact): in {RUNS // 4} of {RUNS} runs, since 2026-02-25; always phase_train" in said


def test_a_run_that_differs_from_the_run_before_is_named_with_what_changed(tmp_path: Path) -> None:
    old, new = FIXTURES / "files" / "k3_siamese.keras", FIXTURES / "files" / "k3_sequential.json"
    for number, model in enumerate([old, old, new, new]):
        file = tmp_path / f"{'ba'[number % 2]}{number}{model.suffix}"
        shutil.copyfile(model, file)
        os.utime(file, (1_700_000_000 + 86_400 * number,) * 2)
    report = scan(tmp_path, jobs=1)
    [change] = report.changes
    assert (Path(change.source).name, Path(change.before).name) == ("b2.json", "a1.keras")
    assert change.words == headline(graphdiag.diff(old, new))
    assert f"2023-11-16 {change.source}, after a1.keras: " in str(report.render("text")).replace("\n  ", " ")


def test_what_cannot_be_read_is_a_row_and_what_holds_no_graph_is_none(tmp_path: Path) -> None:
    (tmp_path / "bad.keras").write_text("no archive")
    (tmp_path / "package.json").write_text('{"name": "x"}')
    (tmp_path / "list.json").write_text("[")
    shutil.copyfile(FIXTURES / "files" / "k3_only.weights.h5", tmp_path / "only.h5")
    shutil.copytree(LOGS / "tf110_layers_named", tmp_path / "good")
    (tmp_path / "scalars").mkdir()
    (tmp_path / "scalars" / "events.out.tfevents.1").write_bytes(b"")
    report = scan(tmp_path, jobs=1)
    rows = {row.run: row for row in report.rows}
    assert list(rows) == ["bad.keras", "good"]
    assert rows["bad.keras"].error.startswith(f"{tmp_path}/bad.keras is damaged or no Keras file")
    assert (report.unreadable, report.compared, report.passed_over) == (1, 1, 4)
    said = str(report.render("text"))
    assert "1 could not be read." in said
    assert f"{tmp_path}/bad.keras is damaged" in said


def test_each_graph_of_a_run_has_a_row(tmp_path: Path) -> None:
    shutil.copytree(LOGS / "k3_siamese_training", tmp_path / "run")
    [file] = (LOGS / "k3_multi_output_training").glob("*tfevents*")
    shutil.copyfile(file, tmp_path / "run" / file.name)
    rows = [row for row in scan(tmp_path, jobs=1).rows if row.kind == "event_log"]
    assert len(rows) == 2
    assert {row.run for row in rows} == {"run"}
    assert len({row.tag for row in rows}) == 2


def test_rows_are_sorted_and_filtered(runs: Path, report: ScanReport) -> None:
    table = report.rows
    ops = [row.ops for row in table.chosen(("-ops",), "")]
    assert ops == sorted(ops, reverse=True)
    assert [row.ops for row in table.chosen(("ops",), "", 3)] == ops[::-1][:3]
    assert list(table.chosen((), "hidden")) == []
    assert len(list(table.chosen((), "artifact"))) == table.count("any") == RUNS
    with pytest.raises(UsageError, match="--sort colour: unknown column; choose from run, source"):
        scan(runs, view=View(sort=("colour",)))


def test_python_is_run_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("import keras_is_not_needed_for_this if False else os\n")
    (tmp_path / "dies.py").write_text("# keras\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    (tmp_path / "other.py").write_text("print('nothing to do with it')\n")
    shutil.copyfile(FIXTURES / "files" / "k3_siamese.keras", tmp_path / "net.keras")
    report = scan(tmp_path, python=True, jobs=2)
    rows = {row.run: row for row in report.rows}
    assert list(rows) == ["dies.py", "ends.py", "net.keras"]
    assert rows["dies.py"].error == f"{tmp_path}/dies.py: its process ended with status -9."
    assert "SyntaxError" in rows["ends.py"].error or "invalid syntax" in rows["ends.py"].error
    assert rows["net.keras"].layers == 7


# --- the same bytes, whoever did it ----------------------------------------------------------------------------------


def test_two_processes_say_the_same_as_one(runs: Path, expected: bytes) -> None:
    assert scan(runs, jobs=2).render("jsonl") == expected


def test_a_run_takes_no_longer_than_it_may(runs: Path) -> None:
    report = scan(runs, jobs=2, seconds=0.01)
    assert report.unreadable == RUNS
    assert all(row.error == f"{row.source}: it took longer than 0.01 s." for row in report.rows)


def test_the_command_writes_each_line_as_it_comes_and_everything_else_at_the_end(
    runs: Path, expected: bytes, kept: Path, tmp_path: Path
) -> None:
    outputs = [
        tmp_path / name for name in ("scan.jsonl", "scan.csv", "scan.parquet", "scan.md", "scan.sarif", "scan.html")
    ]
    done = run("scan", runs, *[part for output in outputs for part in ("-o", output)], "--pages", tmp_path / "pages")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert outputs[0].read_bytes() == expected
    assert all(output.stat().st_size > 500 for output in outputs)
    assert len(list((tmp_path / "pages").iterdir())) == RUNS
    for wanted, status in {"hidden": 0, "artifact": 1}.items():
        assert run("scan", runs, "--store", kept, "--fail-on", wanted, "-o", os.devnull).returncode == status


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere does not exist."),
        (["{runs}", "--store", "{file}"], "is not a directory"),
        (["{runs}", "--jobs", "0"], "0 is less than 1"),
        (["{runs}", "--seconds", "0"], "greater than 0"),
        (["{runs}", "--sort", "colour"], "unknown column"),
        (["{runs}", "--select", "GD999"], "GD999"),
        (["{runs}", "--format", "svg"], "svg"),
        (["{runs}", "--scheduler", "tcp://127.0.0.1:9"], "cannot be reached"),
        (["nosuch://bucket"], "nosuch"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(runs: Path, tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "file").write_text("x")
    given = [argument.format(runs=runs, file=tmp_path / "file") for argument in arguments]
    impatient = environment(DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT="1s")
    done = run("scan", *given, "-o", tmp_path / "out.jsonl", env=impatient)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert words in line


# --- the store -------------------------------------------------------------------------------------------------------


def test_what_has_not_changed_is_not_compared_again(tmp_path: Path, expected: bytes, runs: Path) -> None:
    copy, store = tmp_path / "runs", tmp_path / "store"
    shutil.copytree(runs, copy)
    first = scan(copy, jobs=2, store=store)
    assert first.reused == 0
    again = scan(copy, jobs=2, store=store)
    assert (again.reused, again.render("jsonl")) == (RUNS, first.render("jsonl"))
    changed = next(copy.glob("*/run_00004/*"))
    changed.write_bytes(next(copy.glob("*/run_00001/*")).read_bytes())
    third = scan(copy, jobs=2, store=store)
    assert third.reused == RUNS - 1
    assert third.render("jsonl") == scan(copy, jobs=1).render("jsonl") != first.render("jsonl")
    shutil.move(copy, tmp_path / "moved")
    moved = scan(tmp_path / "moved", jobs=1, store=store)
    assert moved.reused == RUNS
    assert moved.render("jsonl") == scan(tmp_path / "moved", jobs=1).render("jsonl")


def test_a_damaged_record_is_as_good_as_none(tmp_path: Path, runs: Path, expected: bytes, kept: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(kept, store)
    records = sorted(path for path in store.rglob("*.json.gz"))
    assert len(records) >= RUNS + 1
    for number, record in enumerate(records):
        data = record.read_bytes()
        record.write_bytes([b"", data[: len(data) // 2], b"x" * len(data), data[::-1]][number % 4])
    again = scan(runs, jobs=1, store=store)
    assert (again.reused, again.render("jsonl")) == (0, expected)


def test_other_rules_are_other_results(tmp_path: Path, runs: Path, expected: bytes, kept: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(kept, store)
    chosen = scan(runs, jobs=1, store=store, select=["GD102"])
    assert chosen.reused == 0
    assert {rule.code for rule in chosen.rules} == {"GD102"}


def test_a_full_store_ends_the_scan_and_the_next_one_goes_on_from_there(
    runs: Path, expected: bytes, tmp_path: Path
) -> None:
    store, out = tmp_path / "store", tmp_path / "out.jsonl"
    store.mkdir()
    # A file system of its own, with room for a few records.
    small = (
        'mount -t tmpfs -o size=48k tmpfs "$1" && "$2" -m graphdiag scan "$3" -j1 --store "$1" -o "$4"; status=$?; '
        'cp -r "$1" "$5"; exit $status'
    )
    kept = tmp_path / "kept"
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", small, "sh", store, sys.executable, runs, out, kept],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(f"graphdiag: --store {store}: cannot be written: No space left on device.")
    said = out.read_bytes()
    assert expected.startswith(said)
    assert not list(kept.rglob("*.tmp"))
    again = scan(runs, jobs=1, store=kept)
    assert 0 < again.reused < RUNS
    assert again.render("jsonl") == expected


# --- what is lost on the way -----------------------------------------------------------------------------------------


def test_a_process_that_is_killed_costs_nothing(runs: Path, expected: bytes) -> None:
    seen = []

    def kill(row: object) -> None:
        seen.append(row)
        if len(seen) == 2:
            for pid in _workers(os.getpid()):
                os.kill(pid, signal.SIGKILL)

    report = scan(runs, jobs=2, progress=kill)
    assert report.render("jsonl") == expected


def _workers(pid: int) -> list[int]:
    with subprocess.Popen(["ps", "-A", "-o", "pid=,ppid=,args="], stdout=subprocess.PIPE, text=True) as ps:
        listed, _ = ps.communicate()
    rows = [line.split(None, 2) for line in listed.splitlines()]
    return [int(each) for each, parent, words in rows if int(parent) == pid and "graphdiag.worker_process" in words]


def test_ctrl_c_leaves_whole_lines_and_the_next_scan_goes_on_from_there(
    runs: Path, expected: bytes, tmp_path: Path
) -> None:
    out, store = tmp_path / "out.jsonl", tmp_path / "store"
    process = start("scan", runs, "-j1", "--store", store, "-o", out)
    wait_until(lambda: out.exists() and out.read_bytes().count(b"\n") >= 2)
    process.send_signal(signal.SIGINT)
    said, complaints = process.communicate(timeout=60)
    assert (process.returncode, said, complaints) == (130, "", "")
    assert out.read_bytes().endswith(b"\n")
    assert expected.startswith(out.read_bytes())
    assert not list(store.rglob("*.tmp"))
    done = run("scan", runs, "-j1", "--store", store, "-o", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert out.read_bytes() == expected
    assert scan(runs, jobs=1, store=store).reused == RUNS


_CLUSTER = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=None)
    print(cluster.scheduler_address, *(nanny.pid for nanny in cluster.workers.values()), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str], list[int]]]:
    """A Dask cluster of two workers: its address, the process of its scheduler, and those of its workers."""
    script = tmp_path / "cluster.py"
    script.write_text(_CLUSTER)
    with subprocess.Popen(
        [sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
        cwd=tmp_path,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            address, *pids = process.stdout.readline().split()
            yield address, process, [int(pid) for pid in pids]
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_cluster_says_the_same_even_if_it_loses_a_worker(
    cluster, runs: Path, expected: bytes, tmp_path: Path
) -> None:
    address, _, workers = cluster
    assert scan(runs, scheduler=address).render("jsonl") == expected
    seen = []

    def kill(row: object) -> None:
        seen.append(row)
        if len(seen) == 2:
            os.kill(workers[0], signal.SIGKILL)

    assert scan(runs, scheduler=address, progress=kill).render("jsonl") == expected


def test_a_scheduler_that_is_lost_ends_the_scan_and_the_next_one_completes_it(
    cluster, runs: Path, expected: bytes, tmp_path: Path
) -> None:
    address, process, _ = cluster
    seen = []

    def kill(row: object) -> None:
        seen.append(row)
        if len(seen) == 2:
            os.killpg(process.pid, signal.SIGKILL)

    store = tmp_path / "store"
    with pytest.raises(GraphdiagError, match=r"the Dask scheduler was lost") as lost:
        scan(runs, scheduler=address, store=store, progress=kill)
    assert "\n" not in str(lost.value)
    again = scan(runs, jobs=2, store=store)
    assert again.reused >= 2
    assert again.render("jsonl") == expected


def test_a_cluster_on_this_machine_is_started_for_the_scan(runs: Path, expected: bytes, tmp_path: Path) -> None:
    done = run("scan", runs, "--scheduler", "local", "-j", "2", "-o", tmp_path / "out.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out.jsonl").read_bytes() == expected


def test_a_store_that_may_not_be_written_to(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "results").write_text("in the way")
    with pytest.raises(StoreError, match=r"--store .*: cannot be written: "):
        scan(runs, jobs=1, store=tmp_path)
