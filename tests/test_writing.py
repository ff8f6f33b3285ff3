"""Files that the command line writes: whole or not at all, and what was there keeps what it was."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from graphdiag.errors import UsageError
from graphdiag.output import putting
from tests.conftest import ROOT
from tests.support.command_line import (
    DRAWN,
    PROGRAM,
    REFERENCE,
    SMALL,
    assert_one_line,
    descendants,
    environment,
    files_in,
    living,
    run,
    start,
    start_ready,
    wait_until,
)

ROOT_USER = os.geteuid() == 0
OLD = '{"schema": "graphdiag.baseline/1", "accepted": []}\n'
"""What was there before; a baseline, as that is read before it is written."""

CONFIG = f"""
baseline = "accepted.json"
[[models]]
name = "small"
source = "{SMALL}"
[[contracts]]
name = "no findings"
type = "no-findings"
allow_missing_graph = true
"""


# --- every command that writes a file --------------------------------------------------------------------------------


def compare(work, *outputs):
    return ("compare", SMALL, *_pairs(outputs))


def convert(work, *outputs):
    saved = work / "saved.json"
    if not saved.exists():
        assert run("compare", SMALL, "--format", "json", "-o", saved).returncode == 0
    return ("convert", saved, *_pairs(outputs))


def diff(work, *outputs):
    return ("diff", SMALL, SMALL, *_pairs(outputs))


def check(work, *outputs):
    (work / "graphdiag.toml").write_text(CONFIG)
    return ("check", "--config", work / "graphdiag.toml", *_pairs(outputs))


def baseline(work, output):
    (work / "graphdiag.toml").write_text(CONFIG.replace('"accepted.json"', json.dumps(str(output))))
    return ("check", "--config", work / "graphdiag.toml", "--update-baseline")


def snapshot(work, output):
    return ("snapshot", SMALL, "-o", output)


def draw(work, output):
    return ("draw", DRAWN, "-o", output)


def draw_json(work, output):
    return ("draw", DRAWN, "--format", "json", "-o", output)


SEVERAL = [compare, convert, diff, check]
WRITERS = [*SEVERAL, snapshot, draw, draw_json]


def _pairs(outputs):
    return [part for output in outputs for part in ("--format", "json", "-o", str(output))]


@pytest.fixture
def work(tmp_path):
    """A directory for what commands read."""
    directory = tmp_path / "work"
    directory.mkdir()
    return directory


@pytest.fixture
def place(tmp_path):
    """A directory for what commands write."""
    directory = tmp_path / "place"
    directory.mkdir()
    return directory


def old_file(path, mode=0o640):
    path.write_text(OLD)
    path.chmod(mode)
    if ROOT_USER:
        os.chown(path, 1234, 4321)
    with contextlib.suppress(OSError, AttributeError):
        os.setxattr(path, "user.note", b"kept")
    return kept(path)


def kept(path):
    """What must stay: mode, owner and extended attributes."""
    found = path.stat()
    attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)} if hasattr(os, "listxattr") else {}
    return stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, attributes


# --- links, modes, owners --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writer", [*WRITERS, baseline])
def test_a_link_is_written_through(writer, work, place):
    (place / "far").mkdir()
    target, link = place / "far" / "target", place / "link"
    before = old_file(target)
    link.symlink_to(Path("far") / "target")
    done = run(*writer(work, link))
    assert (done.returncode, done.stderr) == (0, "")
    assert link.is_symlink()
    assert target.read_text() != OLD
    assert kept(target) == before
    assert (files_in(place), files_in(target.parent)) == ({"far", "link"}, {"target"})


@pytest.mark.parametrize("writer", [compare, snapshot, draw])
def test_a_link_to_nothing_makes_its_target(writer, work, place):
    (place / "one").symlink_to("two")
    (place / "two").symlink_to(place / "three")
    assert run(*writer(work, place / "one")).returncode == 0
    assert (place / "three").is_file()
    assert (place / "one").is_symlink()
    assert (place / "two").is_symlink()


def test_all_names_of_a_file_get_the_content(place):
    first, second = place / "first", place / "second"
    before = old_file(first)
    second.hardlink_to(first)
    assert run("compare", SMALL, "-o", second).returncode == 0
    assert first.samefile(second)
    assert first.read_text() == second.read_text() != OLD
    assert kept(first) == before


def test_a_new_file_has_the_mode_that_the_user_wants(place):
    command = f"umask 027; exec {sys.executable} -m graphdiag compare {SMALL} -o {place / 'new'}"
    assert run(program=["sh", "-c", command]).returncode == 0
    assert stat.S_IMODE((place / "new").stat().st_mode) == 0o640


def test_the_longest_name_that_there_can_be(place):
    name = "n" * os.pathconf(place, "PC_NAME_MAX")
    assert run("compare", SMALL, "-o", place / name).returncode == 0
    assert files_in(place) == {name}


def test_two_names_of_one_file_are_one_file(place):
    (place / "a").write_text(OLD)
    (place / "hard").hardlink_to(place / "a")
    (place / "soft").symlink_to("a")
    for other in ("hard", "soft"):
        done = run("compare", SMALL, "--format", "text", "-o", place / "a", "--format", "json", "-o", place / other)
        assert_one_line(done, "stands twice")
    assert (place / "a").read_text() == OLD


def test_a_file_that_is_protected_is_not_replaced(place):
    """Root may write to any file, but not to one that is immutable."""
    before = old_file(place / "old", 0o444)
    with unreplaceable("immutable", place / "old") if ROOT_USER else contextlib.nullcontext(PROGRAM) as program:
        done = run("compare", SMALL, "-o", place / "old", program=program)
    assert_one_line(done, str(place / "old"))
    assert ((place / "old").read_text(), kept(place / "old")) == (OLD, before)


def test_a_current_directory_that_is_gone(place):
    gone = place / "gone"
    gone.mkdir()
    script = f'rmdir {gone}; exec "$@"'
    done = run(program=["sh", "-c", script, "sh", *PROGRAM, "compare", str(SMALL), "-o", "report"], cwd=gone)
    assert_one_line(done, "report")
    assert files_in(place) == set()


# --- what is not a file
# -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("writer", "name"),
    [
        *((compare, name) for name in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link")),
        *((writer, "/dev/stdout") for writer in WRITERS if writer is not compare),
    ],
)
def test_standard_output_by_name(writer, name, work, place):
    if not Path("/proc/self/fd").exists() and name.startswith("/proc"):
        name = "/dev/fd/1"
    if name == "link":
        (place / "link").symlink_to("/dev/stdout")
        name = place / "link"
    plain = run(*writer(work, "-"))
    done = run(*writer(work, name))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == plain.stdout != ""


def test_standard_output_that_goes_to_a_file_is_not_replaced(place):
    log = place / "log"
    log.write_text(OLD)
    with log.open("a") as file:
        done = run("compare", SMALL, "--format", "json", "-o", "/dev/stdout", stdout=file)
        file.write("after\n")
    assert (done.returncode, done.stderr) == (0, "")
    text = log.read_text()
    assert text.startswith(OLD + "{")
    assert text.endswith("}\nafter\n")


def test_standard_error_and_other_descriptors_by_name():
    done = run("snapshot", SMALL, "-o", "/dev/stderr")
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads(done.stderr)
    reading, writing = os.pipe()
    done = run("snapshot", SMALL, "-o", f"/dev/fd/{writing}", pass_fds=[writing])
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert json.loads(pipe.read())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert_one_line(run("snapshot", SMALL, "-o", "/dev/fd/77"), "/dev/fd/77")


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("writer", [compare, draw, snapshot])
def test_a_fifo_is_written_to(writer, link, work, place):
    fifo = place / "fifo"
    os.mkfifo(fifo, 0o640)
    named = fifo
    if link:
        named = place / "link"
        named.symlink_to("fifo")
    got = []
    reader = threading.Thread(target=lambda: got.append(fifo.read_text()))
    reader.start()
    done = run(*writer(work, named))
    reader.join(timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert got
    assert got[0].strip()
    assert fifo.is_fifo()
    assert "fifo" in files_in(place) <= {"fifo", "link"}


def test_a_reader_of_a_fifo_that_has_seen_enough_is_no_error(place):
    os.mkfifo(place / "fifo")
    reader = threading.Thread(target=lambda: os.close(os.open(place / "fifo", os.O_RDONLY)))
    reader.start()
    done = run("compare", REFERENCE, "--format", "json", "-o", place / "fifo")
    reader.join(timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


def test_devices_stay_devices(place):
    (place / "null").symlink_to(os.devnull)
    assert run("compare", SMALL, "-o", place / "null").returncode == 0
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    if ROOT_USER:
        node = place / "own"
        os.mknod(node, stat.S_IFCHR | 0o600, os.makedev(1, 3))
        assert run("compare", SMALL, "-o", node).returncode == 0
        assert stat.S_ISCHR(node.stat().st_mode)


# --- what cannot be written ------------------------------------------------------------------------------------------

BAD = {
    "empty": "",
    "here": ".",
    "above": "..",
    "root": "/",
    "directory": "directory",
    "link to a directory": "to-directory",
    "below a file": "file/report",
    "far below a file": "file/a/b",
    "in nothing": "absent/report",
    "name too long": "n" * 300,
    "path too long": "/".join(["n" * 200] * 30),
    "loop of links": "loop",
    "kernel": "/proc/graphdiag",
    "socket": "socket",
    "full device": "/dev/full",
}


@pytest.mark.parametrize(
    ("writer", "name"),
    [*((compare, name) for name in BAD), *((writer, "below a file") for writer in (*WRITERS[1:], baseline))],
)
def test_one_line_for_what_cannot_be_written(writer, name, work, place):
    import socket

    (place / "directory").mkdir()
    (place / "to-directory").symlink_to("directory")
    (place / "file").write_text(OLD)
    (place / "loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(place)
        try:
            server.bind("socket")
        finally:
            os.chdir(ROOT)
        before = files_in(place)
        done = run(*writer(work, BAD[name]), cwd=place)
    assert_one_line(done)
    assert done.stdout == ""
    assert files_in(place) == before
    assert (place / "file").read_text() == OLD
    assert files_in(place / "directory") == set()


@contextlib.contextmanager
def read_only(directory):
    """A directory in which this user can make nothing; for root, one that is mounted so or that is immutable."""
    if not ROOT_USER:
        directory.chmod(0o555)
        try:
            yield
        finally:
            directory.chmod(0o755)
        return
    if _done("mount", "--bind", directory, directory):
        try:
            assert _done("mount", "-o", "remount,bind,ro", directory)
            yield
        finally:
            assert _done("umount", directory)
        return
    assert _done("chattr", "+i", directory), "root can neither mount nor make a directory immutable here"
    try:
        yield
    finally:
        assert _done("chattr", "-i", directory)


def _done(*command):
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run([*map(str, command)], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("writer", [compare, snapshot, baseline])
def test_a_read_only_place(writer, work, place):
    (place / "old").write_text(OLD)
    with read_only(place):
        for name in ("new", "old"):
            assert_one_line(run(*writer(work, place / name)), str(place / name))
    assert files_in(place) == {"old"}
    assert (place / "old").read_text() == OLD


@pytest.mark.parametrize("writer", [compare, snapshot, baseline])
def test_a_disk_that_gets_full(writer, work, place):
    target = place / "old"
    before = old_file(target)
    arguments = writer(work, target)

    def tiny():
        resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))

    done = run(*arguments, preexec_fn=tiny)
    assert_one_line(done, str(target))
    assert files_in(place) == {"old"}
    assert (target.read_text(), kept(target)) == (OLD, before)


# --- several files ---------------------------------------------------------------------------------------------------

_INJECTED = """
import errno, os, sys
blocked = sys.argv.pop(1)
for name in ("replace", "rename"):
    def guarded(source, target, *rest, real=getattr(os, name), **more):
        if os.path.realpath(target) == blocked:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), target)
        return real(source, target, *rest, **more)
    setattr(os, name, guarded)
