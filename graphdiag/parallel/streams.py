"""Results of an executor as they come, with no more of them in memory than are worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from typing import Any, TypeVar

from graphdiag.parallel.task_executor import TaskExecutor

T = TypeVar("T")


def in_order(
    executor: TaskExecutor, work: Callable[[T], Any], tasks: Iterable[T], window: int
) -> Iterator[tuple[T, Future[Any]]]:
    """Run tasks, and give each with its future in the order of the tasks.

    Args:
        executor: Where they run.
        work: What is done with each.
        tasks: Taken as results are taken.
        window: How many tasks are under way for each process, or done and not yet taken.

    Yields:
        A task, and its future; the first of those under way, once it is done or the window is full.
    """
    waiting: deque[tuple[T, Future[Any]]] = deque()
    left = iter(tasks)
    while batch := list(islice(left, executor.batch)):
        waiting.extend(zip(batch, executor.submit_batch(work, batch), strict=True))
        while waiting and (len(waiting) >= window * executor.processes or waiting[0][1].done()):
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()
