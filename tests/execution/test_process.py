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


def test_a_graph_that_grows_without_end_is_stopped_at_the_memory_limit():
    with new_graph() as graph:
        grown = tf.while_loop(
            lambda value: tf.size(value) > 0,
            lambda value: tf.concat([value, value], 0),
            [tf.ones([1024])],
            shape_invariants=[tf.TensorShape([None])],
        )
        tf.identity(grown, name="after")
    grew, after = run_jobs([unchecked(graph, "after"), fine()])
    assert grew == {"reason": "it took more than 2 GiB of memory to run"}
    assert after["crossings"] == [{"reason": "", "size": 1, "differs": None}]


def test_a_tensor_larger_than_the_memory_limit_is_refused():
    with new_graph() as graph:
        large = tf.fill([2**34], tf.constant(1.0))
        tf.identity(large, name="after")
    refused, after = run_jobs([unchecked(graph, "after"), fine()])
    assert "OOM when allocating tensor" in refused["reason"] or "memory" in refused["reason"]
    assert after["crossings"] == [{"reason": "", "size": 1, "differs": None}]


def test_no_jobs_start_no_process(monkeypatch):
    monkeypatch.setattr("subprocess.Popen", None)
    assert run_jobs([]) == []
