"""A Dask cluster as an executor. Dask places tasks, repeats those of a worker that was lost, and brings results back.

A task does not run in the worker itself, but in a process that the worker starts, as on one machine: so a task that
crashes or takes too much ends alone, and Dask's worker goes on. The worker hands tasks and results on as bytes, and
imports nothing of what they are made of.

To place one thing costs Dask several milliseconds, so tasks of a few milliseconds are placed some together. Whatever of
such a batch is not done after a second goes back, and is placed anew, each for itself.
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, InvalidStateError, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

from graphdiag.errors import ProgramError, UsageError
from graphdiag.extras import INSTALL_DASK
from graphdiag.interruption import held
from graphdiag.parallel.processes import Limits, ProcessExecutor, TaskDiedError
from graphdiag.parallel.task_executor import T, TaskExecutor
from graphdiag.version import __version__

LOCAL = "local"

_SECONDS_TO_CONNECT = 10
"""At most; less where the user's Dask is configured so."""
_CONNECT = "distributed.comm.timeouts.connect"
_SECONDS_TO_CLOSE = 5
_CONFIG = {
    # The workers of a cluster of our own wait for processes; nobody looks at what they do many times a second.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "10s",
    # Nor is it remembered at length what became of a thousand tasks, each with what it was given.
    "distributed.admin.low-level-log-length": 100,
}
_BATCH = 16
"""Tasks that are placed together at most."""
_BATCH_SECONDS = 0.4
"""That a batch is to take, by what the tasks before it took."""
_BATCH_SECONDS_AT_MOST = 1.0
"""After which no other task of a batch is begun."""
_NEWS_OF_WORKERS = 10.0
"""Seconds between two looks how many workers a cluster has."""


class LostError(ProgramError):
    """The scheduler is gone, or has given up on a task."""


@contextmanager
def cluster_executor(
    scheduler: str, processes: int, limits: Limits, alone: Callable[[Any], bool]
) -> Iterator[TaskExecutor]:
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
                cluster = _out_of_reach(
                    lambda: LocalCluster(  # type: ignore[no-untyped-call]
                        n_workers=processes,
                        threads_per_worker=1,
                        dashboard_address=None,
                        # Its server for HTTP would say that another cluster has its port.
                        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                        memory_limit=None,
                        silence_logs=logging.CRITICAL,
                    )
                )
            client = _connected(Client, scheduler, cluster, dask.config.get(_CONNECT))
            yield _ClusterExecutor(client, limits, alone)
        finally:
            # A scheduler that is gone must not keep us waiting; what was found is here already.
            for each in (client, cluster):
                if each is not None:
                    with contextlib.suppress(Exception):
                        each.close(timeout=_SECONDS_TO_CLOSE)


def _out_of_reach(start: Callable[[], Any]) -> Any:
    """Start processes that Ctrl-C does not reach: they end with this process, and would print where they were."""
    if not hasattr(signal, "pthread_sigmask"):
        return start()

    def begin() -> Any:
        # Threads begun by a thread, and processes begun by these, block what it blocks.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        return start()

    with _untold_leaks():
        resource_tracker.ensure_running()
    # One that is still being started when this process ends prints that as well.
    with held(), ThreadPoolExecutor(1) as thread:
        return thread.submit(begin).result()


@contextmanager
def _untold_leaks() -> Iterator[None]:
    """What is started in the block says nothing of semaphores that a process left behind: it removes them."""
    sys.warnoptions.append("ignore::UserWarning")
    try:
        yield
    finally:
        sys.warnoptions.pop()


@contextmanager
def _quiet(dask: Any) -> Iterator[None]:
    """Dask logs what becomes of connections; that a scheduler is lost is said in one line."""
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        patience = min(_SECONDS_TO_CONNECT, dask.utils.parse_timedelta(dask.config.get(_CONNECT)))
        with dask.config.set(_CONFIG | {_CONNECT: patience}):
            yield
    finally:
        logger.setLevel(level)


def _connected(client_class: Any, scheduler: str, cluster: Any, seconds: float) -> Any:
    try:
        client = client_class(cluster if cluster is not None else scheduler, timeout=seconds, set_as_default=False)
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


@dataclass(frozen=True)
class _Call:
    """A task on its way: what a worker gets, and the future that its result is for."""

    packed: PackedCall
    future: Future[Any]


