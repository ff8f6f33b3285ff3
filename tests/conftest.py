from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes depends on what else the machine does.
settings.register_profile("graphdiag", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("graphdiag")

# In the background of a shell interrupts are ignored, and so they would be by the commands that tests start and stop.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def run_python() -> Callable[[str], str]:
    """Runs a script in a fresh interpreter and gives what it printed."""

    def run(script: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, env=dict(os.environ)
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def graphdiag() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command line as a user does, 100 columns wide and without color."""

    def run(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        environment = dict(os.environ, COLUMNS="100", NO_COLOR="1", PYTHONPATH=str(ROOT))
        return subprocess.run(
            [sys.executable, "-m", "graphdiag", *map(str, arguments)],
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )

    return run
