"""A page's blocks, run from top to bottom in a directory of their own."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.documentation.blocks import Block, Command, commands_of

CONSTRAINTS = ROOT / "tests" / "constraints.txt"

_MARK = "--- end of a command ---"
_HANGS_AFTER_S = 300


@dataclass(frozen=True)
class Printed:
    """What a command printed, and its exit status."""

    command: Command
    output: str
    status: int


class Session:
    """Runs the blocks of a page; while it is open, the page's directory is the current one, and its files are modules.

    Args:
        folder: An empty directory, for the page's directory and the programs of an environment with graphdiag.
    """

    def __init__(self, folder: Path) -> None:
        self._directory = folder / "page"
        self._directory.mkdir()
        self._before = os.getcwd()
        self._names: dict[str, Any] = {"__name__": "__page__"}
        self._environment = dict(
            os.environ,
            PATH=f"{_programs(folder / 'programs')}{os.pathsep}{os.environ['PATH']}",
            PYTHONPATH=str(ROOT),
            PYTHONDONTWRITEBYTECODE="1",
            COLUMNS="80",
            NO_COLOR="1",
            TF_CPP_MIN_LOG_LEVEL="3",
        )

    def __enter__(self) -> Session:
        os.chdir(self._directory)
        sys.path.insert(0, str(self._directory))
        return self

    def __exit__(self, *_: object) -> None:
        os.chdir(self._before)
        sys.path.remove(str(self._directory))
        for name, module in list(sys.modules.items()):
            # Another page may have another file of that name.
            if (getattr(module, "__file__", None) or "").startswith(f"{self._directory}{os.sep}"):
                del sys.modules[name]

    def run(self, block: Block, where: str) -> list[Printed]:
        """Run a block.

        Args:
            block: The block.
            where: The page and the line, for messages.

        Returns:
            What the commands of a console block printed; nothing for other blocks.

        Raises:
            AssertionError: A doctest failed.
        """
        if block.title:
            file = self._directory / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            return run_console(commands_of(block.text), self._directory, self._environment)
        elif block.language == "hidden":
            return run_console([Command(block.text, "")], self._directory, self._environment)
        elif block.language == "pycon":
            told = run_doctest(block.text, self._names, where, block.line)
            assert not told, told
        elif block.language == "python":
            exec(compile(block.text, where, "exec"), self._names)
        return []


def _programs(programs: Path) -> Path:
    programs.mkdir()
    for name, arguments in {"graphdiag": "-m graphdiag", "pytest": "-m pytest", "python": ""}.items():
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    return programs


def run_console(commands: list[Command], directory: Path, environment: Mapping[str, str]) -> list[Printed]:
    """What commands print, one after the other in one shell, and their exit statuses."""
    script = "".join(
        f'{command.line}\nstatus=$?; echo; echo "{_MARK} $status"; (exit $status)\n' for command in commands
    )
    done = subprocess.run(
        ["bash", "--noprofile", "--norc"],
        input=f"exec 2>&1\n{script}",
        cwd=directory,
        env=dict(environment),
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        timeout=_HANGS_AFTER_S,
        check=False,
    )
    parts = re.split(rf"\n{_MARK} (\d+)\n", done.stdout)
    assert len(parts) == 2 * len(commands) + 1, done.stdout
    return [
        Printed(command, output.rstrip("\n"), int(status))
        for command, output, status in zip(commands, parts[::2], parts[1::2], strict=False)
    ]


def run_doctest(text: str, names: dict[str, Any], where: str, line: int) -> str:
    """What went wrong in a ``pycon`` block; empty if nothing did."""
    test = doctest.DocTestParser().get_doctest(text, names, where, where, line)
    # A test has a copy of the names, which it would leave behind.
    test.globs = names
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(test, out=told.append, clear_globs=False)
    return "".join(told)


def same(expected: str, printed: str) -> bool:
    """Whether a command printed what a page says; ``...`` stands for any text."""
    printed = with_pinned_versions(printed)
    return doctest.OutputChecker().check_output(f"{expected.rstrip()}\n", f"{printed.rstrip()}\n", doctest.ELLIPSIS)


def with_pinned_versions(printed: str) -> str:
    """What would be printed with the newest versions of Keras and TensorFlow that the tests have, on any Python."""
    for name, package in {"Keras": "keras", "TensorFlow": "tensorflow"}.items():
        pins = re.findall(rf"^{package}==([\d.]+)", CONSTRAINTS.read_text(encoding="utf-8"), re.MULTILINE)
        printed = printed.replace(f"{name} {version(package)}", f"{name} {pins[-1]}")
    return printed
