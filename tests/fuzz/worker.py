"""A process that runs command after command of graphdiag; whoever feeds it kills it when one does not end.

Each line of standard input is a task: ``argv`` and ``cwd`` of a command, and perhaps the ``schema`` of the JSON that it
writes to ``out`` and the ``argv`` that reads this ``then``. Each line of standard output says what came of one.
"""

from __future__ import annotations

import faulthandler
import importlib
import io
import json
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

HEAVY = ("tensorflow", "keras", "tf_keras")


def main() -> None:
    """Answer until standard input ends."""
    address_space, stack = int(sys.argv[1]), sys.argv[2]
    faulthandler.register(signal.SIGUSR1, file=open(stack, "w"), all_threads=False)  # noqa: SIM115 - as long as it lives
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    silence = os.open(os.devnull, os.O_RDWR)
    os.dup2(silence, 1)
    # What ends the process before its first command is to be seen.
    _preload()
    os.dup2(silence, 2)
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        task = json.loads(line)
        answer = _run(task["argv"], task["cwd"])
        if answer["status"] in (0, 1) and not answer["crash"] and Path(task["out"]).exists():
            if task["schema"]:
                answer["invalid"] = _invalid(Path(task["out"]), task["schema"])
            if task["then"]:
                answer["then"] = _run(task["then"], task["cwd"])
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _preload() -> None:
    """Import what every command would import, so that no input pays for it."""
    for name in ("graphdiag.cli", "graphdiag.comparison", "tests.support.schemas"):
        importlib.import_module(name)


def _run(argv: list[str], cwd: str) -> dict[str, Any]:
    from graphdiag.cli import main as command_line

    os.chdir(cwd)
    sys.argv = ["graphdiag", *argv]
    sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    sys.stderr = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    _reset_peak()
    before = _peak_kb()
    start = time.process_time()
    crash = ""
    try:
        command_line()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    # Whatever escapes is what is looked for.
    except BaseException:
        status = 1
        crash = traceback.format_exc()
    errors, sys.stderr = _content(sys.stderr), sys.__stderr__
    output, sys.stdout = _content(sys.stdout), sys.__stdout__
    return {
        "status": status,
        "stderr": errors,
        "stdout": len(output),
        "crash": crash,
        "seconds": time.process_time() - start,
        "megabytes": (_peak_kb() - before) / 1024,
        "heavy": [name for name in HEAVY if name in sys.modules],
    }


def _content(stream: Any) -> str:
    stream.flush()
    return str(stream.buffer.getvalue().decode("utf-8", errors="replace"))


def _invalid(file: Path, schema: str) -> str:
    """What is wrong with a document that was written; empty if nothing is."""
    from tests.support.schemas import wrong

    try:
        return wrong(json.loads(file.read_text(encoding="utf-8")), schema) or ""
    except ValueError as error:
        return f"it is not JSON: {error}"


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_kb() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


if __name__ == "__main__":
    main()
