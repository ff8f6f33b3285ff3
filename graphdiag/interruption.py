"""Signals that end the process: what it has begun is cleaned up first, and nothing is said.

Python's own way, an exception wherever the program is, is not enough. An extension module that is being imported turns
a `KeyboardInterrupt` into another error, a callback prints it and goes on, and a user's script may catch it. So a
signal cleans up and ends the process at once.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

_cleanups: dict[object, Callable[[], Any]] = {}
_lock = threading.RLock()
_holders = 0
_waiting: int | None = None
_ending: int | None = None
"""The thread that cleans up."""


def exit_on_signals() -> None:
    """From now on SIGINT, SIGTERM and SIGHUP end the process with status 128 + the signal's number, as shells count.

    A signal that is ignored, as ``nohup`` has it, stays ignored. One that arrives when all is done, while Python takes
    itself apart, changes nothing.
    """
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, _on_signal)
    atexit.register(_ignore, heeded)


def clean_up(action: Callable[[], Any]) -> object:
    """If a signal ends the process, ``action`` is called before.

    Args:
        action: May be called at any point of the program, with any lock held.

    Returns:
        The key under which it stands.
    """
    key = object()
    _cleanups[key] = action
    return key


@contextlib.contextmanager
def cleaned_up(action: Callable[[], Any]) -> Iterator[None]:
    """If a signal ends the process inside this block, ``action`` is called before.

    Args:
        action: As for `clean_up`.
    """
    key = clean_up(action)
    try:
        yield
    finally:
        del _cleanups[key]


@contextlib.contextmanager
def held() -> Iterator[None]:
    """A signal that arrives inside this block waits for its end. The block must be short.

    A thread that comes to it while another cleans up waits for the end of the process: what it would begin now, such
    as a child process, nobody would end.
    """
    global _holders
    with _lock:
        late = _ending not in (None, threading.get_ident())
        if not late:
            _holders += 1
    if late:
        threading.Event().wait()
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
        if _waiting is not None:
            _end_unless_held(_waiting)


def _ignore(numbers: Iterable[int]) -> None:
    # Python's end brings the default back for what has a handler of ours, but leaves alone what is ignored.
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def _on_signal(number: int, _: Any) -> None:
    _end_unless_held(number)


def _end_unless_held(number: int) -> None:
    global _waiting, _ending
    with _lock:
        if _holders:
            _waiting = number
            return
        _ending = threading.get_ident()
    for action in reversed(list(_cleanups.values())):
        # What cannot be cleaned up keeps nothing else from being so.
        with contextlib.suppress(Exception):
            action()
    os._exit(128 + number)
