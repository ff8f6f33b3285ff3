"""The process that runs TensorFlow may crash or never end."""

from __future__ import annotations

import tensorflow as tf

from graphdiag.execution.job import Fetched, Job
from graphdiag.execution.process import run_jobs
from tests.execution.made import job, new_graph

raw = tf.raw_ops
v1 = tf.compat.v1


def fine():
    with new_graph() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        tf.identity(tf.size(x, name="size"), name="taker")
    return job(graph, "size")


def unchecked(graph, op):
    """A job that `graphdiag.execution.permitted` had no say in."""
    message = graph.as_graph_def().SerializeToString()
    return Job(message, (Fetched((f"{op}:0",)),), (), (), (), (), "inputs", False)


def test_a_crash_costs_one_job():
    with new_graph() as graph:
        stop = raw.Abort(error_msg="crash")
        with tf.control_dependencies([stop]):
            tf.constant(1, name="never")
    crashed, after = run_jobs([unchecked(graph, "never"), fine()])
    assert crashed == {"reason": "TensorFlow crashed on it (SIGABRT)"}
    assert after["crossings"] == [{"reason": "", "size": 1, "differs": None}]


def test_a_graph_that_never_ends_is_left():
    with new_graph() as graph:
        endless = tf.while_loop(lambda count: count >= 0, lambda count: count * 1, [tf.constant(0)])
        tf.identity(endless, name="after")
    stuck, after = run_jobs([unchecked(graph, "after"), fine()], limit_s=5)
    assert stuck["reason"].startswith("it took longer than ")
    assert after == {"reason": "there was no time left to run it (5 s)"}


def test_no_jobs_start_no_process(monkeypatch):
    monkeypatch.setattr("subprocess.Popen", None)
    assert run_jobs([]) == []
