"""Which directories TensorBoard shows, and what it calls the runs in them.

Follows ``tensorboard/backend/event_processing/data_ingester.py`` and ``AddRunsFromDirectory`` in
``plugin_event_multiplexer.py``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_ADDRESS = re.compile(r"[a-zA-Z][0-9a-zA-Z.+-]*(::|://)")


@dataclass(frozen=True)
class LogDirectory:
    """A directory that TensorBoard was given.

    Attributes:
        path: The directory, or its address.
        name: What the names of its runs begin with; empty for nothing.
        given: As TensorBoard was given it.
    """

    path: str
    name: str = ""
    given: str = field(default="", compare=False)

    @property
    def is_remote(self) -> bool:
        """Whether it is an address, which TensorBoard's own file system reads."""
        return bool(_ADDRESS.match(self.path))

    def run_name(self, relative: str) -> str:
        """What TensorBoard calls a run.

        Args:
            relative: The run's directory, from this one; ``.`` for this one itself.
        """
        return os.path.join(self.name, relative) if self.name else relative


def log_directories(flags: Any) -> Sequence[LogDirectory]:
    """The directories of TensorBoard's ``--logdir`` or ``--logdir_spec``.

    Args:
        flags: TensorBoard's flags.

    Returns:
        None where TensorBoard reads no log directory, as with ``--grpc_data_provider``.
    """
    if getattr(flags, "logdir", ""):
        return [LogDirectory(_absolute(flags.logdir), given=flags.logdir)]
    specification = getattr(flags, "logdir_spec", "") or ""
    return [_specified(part) for part in specification.split(",") if part]


def _specified(part: str) -> LogDirectory:
    """One part of ``--logdir_spec``: ``name:path`` or ``path``, where neither an address nor ``/a:b`` has a name."""
    named = ":" in part and not part.startswith("/") and not _ADDRESS.match(part) and not os.path.splitdrive(part)[0]
    name, _, path = part.partition(":") if named else ("", "", part)
    return LogDirectory(_absolute(path), name, path)


def _absolute(path: str) -> str:
    return path if _ADDRESS.match(path) else os.path.abspath(os.path.expanduser(path))
