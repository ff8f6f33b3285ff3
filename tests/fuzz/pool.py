"""Runs commands in a worker process, and ends it when one takes too long."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CPU_LIMIT_S = 15.0
"""For one command. Processor time, so that a busy machine does not make an input look slow."""
WAIT_LIMIT_S = 90.0
"""For one command that waits and does not compute; longer than graphdiag itself waits for any process. A process that
is ready to run, and does not get to on a busy machine, does not wait."""
MEMORY_LIMIT_MB = 1024.0
"""What one command may take on top of what the process has."""
_ADDRESS_SPACE = 6 * 2**30
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Task:
    """A command, and what is done with the file that it writes.

    Attributes:
        argv: The command's arguments.
        cwd: Where it runs.
        out: The file.
        schema: The schema that the file is to fit, if any.
        then: A command that reads the file.
    """

    argv: Sequence[str]
    cwd: str
    out: str = ""
    schema: str = ""
    then: Sequence[str] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of a task; ``ending`` says how the worker was lost, if it was; ``then`` is the second command's."""

    status: int
    stderr: str = ""
    crash: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0
    heavy: tuple[str, ...] = ()
    ending: str = ""
    invalid: str = ""
    then: Outcome | None = None


class Worker:
    """The process, started when it is needed and started anew after it was lost or has done its share."""

    def __init__(self, share: int = 1_000) -> None:
        self._share = share
        self._done = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._stack = tempfile.NamedTemporaryFile("r", prefix="graphdiag-fuzz-stack-")  # noqa: SIM115 - closed below

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Run tasks, one after the other.

        They are handed over all at once: on a busy machine, each turn between two processes takes longer than a task.
        """
        at = 0
        while at < len(tasks):
            process = self._ready()
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(b"".join(json.dumps(asdict(task)).encode() + b"\n" for task in tasks[at:]))
                process.stdin.flush()
            for answer in self._answers(process, len(tasks) - at):
                at += 1
                self._done += 1
                yield answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _answers(self, process: subprocess.Popen[bytes], number: int) -> Iterator[Outcome]:
        """As many outcomes, or those up to the first task that the process does not survive."""
        assert process.stdout is not None
        buffered = b""
        for _ in range(number):
            used, waits_since = _cpu_seconds(process.pid), time.monotonic()
            why = ""
            while b"\n" not in buffered and not why:
                ready, _, _ = select.select([process.stdout], [], [], 0.5)
                if ready:
                    read = os.read(process.stdout.fileno(), 1 << 16)
                    buffered += read
                    why = "" if read else f"the process died with status {process.wait()}"
                elif _cpu_seconds(process.pid) - used > CPU_LIMIT_S:
                    why = f"it computed for more than {CPU_LIMIT_S:.0f} s\n{self._where(process)}"
                elif _is_running(process.pid):
                    waits_since = time.monotonic()
                elif time.monotonic() - waits_since > WAIT_LIMIT_S:
                    why = f"it waited for more than {WAIT_LIMIT_S:.0f} s\n{self._where(process)}"
            if why:
                self.close()
                yield Outcome(-1, ending=why)
                return
            line, _, buffered = buffered.partition(b"\n")
            yield _outcome(json.loads(line))

    def _where(self, process: subprocess.Popen[bytes]) -> str:
        """The innermost frames of the process that is to be killed."""
        process.send_signal(signal.SIGUSR1)
        time.sleep(0.5)
        self._stack.seek(0)
        return "".join(self._stack.readlines()[:15])

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._done >= self._share:
            self._start()
        assert self._process is not None
        return self._process

    def _start(self) -> None:
        self.close()
        self._done = 0
        environment = dict(os.environ, COLUMNS="100", NO_COLOR="1", OPENBLAS_NUM_THREADS="1", PYTHONPATH=str(ROOT))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker", str(_ADDRESS_SPACE), self._stack.name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )


def _outcome(answer: dict[str, Any]) -> Outcome:
    then = answer.get("then")
    return Outcome(
        answer["status"],
        answer["stderr"],
        answer["crash"],
        answer["seconds"],
        answer["megabytes"],
        tuple(answer["heavy"]),
        invalid=answer.get("invalid", ""),
        then=_outcome(then) if then else None,
    )


def _cpu_seconds(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _is_running(pid: int) -> bool:
    """Whether a process computes, or would if there were a processor for it."""
    return _stat(pid)[0] == "R"


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` from the process's state on; see proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
