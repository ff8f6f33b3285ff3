"""A process of its own for TensorFlow: a bad graph may crash it or never end, and the report is written anyway."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from graphdiag.child_processes import child_process, python_program
from graphdiag.execution import memory
from graphdiag.execution.job import Job

LIMIT_S = 300.0
"""Time for all graphs of one source together."""


def run_jobs(jobs: Sequence[Job], limit_s: float = LIMIT_S) -> list[dict[str, Any]]:
    """Run graphs.

    Args:
        jobs: The graphs, with what to look at.
        limit_s: Seconds for all of them together.

    Returns:
        The outcome of each job, as `graphdiag.execution.worker` gives it; ``{"reason": ...}`` for one that could not
        be run.
    """
    outcomes: list[dict[str, Any]] = []
    end = time.monotonic() + limit_s
    while len(outcomes) < len(jobs):
        left = end - time.monotonic()
        if left <= 0:
            outcomes.append({"reason": f"there was no time left to run it ({limit_s:.0f} s)"})
            continue
        done, ending = _run(jobs[len(outcomes) :], left)
        outcomes += done
        if len(outcomes) < len(jobs):
            # The first one without an outcome is what ended the process.
            outcomes.append({"reason": ending})
    return outcomes


def _run(jobs: Sequence[Job], limit_s: float) -> tuple[list[dict[str, Any]], str]:
    """The outcomes until the process ended, and how it ended."""
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", TF_ENABLE_ONEDNN_OPTS="0")
    ending = ""
    with child_process(
        python_program("graphdiag.execution.worker"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as process:
        try:
            output, _ = process.communicate(pickle.dumps(list(jobs)), timeout=limit_s)
        except subprocess.TimeoutExpired:
            ending = f"it took longer than {limit_s:.0f} s to run"
            process.kill()
            output, _ = process.communicate()
    lines = output.split(b"\n")[:-1]
    return [json.loads(line) for line in lines], ending or _ending(process.returncode)


def _ending(status: int) -> str:
    if status == memory.EXIT_STATUS:
        return f"it took more than {memory.LIMIT / 2**30:.0f} GiB of memory to run"
    if status < 0:
        return f"TensorFlow crashed on it ({signal.Signals(-status).name})"
    return f"the process that ran it ended with status {status}; is TensorFlow installed?"
