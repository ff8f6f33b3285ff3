"""Where tasks run: on the cores of this machine, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from graphdiag.parallel.processes import Limits, ProcessExecutor
from graphdiag.parallel.task_executor import TaskExecutor


@contextmanager
def engine(
    processes: int, limits: Limits, alone: Callable[[Any], bool], scheduler: str | None = None
) -> Iterator[TaskExecutor]:
    """An executor for as long as a block runs.

    Args:
        processes: How many tasks run at a time on this machine.
        limits: What each task may take.
        alone: Whether a task leaves things behind, so that nothing else may run in its process after it.
        scheduler: The address of a Dask scheduler, as ``tcp://host:8786``; ``local`` for a cluster on this machine.

    Yields:
        The executor.

    Raises:
        UsageError: Dask is not installed, or the scheduler is not there.
    """
    if scheduler is None:
        executor: TaskExecutor = ProcessExecutor(processes, limits, alone)
        try:
            yield executor
        finally:
            # Whoever asked for the results may want no more of them.
            executor.shutdown(wait=False, cancel_futures=True)
        return
    from graphdiag.parallel.cluster import cluster_executor

    with cluster_executor(scheduler, processes, limits, alone) as executor:
        yield executor