from graphdiag.__main__ import main
main()
"""


@contextlib.contextmanager
def unreplaceable(how, target):
    """A file whose place no other can take; gives the program to run, with a fault built in where there is no root."""
    if ROOT_USER and how == "bind mount" and _done("mount", "--bind", target, target):
        try:
            yield PROGRAM
        finally:
            assert _done("umount", target)
    elif ROOT_USER and how == "immutable" and _done("chattr", "+i", target):
        try:
            yield PROGRAM
        finally:
            assert _done("chattr", "-i", target)
    else:
        yield [sys.executable, "-c", _INJECTED, os.path.realpath(target)]


@pytest.mark.parametrize(
    ("writer", "how"),
    [
        *((compare, how) for how in ("bind mount", "immutable", "fault")),
        *((writer, "fault") for writer in SEVERAL if writer is not compare),
    ],
)
def test_all_files_or_none_where_the_last_cannot_be_replaced(writer, how, work, place):
    targets = [place / name for name in ("first", "second", "third", "last")]
    states = {
        target: old_file(target, mode) for target, mode in zip(targets, (0o600, 0o644, 0o640, 0o644), strict=True)
    }
    targets[1].unlink()
    inode = targets[0].stat().st_mtime_ns
    with unreplaceable(how, targets[-1]) as program:
        done = run(*writer(work, *targets), program=program)
    assert_one_line(done, str(targets[-1]))
    assert done.stdout == ""
    assert files_in(place) == {"first", "third", "last"}
    for target in (targets[0], targets[2], targets[3]):
        assert (target.read_text(), kept(target)) == (OLD, states[target])
    assert targets[0].stat().st_mtime_ns == inode


@pytest.mark.parametrize("last", ["directory", "absent/x", "/dev/full", ""])
def test_all_files_or_none_where_the_last_cannot_be_written(last, place):
    (place / "directory").mkdir()
    before = old_file(place / "first")
    done = run(*compare(None, "first", "new", last), cwd=place)
    assert_one_line(done)
    assert files_in(place) == {"directory", "first"}
    assert ((place / "first").read_text(), kept(place / "first")) == (OLD, before)


def test_no_file_where_standard_output_is_full(place):
    old_file(place / "first")
    with Path("/dev/full").open("w") as full:
        done = run(*compare(None, place / "first", "-"), stdout=full)
    assert_one_line(done, "standard output")
    assert files_in(place) == {"first"}
    assert (place / "first").read_text() == OLD


def test_the_baseline_is_one_of_the_files(work, place):
    command = [*baseline(work, place / "accepted"), "--format", "json", "-o", place / "absent" / "report"]
    assert_one_line(run(*command), "absent")
    assert files_in(place) == set()
    command = [*baseline(work, place / "accepted"), "--format", "json", "-o", place / "accepted"]
    assert_one_line(run(*command), "stands twice")
    assert files_in(place) == set()


def test_old_files_come_back_where_there_can_be_no_hard_links(place, monkeypatch):
    """As on FAT and on some network file systems."""
    first, last = place / "first", place / "last"
    before = old_file(first)
    last.write_text(OLD)
    real = os.replace

    def replace(source, target):
        if Path(target) == last:
            raise OSError(16, os.strerror(16))
        real(source, target)

    def link(*_, **__):
        raise OSError(1, os.strerror(1))

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "link", link)
    with pytest.raises(UsageError, match="last"), putting([("new", first), ("new", last)]):
        pass
    assert files_in(place) == {"first", "last"}
    assert (first.read_text(), kept(first)) == (OLD, before)


# --- other ways out --------------------------------------------------------------------------------------------------


def test_a_page_that_cannot_be_written_leaves_nothing(place):
    script = f"""
