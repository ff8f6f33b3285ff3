"""What a Python file finds around it while it runs: as if it were a program of its own."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import random
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from graphdiag.sources.project_modules import ModulePlace
from graphdiag.sources.tf_logging import loading_quietly


class ArgumentsMissing(SystemExit):
    """A script's own reader of arguments refuses them.

    Attributes:
        said: What it says.
        usage: The arguments that it takes, as it shows them.
    """

    def __init__(self, said: str, usage: str) -> None:
        super().__init__(2)
        self.said = said
        self.usage = usage


class ProgramReplaced(SystemExit):
    """A script puts another program in its place, as those do that start themselves anew with other settings."""


@contextlib.contextmanager
def surroundings(place: ModulePlace, arguments: Sequence[str], aside: str) -> Iterator[None]:
    """Put the file's directories, arguments and random state in place for the length of a ``with`` block.

    Everything is as it was afterwards: modules from the user's directories are forgotten, too, so that another file
    with a neighbor of the same name gets its own. What is printed goes to standard error.

    Args:
        place: Where the file stands.
        arguments: Its command line, without its own name.
        aside: Where what it writes is kept, modules too.
    """
    path, argv, state, directory = list(sys.path), sys.argv, random.getstate(), os.getcwd()
    writes_bytecode, plots = sys.dont_write_bytecode, os.environ.get("MPLBACKEND")
    loaded = set(sys.modules)
    logger = logging.getLogger("tensorflow")
    level = logger.level
    sys.path[:0] = place.roots
    sys.argv = [str(place.file), *arguments]
    sys.dont_write_bytecode = True
    # A plot that waits for somebody to close its window would never end.
    os.environ.setdefault("MPLBACKEND", "Agg")
    logger.setLevel(logging.ERROR)
    # tf_keras draws the seeds of initializers and dropouts from this generator, and writes them into the graph.
    random.seed(0)
    try:
        with loading_quietly(), _stdout_to_stderr(), _arguments_refused(), _program_kept():
            yield
    finally:
        sys.path[:] = path
        sys.argv = argv
        sys.dont_write_bytecode = writes_bytecode
        if plots is None:
            os.environ.pop("MPLBACKEND", None)
        os.chdir(directory)
        random.setstate(state)
        logger.setLevel(level)
        _forget(set(sys.modules) - loaded, [*place.roots, aside])


@contextlib.contextmanager
def threads_left_behind() -> Iterator[None]:
    """Have the threads that a script starts not outlive the program: what would stop them is not run."""
    original = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        with contextlib.suppress(RuntimeError):  # it was started before, which `original` says
            thread.daemon = True
        original(thread)

    threading.Thread.start = start  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        threading.Thread.start = original  # type: ignore[method-assign]


@contextlib.contextmanager
def _program_kept() -> Iterator[None]:
    """Have a script end or replace its own run, and not the program that runs it."""
    process = os.getpid()
    leave, execv, execve = os._exit, os.execv, os.execve
    changed: Any = os

    def end(status: int) -> NoReturn:
        if os.getpid() != process:  # a child that was forked
            leave(status)
        raise SystemExit(status)

    def replace(path: Any, arguments: Any, environment: Any = None) -> NoReturn:
        if os.getpid() == process:
            raise ProgramReplaced
        if environment is None:
            execv(path, arguments)
        execve(path, arguments, environment)

    changed._exit, changed.execv, changed.execve = end, replace, replace
    try:
        yield
    finally:
        changed._exit, changed.execv, changed.execve = leave, execv, execve


def _forget(modules: set[str], roots: Sequence[str]) -> None:
    """Take the user's own modules out of those that are loaded."""
    for name in modules:
        file = getattr(sys.modules.get(name), "__file__", None) or ""
        installed = f"{os.sep}site-packages{os.sep}" in file or f"{os.sep}dist-packages{os.sep}" in file
        if file and not installed and any(os.path.abspath(file).startswith(root + os.sep) for root in roots):
            sys.modules.pop(name, None)


@contextlib.contextmanager
def _arguments_refused() -> Iterator[None]:
    """Have argparse, click and absl hand over what they would print about a command line."""
    original = argparse.ArgumentParser.error

    def error(parser: argparse.ArgumentParser, message: str) -> None:
        usage = " ".join(parser.format_usage().split()).removeprefix("usage: ").removeprefix(parser.prog)
        raise ArgumentsMissing(message, usage.strip())

    argparse.ArgumentParser.error = error  # type: ignore[assignment, method-assign]
    click = sys.modules.get("click")
    shown = click.UsageError.show if click is not None else None

    def show(refusal: Any, file: object = None) -> None:
        usage = refusal.ctx.command.collect_usage_pieces(refusal.ctx) if refusal.ctx is not None else ["..."]
        raise ArgumentsMissing(refusal.format_message().rstrip("."), " ".join(usage))

    if click is not None:
        click.UsageError.show = show
    try:
        with _absl_refused():
            yield
    finally:
        argparse.ArgumentParser.error = original  # type: ignore[method-assign]
        if click is not None and shown is not None:
            click.UsageError.show = shown


@contextlib.contextmanager
def _absl_refused() -> Iterator[None]:
    """As `_arguments_refused` for ``absl.app.run``, which TensorFlow's own scripts have."""
    try:
        from absl import flags
    except ImportError:
        yield
        return
    values_of_flags: Any = flags.FlagValues
    original = values_of_flags.__call__

    def parse(values: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(values, *args, **kwargs)
        except flags.Error as error:
            # What a script reads by itself, it may also catch.
            if sys._getframe(1).f_code.co_name != "parse_flags_with_usage":
                raise
            needed = dict.fromkeys(re.findall(r"flag --(\w+)=None", str(error)))
            usage = " ".join(f"--{name}=..." for name in needed) or "--NAME=VALUE"
            raise ArgumentsMissing(" ".join(str(error).split()).rstrip("."), usage) from error

    values_of_flags.__call__ = parse
    try:
        yield
    finally:
        values_of_flags.__call__ = original


@contextlib.contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Python's stdout and the process's: TensorFlow and child processes write past Python."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
