"""TensorBoard's application with the plugin, without a server: its answers to requests."""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tensorboard.backend import application
from werkzeug.test import Client, TestResponse

from graphdiag.tensorboard_plugin.plugin import GraphDiagnosisPlugin

PATIENCE_S = 60


class Served:
    """The application for a log directory.

    Args:
        logdir: The directory; empty where ``logdir_spec`` gives several.
        options: Others of TensorBoard's flags.
    """

    def __init__(self, logdir: Path | str = "", **options: Any) -> None:
        flags = {
            "logdir": str(logdir),
            "logdir_spec": "",
            "path_prefix": "",
            "reload_interval": 1.0,
            "samples_per_plugin": {},
            "window_title": "",
            **options,
        }
        self._prefix = flags["path_prefix"]
        app = application.TensorBoardWSGIApp(argparse.Namespace(**flags), [GraphDiagnosisPlugin])
        self.client = Client(app)

    def get(self, what: str, method: str = "GET", **parameters: str) -> TestResponse:
        """The answer of one of the plugin's routes."""
        return self.client.open(f"{self._prefix}/data/plugin/graphdiag/{what}", method=method, query_string=parameters)

    def json(self, what: str, **parameters: str) -> Any:
        """The data of one of the plugin's routes."""
        return self.get(what, **parameters).json

    def list(self) -> dict[str, Any]:
        """The list, once all that there is was read."""
        return self.until(lambda: _if_read(self.json("runs")))

    def runs(self) -> dict[str, Any]:
        """The runs by their names, once all are answered."""
        return {run["name"]: run for run in self.until(lambda: _if_answered(self.json("runs")))["runs"]}

    def job(self, **parameters: str) -> dict[str, Any]:
        """A job, once it is at its end."""
        return self.until(
            lambda: (job := self.json("job", **parameters)) and job["state"] in ("done", "failed") and job
        )

    def result(self, job: dict[str, Any]) -> bytes:
        """What a job has written."""
        answer = self.get("result", of=job["result"])
        assert answer.status_code == 200, answer.text
        return gzip.decompress(answer.data) if answer.headers.get("Content-Encoding") == "gzip" else answer.data

    def until(self, met: Callable[[], Any]) -> Any:
        """The first answer that is not false."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := met()):
            assert time.monotonic() < deadline, self.json("runs")
            time.sleep(0.05)
        return found


def _if_read(state: dict[str, Any]) -> dict[str, Any] | None:
    reading = state["reading"]
    return None if reading["first"] or reading["done"] < reading["of"] else state


def _if_answered(state: dict[str, Any]) -> dict[str, Any] | None:
    unanswered = [run for run in state["runs"] if run.get("state") in ("waiting", "working")]
    return None if unanswered else _if_read(state)
