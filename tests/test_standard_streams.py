"""The terminal and what else a process is born into: streams, widths, encodings, variables, the current directory."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.command_line import (
    DRAWN,
    PROGRAM,
    REFERENCE,
    SMALL,
    assert_one_line,
    environment,
    run,
    start,
    start_ready,
)

PASSING = f"""
[[models]]
name = "small"
source = "{SMALL}"
[[contracts]]
name = "no findings"
type = "no-findings"
allow_missing_graph = true
"""
FAILING = PASSING.replace('"no-findings"', '"required"\nedges = [["input_layer", "last"]]')


@pytest.fixture
def config(tmp_path):
    (tmp_path / "passing.toml").write_text(PASSING)
    (tmp_path / "failing.toml").write_text(FAILING)
    return tmp_path


HELPFUL = [("--help",), ("--version",), ("check", "--help"), ("compare", "-h")]
ANSWERING = [
    ("explain",),
    ("explain", "GD101"),
    ("schema",),
    ("compare", SMALL),
    ("draw", DRAWN),
    ("diff", SMALL, SMALL),
]


# --- widths ----------------------------------------------------------------------------------------------------------

WIDTHS = ["0", "1", "7", "-5", "1000000000", "9" * 5000, "²", "٣", "1e3", "wide", "", " 80 "]


@pytest.mark.parametrize(
    ("command", "variable", "width"),
    [
        *((("explain", "GD101"), "COLUMNS", width) for width in WIDTHS),
        *((("--help",), "COLUMNS", width) for width in WIDTHS[:5]),
        *((("compare", SMALL), "COLUMNS", width) for width in WIDTHS[:5]),
        *((("explain", "GD101"), "LINES", width) for width in ("0", "²", "9" * 5000)),
    ],
)
def test_odd_widths(command, variable, width):
    done = run(*command, env=environment(**{"COLUMNS": None, variable: width}))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.split()) > 20
    assert max(map(len, done.stdout.splitlines())) <= 1000


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (24, 65535), (65535, 80)])
@pytest.mark.parametrize("command", [("--help",), ("compare", SMALL)])
def test_terminals_of_odd_sizes(command, size):
    out = on_terminal(command, size)
    assert "Traceback" not in out
    assert len(out.split()) > 20
    assert max(map(len, out.splitlines())) <= 1100


def on_terminal(command, size):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    process = start(*command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(COLUMNS=None, TERM="xterm"))
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)
    assert process.wait(timeout=60) == 0, shown
    return shown.decode()


def test_a_terminal_that_is_interrupted_gets_its_cursor_back(tmp_path):
    (tmp_path / "slow.py").write_text("import time; time.sleep(600)")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = start(
        "compare", tmp_path / "slow.py", stdin=theirs, stdout=theirs, stderr=theirs, env=environment(TERM="xterm")
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):
        while part := os.read(ours, 65536):
            shown += part
            if b"\x1b[?25l" in shown and process.poll() is None:
                process.send_signal(signal.SIGINT)
    os.close(ours)
    assert process.wait(timeout=60) == 130
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
    assert b"Traceback" not in shown


# --- streams that are closed -----------------------------------------------------------------------------------------


def shell(redirections, *arguments, **options):
    command = f'exec "$@" {redirections}'
    return run(program=["sh", "-c", command, "sh", *PROGRAM, *map(str, arguments)], **options)


@pytest.mark.parametrize("closed", ["2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-", "0<&-", "1>&-"])
@pytest.mark.parametrize(("which", "status"), [("passing", 0), ("failing", 1), ("absent", 2)])
def test_closed_streams_leave_the_status_alone(closed, which, status, config):
    done = shell(closed, "check", "--config", config / f"{which}.toml")
    assert done.returncode == status
    assert "Traceback" not in done.stderr + done.stdout
    if status == 2:
        assert done.stdout == ""
    elif "1>" not in closed:
        assert "contract" in done.stdout


@pytest.mark.parametrize("closed", ["2>&-", "1>&-"])
@pytest.mark.parametrize("command", [*HELPFUL[:2], *ANSWERING[1:]])
def test_closed_streams_take_nothing_from_the_others(closed, command):
    done = shell(closed, *command)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("" if "1>" in closed else run(*command).stdout)


def test_a_file_does_not_take_the_place_of_a_closed_stream(tmp_path):
    for name, closed in (("one", ""), ("two", "0<&- 1>&- 2>&-")):
        done = shell(closed, "compare", REFERENCE, "--format", "json", "-o", tmp_path / name)
        assert done.returncode == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_script_that_prints_where_nothing_is_open(tmp_path):
    (tmp_path / "loud.py").write_text(
        'import os, sys\nprint("said")\nos.write(1, b"past")\nprint("said", file=sys.stderr)\n'
    )
    done = shell("0<&- 1>&- 2>&-", "compare", tmp_path / "loud.py", "--format", "json", "-o", tmp_path / "report")
    assert done.returncode == 2
    assert not (tmp_path / "report").exists()


# --- streams that cannot be written ----------------------------------------------------------------------------------

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")


@needs_full
@pytest.mark.parametrize("command", [*HELPFUL, *ANSWERING, ("snapshot", SMALL), ("convert", "saved")])
def test_a_full_disk_behind_standard_output(command, tmp_path):
    if command[0] == "convert":
        run("compare", SMALL, "--format", "json", "-o", tmp_path / "saved")
    with Path("/dev/full").open("w") as full:
        done = run(*command, stdout=full, cwd=tmp_path)
    assert_one_line(done, "standard output: cannot be written: No space left on device")


@needs_full
@pytest.mark.parametrize(("which", "status"), [("passing", 0), ("failing", 1), ("absent", 2)])
def test_a_full_disk_behind_standard_error(which, status, config):
    with Path("/dev/full").open("w") as full:
        done = run("check", "--config", config / f"{which}.toml", stderr=full)
    assert done.returncode == status
    assert ("contract" in done.stdout) == (status != 2)


@needs_full
def test_a_full_disk_behind_both(config):
    with Path("/dev/full").open("w") as full:
        assert run("check", "--config", config / "passing.toml", stdout=full, stderr=full).returncode == 2
        assert run("--help", stdout=full, stderr=full).returncode == 2
        assert run(stdout=full, stderr=full).returncode == 2


@pytest.mark.parametrize("command", [*HELPFUL[:2], *ANSWERING[1:]])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_is_gone(stream, command):
    reading, writing = os.pipe()
    os.close(reading)
    done = run(*command, **{stream: writing})
    os.close(writing)
    assert done.returncode == 0
    assert not done.stderr


# --- encodings -------------------------------------------------------------------------------------------------------

ENCODINGS = [
    *(
        "ascii",
        "latin-1",
        "cp1252",
        "koi8-r",
        "shift_jis",
        "cp037",
        "utf-16",
        "utf-32",
        "utf-7",
        "utf-8-sig",
        "charmap",
    ),
    *("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"),
    *("ascii:strict", "ascii:surrogateescape", "utf-8:no-such-handler", ":strict", "utf-8:", ":"),
]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_odd_encodings(encoding, config):
    variables = environment(PYTHONIOENCODING=encoding)
    for command in (("--help",), ("check", "--config", config / "passing.toml")):
        done = subprocess.run(
            [*PROGRAM, *map(str, command)], cwd=ROOT, env=variables, capture_output=True, check=False, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, b""), done.stderr
        name = encoding.partition(":")[0] or "utf-8"
        with contextlib.suppress(UnicodeError):
            text = done.stdout.decode(name)
            if name not in ("idna", "punycode", "unicode_escape", "undefined"):
                assert text.count("\n") >= 1
                assert len(text.split()) > 1
        assert done.stdout
    done = subprocess.run(
        [*PROGRAM, "compare", "Größe\u202e層"], cwd=ROOT, env=variables, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Traceback" not in done.stderr
    assert done.stderr


def test_a_name_that_no_encoding_has():
    done = subprocess.run(
        [*PROGRAM, b"compare", b"\xff\xfe.pb"], cwd=ROOT, env=environment(), capture_output=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(b"graphdiag: ")
    assert done.stderr.count(b"\n") == 1


# --- variables -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"HOME": None},
        {"HOME": ""},
        {"HOME": "/nonexistent"},
        {"TERM": None},
        {"TERM": ""},
        {"TERM": "no-such-terminal"},
        {"PATH": None},
        {"LANG": "xx_YY.nonsense", "LC_ALL": "xx_YY.nonsense"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"TMPDIR": "/nonexistent"},
        {"HOME": None, "TERM": None, "PATH": None, "USER": None, "LOGNAME": None, "LANG": None, "COLUMNS": None},
    ],
)
def test_variables_that_are_absent_or_odd(changes, config):
    for command in (("check", "--config", config / "passing.toml"), ("--help",)):
        done = run(*command, env=environment(**changes))
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.strip()


def test_nothing_in_the_environment(config):
    done = run("check", "--config", config / "passing.toml", "--jobs", "2", env={"PYTHONPATH": str(ROOT)})
    assert (done.returncode, done.stderr) == (0, "")


def test_a_current_directory_that_is_gone(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f'rmdir {gone}; exec "$@"'
    for arguments in (("--version",), ("compare", SMALL), ("explain", "GD101")):
        done = run(program=["sh", "-c", command, "sh", *PROGRAM, *map(str, arguments)], cwd=gone)
        assert (done.returncode, done.stderr) == (0, "")
        gone.mkdir()
    done = run(program=["sh", "-c", command, "sh", *PROGRAM, "check"], cwd=gone)
    assert_one_line(done)


# --- interrupted early -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "sent"),
    [
        *((module, signal.SIGINT) for module in ("json", "rich", "numpy", "google", "tensorboard")),
        *(("numpy", sent) for sent in (signal.SIGTERM, signal.SIGHUP)),
    ],
)
def test_a_signal_during_imports_is_silent(module, sent, tmp_path):
    """Each module stands for one that takes long to import, as TensorFlow does; what it catches changes nothing."""
    stand_in = f"""
