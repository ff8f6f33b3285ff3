"""A process that works on one task after another, and may end within one, as a damaged file can make it do."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Generic, TypeVar

from graphdiag.child_processes import child_process, end, python_program

T = TypeVar("T")
R = TypeVar("R")


class WorkerProcess(Generic[T, R]):
    """One process, and the pipes to it.

    Args:
        work: A function of a module; it, the tasks and the results go through pickle. It raises nothing.
        memory: Bytes of address space that the process may take, where the system can limit that; no limit if not
            given.

    Raises:
        ProgramError: The process cannot be started.
    """

    def __init__(self, work: Callable[[T], R], memory: int | None = None) -> None:
        self._stack = ExitStack()
        self._process = self._stack.enter_context(
            child_process(python_program(__name__), memory, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        )
        self._send(work)

    def run(self, task: T, seconds: float | None = None) -> R:
        """The result of a task.

        Args:
            task: The task.
            seconds: How long it may take; without a limit if not given.

        Raises:
            TimeoutError: It took longer, and the process was ended.
            EOFError: The process has ended.
        """
        late = threading.Event()

        def stop() -> None:
            late.set()
            self.kill()

        timer = threading.Timer(seconds, stop) if seconds is not None else None
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            self._send(task)
            assert self._process.stdout is not None
            result: R = pickle.load(self._process.stdout)
            return result
        except (EOFError, pickle.UnpicklingError, ValueError, OSError) as error:
            # It ended, maybe in the middle of an answer.
            raise (TimeoutError if late.is_set() else EOFError) from error
        finally:
            if timer is not None:
                timer.cancel()

    def _send(self, what: Any) -> None:
        assert self._process.stdin is not None
        # A process that died at its start is found when its answer is awaited.
        with contextlib.suppress(OSError, ValueError):
            pickle.dump(what, self._process.stdin)
            self._process.stdin.flush()

    def stop(self) -> int | None:
        """End the process; its exit status."""
        self._stack.close()
        return self._process.returncode

    def kill(self) -> None:
        """End the process in the middle of its work, while another thread waits for it."""
        end(self._process)


def main() -> None:
    """Be a worker: take the work and then tasks from standard input, and write the results to standard output."""
    # A script that reads or prints must not come between.
    tasks, results = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - until the process ends
    with contextlib.suppress(EOFError, BrokenPipeError):
        work = pickle.load(tasks)
        while True:
            pickle.dump(work(pickle.load(tasks)), results)
            results.flush()
