"""What the tab says of logs: of good ones, of growing ones, of broken ones, and of those that want too much."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from graphdiag.sources.records import framed
from graphdiag.tensorboard_plugin import jobs
from graphdiag.tensorboard_plugin.files import list_directories
from tests.sources.event_files import graph, keras, put_special, record, run_graph, scalar, trace, write_log
from tests.tensorboard_plugin.served import Served

LOGS = Path("fixtures", "logs")
REFERENCE = LOGS / "keras216_reference"
MODEL = (REFERENCE / "model.json").read_text()
EVENTS = "events.out.tfevents.1700000000.host"
WITHOUT_MODEL = {"artifact": 8, "hidden": 0, "missing": 0}


def copy_of(log: Path, place: Path) -> Path:
    shutil.copytree(log, place)
    return place


def events_of(log: Path) -> bytes:
    [file] = log.glob("*tfevents*")
    return file.read_bytes()


# --- what is listed --------------------------------------------------------------------------------------------------


def test_runs_with_graphs_are_listed_each_with_its_answer(tmp_path: Path) -> None:
    copy_of(REFERENCE, tmp_path / "old")
    write_log(tmp_path / "scalars" / EVENTS, [scalar("loss")])
    write_log(tmp_path / "new" / "train" / EVENTS, [keras(MODEL), scalar("loss")])
    runs = Served(tmp_path).runs()
    assert set(runs) == {"old", "new/train"}
    assert runs["old"]["answer"]["headline"].startswith("8 drawn layer edges are not in your model.")
    assert runs["old"]["answer"]["counts"] == {"artifact": 8, "hidden": 0, "missing": 0}
    assert runs["old"]["model"] == "old/model.json"
    assert runs["new/train"]["answer"]["ops"] is None
    assert runs["new/train"]["started"] == 1_700_000_000


def test_a_graph_may_come_late_in_a_log(tmp_path: Path) -> None:
    write_log(tmp_path / EVENTS, [*(scalar("loss") for _ in range(100)), run_graph(graph("a/b"))])
    assert Served(tmp_path).list()["runs"][0]["tags"] == [""]


def test_the_first_graph_with_ops_is_taken(tmp_path: Path) -> None:
    write_log(tmp_path / EVENTS, [run_graph(graph()), trace("later", graph("a/b"))])
    served = Served(tmp_path)
    assert served.list()["runs"][0]["tags"] == ["", "later"]
    assert served.runs()["."]["answer"]["tag"] == "later"
    assert served.job(kind="page", run=".", tag="")["answer"]["headline"].startswith("The op graph is empty")


def test_new_runs_and_new_graphs_appear(tmp_path: Path) -> None:
    write_log(tmp_path / "first" / EVENTS, [run_graph(graph("a/b"))])
    served = Served(tmp_path, reload_interval=0.1)
    assert set(served.runs()) == {"first"}
    file = write_log(tmp_path / "second" / EVENTS, [scalar("loss")])
    copy_of(REFERENCE, tmp_path / "third")
    served.until(lambda: "third" in {run["name"] for run in served.json("runs")["runs"]})
    with file.open("ab") as log:
        log.write(record(run_graph(graph("a/c")).SerializeToString()))
    served.until(lambda: "second" in {run["name"] for run in served.json("runs")["runs"]})
    assert served.runs()["third"]["answer"]["counts"]["artifact"] == 8


def test_what_is_known_stands_while_a_log_grows(tmp_path: Path) -> None:
    file = copy_of(REFERENCE, tmp_path / "run") / next(REFERENCE.glob("*tfevents*")).name
    served = Served(tmp_path, reload_interval=0.1)
    content = served.runs()["run"]["content"]
    for _ in range(30):
        with file.open("ab") as log:
            log.write(record(scalar("loss").SerializeToString()))
        [run] = served.json("runs")["runs"]
        assert (run["content"], run["state"]) == (content, "done")


def test_a_log_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    file = write_log(tmp_path / EVENTS, [run_graph(graph(*(f"a{number}/b" for number in range(50))))])
    served = Served(tmp_path, reload_interval=0.1)
    assert served.runs()["."]["answer"]["ops"] == 50
    write_log(file, [run_graph(graph("a/b"))])
    served.until(lambda: (served.runs()["."]["answer"] or {}).get("ops") == 1)


def test_nothing_is_said_twice(tmp_path: Path) -> None:
    write_log(tmp_path / EVENTS, [run_graph(graph("a/b"))])
    served = Served(tmp_path)
    served.runs()
    version = served.json("runs")["version"]
    assert served.json("runs", version=str(version)) == {"version": version}


def test_one_content_is_compared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        write_log(tmp_path / str(number) / EVENTS, [run_graph(graph("a/b"))])
    done: list[str] = []
    original = jobs.LimitedProcess.run

    def run(process: jobs.LimitedProcess, task: Any) -> Any:
        done.append(type(task).__name__)
        return original(process, task)

    monkeypatch.setattr(jobs.LimitedProcess, "run", run)
    assert len(Served(tmp_path).runs()) == 5
    assert done.count("Answer") == 1


# --- layer graphs ----------------------------------------------------------------------------------------------------


def test_a_model_is_chosen_for_a_log_that_has_none(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / EVENTS).write_bytes(events_of(REFERENCE))
    (tmp_path / "models").mkdir()
    shutil.copy(REFERENCE / "model.json", tmp_path / "models" / "reference.json")
    shutil.copy(LOGS / "keras216_nested_name_collides" / "model.json", tmp_path / "models" / "other.json")
    (tmp_path / "models" / "notes.json").write_text('{"no": "model"}')
    served = Served(tmp_path)
    [run] = served.list()["runs"]
    assert run["model"] == ""
    assert [model["id"] for model in served.json("runs")["models"]] == ["models/other.json", "models/reference.json"]
    done = served.job(kind="page", run="run", model="models/reference.json")
    assert done["answer"]["counts"] == {"artifact": 8, "hidden": 0, "missing": 0}
    failed = served.job(kind="page", run="run", model="models/other.json")
    assert failed["line"].startswith("models/other.json does not fit the op graph: ")


def test_a_keras_model_of_another_run(tmp_path: Path) -> None:
    (tmp_path / "graph").mkdir()
    (tmp_path / "graph" / EVENTS).write_bytes(events_of(REFERENCE))
    write_log(tmp_path / "train" / EVENTS, [keras(MODEL)])
    served = Served(tmp_path)
    served.list()
    done = served.job(kind="page", run="graph", model="run train, tag keras")
    assert done["answer"]["counts"]["artifact"] == 8


def test_a_model_beside_the_log_that_does_not_fit_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / EVENTS).write_bytes(events_of(REFERENCE))
    shutil.copy(LOGS / "keras216_nested_name_collides" / "model.json", tmp_path / "other.json")
    served = Served(tmp_path)
    assert served.runs()["."]["answer"]["layers"] is None
    page = served.result(served.job(kind="page", run=".")).decode()
    assert "The model beside the log was not taken: other.json does not fit the op graph: " in page
    assert "Choose one above, as &#x27;Layer graph&#x27;." in page


def test_a_run_without_its_model(tmp_path: Path) -> None:
    copy_of(REFERENCE, tmp_path / "run")
    served = Served(tmp_path)
    served.list()
    assert served.job(kind="page", run="run", model="none")["answer"]["layers"] is None


# --- broken logs -----------------------------------------------------------------------------------------------------


def test_a_damaged_log_has_its_line_and_the_others_their_answers(tmp_path: Path) -> None:
    copy_of(REFERENCE, tmp_path / "good")
    content = bytearray(events_of(REFERENCE))
    content[1000] ^= 1
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / EVENTS).write_bytes(content)
    (tmp_path / "cut_off").mkdir()
    (tmp_path / "cut_off" / EVENTS).write_bytes(events_of(REFERENCE)[:5000])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / EVENTS).write_bytes(b"not an event file at all")
    write_log(tmp_path / "unparsable" / EVENTS, [run_graph(graph("a/b"))])
    event = run_graph(graph())
    event.graph_def = b"\xff\xff\xff"
    write_log(tmp_path / "unparsable" / EVENTS, [event])
    runs = Served(tmp_path).runs()
    assert runs["damaged"]["problem"] == (
        f"damaged/{EVENTS} is damaged: the data of record 2, at byte 40, does not match its checksum (1 good records "
        "before it). Copy the file again or write the log anew."
    )
    assert runs["cut_off"]["problem"].startswith(f"cut_off/{EVENTS} is truncated: record 2, at byte 40, is cut off")
    assert runs["other"]["problem"].startswith(f"other/{EVENTS} is not a TensorBoard event file")
    assert "is damaged and cannot be parsed" in runs["unparsable"]["line"]
    assert runs["good"]["answer"]["counts"]["artifact"] == 8
    assert all("\n" not in (run["problem"] + run.get("line", "")) for run in runs.values())


def test_a_job_on_a_broken_run_says_why(tmp_path: Path) -> None:
    (tmp_path / EVENTS).write_bytes(b"not an event file at all")
    served = Served(tmp_path)
    served.list()
    job = served.job(kind="page", run=".")
    assert job["state"] == "failed"
    assert "is not a TensorBoard event file" in job["line"]


def test_a_log_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SECONDS", 0.01)
    copy_of(REFERENCE, tmp_path / "run")
    served = Served(tmp_path)
    assert served.runs()["run"]["line"] == "This log took more than 0 s, and was given up."


def test_a_log_that_takes_too_much_memory_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MEMORY", 600 * 2**20)
    write_log_quickly(tmp_path / "run" / EVENTS, [f"layer{number}/{'x' * 1000}" for number in range(300_000)])
    write_log(tmp_path / "small" / EVENTS, [run_graph(graph("a/b"))])
    runs = Served(tmp_path).runs()
    assert runs["run"]["problem"].startswith("This log needs more memory than the tab may take")
    assert runs["small"]["answer"]["ops"] == 1


def write_log_quickly(file: Path, names: list[str]) -> None:
    file.parent.mkdir()
    file.write_bytes(framed(run_graph(graph(*names)).SerializeToString()))


# --- what is read ----------------------------------------------------------------------------------------------------


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    place = tmp_path / "outside"
    copy_of(REFERENCE, place / "run")
    return place


def test_links_out_of_the_log_directory_are_refused(tmp_path: Path, outside: Path) -> None:
    logs = tmp_path / "logs"
    write_log(logs / "inside" / EVENTS, [run_graph(graph("a/b"))])
    (logs / "linked").symlink_to(outside / "run")
    (logs / "file").mkdir()
    (logs / "file" / EVENTS).symlink_to(next((outside / "run").glob("*tfevents*")))
    (logs / "inside" / "model.json").symlink_to(outside / "run" / "model.json")
    (logs / "again").symlink_to(logs / "inside")
    state = Served(logs).list()
    assert state["refused"] == [
        "linked is a link out of the log directory and was not read.",
        f"file/{EVENTS} is a link out of the log directory and was not read.",
    ]
    assert {run["name"] for run in state["runs"]} <= {"inside", "again"}
    assert state["models"] == []


def test_a_log_directory_may_be_a_link(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "logs").symlink_to(outside)
    assert set(Served(tmp_path / "logs").runs()) == {"run"}


@pytest.mark.parametrize("kind", ["fifo", "socket", "device"])
def test_only_regular_files_are_opened(kind: str, tmp_path: Path) -> None:
    put_special(tmp_path / EVENTS, kind)
    [directory] = list_directories(str(tmp_path), [str(tmp_path), "/dev"])
    assert directory.event_files == ()
    assert directory.refused == f"{EVENTS} is not a regular file and was not read."


def test_a_directory_that_holds_itself_ends(tmp_path: Path) -> None:
    write_log(tmp_path / "run" / EVENTS, [run_graph(graph("a/b"))])
    (tmp_path / "run" / "again").symlink_to(tmp_path)
    assert {run["name"] for run in Served(tmp_path).list()["runs"]} == {"run"}
