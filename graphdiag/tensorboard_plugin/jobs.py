"""Work that is done outside of requests: in a few processes, each for one task at a time, with limits."""

from __future__ import annotations

import hashlib
import heapq
import os
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from graphdiag.errors import GraphdiagError
from graphdiag.tensorboard_plugin.tasks import Failure, Task, work
from graphdiag.worker_process import WorkerProcess

PROCESSES = max(2, min(4, os.cpu_count() or 1))
"""One of them works for nobody but who is waiting for it on screen."""
MEMORY = 4 * 2**30
"""Bytes of address space of each process."""
SECONDS = 300
"""For one task."""
_IDLE_S = 60
"""After this time a process without work is ended, so that its memory is free."""
_KEPT = 256 * 2**20
"""Bytes of pages and event files that are kept."""


@dataclass
class Job:
    """A task and what has come of it.

    Attributes:
        key: What is done, of what content.
        urgent: Whether someone waits for it on screen.
        state: ``waiting``, ``working``, ``done`` or ``failed``.
        result: Of a job that is done.
        line: Of one that failed: why.
        file: What it writes, if it writes a file.
        began: When the work on it was begun, by the monotonic clock.
    """

    key: str
    urgent: bool
    state: str = "waiting"
    result: Any = None
    line: str = ""
    file: Path | None = None
    began: float = 0.0
    task: Task | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What requests call it."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:32]


class Jobs:
    """All jobs, by their keys: what is asked for twice is done once.

    Args:
        changed: Is called when a job is done.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._condition = threading.Condition()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._queue: list[tuple[int, int, Job]] = []
        self._order = count()
        self._started = False
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def do(self, key: str, task: Callable[[str], Task], *, suffix: str = "", urgent: bool = False) -> Job:
        """Have something done.

        Args:
            key: What is done, of what content.
            task: Makes the task, given the file that it writes.
            suffix: Of that file; empty if it writes none.
            urgent: Whether someone waits for it on screen.

        Returns:
            The job; one that is there already is asked for once only.
        """
        with self._condition:
            job = self._jobs.get(key)
            if job is None:
                job = self._jobs[key] = Job(key, urgent)
                if suffix:
                    job.file = self._new_file(suffix)
                job.task = task(str(job.file or ""))
                self._enqueue(job)
            elif urgent and not job.urgent and job.state == "waiting":
                job.urgent = True
                self._enqueue(job)
            self._jobs.move_to_end(key)
            self._start()
        return job

    def find(self, key: str) -> Job | None:
        """The job with a key, if there is one."""
        with self._condition:
            return self._jobs.get(key)

    def named(self, name: str) -> Job | None:
        """The job with a name, if there is one."""
        with self._condition:
            return next((job for job in self._jobs.values() if job.name == name), None)

    def ahead_of(self, job: Job) -> int:
        """How many jobs are worked on before a job is."""
        with self._condition:
            waiting = [entry for entry in self._queue if entry[2].state == "waiting"]
            place = min((entry[:2] for entry in waiting if entry[2] is job), default=(0, 0))
            return len({id(entry[2]) for entry in waiting if entry[:2] < place})

    def _enqueue(self, job: Job) -> None:
        heapq.heappush(self._queue, (0 if job.urgent else 1, next(self._order), job))
        self._condition.notify_all()

    def _new_file(self, suffix: str) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="graphdiag-tensorboard-", ignore_cleanup_errors=True)
        return Path(self._folder.name, f"{next(self._order)}{suffix}")

    def _start(self) -> None:
        if not self._started:
            self._started = True
            for number in range(PROCESSES):
                name = f"graphdiag-{number}"
                threading.Thread(target=self._lane, args=[number == 0], name=name, daemon=True).start()

    def _lane(self, urgent_only: bool) -> None:
        """Work on one job after another; a process is there only while there is work."""
        limited = LimitedProcess(SECONDS)
        while True:
            job = self._next(urgent_only, _IDLE_S)
            if job is None:
                limited.stop()
                continue
            assert job.task is not None
            result = limited.run(job.task)
            with self._condition:
                job.task = None
                job.state, job.line = ("failed", result.line) if isinstance(result, Failure) else ("done", "")
                job.result = result
                self._forget_old_files()
            self._changed()

    def _next(self, urgent_only: bool, timeout: float) -> Job | None:
        deadline = time.monotonic() + timeout
        with self._condition:
            while True:
                while self._queue and self._queue[0][2].state != "waiting":
                    heapq.heappop(self._queue)
                if self._queue and (self._queue[0][2].urgent or not urgent_only):
                    job = heapq.heappop(self._queue)[2]
                    job.state, job.began = "working", time.monotonic()
                    return job
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._condition.wait(left)

    def _forget_old_files(self) -> None:
        """Remove what was looked at longest ago."""
        with_files = [job for job in self._jobs.values() if job.state == "done" and job.file]
        kept = 0
        for job in reversed(with_files):
            assert job.file is not None
            size = job.file.stat().st_size
            if kept and kept + size > _KEPT:
                job.file.unlink()
                del self._jobs[job.key]
            else:
                kept += size


class LimitedProcess:
    """A process for one task at a time, started anew after one that it did not survive.

    Args:
        seconds: What one task may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: WorkerProcess[Task, Any] | None = None

    def run(self, task: Task) -> Any:
        """What comes of a task; a `Failure` also where the process ended or took too long."""
        try:
            if self._process is None:
                self._process = WorkerProcess(work, MEMORY)
            return self._process.run(task, self._seconds)
        except TimeoutError:
            self.stop()
            return Failure(f"This log took more than {self._seconds:.0f} s, and was given up.")
        except EOFError:
            return Failure(f"The process that read this log ended ({_ending(self.stop())}).")
        except GraphdiagError as error:
            return Failure(str(error))

    def stop(self) -> int | None:
        """End the process, if there is one; its exit status."""
        process, self._process = self._process, None
        return None if process is None else process.stop()


def _ending(status: int | None) -> str:
    if status is not None and status < 0:
        return f"signal {-status}; the limit is {MEMORY // 2**30} GiB of memory"
    return f"exit status {status}"