import resource
import graphdiag
report = graphdiag.compare({str(SMALL)!r})
report.render("html")
resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))
try:
    report.show()
except graphdiag.GraphdiagError as error:
    print(error)
"""
    done = run(program=[sys.executable, "-c", script], env=environment(TMPDIR=str(place)))
    assert "cannot be written" in done.stdout, done.stderr
    assert files_in(place) == set()


def test_a_log_of_the_reference_model_is_whole_or_absent(place):
    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    log, temporary = place / "log", place / "tmp"
    temporary.mkdir()
    done = run("reference", "--logdir", log, preexec_fn=small, env=environment(TMPDIR=str(temporary)))
    assert (done.returncode, done.stdout) == (2, "")
    # TensorFlow may say on the same stream that there is no GPU.
    [line] = [line for line in done.stderr.splitlines() if line.startswith("graphdiag: ")]
    assert "cannot be written" in line
    assert "Traceback" not in done.stderr
    assert files_in(temporary) == set()
    assert not log.exists() or files_in(log) == set()


# --- signals ---------------------------------------------------------------------------------------------------------

SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


def assert_ended_by(process, sent):
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (128 + sent, "", "")


@pytest.mark.parametrize(
    ("writer", "sent"), [*((compare, sent) for sent in SIGNALS), (check, signal.SIGTERM), (diff, signal.SIGINT)]
)
def test_a_signal_while_files_are_written_leaves_nothing_behind(writer, sent, work, place):
    before = old_file(place / "first")
    os.mkfifo(place / "fifo")
    # Nobody reads the pipe: all that comes before it has been written, and nothing has been put in place.
    process = start(*writer(work, place / "first", place / "new", place / "fifo"))
    wait_until(lambda: len(files_in(place)) > 2)
    process.send_signal(sent)
    assert_ended_by(process, sent)
    assert files_in(place) == {"first", "fifo"}
    assert ((place / "first").read_text(), kept(place / "first")) == (OLD, before)


@pytest.mark.parametrize("sent", SIGNALS)
def test_a_signal_at_any_time(sent, place):
    first, second = place / "first", place / "second"
    seen = set()
    for step in range(10):
        first.write_text(OLD)
        second.write_text(OLD)
        process = start_ready("compare", REFERENCE, *_pairs([first, second]))
        time.sleep(0.2 * step)
        process.send_signal(sent)
        out, err = process.communicate(timeout=30)
        assert (out, err) == ("", "")
        assert process.returncode in (0, 128 + sent)
        seen.add(process.returncode)
        assert files_in(place) == {"first", "second"}
        assert (first.read_text() == OLD) == (second.read_text() == OLD)
        for file in (first, second):
            if file.read_text() != OLD:
                assert json.loads(file.read_text())["schema"]
    assert 128 + sent in seen


def test_a_signal_while_files_change_places_waits_until_all_have(place):
    script = """
