"""Results of an executor as they come, with no more of them in memory than are worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

T = TypeVar("T")


def in_order(
    executor: Executor, work: Callable[[T], Any], tasks: Iterable[T], window: int
) -> Iterator[tuple[T, Future[Any]]]:
    """Run tasks, and give each with its future in the order of the tasks.

    Args:
        executor: Where they run.
        work: What is done with each.
        tasks: Taken one by one, as results are taken.
        window: How many tasks are under way, or done and not yet taken, at most.

    Yields:
        A task, and its future; the first of those under way, once it is done or the window is full.
    """
    waiting: deque[tuple[T, Future[Any]]] = deque()
    for task in tasks:
        waiting.append((task, executor.submit(work, task)))
        while waiting and (len(waiting) >= window or waiting[0][1].done()):
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()
