"""Child processes that end with their parent, in whatever way it ends.

A parent that is killed outright can do nothing for its children. So a small process watches over them: it holds the
reading end of a pipe whose writing end only the parent has, and when that closes, it ends the children. This works for
any program, whether or not it looks at its standard input, and on every system.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from graphdiag.errors import ProgramError
from graphdiag.interruption import clean_up, cleaned_up, held

_KILL = 9

_WATCH = """
import os, sys
end = getattr(os, "killpg", os.kill)
children = set()
for line in sys.stdin:
    number = int(line)
    if number > 0:
        children.add(number)
    else:
        children.discard(-number)
for child in children:
    try:
        end(child, 9)
    except OSError:
        pass
"""

# In isolated mode nothing but these directories is searched: not the working directory, where anything may lie.
_RUN_MODULE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from importlib import import_module; import_module(sys.argv[2]).main()"
)


def python_program(module: str) -> list[str]:
    """The command that runs ``main()`` of a module, with this process's search path.

    Args:
        module: Its name, as ``graphdiag.execution.worker``.
    """
    return [sys.executable, "-I", "-c", _RUN_MODULE, json.dumps(sys.path), module]


@contextlib.contextmanager
def child_process(
    command: Sequence[str], memory: int | None = None, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program while a block runs.

    It runs in a session of its own, so that what a terminal sends, as Ctrl-C, reaches its parent only.

    Args:
        command: The program and its arguments.
        memory: Bytes of address space that it may take, where the system can limit another process, as Linux can.
        **options: Of `subprocess.Popen`.

    Yields:
        The process. It is ended, with all processes that it has started, when the block is left, and when this process
        ends, by a signal or killed outright.

    Raises:
        ProgramError: The program cannot be run.
    """
    with held():
        try:
            _watchdog.start()
            process = subprocess.Popen(command, start_new_session=True, **options)
        except OSError as error:
            raise ProgramError(f"{command[0]} cannot be run: {error.strerror}.") from error
        _watchdog.watch(process.pid)
    try:
        with cleaned_up(lambda: _abandon(process)):
            if memory is not None:
                _limit_memory(process.pid, memory)
            yield process
    finally:
        with held():
            end(process)
            _watchdog.forget(process.pid)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process of `child_process` and all that it has started, and wait for it."""
    _kill(process)
    process.wait()


def _limit_memory(pid: int, limit: int) -> None:
    if sys.platform == "linux":
        import resource

        # It may have ended already.
        with contextlib.suppress(OSError):
            _, highest = resource.prlimit(pid, resource.RLIMIT_AS)
            if highest == resource.RLIM_INFINITY or limit < highest:
                resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))
            # A program that meets its limit may crash, and its memory is not to be left behind as a file.
            resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


def _kill(process: subprocess.Popen[bytes]) -> None:
    # Once it has been waited for, its number may be that of another.
    if process.returncode is None:
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, _KILL)
            else:
                process.kill()


def _abandon(process: subprocess.Popen[bytes]) -> None:
    """`end` for a signal's sake: `Popen.wait` may be what the signal has interrupted, and holds a lock."""
    _kill(process)
    _reap(process.pid)


def _reap(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.waitpid(pid, 0)


class _Watchdog:
    """The process that watches over the children; started before the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _WATCH],
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
                atexit.register(self.stop)
                clean_up(self.stop)

    def watch(self, pid: int) -> None:
        self._tell(pid)

    def forget(self, pid: int) -> None:
        self._tell(-pid)

    def _tell(self, number: int) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        # Without it the children still end whenever this process can see to it. At the end of the process it may be
        # closed already.
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(b"%d\n" % number)

    def stop(self) -> None:
        """End it, and whatever it watches over."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            _reap(self._process.pid)


_watchdog = _Watchdog()