import os, signal, sys
from pathlib import Path
real = os.replace
def replace(*arguments):
    os.kill(os.getpid(), signal.SIGTERM)
    real(*arguments)
os.replace = replace
from graphdiag.__main__ import main
main()
"""
    for name in ("first", "second"):
        (place / name).write_text(OLD)
    done = run(*compare(None, place / "first", place / "second"), program=[sys.executable, "-c", script])
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGTERM, "", "")
    assert files_in(place) == {"first", "second"}
    assert json.loads((place / "first").read_text()) == json.loads((place / "second").read_text())


@pytest.mark.parametrize("ignored", SIGNALS)
def test_a_signal_that_the_user_has_switched_off_stays_off(ignored, place):
    """As ``nohup`` does."""
    os.mkfifo(place / "fifo")
    process = start(
        "compare",
        SMALL,
        *_pairs([place / "a", place / "fifo"]),
        preexec_fn=lambda: signal.signal(ignored, signal.SIG_IGN),
    )
    wait_until(lambda: len(files_in(place)) > 1)
    process.send_signal(ignored)
    (place / "fifo").read_text()
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


# --- processes -------------------------------------------------------------------------------------------------------

ENDINGS = [*SIGNALS, signal.SIGKILL]

SLEEPER = """
import os, subprocess, time
started = subprocess.Popen(["sleep", "600"])
with open({pids!r}, "a") as file:
    file.write(f"{{os.getpid()}} {{started.pid}}\\n")
