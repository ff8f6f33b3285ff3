"""The structure of a Keras model in an HDF5 file, read by a process of its own.

libhdf5 is C, and on damaged files it may crash, never end or take any amount of memory; so may the readers of HDF5 that
are written in Python. In a process with limits all of that ends, and costs no more time: h5py, which takes longest to
load, is loaded there and nowhere else.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphdiag.child_processes import child_process
from graphdiag.errors import SourceError

_MEMORY = 2 * 2**30
"""Bytes of address space; libraries alone take half a gigabyte of it."""
_SECONDS = 30
_START = (
    "import json, runpy, sys; sys.path[:] = json.loads(sys.argv.pop(1)); del sys.argv[0]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)


@dataclass(frozen=True)
class Hdf5Model:
    """What the file records of a model.

    Attributes:
        config: Keras's JSON of the model; ``None`` when the file holds none.
        keras_version: As recorded; empty when it is not.
        weights: For each layer of the top level, the size of each of its weights, by the weight's name.
    """

    config: str | None
    keras_version: str
    weights: Mapping[str, Mapping[str, int]]


def read_hdf5(path: Path) -> Hdf5Model:
    """Read a file.

    Raises:
        SourceError: The file is damaged, or reading it takes more time or memory than a file of Keras does.
        ProgramError: The process that reads it cannot be started.
    """
    found = _parsed(path, _run(path))
    return Hdf5Model(found["model_config"], found["keras_version"] or "", found["weights"])


def _run(path: Path) -> subprocess.CompletedProcess[bytes]:
    # In isolated mode, and without the packages of this environment but by our own path: it starts in half the time.
    program = Path(__file__).with_name("hdf5_program.py")
    command = [sys.executable, "-I", "-S", "-c", _START, json.dumps(sys.path), str(program)]
    limits = [str(_MEMORY), str(_SECONDS)]
    with child_process(
        [*command, str(path.absolute()), *limits],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            output, complaints = process.communicate(timeout=2 * _SECONDS)
        except subprocess.TimeoutExpired as error:
            raise SourceError(
                f"{path} is a damaged HDF5 file: reading it does not end; save the model again."
            ) from error
    return subprocess.CompletedProcess(command, process.returncode, output, complaints)


def _parsed(path: Path, done: subprocess.CompletedProcess[bytes]) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise SourceError(f"{path} is a damaged HDF5 file: {_ending(done)}; save the model again.") from error
    if "damage" in found:
        raise SourceError(f"{path} is a damaged HDF5 file: {found['damage']}; save the model again.")
    return found


def _ending(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return f"reading it takes more than {_SECONDS} s" if name == "SIGXCPU" else f"reading it ended with {name}"
    last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    return f"the process that read it failed ({last or f'exit status {done.returncode}'})"