import os, signal, time
try:
    os.kill(os.getpid(), {int(sent)})
    time.sleep(30)
except BaseException as error:
    raise ImportError("no such thing") from error
"""
    (tmp_path / f"{module}.py").write_text(stand_in)
    search = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = run("compare", REFERENCE, env=environment(PYTHONPATH=search))
    assert (done.returncode, done.stdout, done.stderr) == (128 + sent, "", "")


def test_an_interrupt_at_any_time_is_silent():
    statuses = set()
    for step in range(12):
        process = start_ready("compare", REFERENCE)
        time.sleep(0.1 * step)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert err == ""
        statuses.add(process.returncode)
    assert 130 in statuses
    assert statuses <= {0, 130}


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_python_ends_changes_nothing(sent):
    """Python takes away the handlers of signals before it takes its modules apart, which may last."""
    late = f"""
import os, sys
from graphdiag.__main__ import main

class Late:
    def __del__(self, kill=os.kill, process=os.getpid(), sent={int(sent)}):
        kill(process, sent)

sys.kept_to_the_end = Late()
main()
"""
    done = run("compare", SMALL, program=[sys.executable, "-c", late])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


# --- the current directory -------------------------------------------------------------------------------------------

TRAP = """
with open({marker!r}, "a") as file:
    file.write(__name__ + "\\n")
