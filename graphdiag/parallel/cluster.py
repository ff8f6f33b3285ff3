"""A Dask cluster as an executor. Dask places tasks, repeats those of a worker that was lost, and brings results back.

A task does not run in the worker itself, but in a process that the worker starts, as on one machine: so a task that
crashes or takes too much ends alone, and Dask's worker goes on.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from typing import Any

from graphdiag.errors import ProgramError, UsageError
from graphdiag.extras import INSTALL_DASK
from graphdiag.parallel.processes import Limits, ProcessExecutor, TaskDiedError
from graphdiag.version import __version__

LOCAL = "local"

_SECONDS_TO_CONNECT = 10
_SECONDS_TO_CLOSE = 5
_CONFIG = {
    "distributed.comm.timeouts.connect": f"{_SECONDS_TO_CONNECT}s",
    # The workers of a cluster of our own wait for processes; nobody looks at what they do a hundred times a second.
    "distributed.worker.profile.enabled": False,
}
_MOST_PROCESSES = 1024
"""Of one worker of Dask; it has as many threads as its host has cores."""


class LostError(ProgramError):
    """The scheduler is gone, or has given up on a task."""


@contextmanager
def cluster_executor(
    scheduler: str, processes: int, limits: Limits, alone: Callable[[Any], bool]
) -> Iterator[Executor]:
    """An executor on a Dask cluster, for as long as a block runs.

    Args:
        scheduler: Its address; ``local`` for a cluster on this machine.
        processes: Workers of such a cluster.
        limits: What each task may take.
        alone: Whether a task leaves things behind, so that nothing else may run in its process after it.

    Yields:
        The executor. A future of it raises `LostError` when the scheduler is gone.

    Raises:
        UsageError: Dask is not installed, or the scheduler is not there, or its workers have another graphdiag.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise UsageError(f"--scheduler needs Dask, which is not installed: {INSTALL_DASK}") from None
    with _quiet(dask):
        cluster = client = None
        try:
            if scheduler == LOCAL:
                cluster = LocalCluster(  # type: ignore[no-untyped-call]
                    n_workers=processes, threads_per_worker=1, dashboard_address=None, memory_limit=None
                )
            client = _connected(Client, scheduler, cluster)
            yield _ClusterExecutor(client, limits, alone)
        finally:
            # A scheduler that is gone must not keep us waiting; what was found is here already.
            for each in (client, cluster):
                if each is not None:
                    with contextlib.suppress(Exception):
                        each.close(timeout=_SECONDS_TO_CLOSE)


@contextmanager
def _quiet(dask: Any) -> Iterator[None]:
    """Dask logs what becomes of connections; that a scheduler is lost is said in one line."""
    import logging

    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with dask.config.set(_CONFIG):
            yield
    finally:
        logger.setLevel(level)


def _connected(client_class: Any, scheduler: str, cluster: Any) -> Any:
    try:
        client = client_class(
            cluster if cluster is not None else scheduler, timeout=_SECONDS_TO_CONNECT, set_as_default=False
        )
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"--scheduler {scheduler}: cannot be reached: {reason}.") from error
    if cluster is None:
        _check_versions(client, scheduler)
    return client


def _check_versions(client: Any, scheduler: str) -> None:
    try:
        versions = client.run(_version, on_error="return")
    except Exception as error:  # of Dask, or of whatever its workers have installed
        raise UsageError(f"--scheduler {scheduler}: its workers do not answer: {error}.") from error
    for worker, version in versions.items():
        if version != __version__:
            client.close(timeout=_SECONDS_TO_CLOSE)
            has = f"has graphdiag {version}" if isinstance(version, str) else "has no graphdiag"
            raise UsageError(f"--scheduler {scheduler}: the worker {worker} {has}; install {__version__} there.")


def _version() -> str:
    return __version__


class _ClusterExecutor(Executor):
    """Dask's own executor, with tasks in processes and one error for whatever ends a cluster."""

    def __init__(self, client: Any, limits: Limits, alone: Callable[[Any], bool]) -> None:
        self._executor = client.get_executor(pure=False)
        self._limits, self._alone = limits, alone

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function on a task, as `ProcessExecutor.submit` does."""
        [task] = args
        try:
            inner = self._executor.submit(run_on_worker, fn, task, self._limits, self._alone)
        except Exception as error:
            raise LostError(_lost(error)) from error
        outer: Future[Any] = Future()
        inner.add_done_callback(lambda done: _hand_on(done, outer))
        return outer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks."""
        self._executor.shutdown(wait=wait)


def _hand_on(done: Future[Any], outer: Future[Any]) -> None:
    if outer.cancelled():
        return
    if done.cancelled():
        outer.set_exception(LostError(_lost(CancelledError())))
        return
    error = done.exception()
    if error is None:
        died = isinstance(done.result(), TaskDiedError)
        outer.set_exception(done.result()) if died else outer.set_result(done.result())
    elif type(error).__name__ == "KilledWorker":
        outer.set_exception(
            TaskDiedError("the workers of the cluster that ran it were lost, one after the other", None)
        )
    else:
        outer.set_exception(LostError(_lost(error)))


def _lost(error: BaseException) -> str:
    said = str(error).partition("\n")[0]
    return f"the Dask scheduler was lost{f' ({said})' if said else ''}."


# --- on a worker of the cluster --------------------------------------------------------------------------------------

_lock = threading.Lock()
_executors: dict[Limits, ProcessExecutor] = {}


def run_on_worker(fn: Callable[[Any], Any], task: Any, limits: Limits, alone: Callable[[Any], bool]) -> Any:
    """The result of a task in a process of this worker, or a `TaskDiedError`.

    It is not raised: Dask would tell of it in the worker's log, and it is news for whoever wanted the result.
    """
    with _lock:
        executor = _executors.get(limits)
        if executor is None:
            # As many processes as Dask runs tasks at a time; each is started when it is needed.
            executor = _executors[limits] = ProcessExecutor(_MOST_PROCESSES, limits, alone)
    try:
        return executor.submit(fn, task).result()
    except TaskDiedError as died:
        return died
