"""What the plugin answers to requests, also to those that nobody should make."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from graphdiag import compare
from tests.sources.event_files import graph, run_graph, write_log
from tests.tensorboard_plugin.served import Served

LOGS = Path("fixtures", "logs")
REFERENCE = "keras216_reference"
EVENTS = "events.out.tfevents.1700000000.host"
HOSTILE = "<img src=x onerror=alert(1)>&amp;\"'"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    top = tmp_path / "logs"
    for name in (REFERENCE, "k3_reference_training"):
        shutil.copytree(LOGS / name, top / name)
    return top


@pytest.fixture
def served(logs: Path) -> Served:
    found = Served(logs)
    found.list()
    return found


def everything(place: Path) -> dict[str, tuple[int, int]]:
    return {str(each): (each.stat().st_mtime_ns, each.stat().st_size) for each in place.rglob("*")}


def test_nothing_is_written_into_the_log_directory(logs: Path) -> None:
    before = everything(logs.parent)
    served = Served(logs)
    served.runs()
    served.job(kind="page", run=REFERENCE)
    served.job(kind="repaired", run=REFERENCE)
    served.job(kind="changes", run=REFERENCE, to_run="k3_reference_training")
    assert everything(logs.parent) == before


@pytest.mark.parametrize("route", ["runs", "job", "result", "static/tab.mjs"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_only_reading_is_answered(route: str, method: str, served: Served) -> None:
    answer = served.get(route, method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "parameters",
    [
        {"run": "../outside"},
        {"run": "/etc"},
        {"run": "."},
        {"run": f"{REFERENCE}/../{REFERENCE}"},
        {"run": REFERENCE, "tag": "no such tag"},
        {"run": REFERENCE, "model": "../outside/model.json"},
        {"run": REFERENCE, "model": "/etc/passwd"},
        {"run": REFERENCE, "model": f"{REFERENCE}/logical_edges.json"},
        {"run": REFERENCE, "model": f"{REFERENCE}/../{REFERENCE}/model.json"},
        {"run": ""},
        {},
    ],
)
@pytest.mark.parametrize("kind", ["page", "repaired"])
def test_only_what_is_listed_is_read(kind: str, parameters: dict[str, str], served: Served) -> None:
    answer = served.get("job", **{"kind": kind, **parameters})
    assert answer.status_code == 404
    assert answer.json is not None
    assert answer.json["state"] == "failed"
    assert answer.json["line"].startswith("There is no such graph in run ")


def test_a_job_of_no_known_kind(served: Served) -> None:
    assert served.json("job", kind="delete", run=REFERENCE)["line"] == "There is no such job."


@pytest.mark.parametrize("name", ["", "0" * 32, "../../etc/passwd", "1.html.gz"])
def test_only_results_of_jobs_are_given_out(name: str, served: Served) -> None:
    assert served.get("result", of=name).status_code == 404


@pytest.mark.parametrize(
    "name", ["", "nothing.mjs", "../plugin.py", "%2e%2e/plugin.py", "page.html", "..%2f..%2fplugin.py", "types.d.ts"]
)
def test_only_scripts_are_given_out(name: str, served: Served) -> None:
    assert served.get(f"static/{name}").status_code == 404


@pytest.mark.parametrize("version", ["-1", "x", "9" * 400, "١"])
def test_a_version_may_be_anything(version: str, served: Served) -> None:
    assert "runs" in served.json("runs", version=version)


def test_what_is_sent_fits_tensorboards_rules(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    served.runs()
    job = served.job(kind="page", run=REFERENCE)
    with caplog.at_level(logging.WARNING, "tensorboard"):
        page = served.get("result", of=job["result"])
        others = [served.get(route) for route in ("runs", "static/tab.mjs", "static/tab.css", "static/graphviz.js")]
    assert caplog.messages == []
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self' 'unsafe-eval';" in f"{policy};"
    assert [answer.status_code for answer in others] == [200] * 4
    assert all(answer.headers["X-Content-Type-Options"] == "nosniff" for answer in [page, *others])


def test_nothing_of_a_log_is_html(tmp_path: Path) -> None:
    write_log(tmp_path / HOSTILE / EVENTS, [run_graph(graph(f"{HOSTILE}/op", "b/op"))])
    served = Served(tmp_path)
    assert set(served.runs()) == {HOSTILE}
    pages = [
        served.job(kind="page", run=HOSTILE),
        served.job(kind="changes", run=HOSTILE, to_run=HOSTILE),
    ]
    for page in pages:
        assert "<img" not in served.result(page).decode()


def test_the_repaired_graph_is_one_that_tensorboard_draws_as_it_was_written(served: Served, tmp_path: Path) -> None:
    job = served.job(kind="repaired", run=REFERENCE)
    answer = served.get("result", of=job["result"])
    assert answer.headers["Content-Disposition"] == 'attachment; filename="events.out.tfevents.0000000000.graphdiag"'
    file = tmp_path / "repaired" / "events.out.tfevents.0000000000.graphdiag"
    file.parent.mkdir()
    file.write_bytes(answer.data)
    report = compare(file, model=LOGS / REFERENCE / "model.json")
    assert (report.summary.artifact, report.summary.hidden, report.summary.missing) == (0, 0, 0)


def test_a_log_without_a_layer_graph_cannot_be_repaired(tmp_path: Path) -> None:
    write_log(tmp_path / EVENTS, [run_graph(graph("a/b"))])
    served = Served(tmp_path)
    assert served.runs()["."]["answer"]["repairable"] is False
    job = served.job(kind="repaired", run=".")
    assert (job["state"], job["line"].startswith(f"{tmp_path}: holds no layer graph")) == ("failed", True)


def test_what_changed_between_two_runs(logs: Path) -> None:
    shutil.copytree(LOGS / "keras216_reference_fit", logs / "later")
    served = Served(logs)
    served.list()
    job = served.job(kind="changes", run=REFERENCE, to_run="later")
    page = served.result(job).decode()
    assert f"<td>{REFERENCE}</td>" in page
    assert "<td>later</td>" in page
    same = served.job(kind="changes", run=REFERENCE, to_run=REFERENCE)
    assert same["answer"]["equal"] is True


@pytest.mark.parametrize("prefix", ["", "/board/one"])
def test_a_path_prefix(prefix: str, logs: Path) -> None:
    served = Served(logs, path_prefix=prefix)
    assert set(served.runs()) == {REFERENCE, "k3_reference_training"}
    entry = served.client.get(f"{prefix}/data/plugin_entry.html", query_string={"name": "graphdiag"}).text
    assert '<base href="plugin/graphdiag/" />' in entry
    assert 'import("./static/tab.mjs")' in entry


def test_several_log_directories(logs: Path, tmp_path: Path) -> None:
    write_log(tmp_path / "more" / "run" / EVENTS, [run_graph(graph("a/b"))])
    served = Served(logdir_spec=f"old:{logs},{tmp_path / 'more'}")
    assert set(served.runs()) == {f"old/{REFERENCE}", "old/k3_reference_training", "run"}
    page = served.result(served.job(kind="page", run=f"old/{REFERENCE}")).decode()
    assert f"{logs}, run old/{REFERENCE}" in page
    assert [model["id"] for model in served.json("runs")["models"]] == [
        "1:k3_reference_training/model.json",
        f"1:{REFERENCE}/model.json",
    ]


def test_one_look_only(logs: Path) -> None:
    served = Served(logs, reload_interval=0)
    served.list()
    write_log(logs / "new" / EVENTS, [run_graph(graph("a/b"))])
    assert "new" not in served.runs()


def test_no_log_directory() -> None:
    served = Served()
    assert served.list()["directories"] == []
    assert served.json("runs")["runs"] == []


def test_a_log_directory_that_does_not_exist_yet(tmp_path: Path) -> None:
    served = Served(tmp_path / "logs", reload_interval=0.1)
    assert served.list()["runs"] == []
    write_log(tmp_path / "logs" / "run" / EVENTS, [run_graph(graph("a/b"))])
    served.until(lambda: served.runs())
    assert set(served.runs()) == {"run"}
