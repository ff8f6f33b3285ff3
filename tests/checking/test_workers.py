"""Tasks in processes."""

from __future__ import annotations

import os
import time

import pytest

from graphdiag.checking.workers import Died, run_tasks
from tests.support.command_line import descendants


def work(task):
    kind, value = task
    if kind == "die":
        os._exit(value)
    while kind == "wait for" and not os.path.exists(value):
        time.sleep(0.01)
    return task, os.getpid()


def alone(task):
    return task[0] in ("alone", "die")


@pytest.mark.parametrize("processes", [1, 3])
def test_every_task_gets_its_result(processes):
    tasks = [("any", number) for number in range(6)] + [("alone", 9)]
    found = dict(run_tasks(work, tasks, processes, alone))
    assert [found[number][0] for number in range(7)] == tasks
    assert os.getpid() not in {process for _, process in found.values()}


def test_a_task_that_leaves_things_behind_has_a_process_of_its_own():
    tasks = [("alone", 1), ("any", 2), ("alone", 3), ("any", 4)]
    found = dict(run_tasks(work, tasks, 1, alone))
    processes = [found[number][1] for number in range(4)]
    assert len({processes[0], processes[1], processes[2]}) == 3
    assert processes[1] == processes[3]


def test_a_process_that_dies_takes_one_task_with_it():
    tasks = [("die", 7), ("any", 1), ("die", 0), ("any", 2)]
    found = dict(run_tasks(work, tasks, 2, alone))
    assert (found[0], found[2]) == (Died(("die", 7), 7), Died(("die", 0), 0))
    assert (found[1][0], found[3][0]) == (("any", 1), ("any", 2))


def test_a_result_is_given_as_soon_as_it_is_there(tmp_path):
    flag = tmp_path / "flag"
    order = []
    for number, _ in run_tasks(work, [("wait for", str(flag)), ("any", 1)], 2, alone):
        order.append(number)
        flag.touch()
    assert order == [1, 0]


def test_what_is_not_waited_for_is_ended(tmp_path):
    # What watches over the processes stays for the next ones.
    assert list(run_tasks(work, [("any", 0)], 1, alone))
    before = descendants(os.getpid())
    results = run_tasks(work, [("wait for", str(tmp_path / "never")), ("any", 1)], 2, alone)
    number, _ = next(results)
    assert number == 1
    assert len(descendants(os.getpid()) - before) >= 1
    results.close()
    assert not descendants(os.getpid()) - before


def test_nothing_to_do():
    assert list(run_tasks(work, [], 2, alone)) == []
