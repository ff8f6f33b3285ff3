"""Work on many tasks in processes of their own, some at a time.

TensorFlow does not survive a fork, so each process starts anew. A process that ends, as a model file can make it do,
takes one task with it and no other.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from graphdiag.child_processes import child_process, end, python_program

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Died(Generic[T]):
    """A task whose process ended before the task was done, and the exit status of the process."""

    task: T
    exit_status: int | None


def run_tasks(
    work: Callable[[T], R], tasks: Sequence[T], processes: int, alone: Callable[[T], bool]
) -> Iterator[tuple[int, R | Died[T]]]:
    """Run tasks in processes.

    Args:
        work: A function of a module; it, the tasks and the results go through pickle. It raises nothing.
        tasks: What to work on. Those that are `alone` are begun first, as they take the longest.
        processes: How many run at a time.
        alone: Whether a task leaves things behind, so that nothing else may run in its process after it.

    Yields:
        The number of a task and its result, or that its process died; each as soon as it is there.
    """
    workers: list[_Worker] = []
    idle: list[_Worker] = []

    def run(number: int) -> R | Died[T]:
        try:
            worker = idle.pop()
        except IndexError:
            worker = _Worker(work)
            workers.append(worker)
        try:
            result: R = worker.run(tasks[number])
        except EOFError:
            return Died(tasks[number], worker.stop())
        if alone(tasks[number]):
            worker.stop()
        else:
            idle.append(worker)
        return result

    order = sorted(range(len(tasks)), key=lambda number: not alone(tasks[number]))
    # A thread for each process: it waits for the process, and does nothing else.
    pool = ThreadPoolExecutor(processes)
    futures = {pool.submit(run, number): number for number in order}
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        # Whoever asked for the results may want no more of them.
        pool.shutdown(wait=False, cancel_futures=True)
        while not all(future.done() for future in futures):
            for worker in list(workers):
                worker.kill()
            wait(futures, timeout=0.05)
        for worker in workers:
            worker.stop()


class _Worker:
    """One process, and the pipes to it."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._stack = ExitStack()
        self._process = self._stack.enter_context(
            child_process(python_program("graphdiag.checking.workers"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        )
        self._send(work)

    def run(self, task: Any) -> Any:
        """The result of a task.

        Raises:
            EOFError: The process has ended.
        """
        self._send(task)
        assert self._process.stdout is not None
        try:
            return pickle.load(self._process.stdout)
        except (pickle.UnpicklingError, ValueError, OSError) as error:
            # It ended in the middle of an answer.
            raise EOFError from error

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
