"""Generated models: no planted dependency is missed, and no clean model gets an error.

A few of each stack, the same ones every time. `make models` measures as many as wanted, of which none was seen here.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.models.generator import STACKS
from tests.models.measure import Measured

ROOT = Path(__file__).resolve().parents[2]
MODELS = 7
"""Models of each stack."""


@pytest.fixture(scope="module", params=STACKS)
def measured(request: pytest.FixtureRequest) -> list[Measured]:
    """What was seen of the models of a stack, in a process of their own: TF 1 graph mode cannot be left."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.models", "--process", request.param, str(MODELS), "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split(" ", 1)[1] for line in done.stdout.splitlines() if line.startswith("MODEL ")]
    return [pickle.loads(bytes.fromhex(line)) for line in lines]


def test_what_runs_show_is_what_was_planted(measured: list[Measured]) -> None:
    assert len(measured) == MODELS
    assert _told(measured, lambda model: model.doubts) == ""
    assert any(model.truth.dependencies for model in measured)


def test_graphdiag_says_the_truth(measured: list[Measured]) -> None:
    assert _told(measured, lambda model: model.wrong) == ""


def _told(measured: list[Measured], lines: Callable[[Measured], Sequence[str]]) -> str:
    """The sources of the models of which there is something to tell, with that."""
    return "\n".join("\n".join([model.text, *lines(model)]) for model in measured if lines(model))
