"""Tasks on a real Dask cluster: what is placed together fails and succeeds each for itself."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator

import dask
import distributed  # noqa: F401 - dask.config.set takes away at its end what was not there at its beginning
import pytest

from graphdiag.parallel.cluster import LOCAL, LostError, cluster_executor
from graphdiag.parallel.processes import Limits, TaskDiedError
from graphdiag.parallel.streams import in_order
from graphdiag.parallel.task_executor import TaskExecutor


def work(task):
    kind, value = task
    if kind == "die":
        os._exit(value)
    if kind == "kill the worker":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    if kind == "sleep":
        time.sleep(value)
    if kind == "modules":
        with open(f"/proc/{os.getppid()}/maps") as maps:
            return [name for name in value if name in maps.read()]
    return value, os.getpid()


def runs_code(task) -> bool:
    return task[0] == "alone"


@pytest.fixture(scope="module")
def executor() -> Iterator[TaskExecutor]:
    # A task that takes its worker with it is to be given up at once.
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        cluster_executor(LOCAL, 2, Limits(seconds=3, attempts=2), runs_code) as made,
    ):
        yield made


def results(executor: TaskExecutor, tasks: list) -> list:
    found = []
    for future in executor.submit_batch(work, tasks):
        try:
            found.append(future.result(timeout=60)[0])
        except TaskDiedError as died:
            found.append(died.reason)
    return found


def test_a_task_that_ends_its_process_fails_alone(executor: TaskExecutor) -> None:
    tasks = [("any", 1), ("die", 7), ("any", 2), ("sleep", 30), ("any", 3)]
    assert results(executor, tasks) == [1, "its process ended with status 7", 2, "it took longer than 3 s", 3]


def test_a_task_that_ends_its_worker_fails_alone(executor: TaskExecutor) -> None:
    lost = "the workers of the cluster that ran it were lost, one after the other"
    assert results(executor, [("any", 1), ("kill the worker", 0), ("any", 2)]) == [1, lost, 2]


def test_what_a_batch_has_no_time_for_is_placed_anew() -> None:
    tasks = [("sleep", 1.5), *(("sleep", 0.5 + number / 100) for number in range(3))]
    # A cluster of its own: of the other one a worker may still be starting again.
    with cluster_executor(LOCAL, 2, Limits(), runs_code) as executor:
        futures = executor.submit_batch(work, tasks)
        assert [future.result(timeout=60)[0] for future in futures] == [value for _, value in tasks]
        assert len({future.result()[1] for future in futures}) == 2


def test_a_task_that_leaves_things_behind_ends_its_process(executor: TaskExecutor) -> None:
    # The others may be placed anew, when a process takes long to start.
    first, *others = (
        future.result(timeout=60)[1] for future in executor.submit_batch(work, [("alone", 1), ("any", 2), ("any", 3)])
    )
    assert first not in others


def test_short_tasks_are_placed_together_and_come_in_order(executor: TaskExecutor) -> None:
    tasks = [("any", number) for number in range(300)]
    assert [future.result(timeout=60)[0] for _, future in in_order(executor, work, iter(tasks), 16)] == list(range(300))
    assert executor.batch > 1
    assert executor.processes == 2


@pytest.mark.skipif(sys.platform != "linux", reason="it is read from /proc")
def test_a_worker_imports_nothing_of_what_it_hands_on(executor: TaskExecutor) -> None:
    from graphdiag.scanning.tasks import work as scan_work  # noqa: F401 - its modules are what is looked for

    [future] = executor.submit_batch(work, [("modules", ("_upb", "numpy"))])
    assert future.result(timeout=60) == []


def test_two_clusters_beside_each_other_and_none_that_is_closed(recwarn: pytest.WarningsRecorder) -> None:
    with cluster_executor(LOCAL, 1, Limits(), runs_code), cluster_executor(LOCAL, 1, Limits(), runs_code) as made:
        assert made.submit(work, ("any", 1)).result(timeout=60)[0] == 1
    with pytest.raises(LostError):
        made.submit(work, ("any", 2)).result(timeout=60)
    assert [str(warning.message) for warning in recwarn if "in use" in str(warning.message)] == []
