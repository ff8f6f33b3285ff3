"""An executor of processes: what ends one process ends one task."""

from __future__ import annotations

import os
import time
from concurrent.futures import wait
from pathlib import Path

import pytest

from graphdiag.parallel.processes import Limits, ProcessExecutor, TaskDiedError
from graphdiag.parallel.streams import in_order
from tests.support.command_line import descendants


def work(task):
    kind, value = task
    if kind == "die":
        os._exit(value)
    if kind == "die once":
        Path(value).open("x").close() if not os.path.exists(value) else None
        if Path(value).stat().st_size == 0:
            Path(value).write_text("was here")
            os._exit(9)
    if kind == "sleep":
        time.sleep(value)
    if kind == "take":
        return len(bytearray(value))
    return value, os.getpid()


@pytest.fixture
def executor():
    made = []

    def make(processes, **limits):
        made.append(ProcessExecutor(processes, Limits(**limits)))
        return made[-1]

    yield make
    for each in made:
        each.shutdown(wait=False)


def test_a_task_that_ends_its_process_fails_alone(executor):
    pool = executor(2)
    futures = [pool.submit(work, task) for task in [("any", 1), ("die", 7), ("any", 2), ("any", 3)]]
    wait(futures)
    with pytest.raises(TaskDiedError) as died:
        futures[1].result()
    assert (died.value.reason, died.value.exit_status) == ("its process ended with status 7", 7)
    assert [futures[number].result()[0] for number in (0, 2, 3)] == [1, 2, 3]


def test_a_task_whose_process_is_lost_is_begun_again(executor, tmp_path):
    flag = str(tmp_path / "flag")
    assert executor(1, attempts=2).submit(work, ("die once", flag)).result()[0] == flag


def test_a_task_that_takes_too_long_is_ended_and_not_begun_again(executor):
    pool = executor(1, seconds=4, attempts=5)
    start = time.monotonic()
    late, after = pool.submit(work, ("sleep", 60)), pool.submit(work, ("any", 1))
    with pytest.raises(TaskDiedError, match=r"it took longer than 4 s"):
        late.result()
    assert after.result()[0] == 1
    assert time.monotonic() - start < 30


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux limits another process")
def test_a_task_gets_no_more_memory_than_its_process_may_take(executor):
    pool = executor(1, memory=2**30)
    with pytest.raises(TaskDiedError):
        pool.submit(work, ("take", 2**31)).result()
    assert pool.submit(work, ("take", 2**20)).result() == 2**20


def test_a_process_gives_way_to_a_fresh_one_after_some_tasks(executor):
    pool = executor(1, tasks=2)
    processes = [pool.submit(work, ("any", number)).result()[1] for number in range(4)]
    assert processes[0] == processes[1] != processes[2] == processes[3]


def test_no_process_is_left(executor):
    others = descendants(os.getpid())
    pool = executor(2)
    # What watches over the processes stays for the next ones.
    assert pool.submit(work, ("any", 1)).result()[0] == 1
    before = descendants(os.getpid())
    busy = pool.submit(work, ("sleep", 60)), pool.submit(work, ("sleep", 60))
    pool.shutdown(wait=False)
    assert all(future.done() for future in busy)
    assert len((descendants(os.getpid()) & before) - others) <= 1


def test_results_come_in_the_order_of_the_tasks_with_few_under_way(executor):
    taken = []

    def tasks():
        for number in range(20):
            taken.append(number)
            yield ("sleep", 0.1 if number == 0 else 0.0)

    most = 0
    given = []
    for done, (task, future) in enumerate(in_order(executor(2), work, tasks(), 2)):
        future.result()
        given.append(task)
        most = max(most, len(taken) - done)
    assert given[0] == ("sleep", 0.1)
    assert len(given) == 20
    assert most <= 5