class _ClusterExecutor(TaskExecutor):
    """Dask's own executor, with tasks in processes and one error for whatever ends a cluster."""

    def __init__(self, client: Any, limits: Limits, alone: Callable[[Any], bool]) -> None:
        self._client = client
        self._executor = client.get_executor(pure=False)
        self._limits, self._alone = limits, alone
        self._pending: set[Future[Any]] = set()
        self._lost: LostError | None = None
        self._mean = _BATCH_SECONDS
        self._looked, self._threads = float("-inf"), 1

    @property
    def processes(self) -> int:
        """As many as Dask runs tasks at a time; workers may come and go."""
        now = time.monotonic()
        if now - self._looked > _NEWS_OF_WORKERS:
            self._looked = now
            # That the scheduler is lost is said of each task.
            with contextlib.suppress(Exception):
                self._threads = max(1, sum(self._client.nthreads().values()))
        return self._threads

    @property
    def batch(self) -> int:
        """As many as take a fraction of a second; before it is known what tasks take, one."""
        return max(1, min(_BATCH, int(_BATCH_SECONDS / self._mean)))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function on a task, as `ProcessExecutor.submit` does."""
        [future] = self.submit_batch(fn, args)
        return future

    def submit_batch(self, fn: Callable[[T], Any], tasks: Sequence[T]) -> Sequence[Future[Any]]:
        """Run a function on some tasks, which one worker takes if it can do so in time.

        Raises:
            LostError: The scheduler is gone.
        """
        calls = [_Call(PackedCall(pickle.dumps((fn, task)), self._alone(task)), Future()) for task in tasks]
        self._place(calls)
        return [call.future for call in calls]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks."""
        self._executor.shutdown(wait=wait)

    def _place(self, calls: Sequence[_Call]) -> None:
        for call in calls:
            self._pending.add(call.future)
            call.future.add_done_callback(self._pending.discard)
        if self._lost is not None:
            raise self._lost
        # Dask would keep what is placed now until it has found the scheduler again, which may be never.
        if self._client.status != "running":
            raise LostError(_lost(CancelledError()))
        try:
            placed = self._executor.submit(run_on_worker, [call.packed for call in calls], self._limits)
        except Exception as error:
            raise LostError(_lost(error)) from error
        placed.add_done_callback(lambda done: self._hand_on(done, calls))

    def _place_each(self, calls: Sequence[_Call]) -> None:
        for call in calls:
            try:
                self._place([call])
            except LostError as error:
                self._give_up(error)

    def _give_up(self, error: LostError) -> None:
        """End all that is waited for: Dask says nothing of what was placed just when the scheduler was lost."""
        self._lost = error
        for future in list(self._pending):
            with contextlib.suppress(InvalidStateError):
                future.set_exception(error)

    def _place_in_turn(self, calls: Sequence[_Call]) -> None:
        """Place each task when the one before is done: Dask suspects whatever is with the one that ends a worker."""
        first, *rest = calls
        if rest:
            first.future.add_done_callback(lambda _: self._place_in_turn(rest))
        self._place_each([first])

    def _hand_on(self, done: Future[Any], calls: Sequence[_Call]) -> None:
        """Give results to those who wait for them; what was not done is placed again."""
        error = CancelledError() if done.cancelled() else done.exception()
        if self._lost is not None:
            return
        if error is None:
            results, seconds = done.result()
            self._mean += 0.2 * (seconds / len(results) - self._mean)
            for call, result in zip(calls, results, strict=False):
                if isinstance(result, TaskDiedError):
                    call.future.set_exception(result)
                else:
                    call.future.set_result(pickle.loads(result))
            self._place_each(calls[len(results) :])
        elif type(error).__name__ != "KilledWorker":
            self._give_up(LostError(_lost(error)))
        elif len(calls) > 1:
            self._place_in_turn(calls)
        else:
            reason = "the workers of the cluster that ran it were lost, one after the other"
            calls[0].future.set_exception(TaskDiedError(reason, None))


def _lost(error: BaseException) -> str:
    said = str(error).partition("\n")[0]
    return f"the Dask scheduler was lost{f' ({said})' if said else ''}."


# --- on a worker of the cluster --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PackedCall:
    """A function and its task.

    Attributes:
        data: Both, pickled.
        is_alone: Whether nothing else may run in a process after it.
    """

    data: bytes
    is_alone: bool


_lock = threading.Lock()
_executors: dict[Limits, ProcessExecutor] = {}


def run_on_worker(calls: Sequence[PackedCall], limits: Limits) -> tuple[list[bytes | TaskDiedError], float]:
    """Run tasks in a process of this worker, one after the other, until there is no time left for another one.

    Args:
        calls: The tasks.
        limits: What each may take.

    Returns:
        The pickled results of the first tasks, of one at least, and the seconds that they took. A `TaskDiedError` is
        not raised: Dask would tell of it in the worker's log, and it is news for whoever wanted the result.
    """
    with _lock:
        executor = _executors.get(limits)
        if executor is None:
            # The threads are Dask's, so there are as many processes as it runs tasks at a time.
            executor = _executors[limits] = ProcessExecutor(1, limits, _is_alone)
    start = time.perf_counter()
    results: list[bytes | TaskDiedError] = []
    for call in calls:
        try:
            results.append(executor.run(run_packed, call))
        except TaskDiedError as died:
            results.append(died)
        if time.perf_counter() - start > _BATCH_SECONDS_AT_MOST:
            break
    return results, time.perf_counter() - start


def _is_alone(call: PackedCall) -> bool:
    return call.is_alone


def run_packed(call: PackedCall) -> bytes:
    """The pickled result of a packed function and its task."""
    function, task = pickle.loads(call.data)
    return pickle.dumps(function(task))
