"""Work on many tasks in processes of their own, some at a time.

TensorFlow does not survive a fork, so processes are spawned. A process that ends, as a model file can make it do,
takes one task with it and no other.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

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
    waiting = sorted(range(len(tasks)), key=lambda number: alone(tasks[number]))
    idle: list[_Worker] = []
    busy: dict[Connection, tuple[_Worker, int]] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < processes:
                worker = idle.pop() if idle else _Worker(work)
                number = waiting.pop()
                worker.give(tasks[number])
                busy[worker.connection] = worker, number
            for connection in wait(list(busy)):
                assert isinstance(connection, Connection)
                worker, number = busy.pop(connection)
                try:
                    result = connection.recv()
                except EOFError:
                    result = Died(tasks[number], worker.stop())
                else:
                    if alone(tasks[number]):
                        worker.stop()
                    else:
                        idle.append(worker)
                yield number, result
    finally:
        for worker in idle:
            worker.stop()
        for worker, _ in busy.values():
            # Whoever asked for the results wants no more of them.
            worker.kill()


class _Worker:
    """One process, and the connection to it."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=_serve, args=(theirs, work), daemon=True)
        self._process.start()
        theirs.close()

    def give(self, task: Any) -> None:
        # A process that died at its start is found when its answer is awaited.
        with contextlib.suppress(BrokenPipeError):
            self.connection.send(task)

    def stop(self) -> int | None:
        """End the process; its exit status."""
        self.connection.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self.kill()
        return self._process.exitcode

    def kill(self) -> None:
        """End the process in the middle of its work."""
        self.connection.close()
        self._process.kill()
        self._process.join()


def _serve(connection: Connection, work: Callable[[Any], Any]) -> None:
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while True:
            connection.send(work(connection.recv()))
