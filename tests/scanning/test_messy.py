"""Places as people have them: each thing that cannot be read is a row that says why, and the rest is compared."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from graphdiag.errors import SourceError
from graphdiag.scanning.scan import scan
from tests.support.command_line import PROGRAM, run, start, wait_until
from tests.support.graph_text import LOGS
from tests.support.scan_runs import make_runs
from tests.support.schemas import wrong

SMALL = LOGS / "keras216_flag_in_layer"
_CAPABILITIES = "-dac_override,-dac_read_search"
AS_ANYBODY = [
    *(["setpriv", f"--bounding-set={_CAPABILITIES}", f"--inh-caps={_CAPABILITIES}"] if os.geteuid() == 0 else []),
    *PROGRAM,
]
"""The command line without root's right to read and write everything."""
ODD_NAMES = ["with space", "new\nline", "<b>html&\"q'", "\x1b[31mred", os.fsdecode(b"bad\xff\xfe"), "=1+1", "a|`b"]


def _events() -> Path:
    [file] = SMALL.glob("*tfevents*")
    return file


@pytest.fixture(scope="module")
def mess(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    top = tmp_path_factory.mktemp("mess") / "logs"
    whole = _events().read_bytes()
    logs = {
        **dict.fromkeys(ODD_NAMES, whole),
        "closed": whole,
        "empty": b"",
        "cut_off": whole[:2000],
        "flipped": whole[:1500] + b"xxxx" + whole[1504:],
        "garbage": bytes(range(1, 256)) * 20,
    }
    for name, content in logs.items():
        (top / name).mkdir(parents=True)
        (top / name / "events.out.tfevents.1700000000.host").write_bytes(content)
    for suffix in ("keras", "h5", "pb", "pbtxt", "json"):
        (top / f"zero.{suffix}").touch()
    (top / "deep.json").write_text("[" * 100_000)
    for name, target in {"parent": "..", "self": ".", "loop": "loop", "gone": "/nonexistent"}.items():
        os.symlink(target, top / name)
    os.symlink("/dev/zero", top / "zeros.json")
    os.mkfifo(top / "fifo.keras")
    (top / "half").mkdir()
    (top / "half" / "saved_model.pb").touch()
    (top / "closed").chmod(0)
    yield top
    (top / "closed").chmod(0o700)


def test_everything_in_a_mess_has_its_row_or_is_passed_over(mess: Path, tmp_path: Path) -> None:
    done = run("scan", "logs", "-o", tmp_path / "rows.jsonl", program=AS_ANYBODY, cwd=mess.parent)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert all(wrong(row, "scan") is None for row in rows)
    good = {row["run"]: row["artifact"] for row in rows if not row["error"]}
    assert len(good) == len(ODD_NAMES)
    assert set(good.values()) == {1}
    errors = {row["run"]: row["error"] for row in rows if row["error"]}
    assert {name: error.partition(" ")[2][:30] for name, error in errors.items()} == {
        "closed": "cannot be read: Permission den",
        "cut_off": "is truncated: record 2, at byt",
        "flipped": "is damaged: the data of record",
        "garbage": "is not a TensorBoard event fil",
        "half": "is empty.",
        "zero.h5": "is empty.",
        "zero.keras": "is empty.",
        "zero.pb": "is empty.",
        "zero.pbtxt": "is empty.",
    }
    assert all(error.startswith(f"logs/{name}") and "\n" not in error for name, error in errors.items())


def test_each_format_takes_any_name(mess: Path) -> None:
    report = scan(mess, jobs=1)
    text, html, markdown, sarif, csv, parquet = map(
        report.render, ("text", "html", "markdown", "sarif", "csv", "parquet")
    )
    for words in (text, html, markdown, sarif):
        assert "red" in str(words)
        assert "\x1b" not in str(words)
    assert "<b>html" not in str(html)
    # Of a table's cells none is broken by a name.
    assert {line.replace("\\|", "").count("|") for line in str(markdown).splitlines() if line.startswith("| ")} == {9}
    assert csv
    assert parquet


@pytest.mark.parametrize(
    ("option", "file", "words"),
    [
        ("--pages", "closed/pages", "--pages {}: cannot be written: Permission denied."),
        ("--store", "closed/store", "--store {}: cannot be written: Permission denied."),
        ("--pages", "zero.pb", "--pages {}: is not a directory; give one, or the name of one to make."),
        ("--store", "zero.pb", "--store {}: is not a directory; give one, or the name of one to make."),
    ],
)
def test_a_place_that_cannot_be_written_to_ends_the_scan(
    mess: Path, tmp_path: Path, option: str, file: str, words: str
) -> None:
    out = tmp_path / "out.html"
    done = run("scan", mess / "with space", option, mess / file, "-o", out, program=AS_ANYBODY)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("graphdiag: " + words.format(mess / file))
    assert not out.exists()


def test_what_is_written_into_the_place_itself_does_not_change_the_next_scan(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    shutil.copytree(SMALL, logs / "run")
    options = [part for name in ("rows.jsonl", "scan.csv", "scan.sarif", "scan.html") for part in ("-o", logs / name)]
    options += ["--store", logs / "store", "--pages", logs / "pages"]
    first, second = [(run("scan", logs, *options).stderr, (logs / "rows.jsonl").read_bytes()) for _ in range(2)]
    assert first == second
    assert first[0] == ""


def test_a_directory_that_is_removed_while_others_are_compared(tmp_path: Path) -> None:
    make_runs(tmp_path, 4)

    def remove(_: object) -> None:
        shutil.rmtree(tmp_path, ignore_errors=True)

    rows = list(scan(tmp_path, jobs=1, progress=remove).rows)
    assert rows
    assert all(not row.error or row.error.endswith("cannot be read: No such file or directory.") for row in rows)


# --- a server --------------------------------------------------------------------------------------------------------


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def _served(directory: Path) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _in_words(rows: Any, before: str, after: str) -> list[Mapping[str, Any]]:
    return [row.to_dict() | {"source": row.source.replace(before, after), "written": None} for row in rows]


def test_a_directory_of_a_web_server_gives_the_rows_of_the_same_files(tmp_path: Path) -> None:
    make_runs(tmp_path, 4)
    here = scan(tmp_path, jobs=1)
    with _served(tmp_path) as server:
        address = f"http://127.0.0.1:{server.server_port}"
        for place in (address, f"{address}/"):
            there = scan(place, jobs=1)
            assert _in_words(there.rows, address, "") == _in_words(here.rows, str(tmp_path), "")


def test_a_web_server_that_goes_away_is_an_error_of_each_run(tmp_path: Path) -> None:
    make_runs(tmp_path, 4)
    with _served(tmp_path) as server:
        address = f"http://127.0.0.1:{server.server_port}"

        def leave(_: object) -> None:
            server.shutdown()
            server.server_close()

        rows = list(scan(address, jobs=1, progress=leave).rows)
    assert len(rows) == 4
    assert rows[0].error == ""
    lost = f" cannot be read: Connect call failed ('127.0.0.1', {server.server_port})."
    assert rows[-1].error == rows[-1].source + lost
    assert all(row.error in ("", row.source + lost) for row in rows)
    with pytest.raises(SourceError, match="cannot be read: Connect call failed"):
        scan(address)


# --- Ctrl-C ----------------------------------------------------------------------------------------------------------


def test_ctrl_c_reaches_the_whole_group_and_a_cluster_says_nothing(tmp_path: Path) -> None:
    make_runs(tmp_path / "runs", 80)
    out = tmp_path / "rows.jsonl"
    process = start("scan", tmp_path / "runs", "--scheduler", "local", "-j2", "-o", out, start_new_session=True)
    wait_until(lambda: out.exists() and out.stat().st_size > 0)
    os.killpg(process.pid, signal.SIGINT)
    said, complaints = process.communicate(timeout=60)
    assert (process.returncode, said, complaints) == (130, "", "")