time.sleep(600)
"""


def pids_in(file, count):
    wait_until(lambda: file.exists() and len(file.read_text().split()) >= count)
    return {int(pid) for pid in file.read_text().split()}


def assert_all_end(process, pids, sent):
    pids = pids | descendants(process.pid)
    assert pids <= set(living())
    process.send_signal(sent)
    out, err = process.communicate(timeout=30)
    assert (out, err) == ("", "")
    assert process.returncode == (-sent if sent == signal.SIGKILL else 128 + sent)
    wait_until(lambda: not pids & set(living()), 10)


@pytest.mark.parametrize("sent", ENDINGS)
def test_the_workers_of_a_check_end_with_it(sent, work):
    # Beside the directory of the models: what they write there is kept aside.
    pids = work.parent / "pids"
    (work / "graphdiag.toml").write_text("")
    models = ""
    for number in range(3):
        (work / f"model{number}.py").write_text(SLEEPER.format(pids=str(pids)))
        models += f'[[models]]\nname = "m{number}"\nsource = "model{number}.py"\n'
    (work / "graphdiag.toml").write_text(models)
    process = start("check", "--jobs", "2", cwd=work, env=environment(PYTHONPATH=str(ROOT)))
    found = pids_in(pids, 4)
    assert_all_end(process, found, sent)


@pytest.mark.parametrize("sent", SIGNALS)
def test_nothing_is_begun_while_the_process_ends(sent, work):
    """A worker ends, and the thread that waited for it starts another, while the rest is cleaned up."""
    pids = work / "pids"
    script = f"""
