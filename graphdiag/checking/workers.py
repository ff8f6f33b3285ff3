"""Work on many tasks in processes, in whatever order they are done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from typing import Generic, TypeVar

from graphdiag.parallel.processes import ProcessExecutor, TaskDiedError

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
    return run_on(ProcessExecutor(processes, alone=alone), work, tasks, alone)


def run_on(
    executor: Executor, work: Callable[[T], R], tasks: Sequence[T], alone: Callable[[T], bool]
) -> Iterator[tuple[int, R | Died[T]]]:
    """As `run_tasks`, on an executor, which is shut down at the end."""
    order = sorted(range(len(tasks)), key=lambda number: not alone(tasks[number]))
    try:
        futures = {executor.submit(work, tasks[number]): number for number in order}
        for future in as_completed(futures):
            number = futures[future]
            try:
                yield number, future.result()
            except TaskDiedError as died:
                yield number, Died(tasks[number], died.exit_status)
    finally:
        # Whoever asked for the results may want no more of them.
        executor.shutdown(wait=False, cancel_futures=True)
