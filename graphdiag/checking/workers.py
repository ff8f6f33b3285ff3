"""Work on many tasks in processes of their own, some at a time.

TensorFlow does not survive a fork, so each process starts anew. A process that ends, as a model file can make it do,
takes one task with it and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from graphdiag.worker_process import WorkerProcess

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
    workers: list[WorkerProcess[T, R]] = []
    idle: list[WorkerProcess[T, R]] = []

    def run(number: int) -> R | Died[T]:
        try:
            worker = idle.pop()
        except IndexError:
            worker = WorkerProcess(work)
            workers.append(worker)
        try:
            result = worker.run(tasks[number])
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
