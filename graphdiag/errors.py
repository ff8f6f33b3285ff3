"""Every error that a user can meet, as one class hierarchy.

A message says what was wrong, where, and what to do next, in one line. The command line prints it and exits with
status 2; `--debug` adds the traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

_LONGEST = 1_500
"""Characters of a message."""


def shortened(message: str) -> str:
    """A message in a length that can be read: names and values in it come from files, and may have any length."""
    if len(message) <= _LONGEST:
        return message
    half = _LONGEST // 2 - 3
    return f"{message[:half]} ... {message[-half:]}"


class GraphdiagError(Exception):
    """Base of all errors that graphdiag raises on purpose. ``str(error)`` is one line for the user, and a short one.

    Attributes:
        brief: What the command line shows instead, above `lines`; empty for the message itself.
        lines: A table that it shows below: what there is to choose from, say.
    """

    brief: str = ""
    lines: tuple[str, ...] = ()

    def with_table(self, brief: str, lines: Iterable[str]) -> Self:
        """This error, to be shown as a sentence and a table."""
        self.brief, self.lines = brief, tuple(lines)
        return self

    def __str__(self) -> str:
        return shortened(super().__str__())


class UsageError(GraphdiagError):
    """Options or arguments that contradict each other, or name something that does not exist."""


class SourceError(GraphdiagError):
    """A source that cannot be read: absent, empty, damaged, or of no known kind."""


class EmptySourceError(SourceError):
    """A source in which nothing is wrong, and which holds neither a graph nor a model."""


class ModelError(GraphdiagError):
    """A model that cannot be used: not built, not found in its file, or not fitting the log beside it."""


class ProgramError(GraphdiagError):
    """A program that graphdiag runs, as Graphviz's ``dot``, that failed."""


class ConfigError(GraphdiagError):
    """A configuration, or a contract in it, that says what cannot be: an unknown key, a layer that is not there."""
