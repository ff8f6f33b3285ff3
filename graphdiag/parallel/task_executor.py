"""What the executors have in common: they say how many tasks they want at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

T = TypeVar("T")


class TaskExecutor(Executor, ABC):
    """Runs a function on one task after another, each in a process that it does not share with others at the time."""

    @property
    @abstractmethod
    def processes(self) -> int:
        """How many tasks run at a time."""

    @property
    def batch(self) -> int:
        """How many tasks are best submitted together."""
        return 1

    def submit_batch(self, fn: Callable[[T], Any], tasks: Sequence[T]) -> Sequence[Future[Any]]:
        """Run a function on some tasks, each for itself.

        Args:
            fn: As for ``submit``.
            tasks: The tasks.

        Returns:
            A future for each.
        """
        return [self.submit(fn, task) for task in tasks]
