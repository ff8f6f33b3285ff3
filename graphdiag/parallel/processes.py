"""An executor that runs each task in a process of its own, or in one that has run others before.

TensorFlow does not survive a fork, so each process starts anew. A process that ends, as a model file can make it do,
takes one task with it and no other. `concurrent.futures.ProcessPoolExecutor` would give up all tasks with it.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from graphdiag.parallel.task_executor import TaskExecutor
from graphdiag.worker_process import WorkerProcess

R = TypeVar("R")
_Work = Callable[[Any], Any]
_Worker = WorkerProcess[Any, Any]


class TaskDiedError(Exception):
    """The process of a task ended before the task was done.

    Attributes:
        reason: Why, as a clause: ``it took longer than 300 s``.
        exit_status: Of the process.
    """

    def __init__(self, reason: str, exit_status: int | None) -> None:
        super().__init__(reason, exit_status)
        self.reason, self.exit_status = reason, exit_status


@dataclass(frozen=True)
class Limits:
    """What one task may take.

    Attributes:
        seconds: Time; as much as it wants if it is ``None``.
        memory: Bytes of address space of its process, where the system can limit that; likewise.
        tasks: How many tasks one process runs before another takes its place; likewise.
        attempts: How often a task is begun whose process ends.
    """

    seconds: float | None = None
    memory: int | None = None
    tasks: int | None = None
    attempts: int = 1


UNLIMITED = Limits()


class ProcessExecutor(TaskExecutor):
    """Runs functions in processes.

    Args:
        processes: How many run at a time.
        limits: What each task may take.
        alone: Whether a task leaves things behind, so that nothing else may run in its process after it.
    """

    def __init__(
        self, processes: int, limits: Limits = UNLIMITED, alone: Callable[[Any], bool] = lambda _: False
    ) -> None:
        self._processes = processes
        self._limits = limits
        self._alone = alone
        self._workers: set[_Worker] = set()
        self._idle: dict[_Work, list[_Worker]] = {}
        self._runs: Counter[_Worker] = Counter()
        self._futures: set[Future[Any]] = set()
        self._lock = threading.Lock()
        self._closed = False
        # A thread for each process: it waits for the process, and does nothing else.
        self._threads = ThreadPoolExecutor(processes)

    @property
    def processes(self) -> int:
        """As it was given."""
        return self._processes

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Run a function on a task.

        Args:
            fn: A function of a module; it, the task and the result go through pickle. It raises nothing.
            *args: The task.
            **kwargs: None.

        Returns:
            The future result; `TaskDiedError` when the process ended.
        """
        [task] = args
        future: Future[R] = self._threads.submit(self.run, fn, task)
        with self._lock:
            self._futures.add(future)
        future.add_done_callback(self._forget)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End all processes; without ``wait`` in the middle of their work."""
        self._closed = self._closed or not wait
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures or not wait)
        self._end_running()
        for worker in list(self._workers):
            worker.stop()

    def _end_running(self) -> None:
        while running := self._running():
            for worker in list(self._workers):
                worker.kill()
            wait(running, timeout=0.05)

    def _running(self) -> set[Future[Any]]:
        with self._lock:
            return {future for future in self._futures if not future.done()}

    def _forget(self, future: Future[Any]) -> None:
        with self._lock:
            self._futures.discard(future)

    def run(self, fn: Callable[[Any], R], task: Any) -> R:
        """The result of a task, for which the calling thread waits.

        Args:
            fn: As for `submit`.
            task: The task.

        Raises:
            TaskDiedError: The process ended.
        """
        attempt = 1
        while True:
            worker = self._take_worker(fn, fresh=attempt > 1)
            try:
                result: R = worker.run(task, self._limits.seconds)
            except TimeoutError:
                raise TaskDiedError(f"it took longer than {self._limits.seconds:g} s", self._stop(worker)) from None
            except EOFError:
                status = self._stop(worker)
                if self._closed or attempt >= self._limits.attempts:
                    raise TaskDiedError(f"its process ended with status {status}", status) from None
                attempt += 1
                continue
            self._runs[worker] += 1
            if self._alone(task) or self._runs[worker] == self._limits.tasks:
                self._stop(worker)
            else:
                self._idle.setdefault(fn, []).append(worker)
            return result

    def _take_worker(self, fn: _Work, *, fresh: bool) -> _Worker:
        if not fresh:
            with contextlib.suppress(KeyError, IndexError):
                return self._idle[fn].pop()
        worker: _Worker = WorkerProcess(fn, self._limits.memory)
        self._workers.add(worker)
        return worker

    def _stop(self, worker: _Worker) -> int | None:
        self._workers.discard(worker)
        self._runs.pop(worker, None)
        return worker.stop()