raise SystemExit("loaded from the current directory")
"""
MODULES = [
    *(
        "json",
        "typing",
        "dataclasses",
        "enum",
        "pickle",
        "struct",
        "multiprocessing",
        "subprocess",
        "pathlib",
        "signal",
    ),
    *("numpy", "networkx", "rich", "click", "typer", "tensorflow", "tensorboard", "google", "h5py", "evil_plugin"),
    *(
        "__future__",
        "importlib_metadata",
        "shutil",
        "threading",
        "queue",
        "random",
        "socket",
        "sitecustomize_late",
        "runpy",
    ),
]


@pytest.fixture
def trap(tmp_path):
    """A current directory in which every module that might be wanted lies, and a plug-in."""
    directory = tmp_path / "trap"
    directory.mkdir()
    marker = tmp_path / "loaded"
    for module in MODULES:
        (directory / f"{module}.py").write_text(TRAP.format(marker=str(marker)))
    entry = directory / "evil_plugin-1.0.dist-info"
    entry.mkdir()
    (entry / "METADATA").write_text("Metadata-Version: 2.1\nName: evil-plugin\nVersion: 1.0\n")
    (entry / "entry_points.txt").write_text(
        "[graphdiag.rules]\nevil = evil_plugin:RULE\n[graphdiag.contracts]\nevil = evil_plugin:Evil\n"
        "[graphdiag.sources]\nevil = evil_plugin:KIND\n"
    )
    return directory, marker


@pytest.mark.parametrize(
    "command",
    [
        ("--version",),
        ("explain",),
        ("compare", SMALL),
        ("draw", DRAWN),
        ("check", "--config", "passing.toml"),
        ("check", "--config", "two.toml", "--jobs", "2"),
        ("compare", REFERENCE, "--model", REFERENCE / "model.json", "--verify"),
        ("compare", SMALL, "--format", "svg"),
    ],
)
def test_nothing_is_loaded_from_the_current_directory(command, trap):
    directory, marker = trap
    (directory / "passing.toml").write_text(PASSING)
    (directory / "two.toml").write_text(PASSING + PASSING.partition("[[contracts]]")[0].replace('"small"', '"again"'))
    done = run(*command, cwd=directory)
    assert not marker.exists(), marker.read_text()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_a_script_finds_the_modules_beside_it(tmp_path):
    (tmp_path / "beside.py").write_text("raise RuntimeError('beside was loaded')\n")
    (tmp_path / "model.py").write_text("import beside\n")
    assert_one_line(run("compare", "model.py", cwd=tmp_path), "beside was loaded")


def test_graphdiag_that_lies_in_the_current_directory_runs(tmp_path):
    """As in a checkout that is not installed."""
    (tmp_path / "graphdiag").symlink_to(ROOT / "graphdiag")
    (tmp_path / "two.toml").write_text(PASSING + PASSING.partition("[[contracts]]")[0].replace('"small"', '"again"'))
    done = run("check", "--config", "two.toml", "--jobs", "2", cwd=tmp_path, env=environment(PYTHONPATH=None))
    assert (done.returncode, done.stderr) == (0, "")