import os, signal, sys, threading, time
from pathlib import Path
from graphdiag import interruption
from graphdiag.child_processes import child_process

ending, asked = threading.Event(), threading.Event()

def begin():
    ending.wait()
    asked.set()
    with child_process(["sleep", "10"]) as process:
        Path({str(pids)!r}).write_text(str(process.pid))
        time.sleep(10)

def clean_up():
    ending.set()
    asked.wait()
    time.sleep(0.5)  # enough to start a process

interruption.exit_on_signals()
interruption.clean_up(clean_up)
threading.Thread(target=begin, daemon=True).start()
with child_process(["sleep", "10"]):
    os.kill(os.getpid(), {int(sent)})
    time.sleep(10)
"""
    done = run(program=[sys.executable, "-c", script])
    assert (done.returncode, done.stdout, done.stderr) == (128 + sent, "", "")
    assert not pids.exists()


@pytest.mark.parametrize("sent", ENDINGS)
def test_the_process_of_verify_ends_with_its_parent(sent):
    process = start("compare", REFERENCE, "--model", REFERENCE / "model.json", "--verify")

    def runs_tensorflow():
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=True
        ).stdout
        commands = dict(line.split(maxsplit=1) for line in listed.splitlines() if len(line.split()) > 1)
        return any("execution" in commands.get(str(pid), "") for pid in descendants(process.pid))

    wait_until(runs_tensorflow)
    assert_all_end(process, set(), sent)


@pytest.mark.parametrize(
    ("format_", "sent"), [*(("svg", sent) for sent in ENDINGS), ("png", signal.SIGTERM), ("pdf", signal.SIGKILL)]
)
def test_dot_ends_with_its_parent(sent, format_, work, place):
    pids = work / "pids"
    dot = work / "dot"
    dot.write_text(f"#!/bin/sh\necho $$ >{pids}\nexec sleep 600\n")
    dot.chmod(0o755)
    path = f"{work}{os.pathsep}{os.environ['PATH']}"
    process = start("compare", SMALL, "--format", format_, "-o", place / "picture", env=environment(PATH=path))
    assert_all_end(process, pids_in(pids, 1), sent)
    assert files_in(place) == set()


@pytest.mark.parametrize("sent", ENDINGS)
def test_the_reader_of_hdf5_ends_with_its_parent(sent, work, place):
    pids = work / "pids"
    (work / "h5py.py").write_text(SLEEPER.format(pids=str(pids)))
    (work / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    process = start("compare", work / "model.h5", "-o", place / "report", env=environment(PYTHONPATH=str(work)))
    assert_all_end(process, pids_in(pids, 2), sent)
    assert files_in(place) == set()


def test_nothing_is_left_running_after_a_run(work):
    """Neither workers nor what watches over them."""
    before = set(living())
    (work / "graphdiag.toml").write_text(
        "".join(f'[[models]]\nname = "m{number}"\nsource = "{SMALL}"\n' for number in range(3))
        + '[[contracts]]\nname = "none"\ntype = "no-findings"\nallow_missing_graph = true\n'
    )
    process = start("check", "--jobs", "2", cwd=work)
    seen = set()
    while process.poll() is None:
        seen |= descendants(process.pid)
        time.sleep(0.05)
    assert process.wait() == 0, process.communicate()
    assert seen - before
    assert not seen & set(living())
